"""The routes that a master publishes of its ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from helpers.leases import renewal

from caretaker.errors import InputError
from caretaker.http.host_names import HostPort
from caretaker.router.routes import Routes, WorkerRoute
from caretaker.router.routes_app import ROUTES_PATH
from caretaker.run_token import RunToken
from caretaker.swarm.cr_router import CRRouter
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.options import Settings

ONE, TWO = "http://10.0.0.1:7548", "http://10.0.0.2:7548"
SETTINGS = Settings(cr_router=HostPort("127.0.0.1", 7548), cr_routes=HostPort("127.0.0.1", 0))


class Published:
    """A router elsewhere, of a fleet with 30 CPEs that are wanted."""

    def __init__(self) -> None:
        self.ledger = IndexLedger(5.0)
        self.users = 30
        self.router = CRRouter(SETTINGS, self.ledger, lambda: self.users, RunToken.made())

    def lease(self, worker: str, count: int) -> None:
        """A worker leases indices."""
        self.ledger.renew(worker, renewal(want=count), 0.0, limit=100)

    def get(self) -> Routes:
        """What a router hears."""
        url = self.router._server.url + ROUTES_PATH
        return Routes.from_json(requests.get(url, timeout=60).content)


@pytest.fixture
def published() -> Iterator[Published]:
    made = Published()
    yield made
    made.router.stop()


def test_each_worker_has_the_indices_that_it_has_leased(published: Published) -> None:
    published.router.serves("w1", ONE)
    published.router.serves("w2", TWO)
    published.lease("w1", 10)
    published.lease("w2", 5)
    workers = (WorkerRoute(ONE, ((0, 10),)), WorkerRoute(TWO, ((10, 15),)))
    assert published.get() == Routes("FLEET", 30, workers)


def test_a_worker_that_is_silent_or_gone_has_none(published: Published) -> None:
    for name, url in (("w1", ONE), ("w2", TWO)):
        published.router.serves(name, url)
        published.lease(name, 10)
    published.ledger.gone("w2")
    assert published.get().workers == (WorkerRoute(ONE, ((0, 10),)),)
    published.ledger.expire(100.0)
    assert published.get() == Routes("FLEET", 30, ())


def test_a_worker_that_has_not_said_where_it_is_has_none(published: Published) -> None:
    published.lease("w1", 10)
    assert published.get() == Routes("FLEET", 30, ())


def test_cpes_stay_the_fleets_until_the_next_run(published: Published) -> None:
    published.lease("w1", 40)
    assert published.get().size == 40
    published.ledger.gone("w1")
    assert published.get().size == 40
    published.users = 2
    published.router.begin(replace(SETTINGS, cpes_per_user=5, serial_prefix="LAB"))
    assert published.get() == Routes("LAB", 10, ())


def answers(router: CRRouter, *bearers: str) -> list[int]:
    """What a router that shows this gets; nothing is shown for an empty text."""
    headers = [{"Authorization": f"Bearer {bearer}"} if bearer else {} for bearer in bearers]
    url = f"http://127.0.0.1:{router._server.port}{ROUTES_PATH}"
    return [requests.get(url, headers=each, timeout=60).status_code for each in headers]


def test_routes_that_are_open_need_a_token_that_was_given() -> None:
    opened = replace(SETTINGS, cr_routes=HostPort("0.0.0.0", 0))
    with pytest.raises(InputError, match="open to other machines without a run token; give one in"):
        CRRouter(opened, IndexLedger(5.0), lambda: 0, RunToken.made())
    token = RunToken("of-the-whole-run")
    router = CRRouter(opened, IndexLedger(5.0), lambda: 0, token)
    assert answers(router, "", token.text, token.bearer) == [401, 401, 200]
    router.stop()


def test_routes_for_this_machine_need_one_only_where_it_was_given(published: Published) -> None:
    assert answers(published.router, "") == [200]
