"""
Masks the secrets in messages, for all code that shows messages or keeps them.

Secrets are: values of parameters, elements and attributes whose name says password or key, also of
vendors; credentials in URLs; and the proofs of identity in headers. Every other byte of a body
stays as it was, also where the body is broken XML or no XML at all: what was XML is XML with the
same elements. A text is never read as another document: XML or JSON in the value of a harmless
parameter stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
# XML may write any character as a reference. A body is bytes: its white space is that of ASCII.
_REFERENCE = r"&#[0-9a-z]{1,8};"
_COLON, _SLASH, _EQUALS, _AT = (
    f"(?:{character}|&#0*{ord(character)};|&#x0*{ord(character):x};)" for character in ":/=@"
)
_LOGIN = re.compile(
    rf"({_COLON}{_SLASH}{{2}})(?:{_REFERENCE}|[^/?#\s<>])+(?={_AT})", re.IGNORECASE | re.ASCII
)
_FIELD = re.compile(
    r"(?<=[?&;])([^=?&;\s]{0,40}(?:passw|pwd|token|secret|signature|key)[^=?&;\s]{0,40}"
    rf"{_EQUALS})(?:{_REFERENCE}|(?!\?>|-->|\]\]>)[^&\s<>'\"])*",
    re.IGNORECASE | re.ASCII,
)


def is_secret(path: str) -> bool:
    """Whether the name of a parameter or element says that it is a password or key."""
    return _SECRET.search(path.strip()) is not None


def masked(text: str) -> str:
    """A text with the credentials in its URLs masked."""
    return _FIELD.sub(rf"\1{MASK}", _LOGIN.sub(rf"\1{MASK}", text))


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
_CUT_URL = re.compile(r"(?<=://)[^/?#\s<>@:]*:[^/?#\s<>@]*\Z", re.ASCII)
"""The end of a body that was cut off within a URL, maybe within its password."""
_START_TAG = rb"""<(?:"[^"]*"|'[^']*'|[^>"'])*>"""
_AT_START_TAG = re.compile(_START_TAG)
_TAG_OR_TEXT = re.compile(
    rb"(?=<[^!?])(%b)|(?:<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|[^<])+" % _START_TAG, re.DOTALL
)
"""A tag of what is XML, or all that stands up to the next one."""
_TAG = re.compile(rb"(<[^<>!?][^<>]*>)")
"""A tag of what is no XML."""
_TAG_NAME = re.compile(rb"</?(?:[^\s:<>/]*:)?([^\s<>/]*)")
_ATTRIBUTE = re.compile(
    rb"""(\s(?:[^\s:=<>"'/]*:)?([^\s:=<>"'/]+)\s*=\s*)("[^"]+"|'[^']+'|[^\s"'<>]+)"""
)
_NAMING = re.compile(rb"\s(?:xmlns[\s:=]|xml:id\s*=)")
"""An attribute that names: a namespace or ID, which a mask is not."""
_SUBSET = re.compile(rb"(<!DOCTYPE[^<>\[]*\[).*?(?=\]\s*>|\Z)", re.DOTALL)
"""The declarations in a DOCTYPE, which may have texts of the document."""
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
    good, rest = scanner.scan()
    pieces, at = [], 0
    for (start, stop), mask in sorted(scanner.parts, key=lambda part: (part[0][0], -part[0][1])):
        if at <= start < good:  # else it is in one that is masked already
            pieces += [body[at:start], mask(body[start:stop])]
            at = stop
    hidden = MASK.encode() if body[good:rest].strip() else b""
    return b"".join([*pieces, body[at:good], hidden, _mask_broken(body[rest:])])


def _mask_secret(content: bytes) -> bytes:
    """Mask each text and attribute of what is XML; its elements stay, and where they stand."""
    return _TAG_OR_TEXT.sub(
        lambda match: _mask_attributes(match[0]) if match[1] else _mask_text(match[0]), content
    )


def _mask_text(text: bytes) -> bytes:
    return MASK.encode() if text.strip() else text  # white space is no secret


def _mask_attributes(tag: bytes) -> bytes:
    """Mask the attributes of a tag, but for those that name elements."""
    return _ATTRIBUTE.sub(
        lambda match: (
            match[0] if _NAMING.match(match[0]) else b'%b"%b"' % (match[1], MASK.encode())
        ),
        tag,
    )


def _mask_broken(rest: bytes) -> bytes:
    """Mask each text in or beside a value or secret, in what is no XML any more."""
    pieces = _TAG.split(_SUBSET.sub(rb"\1" + MASK.encode(), rest))
    shown, depth, beside = [], 0, False
    for text, tag in zip(pieces[::2], [*pieces[1::2], b""], strict=True):
        encloses = _may_enclose_secret(tag)
        shown.append(_mask_text(text) if depth or beside or encloses else text)
        shown.append(_mask_attributes(tag) if depth or _has_secret(tag) else tag)
        if encloses:
            depth = max(0, depth - 1) if tag.startswith(b"</") else depth + (tag[-2:] != b"/>")
        beside = encloses
    return b"".join(shown)


def _has_secret(tag: bytes) -> bool:
    return any(is_secret(found[1].decode("latin-1")) for found in _ATTRIBUTE.findall(tag))


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
        self.parts: list[tuple[_Span, Callable[[bytes], bytes]]] = []
        """Where secrets are or may be, as spans of bytes, and what masks each."""
        self._body = body
        self._open: list[_Element] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._comment
        parser.StartDoctypeDeclHandler = self._doctype

    def scan(self) -> _Span:
        """
        Read the document as far as it is XML.

        Returns how many bytes that is, and where the rest begins: all between is secret.
        """
        try:
            self._parser.Parse(self._body, True)
        except (expat.ExpatError, ValueError, LookupError):
            return self._broken(max(0, self._parser.CurrentByteIndex))
        return len(self._body), len(self._body)

    def _doctype(self, *_: object) -> None:
        raise ValueError("a DOCTYPE can declare entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex
        tag = _AT_START_TAG.match(self._body, at)
        start = tag.end() if tag else at
        if any(is_secret(attribute.rpartition(":")[2]) for attribute in attributes):
            self._hide((at, start))
        self._open.append(_Element(name.rpartition(":")[2], start))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def _comment(self, _: str) -> None:
        """An element in a comment has its secrets, too."""
        start = self._parser.CurrentByteIndex + len("<!--")
        self.parts.append(((start, self._body.find(b"-->", start)), _mask_broken))

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
            self.parts.append((span, _mask_secret))

    def _broken(self, at: int) -> _Span:
        """Hide what may be secret in the open elements; returns what ``scan`` does."""
        for element in self._open:
            for value in element.values:
                self._hide(value)
        for element in self._open:
            if _may_have_secret(element.name):
                return element.start, self._end_of(element, at)
        good = max(0, self._body.rfind(b"<", 0, at))
        return good, good

    def _end_of(self, element: _Element, at: int) -> int:
        """
        Where an open element ends at the latest; else the end of the body.

        Where more elements of its name end than start, a start is what is broken, and the last end
        may be its own.
        """
        name = re.escape(element.name.encode())
        tags = re.compile(rb"<(/?)(?:[^\s:<>/]*:)?%b(?:\s[^<>]*?)?(/?)>" % name)
        is_open = sum(other.name == element.name for other in self._open)
        ended, most, end = 0, is_open - 1, len(self._body)
        for tag in tags.finditer(self._body, at):
            ended += 1 if tag[1] else -(not tag[2])
            if ended > most:
                most, end = ended, tag.start()
        return end
