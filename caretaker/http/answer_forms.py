"""
Why the I/O engine hands an answer over: what of its form is not plain (decision 0042).

For the counters of the summary; who goes on with the answer reads it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from caretaker.http.response_parser import (
    PLAIN_HEAD_BYTES,
    PLAIN_HEADERS,
    PLAIN_STATUS_LINE,
    plain_header,
)
from caretaker.plain_numbers import is_digits

MOST_BODY = 65536
"""Bytes of a body that the engine takes."""
OTHER: Final = "another form"
"""The reason that would be left: the table has one for each answer."""


class _Answer(NamedTuple):
    """
    What has come of an answer.

    Args:
        first: the status line, as far as it has come.
        headers: their values by name, in lower case; None for those of no plain form.
        size: of the head.
        ends: whether all of the head has come.
        body: how many bytes have come after it.
    """

    first: bytes
    headers: list[tuple[str, str] | None]
    size: int
    ends: bool
    body: int

    def values(self, name: str) -> list[str]:
        return [each[1].lower() for each in self.headers if each is not None and each[0] == name]


def _is_odd(answer: _Answer) -> bool:
    options = answer.values("connection")
    is_known = options in ([], ["close"], ["keep-alive"])
    return None in answer.headers or not is_known or not answer.ends


def _is_length(text: str) -> bool:
    return is_digits(text) and len(text) <= 9  # as ``response_parser`` has it


def _has_odd_length(answer: _Answer) -> bool:
    lengths, status = answer.values("content-length"), answer.first[9:12]
    if status == b"204":
        return lengths not in ([], ["0"])
    return status == b"304" or len(lengths) != 1 or not _is_length(lengths[0])


def _length(answer: _Answer) -> int:
    return sum(map(int, answer.values("content-length")))


FORMS: Final[tuple[tuple[str, Callable[[_Answer], bool]], ...]] = (
    ("interim answer", lambda answer: answer.first.startswith(b"HTTP/1.1 1")),
    ("HTTP/1.0", lambda answer: answer.first.startswith(b"HTTP/1.0")),
    ("no HTTP", lambda answer: not answer.first.startswith(b"HTTP/")),
    ("odd status line", lambda answer: not PLAIN_STATUS_LINE.fullmatch(answer.first)),
    (
        "large head",
        lambda answer: answer.size > PLAIN_HEAD_BYTES or len(answer.headers) > PLAIN_HEADERS,
    ),
    ("odd header", _is_odd),
    ("chunks", lambda answer: bool(answer.values("transfer-encoding"))),
    ("large body", lambda answer: not _has_odd_length(answer) and _length(answer) > MOST_BODY),
    (
        "bytes after it",
        lambda answer: not _has_odd_length(answer) and answer.body > _length(answer),
    ),
    ("Connection: close", lambda answer: answer.values("connection") == ["close"]),
    ("upgrade", lambda answer: bool(answer.values("upgrade"))),
    (
        "no length",
        lambda answer: not answer.values("content-length") and answer.first[9:12] != b"304",
    ),
    ("odd length", _has_odd_length),
)
"""The reasons by what they mean; the first that applies is it."""


def form_of(received: bytes) -> str:
    """
    Why an answer is not of the plain form, or ends its connection: a name of ``FORMS``.

    Args:
        received: all that has come of it when the engine handed it over.
    """
    end = received.find(b"\r\n\r\n")
    head = received if end < 0 else received[:end]
    first, *lines = head.split(b"\r\n", PLAIN_HEADERS + 1)
    if end < 0 and lines:
        lines.pop()  # of which not all has come
    headers = [plain_header(line) for line in lines]
    answer = _Answer(first, headers, len(head), end >= 0, max(0, len(received) - end - 4))
    return next((name for name, applies in FORMS if applies(answer)), OTHER)
