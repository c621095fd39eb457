"""How the generator itself is doing: the lag of its loop, its CPU and memory (decision D6, D8)."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
import psutil

from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import ResourceUsage

_LAG_INTERVAL = 0.05
_CPU_INTERVAL = 1.0


class GeneratorHealth:
    """
    Watches this process while a run goes on.

    Lag is how much later than asked a greenlet goes on that sleeps: until its timer fires and all
    that was ready before has had its turn. Any session waits as long.

    Args:
        results: takes the lag as ``generator.loop_lag``.
        beat: is called every 50 ms.
    """

    def __init__(self, results: Results, beat: Callable[[], None]) -> None:
        self._results = results
        self._beat = beat
        self._process = psutil.Process()
        self._used = self._cpu_seconds()
        self._since = time.monotonic()
        self._began = (self._since, self._used)
        self.cpu_peak = 0.0
        self.cpu_now: float | None = None
        self._greenlet = gevent.spawn(self._watch)

    def _watch(self) -> None:
        planned = time.monotonic()
        while True:
            planned += _LAG_INTERVAL
            gevent.sleep(max(0.0, planned - time.monotonic()))
            gevent.sleep(0)  # behind all that is ready: timers go before it, and would not see it
            now = time.monotonic()
            self._results.time("generator.loop_lag", max(0.0, now - planned))
            planned = max(planned, now - _LAG_INTERVAL)
            self._beat()
            if now - self._since >= _CPU_INTERVAL:
                self._measure_cpu(now)

    def _measure_cpu(self, now: float) -> None:
        used = self._cpu_seconds()
        self.cpu_now = 100 * (used - self._used) / (now - self._since)
        self.cpu_peak = max(self.cpu_peak, self.cpu_now)
        self._since, self._used = now, used

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def usage(self) -> ResourceUsage:
        """CPU and memory of this process so far."""
        began, used = self._began
        seconds = max(1e-9, time.monotonic() - began)
        mean = 100 * (self._cpu_seconds() - used) / seconds
        return ResourceUsage(
            cpu_mean=round(mean, 1),
            cpu_peak=round(max(mean, self.cpu_peak), 1),
            cpu_now=None if self.cpu_now is None else round(self.cpu_now, 1),
            rss_mb=round(self._process.memory_info().rss / 1e6, 1),
        )

    def stop(self) -> None:
        """Stop watching."""
        self._greenlet.kill(block=False)
