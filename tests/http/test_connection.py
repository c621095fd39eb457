"""HTTP over one connection."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent.socket
import pytest
from helpers.wire import CLOSE, RESET, answer, hang_until_late, needs_ipv6, wire
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    LimitError,
    TransportError,
)
from caretaker.http.connection import Connection, FailedTarget
from caretaker.http.endpoint import Address, Endpoint, LocalEnd
from caretaker.http.request_head import request_head
from caretaker.http.response_parser import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_INTERIM_ANSWERS,
    Response,
    ResponseReader,
    plain_response,
)
from caretaker.testing import Clock


def get(
    url: str,
    timeout: float = 60.0,
    limit: int = 1000,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    endpoint = Endpoint(Address.of(url), timeout, clock=clock)
    connection = Connection(endpoint, endpoint.address)
    try:
        return connection.request(request_head("GET", endpoint.address, [], None), b"", limit)
    finally:
        connection.close()


@pytest.mark.sockets
class TestConnection:
    @pytest.mark.rule("2.1-9")
    @pytest.mark.parametrize(
        ("said", "status", "body", "keep_alive"),
        [
            pytest.param(answer(body=b"hi"), 200, b"hi", True, id="a length"),
            pytest.param(answer("204 No Content"), 204, b"", True, id="nothing"),
            pytest.param(
                b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, b"", False, id="close"
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                200,
                b"hi",
                True,
                id="chunked",
            ),
            pytest.param(
                b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + answer(body=b"hi"),
                200,
                b"hi",
                True,
                id="100 before it",
            ),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 2\r\n\r\nh", b"i"),
                200,
                b"hi",
                True,
                id="piece by piece",
            ),
            pytest.param(
                (b"HTTP/1.0 200 OK\r\n\r\nhi", CLOSE), 200, b"hi", False, id="until the end"
            ),
            pytest.param(answer() + b"junk", 200, b"", False, id="junk behind it"),
            pytest.param(
                b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi", True, id="bare line feeds"
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", 200, b"hi", True, id="a blank"
            ),
            pytest.param(
                b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", True, id="no reason phrase"
            ),
        ],
    )
    def test_answers_are_read(
        self, said: object, status: int, body: bytes, keep_alive: bool
    ) -> None:
        with wire(said) as server:
            response = get(server.url)
        assert (status, body) == (response.status, response.body)
        if keep_alive != response.keep_alive:
            assert said == answer() + b"junk"  # whether the junk has come yet is a matter of luck

    @pytest.mark.rule("2.2-4")
    @pytest.mark.parametrize(
        ("said", "error", "reason"),
        [
            pytest.param(CLOSE, ConnectionLost, "closed without an answer", id="closed"),
            pytest.param(RESET, ConnectionLost, "reset", id="reset"),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", CLOSE),
                ConnectionLost,
                "middle",
                id="cut off",
            ),
            pytest.param((b"HTTP/1.1 200 OK\r\n", CLOSE), ConnectionLost, "middle", id="cut head"),
            pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", AnswerError, "not HTTP", id="not HTTP"),
            pytest.param(answer(body=b"x" * 70_000), AnswerError, "too large", id="too large"),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 80_000),
                AnswerError,
                "too large",
                id="large head",
            ),
        ],
    )
    def test_what_is_no_answer(
        self, said: object, error: type[TransportError], reason: str
    ) -> None:
        with wire(said) as server, pytest.raises(error, match=reason):
            get(server.url)

    @pytest.mark.rule("4.1-15")
    def test_there_is_one_deadline_for_the_whole_answer(self) -> None:
        clock = Clock()
        with wire(hang_until_late(clock)) as server, pytest.raises(AnswerTimeout):
            get(server.url, timeout=0.1, clock=clock)
        slow = tuple(bytes([byte]) for byte in answer(body=b"x" * 50))
        ticks = iter(range(1000))
        with wire(slow) as server:
            # Each look at the clock finds it three seconds later, while bytes keep coming.
            endpoint = Endpoint(Address.of(server.url), 5.0, clock=lambda: 3.0 * next(ticks))
            connection = Connection(endpoint, endpoint.address)
            try:
                with pytest.raises(AnswerTimeout):
                    connection.request(request_head("GET", endpoint.address, [], None), b"")
            finally:
                connection.close()

    @pytest.mark.rule("2.2-4")
    def test_nobody_there(self) -> None:
        with gevent.socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(ConnectError, match="connection refused"):
            get(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRINUSE, errno.EADDRNOTAVAIL])
    def test_limits_of_this_machine_are_told_apart(
        self, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(number, "full")

        monkeypatch.setattr("caretaker.http.sockets._socket.socket", full)
        with pytest.raises(LimitError, match="out of sockets"):
            get("http://127.0.0.1:9/")

    def test_connections_leave_from_the_address_they_are_told(self) -> None:
        with wire(answer(body=b"hi")) as server:
            endpoint = Endpoint(Address.of(server.url))
            connection = Connection(endpoint, endpoint.address, LocalEnd("127.0.0.7"))
            connection.request(request_head("GET", endpoint.address, [], None), b"")
            connection.close()
        assert server.peers == ["127.0.0.7"]


# -- what is plain is read as the parser reads it -------------------------------------------------

_NAMES = st.sampled_from(
    ["Content-Length", "Connection", "Set-Cookie", "Date", "X-A", "Transfer-Encoding", "Upgrade"]
)
_VALUES = st.sampled_from(
    ["0", "2", "3", "close", "Keep-Alive", "a, b", " x ", "", "chunked", "\t"]
)
_STATUS = st.sampled_from(
    ["200 OK", "204 No Content", "304 Not Modified", "401 No", "100 Continue", "200", "99 x"]
)
_HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=4)
_BODIES = st.sampled_from([b"", b"hi", b"abc"])


@given(_STATUS, _HEADERS, _BODIES, st.sampled_from(["HTTP/1.1", "HTTP/1.0"]), st.integers(0, 9))
def test_what_is_plain_is_as_the_parser_has_it(
    status: str, headers: list[tuple[str, str]], body: bytes, version: str, cut: int
) -> None:
    lines = [f"{version} {status}", *[f"{name}: {value}" for name, value in headers], "", ""]
    data = "\r\n".join(lines).encode() + body
    data = data[: len(data) - cut] if cut > 5 else data
    plain = plain_response(data)
    if plain is None:
        return
    reader = ResponseReader()
    reader.feed(data, 10_000)
    assert reader.complete
    expected = reader.response()
    assert (plain.status, list(plain.headers)) == (expected.status, expected.headers)
    assert (plain.body, plain.keep_alive) == (expected.body, expected.keep_alive)


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        pytest.param("HTTP/1.1 200 OK", ["Content-Length: 2", "Server: nginx/1.22"], id="nginx"),
        pytest.param("HTTP/1.1 200", ["content-length:2", "Connection: Keep-Alive"], id="others"),
        pytest.param("HTTP/1.1 200 OK", ["Set-Cookie: a=b; C", "Content-Length: 2"], id="cookie"),
    ],
)
def test_usual_answers_are_plain(head: str, headers: list[str]) -> None:
    data = "\r\n".join([head, *headers, "", ""]).encode() + b"hi"
    plain: Any = plain_response(data)
    assert (plain.status, plain.body, plain.keep_alive) == (200, b"hi", True)


def refused_after(*pieces: bytes) -> int:
    """How many bytes of these a reader took until it refused; -1 if it refused none."""
    reader = ResponseReader()
    fed = 0
    for piece in pieces:
        fed += len(piece)
        try:
            reader.feed(piece, 8 * 1024 * 1024)
        except AnswerError as error:
            assert error.reason == "answer is too large"
            return fed
    return -1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = 1000


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200 " + b"O", id="a reason phrase"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX", id="the name of a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: y", id="a header"),
        pytest.param(CHUNKED + b"1;x", id="a chunk's extension"),
        pytest.param(CHUNKED + b"1\r\na\r\n0\r\nX: y", id="a trailer"),
    ],
)
def test_what_has_no_end_is_refused(start: bytes) -> None:
    fed = refused_after(start, *[b"y" * PIECE] * 1000)
    assert 0 < fed <= MAX_HEAD_BYTES + 2 * PIECE


@pytest.mark.parametrize(
    ("start", "line", "most"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"a:\r\n", MAX_HEADERS, id="headers"),
        pytest.param(CHUNKED + b"0\r\n", b"a:\r\n", MAX_HEADERS, id="trailers"),
        pytest.param(
            b"", b"HTTP/1.1 100 Continue\r\n\r\n", MAX_INTERIM_ANSWERS, id="interim answers"
        ),
        pytest.param(
            b"", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n", MAX_INTERIM_ANSWERS, id="their headers"
        ),
    ],
)
def test_what_comes_again_and_again_is_refused(start: bytes, line: bytes, most: int) -> None:
    start = start or b"HTTP/1.1 102 Processing\r\n\r\n"
    assert refused_after(start, *[line] * (most - 1)) == -1
    assert refused_after(start, *[line] * (most + 2)) > 0


def test_headers_are_limited_together() -> None:
    line = b"a: " + b"y" * 1000 + b"\r\n"
    assert 0 < refused_after(b"HTTP/1.1 200 OK\r\n", *[line] * 100) <= MAX_HEAD_BYTES + 2000


def test_a_body_in_small_chunks_is_read() -> None:
    assert refused_after(CHUNKED, *[b"1\r\nx\r\n"] * 100_000, b"0\r\n\r\n") == -1


def test_large_heads_are_not_kept() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"y" * 3000 + b"\r\n\r\n"
    many = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"a: b\r\n" * 60 + b"\r\n"
    assert plain_response(long) is plain_response(many) is None


@contextmanager
def silent_address() -> Iterator[tuple[str, int]]:
    """An address of loopback that answers no attempt to connect, as its queue is full."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()


@pytest.mark.sockets
class TestAHostOfSeveralAddresses:
    @pytest.fixture
    def reasons(self) -> list[str]:
        return []

    def stand_for(self, addresses: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """Have these be the host's addresses."""
        found = [
            (socket.AF_INET6 if ":" in each[0] else socket.AF_INET, socket.SOCK_STREAM, 6, "", each)
            for each in addresses
        ]
        monkeypatch.setattr(gevent.socket, "getaddrinfo", lambda *_, **__: found)

    def connect(
        self,
        addresses: list[Any],
        monkeypatch: pytest.MonkeyPatch,
        reasons: list[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> int:
        """Connect to the host, and return the status that is answered."""
        self.stand_for(addresses, monkeypatch)
        address = Address.of("http://both.example/")
        endpoint = Endpoint(address, 60.0, clock=clock, on_passed_over=reasons.append)
        for _ in range(2):
            connection = Connection(endpoint, address)
            status = connection.request(request_head("GET", address, [], None), b"").status
            connection.close()
        return status

    @needs_ipv6
    def test_the_next_one_is_tried_and_the_reason_counted_once(
        self, monkeypatch: pytest.MonkeyPatch, reasons: list[str]
    ) -> None:
        with wire(answer(), answer()) as server:
            port = server.server.server_port
            with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
                closed = taken.getsockname()
            assert self.connect([closed, ("127.0.0.1", port)], monkeypatch, reasons) == 200
        assert reasons == ["connection refused"]

    def test_a_silent_one_leaves_time_for_the_next(
        self, monkeypatch: pytest.MonkeyPatch, reasons: list[str]
    ) -> None:
        passed = [0.0]
        with silent_address() as silent, wire(answer(), answer()) as server:
            addresses = [silent, ("127.0.0.1", server.server.server_port)]
            clock = lambda: time.monotonic() + passed[0]  # noqa: E731
            connecting = gevent.spawn(self.connect, addresses, monkeypatch, reasons, clock)
            for _ in range(9):
                gevent.sleep(0)
            passed[0] = 31.0  # of sixty seconds for both
            assert connecting.get() == 200
        assert reasons == ["connection timed out"]

    def connect_after(
        self,
        ports: list[Any],
        monkeypatch: pytest.MonkeyPatch,
        reasons: list[str],
    ) -> int:
        """As ``connect``, after the I/O engine has failed at the first address."""
        self.stand_for([("127.0.0.1", port) for port in ports], monkeypatch)
        endpoint = Endpoint(Address.of("http://both.example/"), on_passed_over=reasons.append)
        target = endpoint.targets(endpoint.address, "")[0]
        before = FailedTarget(target, ConnectError("failed before"), time.monotonic() + 60)
        connection = Connection(endpoint, endpoint.address, failed=before)
        head = request_head("GET", endpoint.address, [], None)
        status = connection.request(head, b"").status
        connection.close()
        return status

    def test_one_that_has_failed_before_is_not_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, reasons: list[str]
    ) -> None:
        with wire() as failed, wire(answer()) as good:
            ports = [server.server.server_port for server in (failed, good)]
            assert self.connect_after(ports, monkeypatch, reasons) == 200
            assert (failed.connections, good.connections) == (0, 1)
        assert reasons == ["failed before"]

    def test_a_host_that_has_no_other_by_now_fails_as_before(
        self, monkeypatch: pytest.MonkeyPatch, reasons: list[str]
    ) -> None:
        with wire() as server, pytest.raises(ConnectError, match="failed before"):
            self.connect_after([server.server.server_port], monkeypatch, reasons)
        assert (server.connections, reasons) == (0, [])

    def test_the_last_reason_is_told_where_all_fail(
        self, monkeypatch: pytest.MonkeyPatch, reasons: list[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            closed = taken.getsockname()
        with pytest.raises(ConnectError, match="connection refused"):
            self.connect([closed, closed], monkeypatch, reasons)
        assert reasons == []
