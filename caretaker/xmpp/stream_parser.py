"""
Reads the stream of an XMPP peer: bytes in any pieces in, whole stanzas out.

Each stanza is read by a parser of its own, which begins with the namespaces of the stream's header.
So a stream that waits holds no parser, and no tree grows with the time. Bytes go into the parser up
to a ``>`` each, so that it is known where a stanza ends, and where a limit is exceeded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from caretaker.errors import StreamError
from caretaker.xmpp.namespaces import STREAM_TAG

MAX_STANZA_BYTES = 64 * 1024
"""Bytes of a stanza, and of the stream's header; servers allow as much, or less."""
MAX_DEPTH = 16
"""Elements inside each other, the stream among them."""
MAX_ELEMENTS = 256
"""Elements of a stanza: more features, or mechanisms, than any server has."""
_SPACE = b" \t\r\n"
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9x][0-9a-fA-F]*);)")
"""A reference to an entity that XML does not have by itself."""
_NAMESPACE_ERRORS = [
    etree.ErrorTypes.NS_ERR_XML_NAMESPACE,
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE,
    etree.ErrorTypes.NS_ERR_QNAME,
    etree.ErrorTypes.NS_ERR_ATTRIBUTE_REDEFINED,
    etree.ErrorTypes.NS_ERR_EMPTY,
    etree.ErrorTypes.NS_ERR_COLON,
]
"""What is XML 1.0 but breaks XML namespaces: the parser only logs it, and gives the element."""
_NOT_XMPP = "the answer is not XMPP"


class StreamParser:
    """
    Reads one stream; a stream that begins anew (after TLS and SASL) has a new parser.

    XMPP has no comments, processing instructions, DTDs and entities of one's own (RFC 6120 11.1):
    they end the stream, before a parser of XML sees them.
    """

    __slots__ = ("_buffer", "_depth", "_elements", "_prefix", "_pull", "_size", "header", "is_over")

    def __init__(self) -> None:
        self.header: dict[str, str] | None = None
        """The attributes of the stream's header; None until it has come."""
        self.is_over = False
        """Whether the peer has ended the stream."""
        self._buffer = b""
        """What has come after the last ``>``."""
        self._prefix = b""
        """A header with the namespaces of the stream, for the parser of each stanza."""
        self._pull: Any = None
        """The parser of the stanza that has begun; None between two."""
        self._depth = self._size = self._elements = 0

    def feed(self, data: bytes) -> Iterator[etree._Element]:
        """
        The stanzas that are whole with these bytes, one by one.

        Raises:
            StreamError: what has come is not XML that XMPP allows, or exceeds a limit.
        """
        *pieces, rest = data.split(b">")
        for end in pieces:
            piece, self._buffer = self._buffer + end + b">", b""
            stanza = self._take(piece)
            if stanza is not None:
                yield stanza
        self._keep(rest)

    def _keep(self, rest: bytes) -> None:
        if not self._buffer and self._pull is None:
            rest = rest.lstrip(_SPACE)
        if self._size + len(self._buffer) + len(rest) > MAX_STANZA_BYTES:
            raise StreamError("policy-violation", "stanza too large")
        self._buffer += rest

    def _take(self, piece: bytes) -> etree._Element | None:
        """Read up to a ``>``; the stanza that is whole with it, if one is."""
        if self.is_over:
            return None
        if self._pull is None:
            piece = piece.lstrip(_SPACE)
        self._check(piece)
        if self.header is None and piece.startswith(b"<?xml "):
            return None
        try:
            if self._pull is None:
                self._begin(piece)
            return self._read(piece)
        except etree.XMLSyntaxError as error:
            raise StreamError("not-well-formed", "not well-formed XML") from error

    def _check(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_STANZA_BYTES:
            raise StreamError("policy-violation", "stanza too large")
        declares = self.header is None and self._pull is None and piece.startswith(b"<?xml ")
        if b"<!" in piece or piece.find(b"<?", declares) >= 0 or _ENTITY.search(piece):
            raise StreamError("restricted-xml", "XML that XMPP does not allow")

    def _begin(self, piece: bytes) -> None:
        if not piece.startswith(b"<"):
            why = _NOT_XMPP if self.header is None else "text between stanzas"
            raise StreamError("not-well-formed", why)
        self._pull = etree.XMLPullParser(
            ("start", "end"),
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
        )
        if self._prefix:
            self._pull.feed(self._prefix)
            for _ in self._pull.read_events():
                pass

    def _read(self, piece: bytes) -> etree._Element | None:
        self._pull.feed(piece)
        if self._pull.feed_error_log.filter_types(_NAMESPACE_ERRORS):  # RFC 6120 11.3
            raise StreamError("not-well-formed", "not well-formed XML namespaces")
        for event, element in self._pull.read_events():
            if event == "start":
                self._started(element)
            elif self._ended():
                stanza: etree._Element = element
                return stanza
        return None

    def _started(self, element: etree._Element) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise StreamError("policy-violation", "too many elements")
        if self.header is None:
            self._take_header(element)

    def _take_header(self, element: etree._Element) -> None:
        if element.tag != STREAM_TAG:
            raise StreamError("bad-format", _NOT_XMPP)
        self.header = {str(name): str(value) for name, value in element.attrib.items()}
        prefix = f"{element.prefix}:" if element.prefix else ""
        spaces = "".join(
            f" xmlns{':' + name if name else ''}={quoteattr(uri)}"
            for name, uri in element.nsmap.items()
        )
        self._prefix = f"<{prefix}stream{spaces}>".encode()
        self._reset()

    def _ended(self) -> bool:
        """Whether a stanza has ended with this element."""
        self._depth -= 1
        self.is_over = self._depth == 0
        is_whole = self._depth == 1
        if self._depth <= 1:
            self._reset()
        return is_whole

    def _reset(self) -> None:
        self._pull = None
        self._depth, self._size, self._elements = 1, 0, 0
