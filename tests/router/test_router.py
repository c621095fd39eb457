"""The router between real sockets: an ACS in front of it, Connection Request servers behind it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest
import requests
from requests.auth import HTTPDigestAuth

from caretaker.connection_request import ConnectionRequestServer, send_connection_request
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.http.connection import Connection
from caretaker.http.credentials import Credentials
from caretaker.http.response_parser import MAX_HEAD_BYTES
from caretaker.http.server import WSGIServer
from caretaker.router import RouterServer, Routes, WorkerRoute
from caretaker.router import worker_connections as connections
from caretaker.router.app import RETRY_AFTER
from caretaker.router.worker_connections import WorkerConnections

ADMIN = Credentials("admin", "secret")
RETRY = {"Retry-After": str(RETRY_AFTER)}


class Worker:
    """A Connection Request server that keeps what it has accepted; also a context manager."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.server = ConnectionRequestServer(0, self.accepted.append, ADMIN)

    @property
    def base_url(self) -> str:
        return self.server.base_url

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()


class RecordingApp:
    """A worker that keeps the environ of each request."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = list(headers)
        self.requests: list[dict[str, Any]] = []
        self.body = b"a body"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.requests.append(environ)
        start_response("200 OK", self.headers)
        return [self.body]


class RecordingWorker(WSGIServer):
    """That application at an address."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        super().__init__()
        self.app = RecordingApp(*headers)
        self.host = self._host_app(self.app, "127.0.0.1", 0)


@pytest.fixture
def router() -> Iterator[RouterServer]:
    with RouterServer() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Callable[[Any], Any]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield stack.enter_context


def routes(*urls: str) -> Routes:
    """Ten CPEs for each of the workers, of twenty in the fleet."""
    workers = (WorkerRoute(url, ((10 * n, 10 * n + 10),)) for n, url in enumerate(urls))
    return Routes("FLEET", 20, tuple(workers))


def test_each_worker_gets_the_requests_of_its_cpes(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:
    one, two = start(Worker()), start(Worker())
    router.take(routes(one.base_url, two.base_url))
    for serial_number in ("FLEET-000001", "FLEET-000011", "FLEET-000020"):
        assert send_connection_request(f"{router.url}/cr/{serial_number}", ADMIN) == 200
    assert one.accepted == ["FLEET-000001"]
    assert two.accepted == ["FLEET-000011", "FLEET-000020"]


def test_wrong_credentials_are_refused_by_the_worker(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:
    worker = start(Worker())
    router.take(routes(worker.base_url))
    wrong = Credentials("admin", "other")
    assert send_connection_request(f"{router.url}/cr/FLEET-000001", wrong) == 401
    assert worker.accepted == []


def test_an_acs_asks_many_cpes_of_both_workers_over_one_connection(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:
    one, two = start(Worker()), start(Worker())
    router.take(routes(one.base_url, two.base_url))
    with requests.Session() as acs:
        acs.auth = HTTPDigestAuth(*ADMIN)
        numbers = [f"FLEET-{n:06}" for n in range(1, 21)]
        found = [acs.get(f"{router.url}/cr/{number}").status_code for number in numbers]
        assert len(router._host.connections) == 1
    assert found == [200] * 20
    assert one.accepted + two.accepted == numbers


def test_a_cpe_that_moves_keeps_its_address(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:
    one, two = start(Worker()), start(Worker())
    url = f"{router.url}/cr/FLEET-000001"
    router.take(routes(one.base_url))
    assert send_connection_request(url, ADMIN) == 200
    router.take(routes())
    moving = requests.get(url, timeout=60)
    router.take(routes(two.base_url))
    assert send_connection_request(url, ADMIN) == 200
    assert (moving.status_code, moving.headers["Retry-After"]) == (503, RETRY["Retry-After"])
    assert (one.accepted, two.accepted) == (["FLEET-000001"], ["FLEET-000001"])


class TestWhatTheRouterAnswers:
    def get(self, router: RouterServer, path: str, method: str = "GET") -> tuple[int, str | None]:
        answer = requests.request(method, router.url + path, timeout=60)
        return answer.status_code, answer.headers.get("Retry-After")

    def test_without_routes(self, router: RouterServer) -> None:
        assert self.get(router, "/cr/FLEET-000001") == (503, RETRY["Retry-After"])
        assert self.get(router, "/health") == (200, None)

    def test_no_cpe_of_the_fleet(self, router: RouterServer) -> None:
        router.take(routes())
        for path in ("/cr/FLEET-000021", "/cr/OTHER-000001", "/cr/", "/", "/cr-routes"):
            assert self.get(router, path) == (404, None)

    def test_another_method(self, router: RouterServer) -> None:
        assert self.get(router, "/cr/FLEET-000001", "POST") == (405, None)

    def test_a_worker_that_is_gone(
        self, router: RouterServer, start: Callable[[Any], Any]
    ) -> None:  # fmt: skip
        worker = start(Worker())
        router.take(routes(worker.base_url))
        assert self.get(router, "/cr/FLEET-000001") == (401, None)
        worker.server.stop()
        assert self.get(router, "/cr/FLEET-000001") == (503, RETRY["Retry-After"])

    def test_a_worker_that_does_not_answer(
        self, router: RouterServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            router.take(routes(f"http://127.0.0.1:{silent.getsockname()[1]}"))
            assert self.get(router, "/cr/FLEET-000001") == (503, RETRY["Retry-After"])

    def test_a_worker_that_has_the_index_but_not_yet_the_cpe(
        self, router: RouterServer, start: Callable[[Any], Any]
    ) -> None:
        def unknown(serial_number: str) -> None:
            raise DeviceNotFound(serial_number)

        worker = start(ConnectionRequestServer(0, unknown))
        router.take(routes(worker.base_url))
        assert self.get(router, "/cr/FLEET-000001") == (503, RETRY["Retry-After"])

    def test_a_cpe_that_refuses(self, router: RouterServer, start: Callable[[Any], Any]) -> None:
        def busy(_: str) -> None:
            raise DeviceBusy("asked too often")

        worker = start(ConnectionRequestServer(0, busy))
        router.take(routes(worker.base_url))
        assert self.get(router, "/cr/FLEET-000001") == (503, None)


def test_what_digest_depends_on_passes_unchanged_and_nothing_else_passes(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:
    challenge = 'Digest realm="r", nonce="abc, \\"d\\"", qop="auth"'
    basic = ("WWW-Authenticate", 'Basic realm="b"')
    worker = start(RecordingWorker(("WWW-Authenticate", challenge), basic, ("X-Own", "1")))
    router.take(routes(worker.host.url))
    host = "cr.example.com:7548"
    answer = _raw(
        router,
        "GET http://x/cr/FLEET%2D000001?a=%2f&b HTTP/1.1\r\n"
        f'Host: {host}\r\nAuthorization: Digest uri="/cr/FLEET%2D000001", nonce="x"\r\n'
        "X-Other: 1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
    )  # fmt: skip
    (request,) = worker.app.requests
    assert request["REQUEST_URI"] == "/cr/FLEET%2D000001?a=%2f&b"
    assert request["HTTP_HOST"] == host
    assert request["HTTP_AUTHORIZATION"] == 'Digest uri="/cr/FLEET%2D000001", nonce="x"'
    assert not {"HTTP_X_OTHER", "CONTENT_LENGTH"} & request.keys()
    assert request["wsgi.input"].read() == b""
    assert f"\r\nWWW-Authenticate: {challenge}\r\n" in answer
    assert '\r\nWWW-Authenticate: Basic realm="b"\r\n' in answer
    assert "X-Own" not in answer
    assert answer.endswith("\r\n\r\n")


def _raw(router: RouterServer, request: str) -> str:
    host, port = router.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as acs:
        acs.sendall(request.encode())
        return b"".join(iter(lambda: acs.recv(65_536), b"")).decode()


class TestConnectionsToAWorker:
    REQUEST = b"GET /cr/FLEET-000001 HTTP/1.1\r\nHost: x\r\n\r\n"

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
        """All connections that are opened."""
        opened: list[Connection] = []

        def connect(*arguments: Any) -> Connection:
            opened.append(Connection(*arguments))
            return opened[-1]

        monkeypatch.setattr(connections, "Connection", connect)
        return opened

    def test_one_is_used_again(
        self, opened: list[Connection], start: Callable[[Any], Any]
    ) -> None:  # fmt: skip
        made = WorkerConnections(start(Worker()).base_url)
        assert [made.exchange(self.REQUEST).status for _ in range(3)] == [401] * 3
        assert len(opened) == 1
        made.close()

    def test_one_that_the_worker_has_closed_is_opened_again(
        self, opened: list[Connection], start: Callable[[Any], Any]
    ) -> None:
        worker = start(Worker())
        made = WorkerConnections(worker.base_url)
        made.exchange(self.REQUEST)
        worker.server._host.sweep(1e12)
        assert made.exchange(self.REQUEST).status == 401
        assert len(opened) == 2
        made.close()

    def test_only_so_many_stay_open(
        self,
        opened: list[Connection],
        start: Callable[[Any], Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connections, "MAX_IDLE_CONNECTIONS", 0)
        made = WorkerConnections(start(Worker()).base_url)
        assert [made.exchange(self.REQUEST).status for _ in range(2)] == [401] * 2
        assert len(opened) == 2


def test_a_long_response_is_no_response(
    router: RouterServer, start: Callable[[Any], Any]
) -> None:  # fmt: skip
    worker = start(RecordingWorker())
    worker.app.body = bytes(connections.MAX_RESPONSE_BYTES + MAX_HEAD_BYTES)
    router.take(routes(worker.host.url))
    assert requests.get(f"{router.url}/cr/FLEET-000001", timeout=60).status_code == 503
