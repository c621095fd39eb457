"""A run over hosts, which are network namespaces, that loses one; the ACS's log is the witness."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.host_faults import FAULTS, Strike
from benchmarks.host_fleet import HostFleet, Machine
from benchmarks.namespaces import HostNetwork, why_not

pytestmark = [pytest.mark.processes]
TESTS = Path(__file__).parents[1]
CPES = 200
SERIALS = {f"FLEET-{number:06}" for number in range(1, CPES + 1)}
OPTIONS = ("--inform-interval", "5", "--cr-rate", "20")
SHARE = CPES // 4
"""CPEs that each of three hosts has at least, when users are shared out."""
CALLED = 20
"""CPEs that the ACS reaches by Connection Requests after they have moved."""


@pytest.fixture
def fleet(
    tmp_path: Path, by_engine: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostFleet]:
    """Three workers on hosts of their own; an I/O engine carries the sessions of two of them."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with (
        HostNetwork(delay_ms=2.0, loss_percent=0.1) as network,
        HostFleet(
            network, tmp_path, CPES, OPTIONS, answer_seconds=0.05, by_engine=by_engine
        ) as made,
    ):
        made.start(3)
        for _session in range(2):  # by the second one the state after the first is in the file
            wait_until_all_inform(made, time.time())
        yield made


@pytest.fixture
def checking(tmp_path: Path) -> Iterator[HostFleet]:
    """A master whose hosts check the ACS; there are no workers yet."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    options = (*OPTIONS, "--answer-timeout", "5", "--users", "4")
    with (
        HostNetwork() as network,
        HostFleet(network, tmp_path, 4, options, checks=True) as made,
    ):
        yield made


UNREACHABLE = "check failed: first contact: connection timed out; "


def line_of(machine: Machine) -> str:
    """The only line in which a machine says that a check failed."""
    (line,) = (each for each in machine.text.splitlines() if each.startswith("caretaker: host "))
    return line


def test_a_run_begins_on_no_host_when_one_does_not_reach_the_acs(checking: HostFleet) -> None:
    checking.start_master(2)
    checking.join()
    checking.wait_until(lambda: ": check held" in checking.master.text)
    far = checking.join(reaches_acs=False)
    assert checking.master.wait(240) == [1]
    line = line_of(checking.master)
    assert line.startswith(f"caretaker: host {far.host.name}: {UNREACHABLE}")
    assert line.endswith(" (--no-check: run all the same)")
    assert checking.witness.first_informs(0.0).keys() == {"CHECK-000001"}
    assert far.wait(240) == [1]


def test_a_late_host_that_does_not_reach_the_acs_gets_no_cpes(checking: HostFleet) -> None:
    checking.start_master(1)
    checking.join()
    checking.wait_until_all_inform()
    far = checking.join(reaches_acs=False)
    assert far.wait(240) == [1]
    assert line_of(far).startswith(f"caretaker: host {far.host.name}: {UNREACHABLE}")
    late = checking.join()
    # The CPE of the check has informed from there, too, and then two of the fleet.
    checking.wait_until(lambda: len(checking.cpes_of(late, time.time())) > 2)
    summary = checking.end()
    assert summary["fleet"]["cpes"] == 4
    (refused,) = summary["workers_refused"]
    assert f": host {far.host.name}: {UNREACHABLE}" in refused
    assert checking.witness.twice() == []


def wait_until_all_inform(fleet: HostFleet, since: float) -> None:
    """Wait until all CPEs have informed since a time."""
    fleet.wait_until(lambda: len(fleet.witness.first_informs(since)) == CPES)


def check(fleet: HostFleet, lost: int = 0) -> None:
    """End the run, and check what must be true of it whatever has happened."""
    wait_until_all_inform(fleet, time.time())
    summary = fleet.end()
    assert fleet.witness.twice() == []
    assert fleet.witness.first_informs(0.0).keys() == SERIALS
    assert summary["fleet"]["cpes"] == CPES, fleet.texts()
    assert summary["fleet"]["duplicate_serial_numbers"] == 0
    assert fleet.witness.first_contacts() == CPES
    assert summary["tasks"]["credentials_refused"] == 0
    assert summary["connection_requests"]["books_balance"]
    events = summary["events"]
    ends = events["delivered"] + events["pending"] + sum(events["discarded"].values())
    assert (events["books_balance"], events["raised"]) == (True, ends)
    named = summary["fleet"]["lost"]
    assert [each["cpes_back"] for each in named] == [each["cpes"] for each in named]
    assert len(named) == lost
    assert summary["engine"]["carried"] > 0 or not fleet.by_engine
    assert "Traceback" not in fleet.texts()


def test_cpes_of_a_host_that_is_killed_come_back_on_others(fleet: HostFleet) -> None:
    strike = Strike(fleet, fleet.workers[1], FAULTS["kill"])
    strike.wait_until_moved()
    fleet.wait_until(lambda: len(strike.called()) >= CALLED)
    check(fleet, lost=1)


def strike_and_undo(fleet: HostFleet, name: str) -> None:
    """Strike a host, until others have its CPEs, and then until it has its share again."""
    struck = fleet.workers[1]
    strike = Strike(fleet, struck, FAULTS[name])
    strike.wait_until_moved()
    fleet.wait_until(lambda: len(strike.called()) >= CALLED)
    assert not fleet.cpes_of(struck, time.time()), name
    wait_until_all_inform(fleet, strike.end())
    fleet.wait_until(lambda: len(fleet.cpes_of(struck, time.time())) >= SHARE)


def test_a_host_that_comes_back_takes_its_share(fleet: HostFleet) -> None:
    for name, fault in FAULTS.items():
        if fault.end is not None:
            strike_and_undo(fleet, name)
    check(fleet)


def test_hosts_join_and_leave(fleet: HostFleet) -> None:
    late = fleet.join()
    fleet.wait_until(lambda: fleet.cpes_of(late, time.time()))
    leaving = fleet.workers[0]
    leaving.signal(signal.SIGTERM)
    fleet.wait_until(leaving.has_ended)
    fleet.wait_until(lambda: not fleet.cpes_of(leaving, time.time()))
    check(fleet)
    assert leaving.wait(0) == [0]
