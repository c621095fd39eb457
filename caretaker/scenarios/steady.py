"""The fleet at a rate: its natural one, one that grows, and for a long time."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from caretaker.scenarios.actions import Argument, number
from caretaker.scenarios.scenario import Scenario, ScenarioReport, ScenarioRun
from caretaker.stats.recovery import Span


class Steady(Scenario):
    """The fleet at its natural rate."""

    name = "steady"

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
        return ScenarioReport(kpis, [f"{sent}; {answered}."])


class Ramp(Scenario):
    """Periodic Informs at a rate that grows in steps."""

    name = "ramp"
    arguments: ClassVar = {
        "start": Argument(10.0, number(0.1), "Informs per second at the beginning"),
        "end": Argument(200.0, number(0.1), "Informs per second at the end"),
        "seconds": Argument(40.0, number(1), "how long it takes"),
        "steps": Argument(10.0, number(1, 1000), "how many steps it is"),
    }

    def play(self, run: ScenarioRun) -> None:
        """Hold each rate for the same time, from the first to the last."""
        run.settle()
        steps, first, last = int(self.given["steps"]), self.given["start"], self.given["end"]
        self.rates: list[tuple[float, Span]] = []
        for step in range(steps):
            rate = first + step / max(1, steps - 1) * (last - first)
            run.act("inform_rate", rate=rate)
            began = run.now()
            run.wait(self.given["seconds"] / steps)
            self.rates.append((rate, Span(began, run.now())))
        run.act("inform_rate", rate=0)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        """The highest rate without a failed or shed session, and the first with one."""
        line, broke, best = run.timeline(), None, 0.0
        for rate, span in getattr(self, "rates", []):
            point = line.between(*span)
            if point.sessions_failed + point.sessions_shed:
                broke = rate
                break
            best = rate
        kpis = {"highest_rate_without_failure": best, "first_rate_with_failure": broke}
        sentence = f"All sessions succeeded up to {best:g} Informs per second"
        end = f"; at {broke:g} the first failed." if broke else "."
        return ScenarioReport(kpis, [f"{sentence}{end}"])


class Soak(Scenario):
    """The fleet at its natural rate for a long time: does memory or latency grow?"""

    name = "soak"
    arguments: ClassVar = {"every": Argument(10.0, number(1), "seconds between looks at memory")}

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
            return ScenarioReport({}, ["The run was too short to see anything grow."])
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
        return ScenarioReport(kpis, [sentence], {"memory_mb": curve})


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f} ms"
