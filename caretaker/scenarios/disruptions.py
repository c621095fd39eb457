"""Disruptions and the recovery of the fleet: power cuts, boot storms, outages, value changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS, SHARE
from caretaker.scenarios.scenario import Scenario, ScenarioReport, ScenarioRun
from caretaker.stats.recovery import Baseline, Span, all_back, recovery
from caretaker.stats.timeline import Point, Timeline

BASELINE_SECONDS = 10.0
"""How long the baseline is measured before the disruption."""


class _Disruption(Scenario):
    """An action on a fleet that is settled, and the recovery from it."""

    action: ClassVar[str]
    """The name in ``ACTIONS``; it takes the scenario's arguments."""
    returns: ClassVar[str]
    """The moment that recovery begins at, as the text of a mark."""
    began: float | None = None
    """When the action was done; None before."""

    def play(self, run: ScenarioRun) -> None:
        """Measure the baseline, do the action, and wait for the moment that recovery begins at."""
        run.settle()
        self.baseline_start = run.now()
        run.wait(BASELINE_SECONDS)
        self.began = run.now()
        run.act(self.action, **self.given)
        if self.seconds():
            run.wait(self.seconds())
            run.mark(self.returns)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The peak of Informs, and the time to the steady state."""
        if self.began is None:
            return ScenarioReport(
                {}, ["The run ended before anything was done; give it a longer run time."]
            )
        line, since = run.timeline(), self.began + self.seconds()
        baseline = Baseline.of(line, Span(self.baseline_start, self.began))
        kpis = recovery(line, baseline, self.began, since)
        took = kpis["time_to_steady_state_s"]
        marks = [] if took is None else [(since + took, "steady state")]
        return ScenarioReport(
            kpis, [*self._recovered(kpis, line, since), self._peak(kpis)], marks=marks
        )

    def seconds(self) -> float:
        """Seconds from the action until recovery can begin."""
        return float(self.given.get("seconds", 0.0))

    def _recovered(
        self, kpis: Mapping[str, float | None], line: Timeline, since: float
    ) -> Iterable[str]:  # fmt: skip
        took = kpis["time_to_steady_state_s"]
        if took is not None:
            yield f"Steady state {took:g} s after {self.returns}."
            return
        after = (max(line.points, default=-1) + 1) * line.step - since
        last = line.points[max(line.points)] if line.points else Point()
        left = f"{max(0, last.absent)} CPEs still out, {max(0, last.retrying)} waiting for a retry"
        yield f"No steady state within the {max(0.0, after):.0f} s after {self.returns}: {left}."

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
    arguments = ACTIONS["boot_storm"].arguments


class ACSOutage(_Disruption):
    """The ACS refuses connections, or hangs, for a while."""

    name = "acs-outage"
    action = "outage"
    returns = "the ACS was back"
    arguments = ACTIONS["outage"].arguments


class ValueChangeStorm(_Disruption):
    """A watched parameter changes in a share of the fleet."""

    name = "value-change-storm"
    action = "value_change"
    returns = "the changes began"
    arguments = ACTIONS["value_change"].arguments

    def seconds(self) -> float:
        """0: recovery is measured from the first change on."""
        return 0.0
