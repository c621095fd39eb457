"""The fleet at its natural rate, at one that grows, and for long."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from caretaker.scenarios.actions import Argument, number
from caretaker.scenarios.scenario import Run, Scenario, ScenarioReport
from caretaker.stats.recovery import Span


class Steady(Scenario):
    """The fleet at its natural rate."""

    name = "steady"

    def play(self, run: Run) -> None:
        """Wait for the calm, and watch."""
        run.settle()
        self.since = run.now()

    since = 0.0

    def report(self, run: Run) -> ScenarioReport:
        """How much of what was planned was done, and how quickly."""
        line = run.timeline()
        seen = line.between(self.since, inf)
        seconds = max(1.0, (max(line.points, default=0) + 1) * line.step - self.since)
        ratio = seen.informs / seen.informs_planned if seen.informs_planned else 1.0
        p99 = seen.from_plan.percentile(99) * 1000
        kpis = {
            "informs_planned_per_second": round(seen.informs_planned / seconds, 2),
            "informs_per_second": round(seen.informs / seconds, 2),
            "informs_over_planned": round(ratio, 4),
            "from_plan_p99_ms": round(p99, 3),
        }
        said = f"{ratio:.1%} of the planned Informs went out"
        return ScenarioReport(
            kpis, [f"{said}; 99 % were answered within {p99:.0f} ms of their plan."]
        )


class Ramp(Scenario):
    """Periodic Informs at a rate that grows in steps."""

    name = "ramp"
    arguments: ClassVar = {
        "start": Argument(10.0, number(0.1), "Informs per second at the beginning"),
        "end": Argument(200.0, number(0.1), "Informs per second at the end"),
        "seconds": Argument(40.0, number(1), "how long it takes"),
        "steps": Argument(10.0, number(1, 1000), "how many steps it is"),
    }

    def play(self, run: Run) -> None:
        """Climb."""
        run.settle()
        steps = int(self.given["steps"])
        self.stairs: list[tuple[float, Span]] = []
        for step in range(steps):
            climbed = step / max(1, steps - 1)
            rate = self.given["start"] + climbed * (self.given["end"] - self.given["start"])
            run.act("inform_rate", rate=rate)
            began = run.now()
            run.wait(self.given["seconds"] / steps)
            self.stairs.append((rate, Span(began, run.now())))
        run.act("inform_rate", rate=0)

    def report(self, run: Run) -> ScenarioReport:
        """The first step at which a session did not succeed, and the last latency."""
        line, broke, best = run.timeline(), None, 0.0
        for rate, span in getattr(self, "stairs", []):
            seen = line.between(*span)
            if seen.sessions_failed + seen.sessions_shed:
                broke = rate
                break
            best = rate
        kpis = {"highest_rate_without_failure": best, "first_rate_with_failure": broke}
        said = f"All sessions succeeded up to {best:g} Informs per second"
        return ScenarioReport(
            kpis, [f"{said}; at {broke:g} the first failed." if broke else f"{said}."]
        )


class Soak(Scenario):
    """The fleet at its natural rate for long: does anything grow?"""

    name = "soak"
    arguments: ClassVar = {"every": Argument(10.0, number(1), "seconds between looks at memory")}

    def play(self, run: Run) -> None:
        """Look at the workers' memory again and again."""
        run.settle()
        self.memory: list[tuple[float, float]] = []
        every = self.given["every"]
        while True:
            used = sum(worker.usage.rss_mb for worker in run.workers())
            self.memory.append((round(run.now(), 1), used))
            if len(self.memory) > 600:
                self.memory, every = self.memory[::2], every * 2
            run.wait(every)

    def report(self, run: Run) -> ScenarioReport:
        """Memory and latency, of the last quarter beside the first."""
        curve = getattr(self, "memory", [])
        if len(curve) < 2:
            return ScenarioReport({}, ["The run was too short to see anything grow."])
        (began, first), (ended, last) = curve[0], curve[-1]
        quarter, line = (ended - began) / 4, run.timeline()
        early = line.between(began, began + quarter).from_plan.percentile(95)
        late = line.between(ended - quarter, ended).from_plan.percentile(95)
        growth = (last - first) / max(1e-9, ended - began) * 3600
        kpis = {
            "memory_growth_mb": round(last - first, 1),
            "memory_growth_mb_per_hour": round(growth, 1),
            "from_plan_p95_first_quarter_ms": round(early * 1000, 3),
            "from_plan_p95_last_quarter_ms": round(late * 1000, 3),
        }
        said = (
            f"In {ended - began:.0f} s the workers' memory went from {first:.0f} to {last:.0f} "
            f"MB, and the p95 from the plan from {early * 1000:.1f} to {late * 1000:.1f} ms."
        )
        return ScenarioReport(kpis, [said], {"memory_mb": curve})
