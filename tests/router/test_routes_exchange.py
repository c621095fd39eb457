"""The master publishes routes, and a router follows them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
import requests
from helpers.waiting import wait_until

from caretaker.errors import InputError
from caretaker.http.request_parser import ServerLimits
from caretaker.http.server import WSGIServer
from caretaker.router import RouterServer, Routes
from caretaker.router import routes_client as client
from caretaker.router.routes_app import ROUTES_LIMITS, ROUTES_PATH, RoutesApp
from caretaker.router.routes_client import RoutesClient


class Master(WSGIServer):
    """Publishes the routes that it has."""

    def __init__(self, token: str = "") -> None:
        super().__init__()
        self.routes = Routes("A", 1)
        self.app = RoutesApp(lambda: self.routes, token)
        self.host = self._host_app(self.app, "127.0.0.1", 0, ROUTES_LIMITS)

    def get(self, path: str = ROUTES_PATH, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.host.url + path, headers=named, timeout=60)

    def change(self, routes: Routes) -> None:
        """Have others from now on."""
        self.routes = routes
        self._loop.call(self.app.changed)


@pytest.fixture
def master() -> Iterator[Master]:
    with Master() as server:
        yield server


class TestPublishing:
    def test_they_have_a_tag_and_are_not_sent_again(self, master: Master) -> None:
        first = master.get()
        again = master.get(If_None_Match=first.headers["ETag"])
        assert Routes.from_json(first.content) == master.routes
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")

    def test_a_request_that_waits_is_answered_when_they_are_others(self, master: Master) -> None:
        known = master.get().headers["ETag"]
        master._loop.call(lambda: gevent.spawn_later(0.05, master.change, Routes("B", 2)))
        answer = master.get(If_None_Match=known, Prefer="wait=60")
        assert Routes.from_json(answer.content) == Routes("B", 2)

    def test_it_waits_on_where_they_are_still_the_same(self, master: Master) -> None:
        known = master.get().headers["ETag"]
        master._loop.call(lambda: gevent.spawn_later(0.05, master.change, master.routes))
        answer = master.get(If_None_Match=known, Prefer="wait=1")
        assert answer.status_code == 304

    def test_who_knows_others_has_them_at_once(self, master: Master) -> None:
        answer = master.get(If_None_Match='"others"', Prefer="wait=60")
        assert answer.status_code == 200

    def test_the_server_of_routes_takes_few_connections(self, master: Master) -> None:
        assert master.host.connections.most == ROUTES_LIMITS.connections

    def test_nothing_else_is_there(self, master: Master) -> None:
        assert master.get("/").status_code == 404
        assert requests.post(master.host.url + ROUTES_PATH, timeout=60).status_code == 405

    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic word", "Bearer wörd"])
    def test_a_wrong_token_is_refused(self, given: str) -> None:
        with Master("word") as master:
            answer = master.get(Authorization=given.encode().decode("latin-1"))
            assert (answer.status_code, answer.content) == (401, b"")
            assert master.get(Authorization="Bearer word").status_code == 200


class TestFollowing:
    @pytest.fixture
    def follow(self) -> Iterator[Callable[..., RouterServer]]:
        servers: list[RouterServer] = []

        def start(url: str, token: str = "") -> RouterServer:
            servers.append(RouterServer(routes=RoutesClient(url, token)).start())
            return servers[-1]

        yield start
        for server in servers:
            server.stop()

    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "RETRY_SECONDS", 0.01)

    def status(self, router: RouterServer, serial_number: str) -> int:
        return requests.get(f"{router.url}/cr/{serial_number}", timeout=60).status_code

    def test_a_change_arrives(self, master: Master, follow: Callable[..., RouterServer]) -> None:
        router = follow(master.host.url)
        wait_until(lambda: self.status(router, "B-000001") == 404, lambda: "no routes")
        master.change(Routes("B", 1))
        wait_until(lambda: self.status(router, "B-000001") == 503, lambda: "no change")

    def test_a_token_is_shown(self, follow: Callable[..., RouterServer]) -> None:
        with Master("word") as master:
            router = follow(master.host.url, "word")
            wait_until(lambda: self.status(router, "B-000001") == 404, lambda: "no routes")

    def test_without_an_answer_the_last_ones_stay_and_one_line_says_so(
        self,
        master: Master,
        follow: Callable[..., RouterServer],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.WARNING)
        router = follow(master.host.url)
        wait_until(lambda: self.status(router, "B-000001") == 404, lambda: "no routes")
        master.stop()
        wait_until(lambda: "No routes from the master" in caplog.text, lambda: caplog.text)
        assert self.status(router, "A-000001") == 503
        assert self.status(router, "B-000001") == 404

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (("200 OK", b"nonsense"), "these are no routes of Caretaker"),
            (("404 Not Found", b""), "HTTP 404"),
            (("200 OK", b"x" * 200_000), "answer is too large"),
        ],
    )
    def test_an_answer_that_is_none_is_named(
        self,
        follow: Callable[..., RouterServer],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        answer: tuple[str, bytes],
        reason: str,
    ) -> None:
        monkeypatch.setattr(client, "MAX_ROUTES_BYTES", 1000)

        def app(_: dict[str, Any], start_response: Any) -> list[bytes]:
            start_response(answer[0], [])
            return [answer[1]]

        server = WSGIServer()
        host = server._host_app(app, "127.0.0.1", 0, ServerLimits())
        with server:
            follow(host.url)
            wait_until(lambda: f"({reason})" in caplog.text, lambda: caplog.text)

    def test_a_master_that_comes_back_is_said(
        self, caplog: pytest.LogCaptureFixture, follow: Callable[..., RouterServer]
    ) -> None:
        with Master("word") as master:
            router = follow(master.host.url)
            wait_until(lambda: "(HTTP 401)" in caplog.text, lambda: caplog.text)
            master.app._token = ""
            wait_until(lambda: "is back" in caplog.text, lambda: caplog.text)
            assert self.status(router, "A-000001") == 503


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InputError, match="not an http or https address"):
        RoutesClient("nonsense")
