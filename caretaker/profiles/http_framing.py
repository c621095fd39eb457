"""
HTTP messages as proxies and packet captures show them, without what frames their bodies.

Sizes of chunks must never end up in values, also where line ends were changed since, which makes
the sizes wrong, or where a body stands without its head.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of a body that gzip or deflate may become."""

_START_LINE = re.compile(
    rb"(?:HTTP/1\.[01] [0-9]{3}|[A-Z]{3,10} \S{1,1000} HTTP/1\.[01])[^\r\n]{0,1000}\r?\n"
)
_FIELDS = re.compile(rb"((?:[^\r\n]{1,4000}+\r?\n){0,100}+)(\r?\n)?")
"""The fields of a head, and the empty line that ends it."""
_CHUNKED = re.compile(rb"^transfer-encoding:[^\r\n]*chunked", re.IGNORECASE | re.MULTILINE)
_CODED = re.compile(rb"^content-encoding:[ \t]*(?:x-)?(gzip|deflate)", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*([0-9]{1,9})", re.IGNORECASE | re.MULTILINE)
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r?\n")
_SIZE_BEFORE_XML = re.compile(rb"^[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r?\n(?=\s{0,50}<)",
                              re.MULTILINE)  # fmt: skip
_SIZE_LINE = re.compile(rb"(?:\r\n|(?<!\r)\n)[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]{0,200})?(?=\r?\n)")
"""The size of a chunk, with the line end that is behind the chunk before."""
_MOST_FAILED = 100
"""Numbers before XML that are no sizes of chunks, after which no others are tried."""
_REST = re.compile(rb"\s*\Z")
_LINE_END = re.compile(rb"\r?\n")


def unframed(data: bytes) -> bytes:
    """The bytes of a file with the bodies of its HTTP messages as they were meant."""
    return b"".join(_without_sizes(b"".join(_unpacked(data))))


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The pieces of a file, with bodies that were compressed as they were before."""
    done = looked_at = 0
    for start_line in _START_LINE.finditer(data):
        if start_line.start() < done or start_line.end() < looked_at:
            continue  # in a body, or among fields that no empty line ends
        fields = _FIELDS.match(data, start_line.end())
        assert fields is not None  # it matches nothing, too
        looked_at = fields.end()
        if fields[2] is not None and _CODED.search(fields[1]):
            yield data[done:looked_at]
            body, done = _coded_body(data, fields[1], looked_at)
            yield _decompressed(body) + b"\n"
    yield data[done:]


def _coded_body(data: bytes, fields: bytes, start: int) -> tuple[bytes, int]:
    """The body after a head with these fields, and its end."""
    if _CHUNKED.search(fields) and (chunks := _chunks(data, start, set())):
        return chunks
    length = _LENGTH.search(fields)
    end = start + int(length[1]) if length else len(data)
    return data[start:end], min(end, len(data))


def _decompressed(body: bytes) -> bytes:
    """The body as it was before gzip or deflate; as it is where it was neither."""
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib, and bare deflate
        try:
            return zlib.decompressobj(window).decompress(body, MAX_UNPACKED)
        except zlib.error:
            continue
    return body


def _without_sizes(data: bytes) -> Iterator[bytes]:
    """The pieces of a file without the sizes of chunks, which stand before XML at first."""
    done = failed = 0
    hopeless: set[int] = set()
    for size in _SIZE_BEFORE_XML.finditer(data):
        if size.start() < done or size.start() in hopeless or failed > _MOST_FAILED:
            continue
        chunks = _chunks(data, size.start(), hopeless)
        if chunks is None:
            failed += 1
        else:
            yield data[done : size.start()]
            body, done = chunks
            yield body
    yield data[done:]


def _chunks(data: bytes, at: int, seen: set[int]) -> tuple[bytes, int] | None:
    """
    The body that chunks from there on are, and its end; None where the sizes do not fit.

    Args:
        data: of the file.
        at: where the first chunk begins.
        seen: is told where the others begin, too: what does not fit from here on does not from
            there.
    """
    parts: list[bytes] = []
    while (line := _SIZE.match(data, at)) is not None:
        seen.add(at)
        size = int(line[1], 16)
        if size == 0:
            return b"".join(parts), line.end()
        end = _end_of_chunk(data, line.end(), size)
        if end is None:
            return None
        parts.append(data[line.end() : end])
        break_ = _LINE_END.match(data, end)
        at = break_.end() if break_ else end
    return (b"".join(parts), at) if parts and _REST.match(data, at) else None


def _end_of_chunk(data: bytes, start: int, size: int) -> int | None:
    """
    The end of a chunk, where another size follows; None where there is none.

    Also where line ends lost their CR, or where values were changed and the size is about right.
    """
    exact = start + size
    if exact >= len(data) or _REST.match(data, exact):
        return min(exact, len(data))  # it was cut off
    for end in (exact, _end_without_cr(data, start, size)):
        if _SIZE_LINE.match(data, end):
            return end
    slack = 16 + size // 8
    near = _SIZE_LINE.finditer(data, max(start, exact - slack), exact + slack)
    return min((found.start() for found in near), key=lambda end: abs(end - exact), default=None)


def _end_without_cr(data: bytes, start: int, size: int) -> int:
    """The end of so many bytes of a time when each line still ended with CR and LF."""
    at, left = start, size
    while left > 0 and (line := data.find(b"\n", at, at + left)) >= 0:
        left -= line - at + (1 if data[line - 1 : line] == b"\r" else 2)
        at = line + 1
    return at + max(0, left)
