"""
What of messages is secret, and messages without it: for all that shows or keeps them.

Secret are values of parameters and elements that are passwords or keys by their name, vendors' ones
too, credentials in URLs, and what headers prove who one is with. In bodies nothing else is touched:
every other byte stays as it was, also in what is broken or no XML at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

MASK = "********"
"""Stands for a secret, whatever its length."""
UNREAD = b"(this body can't be looked into)"
"""Stands for a body with zero bytes: in UTF-16, or no text."""

# -- by name --------------------------------------------------------------------------------------

_WORDS = (
    "password", "passwd", "passphrase", "pinphrase", "pwd", "presharedkey", "wepkey", "prekey",
    "psk", "secret", "privatekey",
)  # fmt: skip
_SECRET = re.compile(rf"({'|'.join(_WORDS)})[0-9]*\Z", re.IGNORECASE)
_IN_URL = re.compile(
    r"(?<=://)[^/?#\s<>]+(?=@)"
    r"|(?<=[?&;])(?P<name>[^=?&;\s]{0,40}(?:passw|pwd|token|secret|signature|key)[^=?&;\s]{0,40}=)"
    r"[^&\s<>'\"]*",
    re.IGNORECASE,
)


def is_secret(path: str) -> bool:
    """Whether a parameter or element is a password or key by its name, vendors' ones too."""
    return _SECRET.search(path.strip()) is not None


def masked(text: str) -> str:
    """A text without the credentials of the URLs in it."""
    return _IN_URL.sub(lambda found: (found["name"] or "") + MASK, text)


# -- headers --------------------------------------------------------------------------------------

_PROOF = re.compile(r'(?<=[\s,])(response|rspauth)\s*=\s*("[^"]*"|[^\s,]*)', re.IGNORECASE)
_PROVING = ("authorization", "proxy-authorization", "authentication-info")


def masked_header(name: str, value: str) -> str:
    """
    The value of a header without what is secret in it.

    Of Digest (RFC 7616) that is the proof; all else tells why an ACS may not have liked it. Of
    other schemes it is everything behind their name.
    """
    if name.lower() not in _PROVING:
        return masked(value)
    scheme, _, _ = value.strip().partition(" ")
    if scheme.lower() == "digest" or name.lower() == "authentication-info":
        return masked(_PROOF.sub(lambda found: f'{found[1]}="{MASK}"', f" {value}").strip())
    return f"{scheme} {MASK}"


# -- bodies ---------------------------------------------------------------------------------------

_HINTS = (*(word.encode() for word in _WORDS), b"&#", b"<!")
"""What is in every body with a secret: its name, or what can hide that from a glance."""
_CUT_URL = re.compile(r"(?<=://)[^/?#\s<>@]*:[^/?#\s<>@]*\Z")
"""Where a body was cut off in a URL, maybe in the password."""
_START_TAG = re.compile(rb"""<(?:"[^"]*"|'[^']*'|[^>"'])*>""")
_TAG = re.compile(rb"(<[^<>]*>)")
_TAG_NAME = re.compile(rb"</?(?:[^\s:<>/]*:)?([^\s<>/]*)")
_Span = tuple[int, int]


def masked_body(body: bytes) -> bytes:
    """
    A body without the secrets in it.

    What follows where XML is broken is masked by the tags that are there: all values, as the
    name that belongs to one may be lost.
    """
    if b"\0" in body:
        return UNREAD
    glance = body.lower()
    if not any(hint in glance for hint in _HINTS) and _is_well_formed(body):
        shown = body
    else:
        shown = _without_values(body)
    return _CUT_URL.sub(MASK, masked(shown.decode("latin-1"))).encode("latin-1")


def _is_well_formed(body: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(body, True)  # no DOCTYPE in it, no entities
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _without_values(body: bytes) -> bytes:
    scanner = _Scanner(body)
    end = scanner.scan()
    pieces, at = [], 0
    for start, stop in sorted(scanner.found):
        if start >= at:
            pieces += [body[at:start], MASK.encode()]
        at = max(at, stop)
    good = max(at, end)
    return b"".join([*pieces, body[at:good], _without_doubts(body[good:])])


def _without_doubts(rest: bytes) -> bytes:
    """What is no XML any more, without the texts beside a tag of a value or secret."""
    pieces = _TAG.split(rest)
    for place in range(0, len(pieces), 2):
        beside = (*pieces[max(0, place - 1) : place], *pieces[place + 1 : place + 2])
        if pieces[place].strip() and any(map(_is_doubtful, beside)):
            pieces[place] = MASK.encode()
    return b"".join(pieces)


def _is_doubtful(tag: bytes) -> bool:
    found = _TAG_NAME.match(tag)
    return found is not None and _may_hide(found[1].decode("latin-1"))


def _may_hide(name: str) -> bool:
    return name.endswith("Value") or is_secret(name)


@dataclass(slots=True)
class _Element:
    """An element that is open: where its content starts, and what its children are."""

    name: str
    start: int
    text: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[_Span] = field(default_factory=list)


class _Scanner:
    """
    Finds what is secret in a document: ``found``, as spans of its bytes.

    Args:
        body: the document.
    """

    def __init__(self, body: bytes) -> None:
        self.found: list[_Span] = []
        self._body = body
        self._open: list[_Element] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def scan(self) -> int:
        """Read as far as it is XML, and say how far that is."""
        try:
            self._parser.Parse(self._body, True)
        except (expat.ExpatError, ValueError, LookupError):
            return self._broken(max(0, self._parser.CurrentByteIndex))
        return len(self._body)

    def _doctype(self, *_: object) -> None:
        raise ValueError("no entities of strangers")

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
        if self._body[slice(*span)].strip():  # of nothing there is nothing to hide
            self.found.append(span)

    def _broken(self, at: int) -> int:
        """It is no XML from here on: hide what may be secret of the elements that are open."""
        for element in self._open:
            for value in element.values:
                self._hide(value)
        for element in self._open:
            if _may_hide(element.name):
                end = re.compile(rb"</(?:[^\s:<>/]*:)?%b\s*>" % re.escape(element.name.encode()))
                found = end.search(self._body, at)
                span = element.start, found.start() if found else len(self._body)
                self._hide(span)
                return span[1]
        return max(0, self._body.rfind(b"<", 0, at))
