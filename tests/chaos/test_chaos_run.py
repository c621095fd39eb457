"""The course of a run under faults, with processes and a clock that are made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from caretaker.build import build_name
from chaos import run as run_module
from chaos.checks import CHECKS, Findings
from chaos.fleet_page import Device, held_twice
from chaos.lab import CPES, CR_RATE, LabError
from chaos.run import GRACE_SECONDS, ChaosRun, least, moments, recovery_bound
from chaos.schedule import ACS, Disruption, Kind

SUMMARY = {
    "fleet": {"workers_lost": 0, "duplicate_serial_numbers": 0},
    "connection_requests": Counter(books_balance=1),
    "version": build_name(),
    "events": {"raised": 0, "delivered": 0, "pending": 0, "discarded": {}, "books_balance": True},
}
FREEZE = Disruption(3.0, 5.0, 1, Kind.STALL)
KILL = Disruption(4.0, 6.0, ACS, Kind.ACS_DEATH)


class FakeLab:
    """A lab whose fleet is steady so many seconds after the faults."""

    def __init__(self, clock: Callable[[], float], recovery: float = 20.0) -> None:
        self._clock = clock
        self._recovery = recovery
        self.proxy = SimpleNamespace(is_faulty=False)
        self.watch = SimpleNamespace(good={}, sessions=9, overlaps=[])
        self.page = SimpleNamespace(devices=self.devices)
        self.is_whole = True
        self.surprises: list[str] = []
        self.did: list[tuple[str, Disruption]] = []
        self.calm_since = 0.0
        self.leak: Callable[[], int] = lambda: 0
        self.cr_rate = 0.0
        self.takes_rates = True
        self.rates_of_faults: set[float] = set()

    def devices(self) -> list[Device]:
        if self.proxy.is_faulty:
            self.calm_since = self._clock()
        recovered = self._clock() - self.calm_since > self._recovery
        if recovered or not self.did:
            self.watch.good = {f"S{number}": self._clock() + 1e-6 for number in range(CPES)}
        return [Device(f"S{number}", "idle", 0 if recovered else 2) for number in range(CPES)]

    def another_page(self) -> Any:
        return self.page

    def start(self) -> None:
        self.calm_since = self._clock() - 2 * self._recovery

    def look_after(self) -> None:
        if self.proxy.is_faulty:
            self.calm_since = self._clock()

    def begin(self, disruption: Disruption) -> None:
        self.rates_of_faults.add(self.cr_rate)
        self.did.append(("begin", disruption))

    def undo(self, disruption: Disruption) -> None:
        self.did.append(("undo", disruption))

    def drive(self, cr_rate: float) -> bool:
        self.cr_rate = cr_rate
        return self.takes_rates

    def descriptors(self) -> dict[str, int]:
        return {"worker 0": 15 + self.tasks() + self.leak()}

    def greenlets(self) -> dict[str, int]:
        return {"workers": 300 + self.tasks() + self.leak()}

    def tasks(self) -> int:
        """Those under way, each with a greenlet and a connection, at an ACS that is slow by now."""
        return 20 if self.cr_rate and self.did else 0

    def end(self) -> dict[str, Any]:
        return SUMMARY

    def left(self) -> list[str]:
        return []

    def tracebacks(self) -> list[str]:
        return []


class NoTwiceWatch:
    """Looks at nothing."""

    twice = frozenset({"S7"})
    looks = 5

    def __init__(self, _: object) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def monotonic() -> float:
        return now[0]

    times = SimpleNamespace(monotonic=monotonic, sleep=sleep)
    monkeypatch.setattr(run_module, "time", times)
    monkeypatch.setattr(run_module, "TwiceWatch", NoTwiceWatch)
    return monotonic


def played(lab: FakeLab, *disruptions: Disruption) -> Findings:
    said: list[str] = []
    run = ChaosRun(lab, disruptions, 10.0, said.append)  # type: ignore[arg-type]
    findings = run.play()
    assert run.done == len({disruption for _, disruption in lab.did})
    return findings


def good(findings: Findings) -> set[str]:
    return {name for name, check in CHECKS.items() if check(findings).good}


def test_a_run_that_recovers_is_good(clock: Callable[[], float]) -> None:
    lab = FakeLab(clock)
    findings = played(lab, FREEZE, KILL)
    assert [*lab.did] == [("begin", FREEZE), ("begin", KILL), ("undo", FREEZE), ("undo", KILL)]
    assert good(findings) == set(CHECKS) - {"no serial number twice"}
    assert lab.rates_of_faults == {CR_RATE}
    assert findings.twice == ["S7"]
    assert findings.steady_after is not None
    assert 20 < findings.steady_after < 25
    assert findings.bound == recovery_bound(2)


def test_a_fleet_that_does_not_recover_is_told(clock: Callable[[], float]) -> None:
    findings = played(FakeLab(clock, recovery=5000.0), FREEZE)
    assert findings.steady_after is None
    assert not {"no CPE stuck", "steady state"} & good(findings)


@pytest.mark.parametrize(("gone_after", "is_good"), [(None, False), (GRACE_SECONDS / 2, True)])
def test_what_is_left_has_a_minute_to_go(
    clock: Callable[[], float], gone_after: float | None, is_good: bool
) -> None:
    lab = FakeLab(clock)

    def leak() -> int:
        is_over = gone_after is not None and clock() > lab.calm_since + 20 + gone_after
        return 50 if lab.did and not is_over else 0

    lab.leak = leak
    names = {"no descriptor left", "no greenlet left"}
    assert (good(played(lab, FREEZE)) & names == names) is is_good


def test_a_worker_is_spared_while_the_fleet_is_not_whole(clock: Callable[[], float]) -> None:
    lab = FakeLab(clock)
    lab.is_whole = False
    played(lab, FREEZE, KILL)
    assert lab.did == [("begin", KILL), ("undo", KILL)]


def test_a_fleet_that_never_comes_up_ends_the_run(clock: Callable[[], float]) -> None:
    lab = FakeLab(clock)
    lab.page.devices = list
    with pytest.raises(LabError, match="did not come up"):
        played(lab)


def test_a_run_that_does_not_take_a_rate_is_ended(clock: Callable[[], float]) -> None:
    lab = FakeLab(clock)
    lab.takes_rates = False
    with pytest.raises(LabError, match="does not take a rate of 5 Connection Requests"):
        played(lab, FREEZE)


def test_what_ends_comes_before_what_begins() -> None:
    later = Disruption(5.0, 9.0, 0, Kind.STALL)
    found = [(moment.at, moment.is_end) for moment in moments([FREEZE, later])]
    assert found == [(3.0, False), (5.0, True), (5.0, False), (9.0, True)]


def test_the_bound_follows_the_retry_table() -> None:
    """TR-069 3.2.1.1: after n failures 5 * 2^(n-1) to 5 * 2^n s, up to the tenth."""
    assert recovery_bound(3) - recovery_bound(2) == 5 * 2**4 - 5 * 2**3
    assert recovery_bound(20) == recovery_bound(9)


def test_the_least_of_all_samples_counts() -> None:
    assert least([{"a": 3, "b": 1}, {"a": 2, "b": 4}]) == {"a": 2, "b": 1}


def test_a_serial_number_in_two_rows_is_held_twice() -> None:
    rows = [Device("S1", "idle", 0), Device("S2", "idle", 0), Device("S1", "retrying", 1)]
    assert held_twice(rows) == {"S1"}
