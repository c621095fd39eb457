"""
The codec: bytes to Envelope and back, through two doors, ``decode`` and ``encode`` (decision D5).

Strict in what is sent: valid against the CWMP schemas. Lenient in what is read: any prefix, any
``cwmp-1-x`` namespace or none, header and body elements in any order, array counts ignored,
``xsi:type`` missing, and a few things that devices send although XML forbids them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, NamedTuple

from lxml import etree

from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import (
    children,
    escape,
    local,
    read_bool,
    read_int,
    read_message,
    read_text,
    write_message,
)
from caretaker.cwmp.shapes import Shapes
from caretaker.errors import EnvelopeError

CWMP_1_0 = "urn:dslforum-org:cwmp-1-0"
CWMP_1_1 = "urn:dslforum-org:cwmp-1-1"
CWMP_1_2 = "urn:dslforum-org:cwmp-1-2"
MAX_ENVELOPE_BYTES = 32 * 1024 * 1024
"""The largest envelope that is read; a whole tree of 6 000 parameters takes about 1 MB."""

_CWMP_PREFIX = "urn:dslforum-org:cwmp-"


class Envelope(NamedTuple):
    """
    One SOAP envelope: a message with its header elements.

    ``id`` is opaque text; None where the header had none. ``namespace`` is that of the message
    element, and the one to answer in; empty where none was declared. The other fields are the
    header elements of TR-069 3.5, ``None`` or False where absent.
    """

    message: m.Message
    id: str | None = None
    namespace: str = CWMP_1_0
    hold_requests: bool = False
    session_timeout: int | None = None
    supported_cwmp_versions: tuple[str, ...] = ()
    use_cwmp_version: str | None = None


# -- XML in ---------------------------------------------------------------------------------------


def hardened_parser(
    *, recover: bool = False, remove_blank_text: bool = False
) -> etree.XMLParser:  # fmt: skip
    """
    A parser for XML of strangers: nothing from outside the bytes, bounded depth and text size.

    Args:
        recover: read what can be read of a broken document.
        remove_blank_text: drop white space between elements.
    """
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
        remove_blank_text=remove_blank_text,
        collect_ids=False,
    )


_PARSER = hardened_parser()


def _parse(data: bytes) -> etree._Element:
    if len(data) > MAX_ENVELOPE_BYTES:
        raise EnvelopeError("envelope is too large")
    try:
        root = etree.fromstring(data, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        root = _parse_again(data, error)
    if root.getroottree().docinfo.internalDTD is not None:
        # A DOCTYPE brings entities (bombs, files); SOAP 1.1 forbids it in messages.
        raise EnvelopeError("XML with a DOCTYPE is refused")
    return root


_DECLARATION = re.compile(rb"^<\?xml[^>]*\?>")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f])"
                        "|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE)  # fmt: skip


def _parse_again(data: bytes, error: Exception) -> etree._Element:
    """
    Read what devices in the field send although XML 1.0 forbids it.

    White space before the declaration, an encoding nobody knows, bytes that are not in the
    declared encoding, control characters, prefixes that were never declared. A document that is
    cut off or badly nested stays unreadable.
    """
    if b"<!DOCTYPE" in data:
        raise EnvelopeError("XML with a DOCTYPE is refused") from error
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n").rstrip(b"\0 \t\r\n")
    body = _DECLARATION.sub(b"", data)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    parser = hardened_parser(recover=True)
    try:
        root = etree.fromstring(_FORBIDDEN.sub("\ufffd", text).encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or any(entry.domain_name != "NAMESPACE" for entry in parser.error_log):
        raise EnvelopeError("not well-formed XML") from error
    return root


def _section(root: etree._Element, name: str) -> etree._Element | None:
    for child in children(root):
        if local(child) == name:
            return child
    return None


def _read_header(header: etree._Element | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if header is None:
        return values
    for child in children(header):
        reader = _HEADER_READERS.get(local(child))
        if reader is not None:
            name, read = reader
            with suppress(EnvelopeError):  # an unreadable one is as good as none
                values[name] = read(child)
    return values


def _read_versions(element: etree._Element) -> tuple[str, ...]:
    return tuple(part.strip() for part in (element.text or "").split(",") if part.strip())


_HEADER_READERS: dict[str, tuple[str, Callable[[etree._Element], Any]]] = {
    "ID": ("id", read_text),
    "HoldRequests": ("hold_requests", read_bool),
    "SessionTimeout": ("session_timeout", read_int),
    "SupportedCWMPVersions": ("supported_cwmp_versions", _read_versions),
    "UseCWMPVersion": ("use_cwmp_version", lambda element: (element.text or "").strip()),
}


def _namespace(element: etree._Element) -> str:
    """The cwmp namespace of a message element; of a Fault the one its document declares."""
    namespace = element.tag[1:].partition("}")[0] if element.tag[0] == "{" else ""
    if namespace.startswith(_CWMP_PREFIX):
        return namespace
    declared = [uri for uri in element.nsmap.values() if uri.startswith(_CWMP_PREFIX)]
    return declared[0] if declared else ""


def decode(data: bytes) -> Envelope:
    """
    The envelope that these bytes hold.

    Args:
        data: the body of an HTTP message, after any content coding was undone.

    Raises:
        EnvelopeError: they can't be read as an envelope with one CWMP message; nothing else is
            raised, whatever the bytes.
    """
    return _read_short(data) if len(data) <= _SHORT else _SHAPES.read(data)


def parsed(data: bytes) -> Envelope:
    """As ``decode``, always by the parser."""
    root = _parse(data)
    if local(root) != "Envelope":
        raise EnvelopeError("XML, but not a SOAP envelope")
    body = _section(root, "Body")
    if body is None:
        raise EnvelopeError("envelope without a Body")
    if len(body) != 1 or not isinstance(body[0].tag, str):
        raise EnvelopeError("Body does not hold exactly one message")
    element = body[0]
    header = _read_header(_section(root, "Header"))
    return Envelope(read_message(element), namespace=_namespace(element), **header)


_SHORT = 1024
_SHAPES = Shapes(parsed)
_read_short = lru_cache(256)(_SHAPES.read)
"""Nearly every session brings the same InformResponse; envelopes never change, and are shared."""

# -- XML out --------------------------------------------------------------------------------------


@cache
def _start(namespace: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:cwmp="{escape(namespace)}"><soap-env:Header>'
    )


_END = "</soap-env:Body></soap-env:Envelope>"


def _write_header(envelope: Envelope) -> str:
    """The header elements but for the ID."""
    parts = []
    if envelope.hold_requests:
        parts.append('<cwmp:HoldRequests soap-env:mustUnderstand="1">1</cwmp:HoldRequests>')
    if envelope.session_timeout is not None:
        parts.append(f"<cwmp:SessionTimeout>{envelope.session_timeout}</cwmp:SessionTimeout>")
    if envelope.supported_cwmp_versions:
        versions = escape(",".join(envelope.supported_cwmp_versions))
        parts.append(f"<cwmp:SupportedCWMPVersions>{versions}</cwmp:SupportedCWMPVersions>")
    if envelope.use_cwmp_version is not None:
        parts.append(
            '<cwmp:UseCWMPVersion soap-env:mustUnderstand="1">'
            f"{escape(envelope.use_cwmp_version)}</cwmp:UseCWMPVersion>"
        )
    return "".join(parts)


def encode(envelope: Envelope) -> bytes:
    """
    The bytes of an envelope, in UTF-8 and valid against the CWMP schemas.

    Characters that XML 1.0 forbids are sent as U+FFFD.
    """
    return written(envelope.message, envelope.id, envelope.namespace, _write_header(envelope))


def written(message: m.Message, id_: str | None, namespace: str, header: str = "") -> bytes:
    """As ``encode``, of what an envelope is made of; ``header``: the elements beside the ID."""
    own = "" if id_ is None else f'<cwmp:ID soap-env:mustUnderstand="1">{escape(id_)}</cwmp:ID>'
    return (
        f"{_start(namespace or CWMP_1_0)}{own}{header}</soap-env:Header>"
        f"<soap-env:Body>{write_message(message)}{_END}"
    ).encode()
