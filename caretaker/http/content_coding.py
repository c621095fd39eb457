"""Content codings of bodies, gzip and deflate (RFC 7231 3.1.2; TR-069 3.4.7)."""

from __future__ import annotations

import zlib

from caretaker.errors import AnswerError

MAX_ANSWER_BYTES = 2 * 1024 * 1024
"""The largest body of a response, also decoded: 20 000 names of parameters fit into it."""
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decoded(body: bytes, coding: str, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """
    Undo the content coding of a body.

    Args:
        body: as received.
        coding: the value of ``Content-Encoding``: gzip, deflate (with or without zlib's frame),
            identity or empty.
        limit: the largest result, in bytes.

    Raises:
        AnswerError: another coding, broken data, or a larger result.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in _WINDOW_BITS:
        raise AnswerError("unknown content coding")
    try:
        return _inflate(body, _WINDOW_BITS[coding], limit)
    except zlib.error:
        pass
    try:
        return _inflate(body, -15, limit)
    except zlib.error as error:
        raise AnswerError("content coding is broken") from error


def encoded(body: bytes, coding: str) -> bytes:
    """Apply a content coding, ``gzip`` or ``deflate``; an empty body stays empty."""
    if not body:
        return body
    deflater = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS[coding])
    return deflater.compress(body) + deflater.flush()


def _inflate(body: bytes, window_bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    data = inflater.decompress(body, limit + 1)
    if len(data) > limit:
        raise AnswerError("answer is too large")
    if not inflater.eof:
        raise zlib.error("cut off")
    return data
