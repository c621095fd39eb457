"""The HTTP/1.1 server: connections, answers in their order, patience, and the end."""

from __future__ import annotations

import errno
import os
import socket
import threading
from _socket import socket as Socket  # noqa: N812  # the base class of socket's
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import gevent
import pytest
from helpers.wire import needs_ipv6

from caretaker.errors import InputError
from caretaker.http import connection_table, server, turns
from caretaker.http.gevent_loop import Loop
from caretaker.http.request_parser import ServerLimits
from caretaker.http.server import WSGIHost, WSGIServer

UPGRADE = ("Connection: upgrade", "Upgrade: h2c")


def head(*lines: str, first: str = "POST /a HTTP/1.1") -> bytes:
    """The head of a request."""
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """Answers with what was asked."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} ".encode(), body]


class Peer:
    """A client on a plain socket; reads wait for a minute at most."""

    def __init__(self, host: WSGIHost) -> None:
        self.socket = socket.create_connection(("127.0.0.1", host.port), 60)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, bodiless: bool = False) -> tuple[str, dict[str, str], bytes]:
        """The next answer: status, headers and body; the status is empty at the end."""
        status = self._file.readline().decode().strip().removeprefix("HTTP/1.1 ")
        headers = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        length = 0 if bodiless else int(headers.get("content-length", 0))
        return status, headers, self._file.read(length)

    def ask(self, data: bytes) -> tuple[str, bytes]:
        self.send(data)
        status, _, body = self.answer()
        return status, body

    def is_at_the_end(self) -> bool:
        """Whether the server has closed."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


class Serving:
    """A host and its clients."""

    def __init__(self, app: Any, **settings: Any) -> None:
        self.loop = Loop()
        self.loop.start()
        self.host = WSGIHost(app, "127.0.0.1", 0, self.loop, **settings)
        self.host.start()
        self.peers: list[Peer] = []

    def peer(self) -> Peer:
        self.peers.append(Peer(self.host))
        return self.peers[-1]

    def later(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.loop.call(self.host.sweep, monotonic() + seconds)

    def held(self) -> int:
        """Bytes of requests that are not answered yet."""
        return self.loop.call(lambda: self.host.connections.held)

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.host.stop()
        self.loop.stop()


@contextmanager
def serving(app: Any = echo, **settings: Any) -> Iterator[Serving]:
    made = Serving(app, **settings)
    try:
        yield made
    finally:
        made.close()


def raising(environ: Any, _: Any) -> list[bytes]:
    """Fails when it is asked for that."""
    if environ["PATH_INFO"] == "/silent":
        return [b"no start_response"]
    raise ValueError("tr0ub")


@pytest.mark.sockets
class TestServing:
    """Over real sockets."""

    def test_one_request_after_the_other_on_one_connection(self) -> None:
        with serving() as it:
            peer = it.peer()
            assert peer.ask(head("Content-Length: 2") + b"ab") == ("200 OK", b"POST /a ab")
            assert peer.ask(head(first="GET /b%20c HTTP/1.1")) == ("200 OK", b"GET /b c ")

    def test_requests_that_come_at_once_are_answered_in_their_order(self) -> None:
        def slow_first(environ: Any, start_response: Any) -> list[bytes]:
            if environ["PATH_INFO"] == "/0":
                for _ in range(20):
                    gevent.sleep(0)  # time enough for the others to overtake it
            return echo(environ, start_response)

        with serving(slow_first) as it:
            peer = it.peer()
            peer.send(b"".join(head(first=f"GET /{number} HTTP/1.1") for number in range(50)))
            bodies = [peer.answer()[2] for _ in range(50)]
            assert bodies == [f"GET /{number} ".encode() for number in range(50)]

    @pytest.mark.parametrize(
        ("data", "connection"),
        [
            (head("Connection: close"), "close"),
            (head(first="GET / HTTP/1.0"), "close"),
            (head("Connection: keep-alive", first="GET / HTTP/1.0"), "keep-alive"),
            (head(), None),
        ],
    )
    def test_when_the_connection_goes_on(self, data: bytes, connection: str | None) -> None:
        with serving() as it:
            peer = it.peer()
            peer.send(data)
            assert peer.answer()[1].get("connection") == connection
            if connection == "close":
                assert peer.is_at_the_end()
            else:
                assert peer.ask(head())[0] == "200 OK"

    def test_an_application_can_close(self) -> None:
        def last(_: Any, start_response: Any) -> list[bytes]:
            start_response("204 No Content", [("Connection", "close")])
            return []

        with serving(last) as it:
            peer = it.peer()
            peer.send(head() + head())
            status, headers, _ = peer.answer(bodiless=True)
            assert (status, "content-length" in headers) == ("204 No Content", False)
            assert peer.is_at_the_end()

    def test_the_last_answer_is_read_though_the_client_went_on_talking(self) -> None:
        begun, talked = threading.Event(), threading.Event()

        def app(environ: Any, start_response: Any) -> list[bytes]:
            begun.set()
            while not talked.is_set():
                gevent.sleep(0.01)
            start_response("200 OK", [("Connection", "close")])
            return [b"the end"]

        with serving(app) as made:
            peer = made.peer()
            peer.send(head())
            assert begun.wait(60)
            peer.send(b"more")
            talked.set()
            status, headers, body = peer.answer()
            assert (status, headers["connection"], body) == ("200 OK", "close", b"the end")

    def test_head_has_the_length_and_no_body(self) -> None:
        with serving() as it:
            peer = it.peer()
            peer.send(head(first="HEAD /x HTTP/1.1") + head(first="GET /y HTTP/1.1"))
            assert peer.answer(bodiless=True)[1]["content-length"] == "8"
            assert peer.answer()[2] == b"GET /y "

    def test_who_waits_for_100_continue_gets_it_before_the_answer(self) -> None:
        with serving() as it:
            peer = it.peer()
            for lines in (("Content-Length: 2",), ("Content-Length: 2", *UPGRADE)):
                peer.send(head("Expect: 100-continue", *lines))
                assert peer.answer()[0] == "100 Continue"
                assert peer.ask(b"ab") == ("200 OK", b"POST /a ab")

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"nonsense\r\n\r\n", "400 Bad Request"),
            (b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000, "431 Request Header Fields Too Large"),
            (head("Content-Length: 11") + b"x" * 11, "413 Content Too Large"),
            (head(first="GET / HTTP/3.0"), "400 Bad Request"),
            (head("Content-Length: 1", "Transfer-Encoding: chunked"), "400 Bad Request"),
        ],
    )
    def test_what_is_refused_can_be_read_and_then_it_ends(self, data: bytes, status: str) -> None:
        with serving(limits=ServerLimits(body_bytes=10)) as it:
            peer = it.peer()
            peer.send(head(first="GET /good HTTP/1.1") + data)
            assert peer.answer()[2] == b"GET /good "
            found, headers, body = peer.answer()
            assert (found, headers["connection"], body) == (status, "close", f"{status}\n".encode())
            assert peer.is_at_the_end()

    @pytest.mark.parametrize("path", ["/", "/silent"])
    def test_an_application_that_fails_is_a_500_and_a_line_of_the_log(
        self, path: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with serving(raising) as it:
            peer = it.peer()
            peer.send(head(first=f"GET {path} HTTP/1.1"))
            status, headers, body = peer.answer()
            assert (status, headers["connection"]) == ("500 Internal Server Error", "close")
            assert b"tr0ub" not in body
            assert it.peer().ask(head())[0] == "500 Internal Server Error"  # others are served
        assert "ValueError" in capfd.readouterr().err

    def test_a_long_answer_arrives_whole_though_it_is_read_late(self) -> None:
        with serving(lambda *given: [*echo(*given), b"x" * 20_000_000]) as it:
            peer = it.peer()
            peer.send(head(first="GET /1 HTTP/1.1") + head(first="GET /2 HTTP/1.1"))
            for start in (b"GET /1 ", b"GET /2 "):
                body = peer.answer()[2]
                assert (body[:7], len(body)) == (start, 20_000_007)

    def test_a_client_that_has_sent_all_still_gets_its_answer(self) -> None:
        with serving() as it:
            peer = it.peer()
            peer.send(head())
            peer.socket.shutdown(socket.SHUT_WR)
            assert peer.answer()[0] == "200 OK"
            assert peer.is_at_the_end()


STALLS: dict[str, bytes] = {
    "says nothing": b"",
    "has been answered": head("Content-Length: 0"),
    "stops in a head": b"GET / HTTP/1.1\r\nHost:",
    "stops in a body": head("Content-Length: 9") + b"abc",
}


@pytest.mark.sockets
class TestPatience:
    """Nobody waits for ever; and no test does."""

    @pytest.mark.parametrize("data", STALLS.values(), ids=STALLS)
    def test_a_client_that_stalls_is_dropped(self, data: bytes) -> None:
        with serving() as it:
            peer = it.peer()
            peer.send(data)
            if data.endswith(b"0\r\n\r\n"):
                assert peer.answer()[0] == "200 OK"
            other = it.peer()  # once it is answered, what came before is read
            assert other.ask(head())[0] == "200 OK"
            it.later(connection_table.IDLE_SECONDS - 5)
            assert len(it.host.connections) == 2
            it.later(connection_table.IDLE_SECONDS + 5)
            assert not it.host.connections
            assert peer.is_at_the_end()

    def test_a_head_that_comes_drop_by_drop_has_one_deadline(self) -> None:
        made = self._connection()
        made._take(b"GET / HTTP/1.1\r\n")
        deadline = made.deadline
        made.deadline -= 10  # so that a new one would show
        made._take(b"X: y\r\n")
        assert made.deadline == deadline - 10
        made._take(b"\r\nGET / HTTP/1.1\r\n")
        made._take(b"\r\n")
        made.deadline = 0.0
        made._take(b"GET / ")
        assert made.deadline > deadline - 10

    def test_a_body_that_comes_drop_by_drop_has_one_deadline(self) -> None:
        made = self._connection(body_bytes=10**6)
        made._take(head("Content-Length: 500000"))
        first = made.deadline = made.deadline - 10
        for _ in range(100):
            made._take(b"x" * 100)
        assert made.deadline == first
        made._take(b"x" * server.PROGRESS)
        assert made.deadline > first

    def test_blank_lines_are_no_request(self) -> None:
        made = self._connection()
        first = made.deadline = made.deadline - 10
        for _ in range(100):
            made._take(b"\r\n")
        assert made.deadline == first

    @pytest.fixture(autouse=True)
    def pair(self) -> Iterator[None]:
        one, other = socket.socketpair()
        self._one = one
        with one, other:
            yield

    def _connection(self, body_bytes: int = 10) -> Any:
        host = WSGIHost(echo, "127.0.0.1", 0, Loop(), limits=ServerLimits(body_bytes=body_bytes))
        host.hub = gevent.get_hub()
        return server._Connection(host, self._one, {})

    def test_a_client_that_does_not_read_is_dropped(self) -> None:
        with serving(lambda *given: [*echo(*given), b"x" * 20_000_000]) as it:
            peer = it.peer()
            peer.send(head())
            assert peer.socket.recv(1) == b"H"
            it.later(connection_table.IDLE_SECONDS + 5)
            assert not it.host.connections

    def test_a_request_that_takes_long_is_no_idle_connection(self) -> None:
        goes_on, asked = threading.Event(), threading.Event()

        def waits(*given: Any) -> list[bytes]:
            asked.set()
            while not goes_on.is_set():
                gevent.sleep(0)
            return echo(*given)

        with serving(waits) as it:
            peer = it.peer()
            peer.send(head())
            assert asked.wait(60)
            it.later(1000)
            goes_on.set()
            assert peer.answer()[0] == "200 OK"

    def test_one_who_is_refused_and_goes_on_talking_is_cut(self) -> None:
        with serving() as it:
            peer = it.peer()
            peer.send(b"nonsense\r\n\r\n")
            assert peer.answer()[0] == "400 Bad Request"
            peer.send(b"more")
            it.later(server.LINGER_SECONDS + 1)
            assert not it.host.connections

    def test_beyond_the_most_connections_others_wait_for_their_turn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_table, "SPARED_SECONDS", 3600.0)
        with serving(limits=ServerLimits(connections=2)) as it:
            first, second, third = it.peer(), it.peer(), it.peer()
            for peer in (first, second):
                assert peer.ask(head())[0] == "200 OK"
            third.send(head())
            first.close()
            assert third.answer()[0] == "200 OK"

    def test_a_crowd_that_says_nothing_shuts_nobody_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_table, "SPARED_SECONDS", 0.0)
        with serving(limits=ServerLimits(connections=2)) as it:
            silent = [it.peer() for _ in range(5)]
            assert it.peer().ask(head())[0] == "200 OK"
            assert len(it.host.connections) <= 2
            assert silent[0].is_at_the_end()

    def test_bodies_beyond_the_bytes_of_a_server_are_refused(self) -> None:
        with serving(limits=ServerLimits(held_bytes=100_000)) as it:
            first, second = it.peer(), it.peer()
            first.send(head("Content-Length: 90000") + b"x" * 80_000)
            while it.held() < 80_000:
                gevent.sleep(0)
            assert second.ask(head("Content-Length: 90000") + b"x" * 80_000)[0].startswith("503")
            status, body = first.ask(b"x" * 10_000)
            assert (status, len(body)) == ("200 OK", 90_008)
            while it.held():
                gevent.sleep(0)

    def test_who_holds_most_and_stalls_makes_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection_table, "SPARED_SECONDS", 0.0)
        with serving(limits=ServerLimits(held_bytes=100_000)) as it:
            first, second = it.peer(), it.peer()
            first.send(head("Content-Length: 90000") + b"x" * 80_000)
            while it.held() < 80_000:
                gevent.sleep(0)
            assert second.ask(head("Content-Length: 50000") + b"x" * 50_000)[0] == "200 OK"
            assert first.is_at_the_end()

    def test_where_no_file_is_left_an_idle_connection_gives_its_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_table, "SPARED_SECONDS", 0.0)
        with serving() as it:
            idle = it.peer()
            assert idle.ask(head())[0] == "200 OK"
            own = it.host._listener
            assert own is not None
            full = Full(own.family, own.type, 0, os.dup(own.fileno()))
            full.setblocking(False)
            it.loop.call(setattr, it.host, "_listener", full)
            assert it.peer().ask(head())[0] == "200 OK"
            assert idle.is_at_the_end()
            own.close()


class Full(Socket):
    """A listener of a process that has no file left, the first time that it is asked."""

    full = True

    def _accept(self) -> Any:
        if self.full:
            self.full = False
            raise OSError(errno.EMFILE, "too many open files")
        return getattr(super(), "_accept")()  # noqa: B009


@pytest.mark.sockets
class TestTurns:
    """What comes at once is done in many turns of the loop."""

    def test_requests_of_a_crowd_leave_turns_to_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "STEPS", 8)
        turn, answered = [0], Counter[int]()

        def app(environ: Any, start_response: Any) -> list[bytes]:
            answered[turn[0]] += 1
            return echo(environ, start_response)

        def next_turn() -> None:
            turn[0] += 1

        def ask_all() -> None:
            for peer in crowd:
                peer.send(head())

        with serving(app) as it:
            crowd = [it.peer() for _ in range(40)]
            assert it.peer().ask(head())[0] == "200 OK"  # all of them are connected
            watcher = it.loop.call(it.host.hub.loop.check)
            it.loop.call(watcher.start, next_turn)
            it.loop.call(ask_all)
            assert {peer.answer()[0] for peer in crowd} == {"200 OK"}
            it.loop.call(watcher.stop)
        assert answered.total() == 41
        assert max(answered.values()) <= 8


@pytest.mark.sockets
class TestEnd:
    """Stopping."""

    def test_idle_connections_and_requests_end_with_the_host(self) -> None:
        asked = threading.Event()

        def hangs(environ: Any, start_response: Any) -> list[bytes]:
            if environ["PATH_INFO"] == "/hang":
                asked.set()
                gevent.sleep(1000)
            return echo(environ, start_response)

        with serving(hangs) as it:
            idle, busy = it.peer(), it.peer()
            assert idle.ask(head())[0] == "200 OK"
            busy.send(head(first="GET /hang HTTP/1.1"))
            assert asked.wait(60)
            it.host.stop()
            assert idle.is_at_the_end()
            assert busy.is_at_the_end()
            with pytest.raises(ConnectionRefusedError):
                it.peer()
            it.host.stop()  # once more does no harm

    def test_it_can_start_again(self) -> None:
        with serving() as it:
            port = it.host.port
            it.host.stop()
            it.host.start()
            assert it.host.port == port
            assert it.peer().ask(head())[0] == "200 OK"

    def test_an_address_in_use_is_said_with_its_cure(self) -> None:
        with serving() as it:
            other = WSGIHost(echo, "127.0.0.1", it.host.port, it.loop)
            with pytest.raises(InputError, match="in use; choose another address or port"):
                other.start()

    @needs_ipv6
    @pytest.mark.parametrize(("host", "peer"), [("::1", "::1"), ("::", "127.0.0.1")])
    def test_a_peer_is_told_as_what_it_is_on_the_wire(self, host: str, peer: str) -> None:
        told: list[str] = []

        def app(environ: Any, start_response: Any) -> list[bytes]:
            told.append(environ["REMOTE_ADDR"])
            start_response("204 No Content", [])
            return []

        loop = Loop()
        loop.start()
        server = WSGIHost(app, host, 0, loop)
        server.start()
        try:
            with socket.create_connection((peer, server.port), timeout=60) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 204")
        finally:
            server.stop()
            loop.stop()
        assert told == [peer]

    def test_ipv6_has_brackets_in_its_url(self) -> None:
        assert WSGIHost(echo, "::1", 80, Loop()).url == "http://[::1]:80"
        assert WSGIHost(echo, "fe80::1%eth0", 80, Loop()).url == "http://[fe80::1%25eth0]:80"


class Echoes(WSGIServer):
    """The same application at several ports."""

    def __init__(self, *ports: int, loop: Loop | None = None) -> None:
        super().__init__(loop)
        self.hosts = [self._host_app(echo, "127.0.0.1", port) for port in ports]


@pytest.mark.sockets
class TestWSGIServer:
    """Several applications in one loop."""

    def test_it_serves_while_the_context_lasts(self) -> None:
        with Echoes(0, 0) as server:
            peers = [Peer(host) for host in server.hosts]
            assert [peer.ask(head())[0] for peer in peers] == ["200 OK", "200 OK"]
        assert all(peer.is_at_the_end() for peer in peers)
        for peer in peers:
            peer.close()

    def test_none_is_served_when_one_address_is_in_use(self) -> None:
        with Echoes(0) as first:
            second = Echoes(0, first.hosts[0].port)
            with pytest.raises(InputError, match="in use"):
                second.start()
            with pytest.raises(ConnectionRefusedError):
                Peer(second.hosts[0])

    def test_a_loop_that_is_shared_goes_on(self) -> None:
        loop = Loop()
        loop.start()
        with Echoes(0, loop=loop):
            pass
        assert loop.call(int, "1") == 1
        loop.stop()
