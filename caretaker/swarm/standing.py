"""
How a run stands: the newest snapshots of its workers as one.

The Fleet page and the metrics for Prometheus both show this. It is made once for each report that
has come, however many ask.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caretaker.errors import Blame
from caretaker.results import Results
from caretaker.scenarios.capacity import generator_limit
from caretaker.shard import STATES
from caretaker.swarm.summary import summarize

if TYPE_CHECKING:
    from caretaker.swarm.master import Master

WINDOW_SECONDS = 12.0
"""Of what lies behind them only the generator's health tells: it is that of now."""


@dataclass(frozen=True)
class Standing:
    """
    How a run stands.

    Args:
        run: its number, 0 if there was none.
        running: whether it goes on.
        seconds: since its start, or how long it took.
        results: counters and histograms of the whole run so far.
        summary: what ``summarize`` makes of them (``docs/summary.md``), with ``service_levels``.
        cpes: how many CPEs are in each of ``shard.STATES``.
        workers: name, index, CPEs, states, CPU, memory and last report (seconds since 1970) of
            each that is there.
        limits: why the generator itself may be the limit, each a sentence; none if it is not.
    """

    run: int
    running: bool
    seconds: float
    results: Results
    summary: Mapping[str, Any]
    cpes: Mapping[str, int]
    workers: Sequence[Mapping[str, Any]]
    limits: Sequence[str]


class Standings:
    """
    Makes the standing of a master's run.

    Args:
        master: whose run it is.
    """

    def __init__(self, master: Master) -> None:
        self._master = master
        self._made: tuple[tuple[int, int, bool], Standing] | None = None
        self._past: deque[tuple[float, int, Results]] = deque()

    def now(self) -> Standing:
        """The present one."""
        master = self._master
        version = (master.run, master.reports, master.summary is None)
        if self._made is None or self._made[0] != version:
            self._made = (version, self._make())
        return self._made[1]

    def _make(self) -> Standing:
        master = self._master
        results = master.results()
        workers = [_worker(master, name, each) for name, each in master.snapshots.items()
                   if not master.has_left(name)]  # fmt: skip
        final = master.summary
        summary = final if final is not None else self._summary()
        running = master.seconds() > 0
        before = self._before(results)
        return Standing(
            master.run,
            running,
            summary["seconds"],
            results,
            summary,
            {state: sum(each["states"].get(state, 0) for each in workers) for state in STATES},
            sorted(workers, key=lambda each: each["worker"]),
            list(generator_limits(results, before, workers)) if running else [],
        )

    def _summary(self) -> dict[str, Any]:
        summary = summarize(list(self._master.snapshots.values()), self._master.seconds())
        return {**summary, "service_levels": self._master.verdicts(summary)}

    def _before(self, results: Results) -> Results:
        """The results at the beginning of the window."""
        now, run, past = time.monotonic(), self._master.run, self._past
        past.append((now, run, results))
        while past[0][1] != run or (len(past) > 1 and past[1][0] < now - WINDOW_SECONDS):
            past.popleft()
        return past[0][2] if len(past) > 1 else Results()


def _worker(master: Master, name: str, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    told = ("worker", "cpes", "states", "cpu_now", "cpu_mean", "rss_mb")
    heard_at = round(time.time() - master.silence(name), 3)
    return {"name": name, "heard_at": heard_at, **{each: snapshot[each] for each in told}}


def generator_limits(
    results: Results, before: Results, workers: Iterable[Mapping[str, Any]]
) -> Iterable[str]:
    """
    Why the generator itself may be the limit, each as a sentence; none if it is not.

    Args:
        results: of the run so far.
        before: those of a while ago.
        workers: that are there.
    """
    workers = list(workers)
    why = generator_limit(results, before, max((each["cpu_now"] for each in workers), default=0.0))
    if why:
        yield f"The generator is the limit, not the ACS: {why}."
    waiting = sum(each["states"].get("waiting", 0) for each in workers)
    if waiting:
        yield f"{waiting} sessions wait for their place: raise --max-sessions, or add workers."
    blamed = f"sessions.blame.{Blame.GENERATOR.value}"
    failed = results.counters[blamed] - before.counters[blamed]
    if failed:
        yield f"{failed} sessions failed just now at the limits of this machine (docs/limits.md)."
