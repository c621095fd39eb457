"""
Whether the generator itself is the limit of a run: then the ACS may be better than it looks.

The one rule for the report, the Fleet page and its metric, and the search for the capacity. They
differ in the time that they look at: a whole run, the last seconds, or one rate of the search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from caretaker.errors import Blame
from caretaker.reporting.summary_types import Summary
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import WorkerSnapshot

LOOP_LAG_MS = 100.0
"""The p99 of the loop lag above which the generator is the limit."""
LATENESS_MS = 250.0
"""The p99 of lateness, and of the wait for a place, above which the generator is the limit."""
CPU_PERCENT = 90.0
"""Of one core: what a worker can use and still be on time."""
AT_EASE_PERCENT = 50.0
"""Of one core: workers that use less are rather kept from it by other programs than too few."""

_MORE_PLACES = "raise --max-sessions, or more workers"
_FAILED = f"sessions.blame.{Blame.GENERATOR.value}"


class GeneratorFigures(NamedTuple):
    """
    How the generator did in some time.

    Args:
        loop_lag: p99 of how late the loops of the workers were, in milliseconds; None without data.
        lateness: p99 of how late the generator began sessions, in milliseconds: from when they
            were due and the CPE's previous session was over; None without sessions.
        cpu: percent of one core by worker.
        failed: sessions that failed at limits of the machine.
        place_wait: p99 of how long sessions waited because ``--max-sessions`` others
            ran, in milliseconds; None without sessions.
        waiting: sessions that wait for that now, or did at the end of the run.
        not_posted: tasks that a limit of the generator kept from being posted.
    """

    loop_lag: float | None
    lateness: float | None
    cpu: Mapping[str, float]
    failed: int
    place_wait: float | None = None
    waiting: int = 0
    not_posted: int = 0

    @classmethod
    def of_run(cls, summary: Summary) -> GeneratorFigures:
        """Of a whole run."""
        generator = summary["generator"]
        return cls(
            loop_lag=generator["loop_lag_ms"]["p99"],
            lateness=generator["lateness_ms"]["p99"],
            cpu=generator["cpu_percent"]["mean"],
            failed=summary["sessions"]["blame"].get(Blame.GENERATOR.value, 0),
            place_wait=generator["place_wait_ms"]["p99"],
            waiting=summary["informs"]["not_begun"],
            not_posted=summary["tasks"]["not_posted"],
        )

    @classmethod
    def since(
        cls, before: Results, now: Results, workers: Sequence[WorkerSnapshot]
    ) -> GeneratorFigures:
        """
        Of the time since an earlier look.

        Args:
            before: the results of the run at that look.
            now: the present results.
            workers: the reports of the workers that are there.
        """

        def p99(name: str) -> float | None:
            return now.histogram(name).since(before.histogram(name)).summary(99)["p99"]

        return cls(
            loop_lag=p99("generator.loop_lag"),
            lateness=p99("generator.lateness"),
            cpu={
                str(worker.worker): worker.usage.cpu_now
                for worker in workers
                if worker.usage.cpu_now is not None
            },
            failed=now.counters[_FAILED] - before.counters[_FAILED],
            place_wait=p99("generator.place_wait"),
            waiting=sum(worker.states.get("waiting", 0) for worker in workers),
            not_posted=now.counters["tasks.not_posted"] - before.counters["tasks.not_posted"],
        )


class GeneratorLimit(NamedTuple):
    """A limit that the generator has reached, and what helps, both as phrases."""

    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what} ({self.cure})"


def in_words(limits: Iterable[GeneratorLimit]) -> str:
    """The limits in one line, and each cure once, behind all that it helps against."""
    by_cure: dict[str, list[str]] = {}
    for limit in limits:
        by_cure.setdefault(limit.cure, []).append(limit.what)
    return "; ".join(f"{' and '.join(reached)} ({cure})" for cure, reached in by_cure.items())


def added_ms(figures: GeneratorFigures) -> float:
    """What the generator may have added to the times of the ACS; 0 if it was not the limit."""
    return own_ms(figures) if generator_limits(figures) else 0.0


def own_ms(figures: GeneratorFigures) -> float:
    """The delays of the generator itself (p99), which may be in any time that it measured."""
    return sum(delay or 0.0 for delay in (figures.loop_lag, figures.lateness, figures.place_wait))


def generator_limits(figures: GeneratorFigures) -> list[GeneratorLimit]:
    """The limits that the generator has reached; none if it was not the limit."""
    return list(_limits(figures))


def _limits(figures: GeneratorFigures) -> Iterator[GeneratorLimit]:
    if figures.loop_lag is not None and figures.loop_lag > LOOP_LAG_MS:
        what = f"the p99 of its loop lag was {figures.loop_lag:.0f} ms"
        yield GeneratorLimit(what, _cure_of_lateness(figures))
    if figures.lateness is not None and figures.lateness > LATENESS_MS:
        what = f"the p99 of its lateness was {figures.lateness:.0f} ms"
        yield GeneratorLimit(what, _cure_of_lateness(figures))
    for worker, cpu in figures.cpu.items():
        if cpu > CPU_PERCENT:
            what = f"worker {worker} used {cpu:.0f} % of its core"
            yield GeneratorLimit(what, "more workers")
    if figures.place_wait is not None and figures.place_wait > LATENESS_MS:
        what = f"the p99 of the wait for a place was {figures.place_wait:.0f} ms"
        yield GeneratorLimit(what, _MORE_PLACES)
    if figures.waiting:
        what = f"{figures.waiting} sessions were left waiting for a place"
        yield GeneratorLimit(what, _MORE_PLACES)
    if figures.failed:
        yield GeneratorLimit(f"{figures.failed} sessions failed at its limits", "docs/limits.md")
    if figures.not_posted:
        what = f"{figures.not_posted} tasks were not posted"
        yield GeneratorLimit(what, "more workers, or more sockets: docs/limits.md")


def _cure_of_lateness(figures: GeneratorFigures) -> str:
    busiest = max(figures.cpu.values(), default=CPU_PERCENT)
    others = "a machine with less other work, or " if busiest < AT_EASE_PERCENT else ""
    return f"{others}more workers"
