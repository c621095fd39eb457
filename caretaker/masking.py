"""
Masks the secrets in messages, for all code that shows messages or keeps them.

Secrets are: values of parameters and elements whose name says password or key, also of vendors;
credentials in URLs; and the proofs of identity in headers. Every other byte of a body stays as it
was, also where the body is broken XML or no XML at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

MASK = "********"
"""Takes the place of a secret, whatever its length."""
UNREAD = b"(this body can't be looked into)"
"""Takes the place of a body with zero bytes: UTF-16, or no text."""

# -- by name --------------------------------------------------------------------------------------

_WORDS = (
    "password", "passwd", "passphrase", "pinphrase", "pwd", "presharedkey", "wepkey", "prekey",
    "psk", "secret", "privatekey",
)  # fmt: skip
_SECRET = re.compile(rf"({'|'.join(_WORDS)})[0-9]*\Z", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/?#\s<>]+(?=@)")
_FIELD = re.compile(
    r"(?<=[?&;])([^=?&;\s]{0,40}(?:passw|pwd|token|secret|signature|key)[^=?&;\s]{0,40}=)"
    r"[^&\s<>'\"]*",
    re.IGNORECASE,
)


def is_secret(path: str) -> bool:
    """Whether the name of a parameter or element says that it is a password or key."""
    return _SECRET.search(path.strip()) is not None


def masked(text: str) -> str:
    """A text with the credentials in its URLs masked."""
    return _FIELD.sub(rf"\1{MASK}", _LOGIN.sub(MASK, text))


# -- headers --------------------------------------------------------------------------------------

_PROOF = re.compile(r'(?<=[\s,])(response|rspauth)\s*=\s*("[^"]*"|[^\s,]*)', re.IGNORECASE)
_PROVING = ("authorization", "proxy-authorization", "authentication-info")


def masked_header(name: str, value: str) -> str:
    """
    The value of a header with its secrets masked.

    Of Digest (RFC 7616) only the proof is masked: the other fields may show why an ACS refused it.
    Of other schemes everything after their name is masked.
    """
    if name.lower() not in _PROVING:
        return masked(value)
    scheme, _, _ = value.strip().partition(" ")
    if scheme.lower() == "digest" or name.lower() == "authentication-info":
        return masked(_PROOF.sub(lambda match: f'{match[1]}="{MASK}"', f" {value}").strip())
    return f"{scheme} {MASK}"


# -- bodies ---------------------------------------------------------------------------------------

_HINTS = (*(word.encode() for word in _WORDS), b"&#", b"<!")
"""Every body with a secret has one of these: a name, or another way to write a name."""
_CUT_URL = re.compile(r"(?<=://)[^/?#\s<>@:]*:[^/?#\s<>@]*\Z")
"""The end of a body that was cut off within a URL, maybe within its password."""
_START_TAG = re.compile(rb"""<(?:"[^"]*"|'[^']*'|[^>"'])*>""")
_TAG = re.compile(rb"(<[^<>]*>)")
_TAG_NAME = re.compile(rb"</?(?:[^\s:<>/]*:)?([^\s<>/]*)")
_NOT_SPACE = re.compile(rb"\S")
_Span = tuple[int, int]


def masked_body(body: bytes) -> bytes:
    """
    A body with its secrets masked.

    From the place where XML is broken, all values are masked: the name that belongs to a value may
    be lost.
    """
    if b"\0" in body:
        return UNREAD
    lowered = body.lower()
    if not any(hint in lowered for hint in _HINTS) and _is_well_formed(body):
        shown = body
    else:
        shown = _mask_values(body)
    return _CUT_URL.sub(MASK, masked(shown.decode("latin-1"))).encode("latin-1")


def _is_well_formed(body: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(body, True)  # no DOCTYPE in it, no entities
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _mask_values(body: bytes) -> bytes:
    scanner = _Scanner(body)
    end = scanner.scan()
    pieces, at = [], 0
    for start, stop in sorted(scanner.secrets):
        if start >= at:
            pieces += [body[at:start], MASK.encode()]
        at = max(at, stop)
    good = max(at, end)
    return b"".join([*pieces, body[at:good], _mask_broken(body[good:])])


def _mask_broken(rest: bytes) -> bytes:
    """Mask each text beside the tag of a value or secret, in what is no XML any more."""
    pieces = _TAG.split(rest)
    for place in range(0, len(pieces), 2):
        tags = (*pieces[max(0, place - 1) : place], *pieces[place + 1 : place + 2])
        if pieces[place].strip() and any(map(_may_enclose_secret, tags)):
            pieces[place] = MASK.encode()
    return b"".join(pieces)


def _may_enclose_secret(tag: bytes) -> bool:
    match = _TAG_NAME.match(tag)
    return match is not None and _may_have_secret(match[1].decode("latin-1"))


def _may_have_secret(name: str) -> bool:
    return name.endswith("Value") or is_secret(name)


@dataclass(slots=True)
class _Element:
    """An element without its end yet: where its content starts, its text and children."""

    name: str
    start: int
    text: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[_Span] = field(default_factory=list)


class _Scanner:
    """
    Finds the secrets in a document.

    Args:
        body: the document.
    """

    def __init__(self, body: bytes) -> None:
        self.secrets: list[_Span] = []
        """Where they are, as spans of bytes."""
        self._body = body
        self._open: list[_Element] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def scan(self) -> int:
        """Read the document as far as it is XML; returns how many bytes that is."""
        try:
            self._parser.Parse(self._body, True)
        except (expat.ExpatError, ValueError, LookupError):
            return self._broken(max(0, self._parser.CurrentByteIndex))
        return len(self._body)

    def _doctype(self, *_: object) -> None:
        raise ValueError("a DOCTYPE can declare entities")

    def _start(self, name: str, _: object) -> None:
        tag = _START_TAG.match(self._body, self._parser.CurrentByteIndex)
        start = tag.end() if tag else self._parser.CurrentByteIndex
        self._open.append(_Element(name.rpartition(":")[2], start))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        span = element.start, self._parser.CurrentByteIndex
        if is_secret(element.name):
            self._hide(span)
        if self._open and element.name.endswith("Name"):
            self._open[-1].names.append("".join(element.text))
        if self._open and element.name.endswith("Value"):
            self._open[-1].values.append(span)
        if any(map(is_secret, element.names)):
            for value in element.values:
                self._hide(value)

    def _hide(self, span: _Span) -> None:
        if _NOT_SPACE.search(self._body, *span):  # an empty value is no secret
            self.secrets.append(span)

    def _broken(self, at: int) -> int:
        """Hide what may be secret in the open elements; returns up to where it has hidden."""
        for element in self._open:
            for value in element.values:
                self._hide(value)
        for element in self._open:
            if _may_have_secret(element.name):
                end = re.compile(rb"</(?:[^\s:<>/]*:)?%b\s*>" % re.escape(element.name.encode()))
                match = end.search(self._body, at)
                span = element.start, match.start() if match else len(self._body)
                self._hide(span)
                return span[1]
        return max(0, self._body.rfind(b"<", 0, at))
