"""One run as its master knows it: actions, growth, reports, an early end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import pytest
from helpers.leases import renewal
from helpers.run_states import FakeWebUI
from helpers.run_states import master as make
from helpers.snapshots import worker_snapshot
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from caretaker.errors import InputError
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.master import Master
from caretaker.swarm.worker_messages import FleetAction, RunSecrets


@pytest.fixture
def master() -> Master:
    made = make()
    made.environment.user_classes = []
    return made


def report(*planned: float, run: int = 1) -> WorkerSnapshot:
    line = Timeline()
    for at in planned:
        line.planned(at)
    return worker_snapshot(run=run, timeline=line.to_wire(final=True))


def test_an_action_goes_to_all_workers_with_its_number_and_a_mark(master: Master) -> None:
    master.begin()
    master.run.act("power_cut", share=0.5)
    master.run.act("outage", kind="hang", seconds="3")
    _, (_, first), (message, second) = master.environment.runner.sent  # type: ignore[union-attr]
    assert first["arguments"] == {"share": 0.5, "seconds": 20.0, "stagger": 5.0}
    assert (message, second["nth"]) == (FleetAction.NAME, 2)
    assert [mark["text"] for mark in master.run.marks] == [
        "power cut: 50% of the fleet without power for 20 s, back within 5 s",
        "ACS outage (hang) for 3 s",
    ]


def test_nothing_is_done_without_a_run_or_with_bad_arguments(master: Master) -> None:
    with pytest.raises(InputError, match="no test is running"):
        master.run.act("power_cut")
    master.begin()
    with pytest.raises(InputError, match="share: 2 must be"):
        master.run.act("power_cut", share=2)
    runner: Any = master.environment.runner
    assert (master.run.marks, [name for name, _ in runner.sent]) == ([], [RunSecrets.NAME])


def test_the_timelines_of_workers_add_up_and_begin_anew_with_a_run(master: Master) -> None:
    master.begin()
    master.run.reports.take("one", report(0, 1))
    master.run.reports.take("two", report(1))
    master.run.reports.take("two", report(5, run=7))  # of another run
    assert master.run.timeline().summary()["informs_planned"] == [1, 2]
    assert master.run.heard_since(0.0)
    master.begin()
    assert len(master.run.timeline().points) == 0


@pytest.mark.parametrize(
    ("state", "leased", "powered", "is_up"),
    [
        (STATE_RUNNING, 8, 8, True),
        (STATE_RUNNING, 9, 8, False),
        (STATE_RUNNING, 7, 7, False),  # a worker has yet to read its profiles
        (STATE_RUNNING, 0, 0, False),
        (STATE_SPAWNING, 8, 8, False),
    ],
)
def test_a_fleet_is_up_when_the_cpes_of_all_users_have_power(
    master: Master, state: str, leased: int, powered: int, is_up: bool
) -> None:
    master.begin()
    runner: Any = master.environment.runner
    runner.state, runner.target_user_count = state, 8
    master.leases.renew("one", renewal(want=leased), 100)
    master.run.reports.take("one", worker_snapshot(cpes=powered))
    assert master.run.is_fleet_up() is is_up


def test_a_fleet_grows_by_users(master: Master) -> None:
    vars(master.environment.parsed_options)["cpes_per_user"] = 2
    master.begin()
    master.run.grow(10, 4.0)
    assert master.environment.runner.starts == [(9, 2.0)]  # type: ignore[union-attr]
    assert [mark["text"] for mark in master.run.marks] == ["10 new CPEs at 4 per second"]


def test_a_fleet_of_listed_devices_grows_no_further_than_the_list(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("serial\nA1\nA2\nA3\nA4\nA5\n")
    master = make(devices=str(path))
    runner: Any = master.environment.runner
    master.begin()
    with pytest.raises(InputError, match="5 devices, and the run has 6 CPEs; give a longer file"):
        master.run.grow(2, 4.0)  # FakeRunner has 4 users
    assert (runner.starts, master.run.marks) == ([], [])
    runner.start(6, 1.0)  # as Locust does by key or shape
    master.run.grow(1, 4.0)
    assert runner.starts == [(5, 4.0)]


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
    master.run.finish()
    for _ in range(5):  # it goes on in a greenlet, which sleeps for no time
        gevent.sleep(0)
    assert runner.ends == ends
