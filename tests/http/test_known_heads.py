"""Requests whose heads are known are read as the parser reads them, without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.connection_request.server import LIMITS
from caretaker.http import known_heads, request_parser
from caretaker.http.known_heads import EVERY, MAX_HEADS, MAX_SEEN, KnownHeads
from caretaker.http.request_parser import Request, RequestReader, ServerLimits

NEEDED = 2 * EVERY
"""Requests with a head until it is known."""


@pytest.fixture(autouse=True)
def heads(monkeypatch: pytest.MonkeyPatch) -> Iterator[KnownHeads]:
    """Heads that nobody has seen before."""
    fresh = KnownHeads(request_parser._parsed_head)
    monkeypatch.setattr(request_parser, "_HEADS", fresh)
    return iter([fresh])


def post(
    body: bytes = b"",
    *lines: str,
    target: str = "/",
    length: str | None = None,
    method: str = "POST",
) -> bytes:
    own = [f"Content-Length: {len(body) if length is None else length}"]
    return (
        "\r\n".join([f"{method} {target} HTTP/1.1", "Host: acs", *lines, *own, "", ""]).encode(
            "latin-1"
        )
        + body
    )


def told(reader: RequestReader, data: bytes) -> list[Any]:
    reader.feed(data)
    read = [_told(request) for request in reader.requests]
    return [read, reader.over, reader.in_message, reader.held]


def _told(request: Request) -> Any:
    environ = dict(request.environ)
    body = environ.pop("wsgi.input").read() if not request.refusal else b""
    return request.refusal, request.keep_alive, body, environ


def both(data: bytes, limits: ServerLimits = request_parser.DEFAULT_LIMITS) -> None:
    """Both ways give the same, also for a request behind it."""
    readers = [
        RequestReader({"own": 1}, limits, by_parser=by_parser) for by_parser in (False, True)
    ]
    read = [[told(reader, each) for each in (data, post(b"after"))] for reader in readers]
    assert read[0] == read[1]
    for reader in readers:
        reader.close()


def learn(data: bytes) -> None:
    for _ in range(NEEDED):
        reader = RequestReader({})
        reader.feed(data)
        reader.close()


def is_known(data: bytes) -> bool:
    return request_parser._HEADS.read(data, {}) is not None


def test_a_head_is_known_when_it_was_looked_at_twice() -> None:
    data = post(b"<x/>", "Cookie: session=1")
    assert not is_known(data)
    learn(data)
    other = post(b"<other/>", "Cookie: session=2; b=c", target="/x?y=%20")
    assert [is_known(data), is_known(other), is_known(post(b"<x/>"))] == [True, True, False]
    both(other)


VALUES = st.text('a1 =;,"#<>\\\t\x7f\x00é/-', max_size=8) | st.sampled_from(
    ["0", "00", "4", "+4", "-4", "²", "4, 4", "99999999999", "chunked", 'Digest a="b"', "a", ""]
)
LINES = st.lists(
    st.sampled_from(
        [
            "Connection: close", "Connection: keep-alive", "Expect: 100-continue", "Upgrade: h2c",
            "Transfer-Encoding: chunked", "Cookie: a=b", "cookie: a", "Cookie : a", "X: y",
            " folded", "Authorization: Basic YQ==", "Content-Length: 4", "Content_Length: 4",
        ]
    ),
    max_size=3,
)  # fmt: skip


@given(
    LINES, LINES, st.lists(VALUES, min_size=4, max_size=4), st.sampled_from(["POST", "GET", "PUT"])
)
def test_whatever_the_values_are_it_is_read_as_by_the_parser(
    before: list[str], after: list[str], values: list[str], method: str
) -> None:
    cookie, authorization, length, target = values
    learn(post(b"", *before, "Cookie: c", "Authorization: d", *after, method=method))
    lines = (*before, f"Cookie: {cookie}", f"Authorization: {authorization}", *after)
    for body in (b"", b"abcd", b"\xff" * 4):
        both(post(body, *lines, method=method))
        both(post(body, *lines, method=method, length=length))
        both(post(body, *lines, method=method, target=f"/{target}"))
        both(post(body, *lines, method=method, target=target))


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_the_limits_hold_for_known_heads(size: int) -> None:
    data = post(b"x" * 100)
    learn(data)
    both(data, ServerLimits(body_bytes=100 + size))
    both(data, ServerLimits(head_bytes=len(data) - 100 + size))
    both(data, ServerLimits(headers=2 + size))


def test_pieces_and_requests_behind_each_other_are_left_to_the_parser() -> None:
    data = post(b"abcd", "Cookie: c")
    learn(data)
    for end in range(len(data)):
        reader = RequestReader({})
        reader.feed(data[:end])
        reader.feed(data[end:] + data)
        assert [_told(each)[2] for each in reader.requests] == [b"abcd", b"abcd"]
        reader.close()


def test_no_more_than_some_heads_are_known(heads: Iterator[KnownHeads]) -> None:
    known = next(heads)
    usual = post(b"<x/>")
    for number in range(MAX_HEADS + 3):
        learn(post(b"", f"X: {number}"))
        learn(usual)
    assert (len(known._heads), is_known(usual)) == (MAX_HEADS, True)
    for number in range(EVERY * (MAX_SEEN + 10)):
        both(post(b"", f"Y: {number}"))
    assert len(known._seen) <= MAX_SEEN


def test_long_heads_are_left_to_the_parser() -> None:
    long = post(b"", f"X: {'x' * known_heads.MAX_HEAD}")
    many = post(b"", *["X: y"] * (known_heads.MAX_FIELDS + 1))
    for data in (long, many):
        learn(data)
        assert not is_known(data)
        both(data)


@pytest.mark.parametrize("limits", [request_parser.DEFAULT_LIMITS, LIMITS])
def test_each_server_of_ours_takes_known_heads(limits: ServerLimits) -> None:
    assert RequestReader({}, limits)._takes_known


def test_a_length_of_digits_that_are_no_number_is_left_to_the_parser() -> None:
    learn(post())
    both(post(b"ab", length="²"))
