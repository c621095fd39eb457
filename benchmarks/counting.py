"""
Microseconds to count a session of two exchanges: results, timeline and Locust's statistics.

The records are there beforehand. As in a run they are flushed 20 times a second, here at 4 000
sessions a second. Other builds (``--beside``) take their turns with ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from random import Random

from locust.env import Environment

from benchmarks.builds import OURS, with_ours
from benchmarks.figures import Figure, Options, take_turns
from benchmarks.processes import GENERATOR, Child
from caretaker.cwmp.outcome import Outcome
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.swarm.locust_stats import LocustStats

COUNT = 20_000
RATE = 4000
FLUSH = RATE // 20


def run(options: Options) -> list[Figure]:
    """Measure ours and the other builds in turns."""
    count = options.scaled(COUNT)
    builds = with_ours(options.beside)
    with ExitStack() as children:
        counters = {
            name: children.enter_context(Child(Counters, core=GENERATOR, build=build, count=count))
            for name, build in builds.items()
        }
        values = take_turns(
            options.runs,
            {name: _measuring(child) for name, child in counters.items()},
        )
    title, unit = "count a session", "cpu-us"
    others = [name for name in builds if name != OURS] or [""]
    return [
        Figure(title, unit, values[OURS], other, values[other] if other else ()) for other in others
    ]


def _measuring(child: Child) -> Callable[[], float]:
    return lambda: float(child.call("measure"))


class Counters:
    """
    All that counts the sessions of a worker, without the worker.

    Args:
        count: of the sessions.
    """

    def __init__(self, count: int) -> None:
        self._environment = Environment()
        self._environment.create_local_runner()
        self._times = [self._random_times(Random(number)) for number in range(count)]

    @staticmethod
    def _random_times(rng: Random) -> tuple[float, float, float]:
        """Lateness, and both exchanges: around 1.5 ms."""
        return rng.expovariate(1000), rng.lognormvariate(-6.5, 0.3), rng.lognormvariate(-6.5, 0.3)

    def measure(self) -> float:
        """CPU microseconds of a session."""
        records = [_records(number / RATE, *own) for number, own in enumerate(self._times)]
        timeline = Timeline()
        sink = LocustStats(Results(), self._environment.events.request, self._environment.stats)
        before = time.process_time()
        for at in range(0, len(records), FLUSH):
            for session, exchanges in records[at : at + FLUSH]:
                for exchange in exchanges:
                    sink.exchange(exchange)
                timeline.session(session)
                sink.session(session)
            sink.flush()
        timeline.settle()
        return 1e6 * (time.process_time() - before) / len(records)


def _records(
    planned: float, lateness: float, inform: float, empty: float
) -> tuple[SessionRecord, tuple[ExchangeRecord, ExchangeRecord]]:
    started = planned + lateness
    session = SessionRecord(
        ("2 PERIODIC",), planned, started, seconds=inform + empty, outcome=Outcome.SUCCEEDED,
        inform_sent=started, informed=started + inform, lateness=lateness,
    )  # fmt: skip
    exchanges = (
        ExchangeRecord("Inform", started, inform, 2000, 500),
        ExchangeRecord("(empty)", started + inform, empty, 0, 0),
    )
    return session, exchanges
