"""The fleet at a rate: its natural one, one that grows, and for a long time."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import ClassVar

from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits
from caretaker.reporting.outcomes import RunOutcome
from caretaker.scenarios.arguments import Argument, number
from caretaker.scenarios.capacity import lack
from caretaker.scenarios.criterion import (
    Criterion,
    broken,
    held,
    not_shown,
    optional,
    within_limit,
)
from caretaker.scenarios.scenario import (
    SETTLE_SECONDS,
    FleetPlan,
    Scenario,
    ScenarioReport,
    ScenarioRun,
)
from caretaker.stats.recovery import FLOOR, Span, open_sessions, seconds_in
from caretaker.stats.results import Results
from caretaker.stats.timeline_point import Point

_LEAST_SECONDS = 10.0
"""What must be seen of a fleet that informs as it does by itself."""


class Steady(Scenario):
    """The fleet at its natural rate."""

    name = "steady"
    arguments: ClassVar = {
        "sent": Argument(0.99, number(0, 1), "which part of the planned Informs must go out"),
        "p99": Argument(1000.0, number(1), "ms from plan to InformResponse, of 99 %"),
    }

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """Some seconds of the settled fleet."""
        return SETTLE_SECONDS + _LEAST_SECONDS

    def play(self, run: ScenarioRun) -> None:
        """Wait until the fleet is settled; the rest of the run counts."""
        run.settle()
        self.since = run.now()

    since = 0.0

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The share of planned Informs that were sent, and their p99 from the plan."""
        line = run.timeline()
        total = line.between(self.since, inf)
        seconds = max(1.0, (max(line.points, default=0) + 1) * line.step - self.since)
        planned = total.informs_planned
        ratio = round(total.informs / planned, 4) if planned else None
        p99 = total.from_plan.summary(99)["p99"]
        kpis = {
            "informs_planned_per_second": round(planned / seconds, 2),
            "informs_per_second": round(total.informs / seconds, 2),
            "informs_over_planned": ratio,
            "from_plan_p99_ms": p99,
        }
        sent = (
            "No Inform was planned"
            if ratio is None
            else f"{ratio:.1%} of the planned Informs went out"
        )
        answered = (
            "none was answered"
            if p99 is None
            else f"99 % were answered within {p99:.0f} ms of their plan"
        )
        return ScenarioReport(
            kpis, [f"{sent}; {answered}."], criterion=self._criterion(run, total, p99)
        )

    def _criterion(self, run: ScenarioRun, total: Point, p99: float | None) -> Criterion:
        unsent, limit = total.informs_planned - total.informs, self.given["p99"]
        if not total.informs_planned:
            return not_shown("no Inform was due while the fleet was steady")
        # The last ones may be under way.
        if unsent > max(2, (1 - self.given["sent"]) * total.informs_planned):
            return broken(f"{unsent:,} of {total.informs_planned:,} planned Informs did not go out")
        if p99 is None:
            return broken("No Inform was answered")
        finding = f"99 % of Informs were answered within {p99:.0f} ms (limit {limit:g} ms)"
        return within_limit((p99 - limit) / 1000, run, finding)


class Ramp(Scenario):
    """Periodic Informs at a rate that grows in steps."""

    name = "ramp"
    arguments: ClassVar = {
        "start": Argument(10.0, number(0.1), "Informs per second at the beginning"),
        "end": Argument(200.0, number(0.1), "Informs per second at the end"),
        "seconds": Argument(40.0, number(1), "how long it takes"),
        "steps": Argument(10.0, number(1, 1000), "how many steps it is"),
        "at-least": Argument(
            None, optional(number(0.1)), "Informs per second that must hold; without it, the last"
        ),
    }

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """All steps."""
        return SETTLE_SECONDS + float(self.given["seconds"])

    rates: Sequence[tuple[float, Span]] = ()
    """The rates that were held, and when."""

    def play(self, run: ScenarioRun) -> None:
        """Hold each rate for the same time, from the first to the last."""
        run.settle()
        steps, first, last = int(self.given["steps"]), self.given["start"], self.given["end"]
        self.rates = []
        for step in range(steps):
            rate = first + step / max(1, steps - 1) * (last - first)
            run.act("inform_rate", rate=rate)
            began = run.now()
            run.wait(self.given["seconds"] / steps)
            self.rates = [*self.rates, (rate, Span(began, run.now()))]
        run.act("inform_rate", rate=0)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The highest rate that held, and the first that did not."""
        best, trouble, broke = 0.0, None, None
        for rate, span in self.rates:
            trouble = _trouble(run, rate, span)
            if trouble is not None:
                broke = rate if trouble.outcome == RunOutcome.BROKEN else None
                break
            best = rate
        kpis = {"highest_rate_without_failure": best, "first_rate_with_failure": broke}
        up_to = f"All sessions succeeded up to {best:g} Informs per second"
        criterion = self._criterion(best, up_to, trouble)
        sentences = [up_to, *([trouble.finding] if trouble and broke else [])]
        more = [f"{told}." for told in sentences if not criterion.finding.startswith(told)]
        return ScenarioReport(kpis, more, criterion=criterion)

    def _criterion(self, best: float, up_to: str, trouble: Criterion | None) -> Criterion:
        given: float | None = self.given["at-least"]
        wanted = self.given["end"] if given is None else given
        if best >= wanted:
            return held(f"{up_to} (limit {wanted:g})")
        return trouble or not_shown(f"the run ended at {best:g} of {wanted:g} Informs per second")


def _trouble(run: ScenarioRun, rate: float, span: Span) -> Criterion | None:
    """Why a rate did not hold, or showed nothing of the ACS; None if it held."""
    line = run.timeline()
    point = line.between(*span)
    ours = point.failed_ours + point.failed_generator
    bad = point.sessions_failed + point.sessions_shed - ours
    at = f"At {rate:g} Informs per second"
    if bad:
        return broken(f"{at} {bad:,} sessions failed or were shed")
    waiting = open_sessions(line)[int(span.end / line.step) - 1]
    limits = generator_limits(GeneratorFigures.since(Results(), run.results(), run.workers()))
    limit = f"{ours:,} sessions failed by the generator" if ours else "".join(map(str, limits[:1]))
    if waiting > rate + 2 and not limit:
        return broken(f"{at} {waiting:,} sessions were open, more than are due in a second")
    limit = limit or lack(rate, point.informs_planned / max(1.0, seconds_in(line, span)))
    return not_shown(f"the generator was the limit: {limit}") if limit else None


class Soak(Scenario):
    """The fleet at its natural rate for a long time: does memory or latency grow?"""

    name = "soak"
    is_last = True
    arguments: ClassVar = {
        "every": Argument(10.0, number(1), "seconds between looks at memory"),
        "latency-growth": Argument(
            2.0, number(1), "how many times that of the first quarter the p95 of the last may be"
        ),
        "memory-growth": Argument(
            50.0, number(0), "MB that each worker may grow by after the first quarter"
        ),
    }

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """Four looks at memory and as many quarters with some Informs."""
        return SETTLE_SECONDS + 4 * max(_LEAST_SECONDS, float(self.given["every"]))

    def play(self, run: ScenarioRun) -> None:
        """Note the workers' memory at intervals, until the run ends."""
        run.settle()
        self.memory: list[tuple[float, float]] = []
        every = self.given["every"]
        while True:
            used = sum(worker.usage.rss_mb for worker in run.workers())
            self.memory.append((round(run.now(), 1), used))
            if len(self.memory) > 600:
                self.memory, every = self.memory[::2], every * 2
            run.wait(every)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The growth of memory, and the latency of the first and the last quarter."""
        curve = getattr(self, "memory", [])
        if len(curve) < 2:
            return ScenarioReport(criterion=not_shown("the run was too short to see anything grow"))
        (began, first), (ended, last) = curve[0], curve[-1]
        quarter, line = (ended - began) / 4, run.timeline()
        early = line.between(began, began + quarter).from_plan.summary(95)["p95"]
        late = line.between(ended - quarter, ended).from_plan.summary(95)["p95"]
        growth = (last - first) / max(1e-9, ended - began) * 3600
        kpis = {
            "memory_growth_mb": round(last - first, 1),
            "memory_growth_mb_per_hour": round(growth, 1),
            "from_plan_p95_first_quarter_ms": early,
            "from_plan_p95_last_quarter_ms": late,
        }
        sentence = (
            f"In {ended - began:.0f} s the workers' memory went from {first:.0f} to {last:.0f} "
            f"MB, and the p95 from the plan from {_ms(early)} to {_ms(late)}."
        )
        late_growth = last - next(used for at, used in curve if at >= began + quarter)
        criterion = self._criterion(run, early, late, late_growth / max(1, len(run.workers())))
        return ScenarioReport(kpis, [sentence], {"memory_mb": curve}, criterion=criterion)

    def _criterion(
        self, run: ScenarioRun, early: float | None, late: float | None, grown_mb: float
    ) -> Criterion:
        if grown_mb > self.given["memory-growth"]:
            limit = f"limit {self.given['memory-growth']:g} MB"
            finding = f"Each worker grew by {grown_mb:.0f} MB after the first quarter ({limit})"
            return Criterion(RunOutcome.FAILED, finding)  # that is ours, not the ACS's
        if early is None or late is None:
            return not_shown("no Inform was answered in the first or the last quarter")
        limit_ms = max(early * self.given["latency-growth"], early + 1000 * FLOOR)
        ms = f"The p95 from plan went from {early:.0f} to {late:.0f} ms (limit {limit_ms:.0f} ms)"
        return within_limit((late - limit_ms) / 1000, run, ms)


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f} ms"
