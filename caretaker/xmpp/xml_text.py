"""Texts of ours in XML: escaped, and without the characters that XML 1.0 forbids."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """A value as the text of an element."""
    return escape(_NOT_XML.sub("", value))


def attribute(name: str, value: str) -> str:
    """A value as an attribute, with a space before it; nothing where it is empty."""
    return f" {name}={quoteattr(_NOT_XML.sub('', value))}" if value else ""
