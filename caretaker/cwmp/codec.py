"""
The codec of envelopes: ``decode`` reads bytes, ``encode`` writes them (decision D5).

Strict in what is sent: valid against the CWMP schemas. Lenient in what is read: any prefix, any
``cwmp-1-x`` namespace or none, header and body elements in any order, array counts ignored,
``xsi:type`` missing, and a few things that devices send although XML forbids them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from lxml import etree

from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_0, Envelope
from caretaker.cwmp.message_xml import read_message, write_message
from caretaker.cwmp.shapes import Shapes
from caretaker.cwmp.xml import (
    children,
    escape,
    local,
    parse,
    read_bool,
    read_int,
    read_text,
    unreadable,
)
from caretaker.errors import EnvelopeError

_CWMP = frozenset([f"urn:dslforum-org:cwmp-1-{minor}" for minor in range(10)])
"""The namespaces of CWMP, and some to come; answers repeat that of the request."""

# -- reading --------------------------------------------------------------------------------------


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


def decode_by_parser(data: bytes) -> Envelope:
    """As ``decode``, always by the XML parser; ``Shapes`` must give the same."""
    root = parse(data)
    if local(root) != "Envelope":
        raise unreadable(data, "XML, but not a SOAP envelope")
    body = _section(root, "Body")
    if body is None:
        raise EnvelopeError("envelope without a Body")
    if len(body) != 1 or not isinstance(body[0].tag, str):
        raise EnvelopeError("Body does not hold exactly one message")
    element = body[0]
    header = _read_header(_section(root, "Header"))
    return Envelope(read_message(element), namespace=_namespace(element), **header)


_SHORT = 1024
_SHAPES = Shapes(decode_by_parser)
_read_short = lru_cache(256)(_SHAPES.read)
"""Nearly every session brings the same InformResponse; envelopes never change, and are shared."""


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
    if namespace in _CWMP:
        return namespace
    return next((uri for uri in element.nsmap.values() if uri in _CWMP), "")


# -- writing --------------------------------------------------------------------------------------


@lru_cache(64)  # the peer chooses the namespace
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
    header = _write_header(envelope)
    return encode_message(envelope.message, envelope.id, envelope.namespace, header)


def encode_message(message: m.Message, id_: str | None, namespace: str, header: str = "") -> bytes:
    """
    The bytes of the envelope of a message, without an ``Envelope`` being made; for the hot path.

    Args:
        message: stands in the Body.
        id_: the ``cwmp:ID``; None leaves the element out.
        namespace: of CWMP; 1.0 if it is empty.
        header: the other header elements, as XML.
    """
    own = "" if id_ is None else f'<cwmp:ID soap-env:mustUnderstand="1">{escape(id_)}</cwmp:ID>'
    return (
        f"{_start(namespace or CWMP_1_0)}{own}{header}</soap-env:Header>"
        f"<soap-env:Body>{write_message(message)}{_END}"
    ).encode()
