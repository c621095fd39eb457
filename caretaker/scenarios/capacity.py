"""The search for the largest rate of sessions that an ACS serves."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import ClassVar, NamedTuple

from caretaker.errors import Blame
from caretaker.reporting.generator_limits import GeneratorFigures, added_ms, generator_limits
from caretaker.scenarios.arguments import Argument, number
from caretaker.scenarios.criterion import Criterion, broken, held, not_shown, optional
from caretaker.scenarios.scenario import (
    SETTLE_SECONDS,
    FleetPlan,
    Scenario,
    ScenarioReport,
    ScenarioRun,
)
from caretaker.stats.recovery import Span, seconds_in
from caretaker.stats.results import Results

_TRIAL_SECONDS = 10.0
"""Until workers have reported before and after a rate, and it has reached them."""


class Trial(NamedTuple):
    """
    One rate that was held, and what limited it.

    Args:
        rate: Informs per second that were driven.
        served: sessions per second that succeeded, those of other causes too.
        p99: milliseconds from plan to InformResponse; None if none came.
        broke: the service level that did not hold, as a sentence; empty if all did.
        limit: why the generator could not go faster, as a sentence; empty if it could.
    """

    rate: float
    served: float
    p99: float | None
    broke: str
    limit: str


class FindCapacity(Scenario):
    """The largest rate of Informs at which the ACS keeps its service level."""

    name = "find-capacity"
    is_last = True
    is_search = True
    arguments: ClassVar = {
        "start": Argument(20.0, number(0.5), "Informs per second to begin with"),
        "limit": Argument(100_000.0, number(1), "Informs per second not to go beyond"),
        "hold": Argument(10.0, number(3), "seconds that each rate is held"),
        "failed": Argument(0.01, number(0, 1), "share of sessions that may fail or be shed"),
        "p99": Argument(1000.0, number(1), "ms from plan to InformResponse, of 99 %"),
        "precision": Argument(0.05, number(0.005, 1), "by which share the answer may be off"),
        "at-least": Argument(None, optional(number(0)), "Informs per second that must hold"),
    }

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """One rate."""
        return SETTLE_SECONDS + float(self.given["hold"]) + _TRIAL_SECONDS

    is_complete = False
    """Whether the search has ended by itself."""

    def play(self, run: ScenarioRun) -> None:
        """Double the rate until something breaks, then close in on it; and end the run."""
        self.trials: list[Trial] = []
        rate: float | None = min(self.given["start"], self.given["limit"])
        while rate is not None:
            run.settle()
            self.trials.append(self._try(run, rate))
            rate = self._next()
        self.is_complete = True
        run.finish()

    def _next(self) -> float | None:
        """The rate to try next; None when the answer is known well enough."""
        good = max((t.rate for t in self.trials if not t.broke and not t.limit), default=0.0)
        bad = min((t.rate for t in self.trials if t.broke or t.limit), default=inf)
        if bad == inf:
            more = min(good * 2, self.given["limit"])
            return more if more > good else None
        if good == 0.0:
            return bad / 2 if bad > 0.5 else None
        return (good + bad) / 2 if bad / good > 1 + self.given["precision"] else None

    def _try(self, run: ScenarioRun, rate: float) -> Trial:
        run.catch_up()
        before = run.results()
        run.act("inform_rate", rate=rate)
        run.wait(1)  # it has reached all workers
        began = run.now()
        run.wait(self.given["hold"])
        span = Span(began, run.now())
        # Before the rate falls: their CPU is of the last second, and what waits is still there.
        workers, waiting = run.workers(), _unanswered(run.results(), self.given["p99"] / 1000)
        run.act("inform_rate", rate=0)
        run.catch_up()
        figures = GeneratorFigures.since(before, run.results(), workers)
        return self._judge(run, rate, span, figures, waiting)

    def _judge(
        self,
        run: ScenarioRun,
        rate: float,
        span: Span,
        figures: GeneratorFigures,
        waiting: int,
    ) -> Trial:
        line = run.timeline()
        seen, seconds = line.between(*span), max(line.step, seconds_in(line, span))
        bad = seen.sessions_failed + seen.sessions_shed
        share = bad / max(1, bad + seen.sessions_succeeded)
        p99 = seen.from_plan.summary(99)["p99"]
        broke = ""
        limits = generator_limits(figures)
        limit = str(limits[0]) if limits else ""
        if share > self.given["failed"]:
            broke = f"{share:.1%} of the sessions failed or were shed"
        elif waiting > 0.01 * seen.informs_planned:
            broke = (
                f"{waiting} of its sessions waited longer than {self.given['p99']:g} ms for the ACS"
            )
        elif p99 is not None and p99 > self.given["p99"]:
            broke = f"1 % took longer than {p99:.0f} ms from plan to InformResponse"
            if p99 > self.given["p99"] + added_ms(figures):
                limit = ""  # the ACS is too slow even without what the generator added
        if not broke and not limit:  # CPEs that an ACS keeps busy are not the generator's limit
            limit = lack(rate, seen.informs_planned / seconds)
        return Trial(rate, seen.sessions_succeeded / seconds, p99, broke, limit)

    def report(self, run: ScenarioRun) -> ScenarioReport:  # noqa: ARG002
        """The largest rate that held, what broke above it, and whether that was the ACS."""
        trials = getattr(self, "trials", [])
        best = max((t for t in trials if not t.broke and not t.limit), default=None)
        failed = min((t for t in trials if t.broke or t.limit), default=None)
        kpis: dict[str, float | None] = {
            "sessions_per_second": round(best.served, 2) if best else 0.0,
            "informs_per_second_driven": round(best.rate, 2) if best else 0.0,
            "first_rate_that_broke": round(failed.rate, 2) if failed else None,
            "generator_was_the_limit": float(bool(failed and failed.limit)),
            "trials": len(trials),
        }
        curve = [(round(t.rate, 2), round(t.served, 2)) for t in trials]
        return ScenarioReport(
            kpis,
            [*self._held(best), *self._broke(failed)],
            {"served_at_rate": curve},
            criterion=self._criterion(best, failed),
        )

    def _criterion(self, best: Trial | None, failed: Trial | None) -> Criterion:
        """Whether the ACS held the rate that was asked for, or else whether its limit is known."""
        at_least: float | None = self.given["at-least"]
        if at_least is not None:
            return self._asked_for(at_least, best, failed)
        if failed is not None and failed.limit:
            return not_shown(f"the generator was the limit at {_rate(failed)}")
        if not self.is_complete:
            return not_shown("the run ended before the search")
        if best is None:
            seen = f": at {_rate(failed)} {failed.broke}" if failed else ""
            return broken(f"No rate was found that the ACS holds{seen}")
        return held(f"Held {_rate(best)}{'' if failed else ', and nothing broke up to the limit'}")

    def _asked_for(self, rate: float, best: Trial | None, failed: Trial | None) -> Criterion:
        limit = f"(limit {rate:g})"
        if best is not None and best.rate >= rate:
            return held(f"Held {_rate(best)} {limit}")
        if failed is not None and not failed.limit and failed.rate <= rate:
            return broken(f"Not held: {_rate(failed)} {limit}: {failed.broke}")
        known = f"above {_rate(best)}" if best else "no rate held"
        if failed is not None:
            known += f", below {_rate(failed)}"
        why = ": the generator was the limit" if failed and failed.limit else ""
        return not_shown(f"{known} {limit}{why}")

    def _held(self, best: Trial | None) -> Iterable[str]:
        if best is None:
            yield "No rate was found that holds; see what broke, and begin with a lower start."
            return
        rate = f"The ACS held {best.served:.1f} sessions per second for {self.given['hold']:g} s"
        if best.p99 is None:
            yield f"{rate}: no Inform was answered."
        else:
            yield f"{rate}: 99 % of Informs were answered within {best.p99:.0f} ms of their plan."

    def _broke(self, failed: Trial | None) -> Iterable[str]:
        if failed is None:
            yield "Nothing broke: raise the limit, or let the run go on longer."
        elif failed.limit:
            yield (f"The generator is the limit, not the ACS: at {failed.rate:.1f} Informs per "
                   f"second {failed.limit}.")  # fmt: skip
        else:
            yield f"At {failed.rate:.1f} Informs per second {failed.broke}."


def _unanswered(results: Results, seconds: float) -> int:
    """How many sessions have waited longer than that for the ACS; they are in no latency yet."""
    waits = results.histograms_with_prefix(f"sessions.unfinished_waits.{Blame.ACS.value}")
    return sum(times.count - times.at_most([seconds])[0] for times in waits.values())


def _rate(trial: Trial) -> str:
    return f"{trial.rate:.4g} Informs per second"


def lack(rate: float, planned: float) -> str:
    """Whether there were too few CPEs for a rate, as a sentence; empty if there were enough."""
    if planned >= 0.95 * rate - 0.5:
        return ""
    found = f"only {planned:.1f} of {rate:.1f} Informs per second found a CPE that was free"
    return f"{found} (more CPEs)"
