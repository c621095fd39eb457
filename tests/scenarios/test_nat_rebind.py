"""All NAT bindings change at once, and the ACS learns where its CPEs are now."""

from __future__ import annotations

from collections.abc import Iterable

import gevent
import pytest
from helpers.cpes import context, fail, profile, run
from helpers.runs import FakeRun, criterion_of, played

from caretaker.data_model.overlay_records import Attributes
from caretaker.device.cpe import CPE
from caretaker.device.nat_traversal import report_binding
from caretaker.device.settings import Behaviors
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.reporting.outcomes import RunOutcome
from caretaker.scenarios.action_target import ActionTarget
from caretaker.scenarios.nat_rebind import has_reported, nat_rebind
from caretaker.testing import Clock

PATH = "Device.ManagementServer.UDPConnectionRequestAddress"
OLD, NEW = "192.0.2.1:7000", "192.0.2.1:7001"


def cpe_behind_nat(index: int = 0, notification: int = 2) -> CPE:
    made = CPE(
        index,
        with_reach_parameters(profile()),
        context(behaviors=Behaviors(periodic_inform=False)),
    )
    made.power_on(0.0)
    made.ensure_overlay().attributes = {PATH: Attributes(notification, ())}
    run(made, 0.0)
    report_binding(made, OLD, 1.0, nat_detected=True)
    run(made, 1.0)
    return made


def test_an_address_is_reported_when_the_acs_has_answered_the_inform() -> None:
    cpe = cpe_behind_nat()
    assert not has_reported(cpe, OLD, 2.0)
    report_binding(cpe, NEW, 2.0, nat_detected=True)
    assert not has_reported(cpe, OLD, 2.0)
    fail(cpe, 2.0)
    assert not has_reported(cpe, OLD, 2.5)
    run(cpe, cpe.due)
    assert has_reported(cpe, OLD, cpe.ended_at)


def test_without_notification_the_acs_is_told_nothing() -> None:
    cpe = cpe_behind_nat(notification=0)
    report_binding(cpe, NEW, 2.0, nat_detected=True)
    assert not has_reported(cpe, OLD, 3.0)


class Bindings:
    """Gives each CPE another binding, which it finds at once."""

    def __init__(self, cpes: dict[int, CPE]) -> None:
        self.cpes = cpes

    def rebind(self, indices: Iterable[int]) -> int:
        for index in indices:
            report_binding(self.cpes[index], NEW, 2.0, nat_detected=True)
        return 1


class Bench:
    """Two CPEs behind NATs, and one that uses no STUN."""

    def __init__(self) -> None:
        self.cpes = {index: cpe_behind_nat(index) for index in range(2)}
        self.cpes[2] = CPE(2, with_reach_parameters(profile()), context())
        self.clock = Clock(2.0)
        self.context = context()
        self.target = ActionTarget(
            self,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            bindings=Bindings(self.cpes),  # type: ignore[arg-type]
            clock=self.clock,
            sleep=self.clock.sleep,
        )


def test_the_action_counts_each_cpe_when_the_acs_has_its_new_address() -> None:
    bench = Bench()
    nat_rebind(bench.target, "nat_rebind 0", 1.0)
    assert bench.target.tally == {"nat_rebind.asked": 2}
    run(bench.cpes[0], 2.0)
    for _ in range(5):
        gevent.sleep(0)
    assert bench.target.tally["nat_rebind.done"] == 1
    del bench.cpes[1]
    bench.target.greenlets.join(30)
    assert bench.target.tally["nat_rebind.done"] == 1


def test_a_fleet_without_stun_is_left_alone() -> None:
    bench = Bench()
    bench.target.bindings = None
    nat_rebind(bench.target, "nat_rebind 0", 1.0)
    assert bench.target.tally == {}


class Told:
    """Of 100 CPEs ten have told the ACS where they are each second, up to so many."""

    def __init__(self, most: int = 100) -> None:
        self.most = most

    def __call__(self, run: FakeRun) -> None:
        if run.acts and run.counts.counters["actions.nat_rebind.done"] < self.most:
            run.counts.counters["actions.nat_rebind.asked"] = 100
            run.counts.count("actions.nat_rebind.done", 10)


@pytest.mark.parametrize(
    ("text", "most", "outcome", "finding"),
    [
        ("", 100, RunOutcome.HELD, "Reported in 10 s (limit 60 s): 95% of 100 CPEs"),
        (
            "report-within=15",
            40,
            RunOutcome.BROKEN,
            "Not reported within 15 s: 40 of 100 CPEs, 95% wanted",
        ),
    ],
)
def test_the_scenario_is_judged_by_when_the_acs_knows_the_addresses(
    text: str, most: int, outcome: RunOutcome, finding: str
) -> None:
    assert criterion_of(f"nat-rebind {text}", FakeRun(100, each_second=Told(most))) == (
        outcome,
        finding,
    )


def test_the_scenario_tells_how_the_acs_learns_the_addresses() -> None:
    report = played("nat-rebind", FakeRun(100, each_second=Told()))
    assert report.kpis["time_to_50_percent_s"] == 5.0
    assert report.kpis["converged"] == 1.0
    assert report.curves["reported"][-1] == (10.0, 1.0)
    (told,) = report.findings
    assert told.startswith("The ACS was told the new addresses of 100 CPEs: 50 % after 5 s, 95 %")


def test_where_no_cpe_uses_stun_nothing_is_shown() -> None:
    outcome, finding = criterion_of("nat-rebind", FakeRun(20))
    assert outcome is RunOutcome.NOT_SHOWN
    assert finding == "Not shown: no CPE has a NAT binding; give --reach with stun"
