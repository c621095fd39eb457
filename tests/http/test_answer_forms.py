"""Each answer that the I/O engine hands over has a reason, which the documentation explains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import compiled_engine
from helpers.http_answers import answers
from helpers.wire import answer
from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.http.answer_forms import FORMS, MOST_BODY, OTHER, form_of
from caretaker.http.response_parser import PLAIN_HEAD_BYTES, PLAIN_HEADERS

HEAD = b"HTTP/1.1 200 OK\r\n"
EXAMPLES = {
    "interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 1"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.0"),
    "no HTTP": (b"no HTTP\r\n\r\n", b"<html>", b"\xff", b"\r\n"),
    "odd status line": (b"HTTP/1.1 OK\r\n\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 200 OK\nA: b\n\n"),
    "large head": (
        answer("200 OK", b"", f"X: {'y' * PLAIN_HEAD_BYTES}"),
        HEAD + b"a: b\r\n" * (PLAIN_HEADERS + 1) + b"\r\n",
        HEAD + b"a: " + b"y" * PLAIN_HEAD_BYTES,
    ),
    "odd header": (
        answer("200 OK", b"", "a b: c"),
        HEAD + b"a b",
        answer("200 OK", b"", "Connection: close, x"),
        answer("200 OK", b"", "Connection: close", "Connection: close"),
    ),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
    "large body": (HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1),),
    "bytes after it": (answer("200 OK", b"hi") + b"x", answer("204 No Content") + b"x"),
    "Connection: close": (answer("200 OK", b"hi", "Connection: close"),),
    "upgrade": (answer("200 OK", b"hi", "Upgrade: h2c"),),
    "no length": (HEAD + b"\r\n", HEAD + b"Server: x\r\n\r\nbody"),
    "odd length": (
        HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        HEAD + b"Content-Length: +1\r\n\r\nx",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx",
    ),
}
"""For each reason, answers that have it."""


def is_handed_over(data: bytes) -> bool:
    """Whether an engine hands this over, which is an answer as far as it has come."""
    taken = compiled_engine.required().framing(data)
    return taken is False or (isinstance(taken, tuple) and taken[2])


@pytest.mark.parametrize("reason", [name for name, _ in FORMS])
def test_each_reason_has_answers_that_are_handed_over_for_it(reason: str) -> None:
    for data in EXAMPLES[reason]:
        assert is_handed_over(data), data
        assert form_of(data) == reason, data


@given(st.one_of(answers(), st.binary(max_size=60)), st.integers(0, 400))
@example(b"HTTP/1.1 204 No Content\r\nUpgrade: x\r\nConnection: close\r\n\r\n", 400)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 003\r\n\r\nabcd", 400)
def test_whatever_is_handed_over_has_a_reason(data: bytes, cut: int) -> None:
    for received in (data, data[:cut]):
        if is_handed_over(received):
            assert form_of(received) != OTHER
        else:
            assert isinstance(form_of(received), str)


def test_the_documentation_has_each_reason(root: Path) -> None:
    text = (root / "docs/performance.md").read_text()
    table = re.search(r"\| Handed over for \|.*?\n\n", text, re.DOTALL)
    assert table is not None
    told = re.findall(r"^\| `([^`]+)`", table[0], re.MULTILINE)
    assert told[: len(FORMS)] == [name for name, _ in FORMS]
