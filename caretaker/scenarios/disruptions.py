"""Blows to a fleet, and its way back: power cuts, boot storms, outages, value changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from caretaker.scenarios.actions import ACTIONS, SHARE
from caretaker.scenarios.scenario import Run, Scenario, ScenarioReport
from caretaker.stats.recovery import Baseline, Span, all_back, recovery
from caretaker.stats.timeline import Point, Timeline

CALM_SECONDS = 10.0
"""How long the fleet is watched before something is done to it."""


class _Disruption(Scenario):
    """Something is done to a calm fleet, which recovers."""

    action: ClassVar[str]
    """What is done, with the scenario's arguments."""
    returns: ClassVar[str]
    """What recovery begins with."""
    began: float | None = None
    """When it was done; None before."""

    def play(self, run: Run) -> None:
        """Watch the fleet while it is calm, and strike."""
        run.settle()
        self.calm_since = run.now()
        run.wait(CALM_SECONDS)
        self.began = run.now()
        run.act(self.action, **self.given)
        if self.seconds():
            run.wait(self.seconds())
            run.mark(self.returns)

    def report(self, run: Run) -> ScenarioReport:
        """How high the herd was, and how long it took until all was as before."""
        if self.began is None:
            return ScenarioReport(
                {}, ["The run ended before anything was done; give it a longer run time."]
            )
        line, since = run.timeline(), self.began + self.seconds()
        baseline = Baseline.of(line, Span(self.calm_since, self.began))
        kpis = recovery(line, baseline, self.began, since)
        took = kpis["time_to_steady_state_s"]
        marks = [] if took is None else [(since + took, "steady state")]
        return ScenarioReport(
            kpis, [*self._recovered(kpis, line, since), self._herd(kpis)], marks=marks
        )

    def seconds(self) -> float:
        """How long it lasts until recovery can begin."""
        return float(self.given.get("seconds", 0.0))

    def _recovered(
        self, kpis: Mapping[str, float | None], line: Timeline, since: float
    ) -> Iterable[str]:  # fmt: skip
        took = kpis["time_to_steady_state_s"]
        if took is not None:
            yield f"Steady state {took:g} s after {self.returns}."
            return
        seen = (max(line.points, default=-1) + 1) * line.step - since
        last = line.points[max(line.points)] if line.points else Point()
        left = f"{max(0, last.absent)} CPEs still out, {max(0, last.retrying)} waiting for a retry"
        yield f"No steady state within the {max(0.0, seen):.0f} s after {self.returns}: {left}."

    def _herd(self, kpis: Mapping[str, float | None]) -> str:
        times, peak = kpis["peak_over_before"], kpis["peak_informs_per_second"]
        before = f", {times:g} times as many as before" if times is not None else ""
        lost = f"{kpis['sessions_failed']} sessions failed and {kpis['sessions_shed']} were shed"
        return f"At most {peak:g} Informs were due in a second{before}; {lost}."


class PowerCut(_Disruption):
    """A share of the fleet is dark for a while, and comes back."""

    name = "power-cut"
    action = "power_cut"
    returns = "the power was back"
    arguments: ClassVar = {
        **ACTIONS["power_cut"].arguments,
        "share": SHARE._replace(default=0.5),
    }

    def report(self, run: Run) -> ScenarioReport:
        """Also when the last CPE had informed."""
        found = super().report(run)
        if self.began is None:
            return found
        since = self.began + self.seconds()
        back = all_back(run.timeline(), since)
        took = None if back is None else round(back - since, 1)
        return replace(found, kpis={**found.kpis, "all_informed_s": took})


class BootStorm(_Disruption):
    """A share of the fleet boots at once."""

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
        """Recovery is measured from the beginning."""
        return 0.0
