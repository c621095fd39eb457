"""Requests of a WSGI server are read, or refused, however their bytes come."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.http import request_parser
from caretaker.http.request_parser import Request, RequestReader, ServerLimits

Read = tuple[str, str, bytes, bool]
"""Method, target, body and keep-alive; or a refusal, and nothing."""


def read(*pieces: bytes, limit: int = 1000) -> list[Read]:
    """The requests of these pieces."""
    reader = RequestReader({"common": 1}, ServerLimits(body_bytes=limit))
    for piece in pieces:
        reader.feed(piece)
    return [_told(request) for request in reader.requests]


def _told(request: Request) -> Read:
    environ = request.environ
    if request.refusal:
        return request.refusal, "", b"", request.keep_alive
    assert environ["common"] == 1
    body = environ["wsgi.input"].read()
    return environ["REQUEST_METHOD"], environ["REQUEST_URI"], body, request.keep_alive


def head(*lines: str, first: str = "POST /a HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def refused(status: str) -> Read:
    return status, "", b"", False


BAD = refused("400 Bad Request")
TOO_LONG = refused("431 Request Header Fields Too Large")
CHUNKED = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
UPGRADE = ("Connection: upgrade", "Upgrade: h2c")
REQUESTS: tuple[tuple[bytes, Read], ...] = (
    (head(first="GET /x?y=1 HTTP/1.1"), ("GET", "/x?y=1", b"", True)),
    (head("Content-Length: 5") + b"abcde", ("POST", "/a", b"abcde", True)),
    (head("transfer-encoding: Chunked") + CHUNKED, ("POST", "/a", b"abcde", True)),
    (head(*UPGRADE, "Content-Length: 2") + b"ab", ("POST", "/a", b"ab", True)),
    (head(*UPGRADE, "Transfer-Encoding: chunked") + CHUNKED, ("POST", "/a", b"abcde", True)),
    (head(first="HEAD * HTTP/1.1"), ("HEAD", "*", b"", True)),
    (head("Connection: keep-alive", first="GET / HTTP/1.0"), ("GET", "/", b"", True)),
    (b"\r\n\nGET http://host:1/p HTTP/1.1\nHost: x\n\n", ("GET", "/p", b"", True)),
)
"""Requests that leave the connection open."""
ENDS: tuple[tuple[bytes, Read], ...] = (
    (head("Connection: close"), ("POST", "/a", b"", False)),
    (head(first="GET / HTTP/1.0"), ("GET", "/", b"", False)),
    (head(*UPGRADE[1:], "Connection: upgrade, close"), ("POST", "/a", b"", False)),
    (head("Content-Length: 1001"), refused("413 Content Too Large")),
    (
        head("Transfer-Encoding: chunked") + b"3e9\r\n" + b"x" * 1001,
        refused("413 Content Too Large"),
    ),
    (head(first="GET / HTTP/2.0"), refused("505 HTTP Version Not Supported")),
    (head(first="GET / HTTP/1.7"), BAD),
    (head(first="CONNECT h:1 HTTP/1.1"), refused("405 Method Not Allowed")),
    (b"\x16\x03\x01\x02\x00\x01\x00", BAD),
)
"""Requests that are the last of their connection."""


@given(
    st.lists(st.sampled_from(REQUESTS), max_size=4),
    st.sampled_from(ENDS),
    st.lists(st.integers(0, 2500), max_size=8),
)
def test_how_requests_are_split_makes_no_difference(
    requests: list[tuple[bytes, Read]], end: tuple[bytes, Read], cuts: list[int]
) -> None:
    data = b"".join(each for each, _ in [*requests, end]) + head()
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    wanted = [told for _, told in [*requests, end]]
    assert read(*filter(None, pieces)) == read(data) == wanted


@pytest.mark.parametrize("data", [data for data, _ in REQUESTS])
def test_of_a_complete_request_nothing_is_held(data: bytes) -> None:
    reader = RequestReader({}, ServerLimits())
    reader.feed(data[:-1])
    assert reader.held > 0
    reader.feed(data[-1:])
    assert reader.held == 0


@pytest.mark.parametrize("data", [data for data, _ in (*REQUESTS, *ENDS)])
def test_byte_by_byte(data: bytes) -> None:
    assert read(*(bytes([byte]) for byte in data)) == read(data)


@given(st.binary(max_size=200) | st.binary(max_size=40).map(lambda noise: head("X: y") + noise))
@example(b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n")
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    for status, _, _, keep_alive in read(data, *(bytes([byte]) for byte in data)):
        assert not (status[:1].isdecimal() and keep_alive)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        (*UPGRADE, "Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 2", "Content-Length: 2"),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: 2, 2",),
        ("Content-Length: +2",),
        ("Content-Length: -2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 2 2",),
        ("Content-Length:",),
        ("Content-Length: 18446744073709551618",),
        ("Content-Length : 2",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding\t: chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: chunked, gzip",),
    ],
)
def test_a_request_in_which_another_could_hide_is_refused(lines: tuple[str, ...]) -> None:
    """RFC 7230 3.3.3, 9.5: whatever stands before us may see its end elsewhere."""
    hidden = b"0\r\n\r\n" + head(first="GET /hidden HTTP/1.1")
    assert read(head(*lines) + hidden) == [BAD]


@pytest.mark.parametrize("coding", ["identity", "gzip, chunked", "xchunked"])
def test_codings_that_we_do_not_have_are_refused(coding: str) -> None:
    data = head(f"Transfer-Encoding: {coding}") + CHUNKED
    assert read(data) == [refused("501 Not Implemented")]


@pytest.mark.parametrize(
    "chunks", [b"-2\r\nab", b"0x2\r\nab", b"f" * 17 + b"\r\n", b"2\r\nabGET / HTTP/1.1\r\n"]
)
def test_chunks_that_are_none_are_refused(chunks: bytes) -> None:
    assert read(head("Transfer-Encoding: chunked") + chunks) == [BAD]


def test_a_header_that_would_pass_for_another_is_dropped() -> None:
    reader = RequestReader({})
    reader.feed(head("X_Real: bad", "X-Real: good", "Content_Length: 3"))
    environ = reader.requests[0].environ
    assert {name for name in environ if name.startswith(("HTTP_", "CONTENT"))} == {"HTTP_X_REAL"}
    assert environ["HTTP_X_REAL"] == "good"


def test_white_space_around_a_value_is_none_of_it() -> None:
    reader = RequestReader({})
    reader.feed(head("X-Y:  \t a b \t "))
    assert reader.requests[0].environ["HTTP_X_Y"] == "a b"


def test_headers_that_come_twice_are_joined() -> None:
    reader = RequestReader({})
    reader.feed(head("A: 1", "a: 2", "Cookie: x=1", "Cookie: y=2"))
    environ: Any = reader.requests[0].environ
    assert (environ["HTTP_A"], environ["HTTP_COOKIE"]) == ("1, 2", "x=1; y=2")


@given(st.sampled_from([1, -1]), st.integers(1, 30_000))
@example(1, 65_536)
def test_how_long_a_head_may_be(over: int, piece: int) -> None:
    """However it is split."""
    lines = [f"{number:x}: 1" for number in range(150)]
    used = sum(len(line) + 2 for line in lines) + len("/aX: \r\n")
    data = head(*lines, f"X: {'x' * (request_parser.MAX_HEAD_BYTES - used + over)}")
    found = read(*(data[start : start + piece] for start in range(0, len(data), piece)))
    assert found == [TOO_LONG if over > 0 else ("POST", "/a", b"", True)]


@pytest.mark.parametrize("more", [1, 10_000])
def test_more_headers_than_the_limit_are_refused(more: int) -> None:
    most = request_parser.MAX_HEADERS
    lines = [f"X{number}: 1" for number in range(most + more)]
    assert read(head(*lines[:most])) == [("POST", "/a", b"", True)]
    assert read(head(*lines)) == [TOO_LONG]


@pytest.mark.parametrize("endless", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nX"])
def test_a_head_without_an_end_is_refused(endless: bytes) -> None:
    reader = RequestReader({})
    reader.feed(endless)
    fed = 0
    while not reader.over:
        reader.feed(b"a" * 1000)
        fed += 1000
    assert fed <= 2 * request_parser.MAX_HEAD_BYTES + 1000
    assert reader.requests[-1].refusal.startswith(("431", "400"))


def test_the_head_of_a_later_request_has_as_much_room() -> None:
    data = head(*[f"X{number}: {'v' * 290}" for number in range(190)])
    assert [told[0] for told in read(*[data[:40_000], data[40_000:]] * 5)] == ["POST"] * 5


@pytest.mark.parametrize(
    ("data", "expects"),
    [
        (head("Expect: 100-continue", "Content-Length: 2"), True),
        (head("Expect: 100-CONTINUE", "Transfer-Encoding: chunked"), True),
        (head("Expect: 100-continue", "Content-Length: 2", *UPGRADE), True),
        (head("Expect: 100-continue", "Content-Length: 2") + b"ab", False),
        (head("Expect: 100-continue", "Content-Length: 1001"), False),
        (head("Expect: 100-continue", first="POST / HTTP/1.0"), False),
        (head("Content-Length: 2"), False),
    ],
)
def test_who_waits_for_100_continue(data: bytes, expects: bool) -> None:
    reader = RequestReader({}, ServerLimits(body_bytes=1000))
    reader.feed(data)
    assert reader.expects is expects


def test_an_upgrade_with_too_much_behind_it_is_refused_once() -> None:
    assert read(head(*UPGRADE, "Content-Length: 1001")) == [refused("413 Content Too Large")]
    assert read(head(*UPGRADE, first="GET / HTTP/1.7")) == [BAD]


@pytest.mark.parametrize("start", [b"1;x", b"1\r\na\r\n0\r\nX: y"], ids=["extension", "trailer"])
def test_a_body_without_an_end_is_refused(start: bytes) -> None:
    fed = 0
    reader = RequestReader({})
    reader.feed(head("Transfer-Encoding: chunked") + start)
    while not reader.over:
        reader.feed(b"a" * 1000)
        fed += 1000
    assert fed <= 2 * request_parser.MAX_HEAD_BYTES + 1000


def test_too_many_requests_at_once_are_refused() -> None:
    most = request_parser.MAX_PIPELINED
    found = read(head(first="GET / HTTP/1.1") * (most + 10))
    assert [told[0] for told in found] == ["GET"] * most + ["503 Service Unavailable"]
