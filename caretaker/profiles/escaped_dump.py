"""Dumps that stand as text in something else: in JSON (logs, HAR files of a proxy) or HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from caretaker.profiles.genieacs_json import is_document
from caretaker.profiles.soap_dump import is_dump


def unescaped(data: bytes) -> bytes:
    """The envelopes that the texts of a file hold; the file itself if they hold none."""
    if b"Envelope" not in data:
        return data
    if is_document(data):
        texts = [text.encode("utf-8", "replace") for text in _texts(data)]
        return b"\n".join(text for text in texts if is_dump(text)) or data
    if is_dump(data) or b"&lt;" not in data:
        return data
    text = html.unescape(data.decode("utf-8", "replace")).encode()
    return text if is_dump(text) else data


def _texts(data: bytes) -> Iterator[str]:
    """All texts of JSON: of a document, or of one in each line."""
    text = data.decode("utf-8-sig", "replace")
    waiting: list[Any] = []
    try:
        waiting.append(json.loads(text))
    except (ValueError, RecursionError):
        for line in text.splitlines():
            waiting += _line(line)
    waiting.reverse()
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict | list):
            waiting += reversed(list(item.values() if isinstance(item, dict) else item))


def _line(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []
