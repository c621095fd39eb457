"""The master's door to actions, and what it knows of its workers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from helpers.run_states import FakeRunner, FakeWebUI
from helpers.snapshots import worker_snapshot

from caretaker.errors import InputError
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.master import Master
from caretaker.swarm.messages import ACT
from caretaker.swarm.options import Settings


@pytest.fixture
def master() -> Iterator[Master]:
    options = Namespace(live_interval=0.0, acs_password="secret", nbi_url="http://u:p@127.0.0.1/")
    environment = SimpleNamespace(
        host="http://me:secret@127.0.0.1:1/", parsed_options=options, runner=FakeRunner()
    )
    made = Master(environment, Settings.of(options))  # type: ignore[arg-type]
    yield made
    gevent.sleep(0)


def report(*planned: float, run: int = 1) -> WorkerSnapshot:
    line = Timeline()
    for at in planned:
        line.planned(at)
    return worker_snapshot(run=run, timeline=line.to_wire(final=True))


def test_an_action_goes_to_all_workers_with_its_number_and_a_mark(master: Master) -> None:
    master.begin()
    master.act("power_cut", share=0.5)
    master.act("outage", kind="hang", seconds="3")
    (_, first), (message, second) = master.environment.runner.sent  # type: ignore[union-attr]
    assert first["arguments"] == {"share": 0.5, "seconds": 20.0, "stagger": 5.0}
    assert (message, second["nth"]) == (ACT, 2)
    assert [mark["text"] for mark in master.marks] == [
        "power cut: 50% of the fleet dark for 20 s, back within 5 s",
        "ACS outage (hang) for 3 s",
    ]


def test_nothing_is_done_without_a_run_or_with_bad_arguments(master: Master) -> None:
    with pytest.raises(InputError, match="no test is running"):
        master.act("power_cut")
    master.begin()
    with pytest.raises(InputError, match="share: 2 must be"):
        master.act("power_cut", share=2)
    assert (master.marks, master.environment.runner.sent) == ([], [])  # type: ignore[union-attr]


def test_the_timelines_of_workers_add_up_and_begin_anew_with_a_run(master: Master) -> None:
    master.begin()
    master.report("one", report(0, 1))
    master.report("two", report(1))
    master.report("two", report(5, run=7))  # of another run
    assert master.timeline().summary()["informs_planned"] == [1, 2]
    assert master.heard_since(0.0)
    master.begin()
    assert master.timeline().points == {}


def test_settings_are_told_without_secrets(master: Master) -> None:
    told = master._told_settings()
    assert told["--host"] == "http://127.0.0.1:1/"
    assert told["--nbi-url"] == "http://127.0.0.1/"
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("options", "web_ui", "ends"),
    [
        ({}, False, ["quit"]),
        ({"autostart": False, "autoquit": -1}, True, ["stop"]),
        ({"autostart": True, "autoquit": -1}, True, ["stop"]),
        ({"autostart": True, "autoquit": 0}, True, ["stop", "quit", "web UI"]),
    ],
)
def test_a_run_that_ends_early_ends_what_locust_would(
    master: Master, options: dict[str, Any], web_ui: bool, ends: list[str]
) -> None:
    runner: Any = master.environment.runner
    vars(master.environment.parsed_options).update(options)
    master.environment.web_ui = FakeWebUI(runner) if web_ui else None  # type: ignore[assignment]
    master.finish()
    for _ in range(5):  # it goes on in a greenlet, which sleeps for no time
        gevent.sleep(0)
    assert runner.ends == ends
