"""
XML as CWMP needs it: a hardened parser, what elements hold, and text that can stand in one.

Nothing here knows a message. Elements are found by their local names: devices and ACSs choose
prefixes freely.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

from lxml import etree

from caretaker.errors import EnvelopeError
from caretaker.quoting import is_html, quotation

MAX_ENVELOPE_BYTES = 32 * 1024 * 1024
"""The largest envelope that is read; a whole tree of 6 000 parameters takes about 1 MB."""
MAX_TAGS = 500_000
"""
Tags of an envelope, where each element has two; a value of GetParameterValuesResponse has six.

Elements cost memory, not bytes: while an envelope is read, one takes about 120 bytes.
"""

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
"""The attribute ``xsi:type``, as lxml names it."""

# -- parsing --------------------------------------------------------------------------------------


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


def parse(data: bytes) -> etree._Element:
    """
    The root element of a document.

    Raises:
        EnvelopeError: the bytes are no XML, too many, or have a DOCTYPE. A DOCTYPE brings entities
            (bombs, files); SOAP 1.1 forbids it in messages.
    """
    if len(data) > MAX_ENVELOPE_BYTES or data.count(b"<") > MAX_TAGS:
        raise EnvelopeError("envelope is too large")
    try:
        root = etree.fromstring(data, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        root = _parse_malformed(data, error)
    if root.getroottree().docinfo.internalDTD is not None:
        raise unreadable(data, "XML with a DOCTYPE is refused")
    return root


def unreadable(data: bytes, reason: str) -> EnvelopeError:
    """
    The error of bytes that are no envelope.

    HTML, JSON and text are named: they come from another URL than the ACS's, from a proxy before
    it, or from an ACS that says in words what it does not take.

    Args:
        data: the bytes.
        reason: what else is wrong with them.
    """
    said = quotation(data)
    if is_html(data):
        return EnvelopeError("HTML page, no SOAP envelope", said)
    if data.lstrip()[:1] in (b"{", b"["):
        return EnvelopeError("JSON, no SOAP envelope", said)
    return EnvelopeError("text, no SOAP envelope", said) if said else EnvelopeError(reason)


_DECLARATION = re.compile(rb"^<\?xml[^>]*\?>")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f])"
                        "|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE)  # fmt: skip


def _parse_malformed(data: bytes, error: Exception) -> etree._Element:
    """
    Read what devices in the field send although XML 1.0 forbids it.

    White space before the declaration, an encoding nobody knows, bytes that are not in the
    declared encoding, control characters, prefixes that were never declared. A document that is
    cut off or badly nested stays unreadable.
    """
    if b"<!DOCTYPE" in data:
        raise unreadable(data, "XML with a DOCTYPE is refused") from error
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
        raise unreadable(data, "not well-formed XML") from error
    return root


# -- what an element holds ------------------------------------------------------------------------


def local(element: etree._Element) -> str:
    """The name of an element without its namespace, or a prefix that was never declared."""
    return local_name(element.tag)


def local_name(tag: str) -> str:
    """The local name in a tag such as ``{urn:dslforum-org:cwmp-1-0}Inform``."""
    return _known_local_name(tag) if len(tag) <= _MAX_KEPT_TAG else _local_name(tag)


_MAX_KEPT_TAG = 256
"""Longer tags are not kept; a peer can make as many as it likes."""


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]


_known_local_name = lru_cache(1024)(_local_name)


def children(element: etree._Element) -> list[etree._Element]:
    """The child elements, by slicing: that takes half the time of iterating over the element."""
    sliceable: Any = element  # the stubs of lxml know no slices
    elements: list[etree._Element] = sliceable[:]
    return elements


_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


def read_text(element: etree._Element) -> str:
    """The text, with white space as it was sent; empty if there is none."""
    return element.text or ""


def read_int(element: etree._Element) -> int:
    """The number that the text is; EnvelopeError if it is none."""
    text = (element.text or "").strip()
    if _NUMBER.fullmatch(text) is None:
        raise EnvelopeError(f"{local(element)} is not a number")
    return int(text)


def read_bool(element: etree._Element) -> bool:
    """The boolean that the text is, in any of its four spellings; EnvelopeError if it is none."""
    try:
        return _BOOLEANS[(element.text or "").strip().lower()]
    except KeyError:
        raise EnvelopeError(f"{local(element)} is not a boolean") from None


def read_bytes(element: etree._Element) -> bytes:
    """The bytes that the text is in base64; EnvelopeError if it is not base64."""
    try:
        return base64.b64decode(element.text or "")
    except (binascii.Error, ValueError):
        raise EnvelopeError(f"{local(element)} is not base64") from None


# -- writing --------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"[<>&\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A carriage return would be read back as a line feed; what XML 1.0 forbids is never sent.
_ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text for an element: special characters as entities, forbidden ones as U+FFFD."""
    if text.isprintable() and not ("<" in text or ">" in text or "&" in text):
        return text  # the common case: the regular expression costs more than these tests
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0], "\ufffd"), text)
