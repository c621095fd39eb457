"""Quotes what a peer has said, for reasons: short, in one line, and without secrets."""

from __future__ import annotations

import html
import re

from caretaker.masking import MASK, masked

MAX_QUOTE = 80
"""Characters of a quotation."""
_LOOKED_AT = 4096
"""Bytes in which text and titles are looked for."""
# Nothing is given back (+, ?>): comments without an end could be divided in 2^n ways.
_HTML = re.compile(r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html)\b",
                   re.IGNORECASE | re.DOTALL)  # fmt: skip
_TITLE = re.compile(r"<title[^<>]*>([^<]*)</title", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufffd]+")
_SECRET = re.compile(r"((?:passw\w*|pwd|secret|token|api.?key|nonce|response)\W{1,3}"
                     r"|(?:basic|bearer)\s+)[^\s,;]+", re.IGNORECASE)  # fmt: skip


def is_html(body: bytes) -> bool:
    """Whether a body is a page in HTML."""
    return _HTML.match(_start(body)) is not None


def quotation(body: bytes) -> str:
    """
    What a body says in a few words: its text, or the title of an HTML page.

    Empty for other XML and for what is no text.
    """
    text = _start(body)
    if _HTML.match(text):
        title = _TITLE.search(text)
        return quoted(html.unescape(title[1])) if title else ""
    is_text = not ("\0" in text or "\ufffd" in text.rstrip("\ufffd"))  # one may be cut in half
    return quoted(text) if is_text and not text.lstrip().startswith("<") else ""


def quoted(text: str) -> str:
    """A text in one line without control characters and secrets, ``MAX_QUOTE`` long at most."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    line = _SECRET.sub(lambda match: f"{match[1]}{MASK}", masked(line))
    return line if len(line) <= MAX_QUOTE else f"{line[: MAX_QUOTE - 3]}..."


def _start(body: bytes) -> str:
    return body[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
