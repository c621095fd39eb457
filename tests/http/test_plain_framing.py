"""How the I/O engine takes an answer is how ``connection.py`` takes it, for any bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers import compiled_engine
from helpers.http_answers import answers
from helpers.wire import answer
from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.http.response_parser import MAX_HEAD_BYTES, ResponseReader, plain_response

MOST_BODY = 65536

Framing = Callable[[bytes], bool | tuple[int, int, bool, bool]]


@pytest.fixture(scope="module")
def framing() -> Framing:
    taken: Framing = compiled_engine.required().framing
    return taken


def assert_equal_to_the_connection(framing: Framing, data: bytes) -> None:
    """What is plain is plain for both; and what waits for more is wrong for neither."""
    taken, plain = framing(data), plain_response(data)
    if plain is not None and len(plain.body) <= MOST_BODY:
        assert isinstance(taken, tuple)
        status, head, closes, _ = taken
        assert (status, data[head + 4 :], not closes) == (
            plain.status,
            plain.body,
            plain.keep_alive,
        )
        return
    assert isinstance(taken, bool)
    if taken:
        reader = ResponseReader()
        reader.feed(data, MAX_HEAD_BYTES + MOST_BODY)
        assert not reader.complete


@given(st.one_of(answers(), st.binary(max_size=60)), st.integers(0, 400))
@example(b"HTTP/1.1 200 OK\r\n\r\n", 400)
@example(b"HTTP/1.1 204 No Content\r\nUpgrade: x\r\n\r\n", 400)
@example(b"HTTP/1.1 204 No Content\r\nContent-Length: 00\r\n\r\n", 400)
@example(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n", 400)
def test_any_bytes_are_taken_as_the_connection_takes_them(
    framing: Framing, data: bytes, cut: int
) -> None:
    assert_equal_to_the_connection(framing, data)
    assert_equal_to_the_connection(framing, data[:cut])


@given(st.integers(0, 2100), st.integers(0, 60), st.booleans())
def test_heads_have_the_same_bounds(framing: Framing, size: int, count: int, several: bool) -> None:
    headers = [f"X: {'y' * size}"] if not several else ["a: b"] * count
    assert_equal_to_the_connection(framing, answer("200 OK", b"hi", *headers))


@pytest.mark.parametrize("around", range(-3, 4))
def test_the_bound_of_a_head_is_exact(framing: Framing, around: int) -> None:
    rest = len(answer("200 OK", b"hi", "X: "))
    whole = answer("200 OK", b"hi", "X: " + "y" * (2048 + 4 + 2 - rest + around))
    assert isinstance(framing(whole), tuple) is (around <= 0)
    for data in (whole, whole[:-2], whole[:-3], whole[:-6], whole[:2051], whole[:2052]):
        assert_equal_to_the_connection(framing, data)


@pytest.mark.parametrize("count", [49, 50, 51])
def test_the_bound_of_headers_is_exact(framing: Framing, count: int) -> None:
    data = answer("200 OK", b"hi", *["a: b"] * (count - 1))
    assert isinstance(framing(data), tuple) is (count <= 50)
    assert_equal_to_the_connection(framing, data)


@pytest.mark.parametrize(
    "data",
    [
        answer(body=b"hi"),
        answer("204 No Content", b"", "Connection: close"),
        b"HTTP/1.1 401\r\nA:\r\ncontent-length:0\r\nSet-Cookie: a=b; Path=/ \r\n\r\n",
    ],
)
def test_each_beginning_of_a_plain_answer_waits_for_more(framing: Framing, data: bytes) -> None:
    assert isinstance(framing(data), tuple)
    assert {framing(data[:size]) for size in range(len(data))} == {True}
    assert framing(data + b"x") is False


@pytest.mark.parametrize(
    ("header", "is_special"),
    [("Set-Cookie: a=b", True), ("content-encoding: gzip", True), ("Server: nginx", False)],
)
def test_cookies_and_codings_are_special(framing: Framing, header: str, is_special: bool) -> None:
    assert framing(answer("200 OK", b"hi", header)) == (
        200,
        34 + len(header) + 2,
        False,
        is_special,
    )
