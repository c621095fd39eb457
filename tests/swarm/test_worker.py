"""A worker and its lease: its CPEs, those of its users, and what becomes of both."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from helpers.leases import renewed
from helpers.run_states import FakeRunner
from locust.event import Events
from locust.stats import RequestStats

from caretaker.errors import InputError
from caretaker.profiles.loader import chosen
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.profile_offer import offers
from caretaker.swarm.web.queries import DeviceListQuery
from caretaker.swarm.worker import Holding, Worker
from caretaker.swarm.worker_messages import LeaseRenewal, WorkerQuery

LIST = WorkerQuery(1, DeviceListQuery.WHAT, {"serial": "", "state": "", "start": 0, "limit": 9})


def turn_until(condition: Callable[[], bool]) -> None:
    """Let the loop turn; a condition that never comes true is ended by the test's time limit."""
    while not condition():
        gevent.sleep(0)


def refuse(error: InputError) -> None:
    raise error


class Scene:
    """A worker in a run, its users, and what it asks its master for."""

    def __init__(self) -> None:
        runner: Any = FakeRunner()
        runner.worker_index, self.runner = 0, runner
        options = Namespace(cr_driver="off", cpes_per_user=2, boot_delay="3600")
        environment: Any = SimpleNamespace(
            host="http://127.0.0.1:1/", parsed_options=options, runner=runner,
            events=Events(),  # type: ignore[no-untyped-call]
            stats=RequestStats(),
        )  # fmt: skip
        settings = Settings.of(options)
        self.worker = Worker(environment, settings)
        start = RunStart(1, time.time(), False, offers(chosen(settings.profiles)))
        self.worker.begin(start, settings, refuse)
        self.worker.has_begun.wait()

    def user(self) -> Holding:
        holding = self.worker.new_holding()
        holding.filling = gevent.spawn(self.worker.fill, holding)
        return holding

    def user_with_cpes(self) -> Holding:
        """A user whose CPEs, 4 and 5, have power."""
        holding = self.user()
        gevent.sleep(0)
        self.answer(granted=[(4, 6)])
        turn_until(lambda: self.cpes() == {4, 5})
        return holding

    def asked(self) -> LeaseRenewal:
        """The renewal that the worker sends next."""
        self.runner.sent.clear()
        self.worker.lease.renew()
        ((_, wire),) = self.runner.sent
        return LeaseRenewal.from_wire(wire)

    def answer(self, **changes: Any) -> LeaseRenewal:
        """Have the master answer the next renewal."""
        asked = self.asked()
        same = {"sent": asked.sent, "term": asked.term, "number": asked.number}
        self.worker.renewed(renewed(**{**same, **changes}))
        return asked

    def cpes(self) -> set[int]:
        answer: Any = self.worker.answer(LIST)
        return {row["index"] for row in answer["rows"]}


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.worker.drain()
    made.worker.server.stop()


def test_a_user_powers_on_the_cpes_that_are_leased_for_it(scene: Scene) -> None:
    scene.user()
    gevent.sleep(0)
    assert scene.answer(granted=[(4, 6)]).want == 2
    turn_until(lambda: scene.cpes() == {4, 5})


def test_a_user_that_stops_gives_them_back(scene: Scene) -> None:
    holding = scene.user_with_cpes()
    scene.worker.release(holding)
    turn_until(lambda: not scene.cpes())
    assert scene.asked().returned == [(4, 6)]


def test_cpes_that_have_stopped_are_not_shown_as_others_may_have_them(scene: Scene) -> None:
    scene.user_with_cpes()
    scene.worker._suspend()
    assert scene.worker.answer(LIST) is None
    scene.answer()
    assert scene.cpes() == {4, 5}


def test_a_worker_that_has_lost_its_lease_begins_anew_with_others(scene: Scene) -> None:
    holding = scene.user_with_cpes()
    scene.worker._suspend()
    scene.answer(still_yours=False)
    turn_until(lambda: not holding.ranges)
    scene.answer(lease=2)  # to a renewal of before the user has asked
    gevent.sleep(0)
    assert scene.answer(lease=2, granted=[(0, 2)]).want == 2
    turn_until(lambda: scene.worker.answer(LIST) is not None and scene.cpes() == {0, 1})
    assert holding.ranges == [(0, 2)]


def test_what_a_user_held_in_an_earlier_term_is_not_given_back(scene: Scene) -> None:
    holding = scene.user_with_cpes()
    scene.worker._suspend()
    scene.answer(still_yours=False)
    scene.worker.release(holding)
    turn_until(lambda: not scene.worker.lease.held)
    assert scene.asked().returned == []


def test_a_run_that_has_ended_can_be_ended_again(scene: Scene) -> None:
    scene.user_with_cpes()
    run = scene.worker._run
    assert run is not None
    last = scene.worker.drain()
    for _ in range(2):
        run.end()
        run._abandon()
    assert scene.worker.drain() is last
    assert run.shard.context.reach_watchers == []
