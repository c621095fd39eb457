"""A worker while a run begins, and ends before it has begun."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.leases import renewed

from caretaker.errors import InputError
from caretaker.profiles import ProfileMix
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import LeaseRenewal, WorkerWaits


class FakeRunner:
    """Locust's of a worker; its master grants every lease."""

    worker_index = 3

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.worker: Worker | None = None

    def send_message(self, message: str, data: Any) -> None:
        self.sent.append((message, data))
        if message == LeaseRenewal.NAME and self.worker is not None:
            made = LeaseRenewal.from_wire(data)
            answer = renewed(
                sent=made.sent, number=made.number, granted=[(0, made.want)], total=made.want
            )
            gevent.spawn(self.worker.renewed, answer)


class SlowProfiles:
    """Profiles that are not there before a test says so."""

    def __init__(self) -> None:
        self.are_there = Event()
        self.error: InputError | None = None

    def mix(self, _: object, __: object) -> ProfileMix:
        self.are_there.wait()
        if self.error is not None:
            raise self.error
        return ProfileMix.of(["tr098"])


class Bench:
    """A worker whose run begins when its profiles are there."""

    def __init__(self) -> None:
        options = argparse.Namespace(worker=True, cr_driver="off")
        self.runner, self.profiles = FakeRunner(), SlowProfiles()
        environment: Any = SimpleNamespace(
            host="http://127.0.0.1:1/",
            parsed_options=options,
            runner=self.runner,
            events=SimpleNamespace(request=SimpleNamespace(fire=lambda **_: None)),
            stats=SimpleNamespace(),
        )
        self.settings = Settings.of(options)
        self.worker = self.runner.worker = Worker(environment, self.settings)
        self.worker.profiles = self.profiles  # type: ignore[assignment]
        self.refused: list[str] = []

    def begin(self) -> None:
        start = RunStart(1, time.time())
        self.worker.begin(start, self.settings, lambda error: self.refused.append(str(error)))

    def start_user(self) -> gevent.Greenlet[..., None]:
        return gevent.spawn(self.worker.fill, self.worker.new_holding())


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.worker.drain()
    made.worker.server.stop()


def test_users_wait_for_the_profiles_of_their_cpes(bench: Bench) -> None:
    bench.begin()
    user = bench.start_user()
    gevent.sleep(0)
    assert bench.worker.report() is None
    bench.profiles.are_there.set()
    user.join()
    report = bench.worker.report()
    assert report is not None
    assert dict(report.profiles) == {"tr098": 1}


def test_a_run_whose_profile_can_not_be_used_is_refused(bench: Bench) -> None:
    bench.begin()
    bench.profiles.error = InputError("profile box.csv: no columns")
    bench.profiles.are_there.set()
    gevent.sleep(0)
    gevent.sleep(0)
    assert bench.refused == ["profile box.csv: no columns"]
    assert bench.worker.report() is None


def test_a_run_that_ends_before_its_profiles_came_never_begins(bench: Bench) -> None:
    bench.begin()
    gevent.sleep(0)
    assert bench.worker.drain() is None
    bench.profiles.are_there.set()
    gevent.sleep(0)
    gevent.sleep(0)
    assert bench.worker.report() is None


def test_the_master_is_told_what_a_worker_waits_for(bench: Bench) -> None:
    bench.worker._say_what_it_waits_for("reads profile box.csv (90,000 parameters)")
    sent = WorkerWaits("reads profile box.csv (90,000 parameters)")
    assert bench.runner.sent == [(WorkerWaits.NAME, sent.to_wire())]


def test_results_of_an_earlier_run_are_not_those_of_one_that_has_not_begun(bench: Bench) -> None:
    bench.profiles.are_there.set()
    bench.begin()
    bench.start_user().join()
    bench.profiles.are_there.clear()
    bench.begin()
    gevent.sleep(0)
    assert bench.worker.report() is None
