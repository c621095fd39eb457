"""Content codings, there and back."""

from __future__ import annotations

import gzip
import zlib

import pytest

from caretaker.errors import AnswerError
from caretaker.http.content_coding import decoded, encoded

GZIPPED = gzip.compress(b"hello", mtime=0)


@pytest.mark.rule("2.5-2")
@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (b"hello", ""),
        (b"hello", "identity"),
        (GZIPPED, "gzip"),
        (GZIPPED, " X-GZIP "),
        (zlib.compress(b"hello"), "deflate"),
        (zlib.compress(b"hello", wbits=-15), "deflate"),
    ],
)
def test_they_are_undone(data: bytes, coding: str) -> None:
    assert decoded(data, coding) == b"hello"


@pytest.mark.parametrize(
    ("data", "coding", "reason"),
    [
        (b"x", "br", "unknown"),
        (b"x", "gzip", "broken"),
        (GZIPPED[:-9], "gzip", "broken"),
        (gzip.compress(b"0" * 2000, mtime=0), "gzip", "too large"),
    ],
)
def test_what_can_not_be_undone(data: bytes, coding: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        decoded(data, coding, limit=1000)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_encoded_can_be_decoded(coding: str) -> None:
    assert encoded(b"hello", coding) != b"hello"
    assert decoded(encoded(b"hello", coding), coding) == b"hello"
    assert encoded(b"", coding) == b""
