"""Disruptions and the recovery of the fleet: power cuts, boot storms, outages, value changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS
from caretaker.scenarios.arguments import SHARE, Argument, number
from caretaker.scenarios.criterion import (
    ROOM_SECONDS,
    Criterion,
    broken_by,
    held,
    not_shown,
    optional,
)
from caretaker.scenarios.scenario import (
    SETTLE_SECONDS,
    FleetPlan,
    Scenario,
    ScenarioReport,
    ScenarioRun,
)
from caretaker.stats.recovery import (
    STEADY_STEPS,
    Baseline,
    Span,
    all_back,
    lacking,
    recovery,
)

BASELINE_SECONDS = 10.0
"""How long the baseline is measured before the disruption."""

_FIRST_RETRY = 10.0
"""The longest first wait for a retry, in seconds; the shortest is half of it, and each doubles."""

_RECOVER_WITHIN = {
    "recover-within": Argument(
        None,
        optional(number(1)),
        "seconds until the steady state; without it, as long as CPEs take that come by themselves, "
        "and a minute",
    )
}


class _Disruption(Scenario):
    """An action on a fleet that is settled, and the recovery from it."""

    action: ClassVar[str]
    """The name in ``ACTIONS``; it takes the scenario's arguments."""
    returns: ClassVar[str]
    """The moment that recovery begins at, as the text of a mark."""
    began: float | None = None
    """When the action was done; None before."""

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """The baseline, the disruption, and the steps of a steady state."""
        return SETTLE_SECONDS + BASELINE_SECONDS + self.seconds() + self.spread() + STEADY_STEPS + 1

    def play(self, run: ScenarioRun) -> None:
        """Measure the baseline, do the action, and wait for the moment that recovery begins at."""
        run.settle()
        self.baseline_start = run.now()
        run.wait(BASELINE_SECONDS)
        self.began = run.now()
        run.act(self.action, **self.given_to(self.action))
        if self.seconds():
            run.wait(self.seconds())
            run.mark(self.returns)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The peak of Informs, the time to the steady state, and whether that was in time."""
        if self.began is None:
            return ScenarioReport(criterion=not_shown("the run ended before anything was done"))
        line, since = run.timeline(), self.began + self.seconds()
        baseline = Baseline.of(line, Span(self.baseline_start, self.began))
        kpis = recovery(line, baseline, self.began, since)
        took = kpis["time_to_steady_state_s"]
        marks = [] if took is None else [(since + took, "steady state")]
        criterion = self._criterion(run, since, took, baseline)
        return ScenarioReport(kpis, [self._peak(kpis)], marks=marks, criterion=criterion)

    def seconds(self) -> float:
        """Seconds from the action until recovery can begin."""
        return float(self.given.get("seconds", 0.0))

    def spread(self) -> float:
        """Seconds from then until the last CPE comes by itself."""
        return float(self.given.get("stagger", 0.0))

    def _limit(self) -> float:
        given: float | None = self.given["recover-within"]
        return self.spread() + ROOM_SECONDS if given is None else given

    def _criterion(
        self, run: ScenarioRun, since: float, took: float | None, baseline: Baseline
    ) -> Criterion:
        limit, line = self._limit(), run.timeline()
        if took is not None and took <= limit:
            return held(f"Recovered in {took:g} s (limit {limit:g} s)")
        size = max(line.points, default=-1) + 1
        # A steady state that begins in the last steps of the run can't be seen.
        seen = (size - STEADY_STEPS + 1) * line.step - since
        if took is None and seen < limit:
            return not_shown(self._how_short(run.now() - since, limit))
        lacks = ", ".join(lacking(line, baseline, min(int((since + limit) / line.step), size - 1)))
        late = "" if took is None else f", but in {took:g} s"
        finding = f"Not recovered within {limit:g} s{late}: {lacks}"
        over = (seen if took is None else took) - limit
        return broken_by(over, run, finding)

    def _how_short(self, after: float, limit: float) -> str:
        if after < 0:
            return f"the run ended before {self.returns}"
        return f"the run ended {after:.0f} s after {self.returns} (limit {limit:g} s)"

    def _peak(self, kpis: Mapping[str, float | None]) -> str:
        ratio, peak = kpis["peak_over_before"], kpis["peak_informs_per_second"]
        before = f", {ratio:g} times as many as before" if ratio is not None else ""
        lost = f"{kpis['sessions_failed']} sessions failed and {kpis['sessions_shed']} were shed"
        return f"At most {peak:g} Informs were due in a second{before}; {lost}."


class PowerCut(_Disruption):
    """A share of the fleet is without power for a while."""

    name = "power-cut"
    action = "power_cut"
    returns = "the power was back"
    arguments: ClassVar = {
        **ACTIONS["power_cut"].arguments,
        "share": SHARE._replace(default=0.5),
        **_RECOVER_WITHIN,
    }

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The recovery, and when the last CPE had a good session."""
        report = super().report(run)
        if self.began is None:
            return report
        since = self.began + self.seconds()
        back = all_back(run.timeline(), since)
        took = None if back is None else round(back - since, 1)
        return replace(report, kpis={**report.kpis, "all_informed_s": took})


class BootStorm(_Disruption):
    """A share of the fleet boots at the same time."""

    name = "boot-storm"
    action = "boot_storm"
    returns = "the boots began"
    arguments: ClassVar = {**ACTIONS["boot_storm"].arguments, **_RECOVER_WITHIN}


class ACSOutage(_Disruption):
    """The ACS refuses connections, or hangs, for a while."""

    name = "acs-outage"
    action = "outage"
    returns = "the ACS was back"
    arguments: ClassVar = {**ACTIONS["outage"].arguments, **_RECOVER_WITHIN}

    def spread(self) -> float:
        """
        The longest wait for a retry after so long an outage, by the retry table of TR-069.

        A Connection Request in the outage is one more failure, which doubles the wait.
        """
        wait, waited = _FIRST_RETRY, 0.0
        while waited + wait / 2 <= self.seconds():
            waited, wait = waited + wait / 2, wait * 2
        return 2 * wait


class ValueChangeStorm(_Disruption):
    """A watched parameter changes in a share of the fleet."""

    name = "value-change-storm"
    action = "value_change"
    returns = "the changes began"
    arguments: ClassVar = {**ACTIONS["value_change"].arguments, **_RECOVER_WITHIN}

    def seconds(self) -> float:
        """0: recovery is measured from the first change on."""
        return 0.0

    def spread(self) -> float:
        """Until the last change."""
        return float(self.given["seconds"])
