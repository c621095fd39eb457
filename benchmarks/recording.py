"""The cost of ``--record`` at its default share: sessions per CPU second with and without it."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.nginx import Nginx
from benchmarks.sessions import UNIT, saturated_worker, sessions_per_cpu_second


def run(options: Options) -> list[Figure]:
    """Measure both in turns."""
    with (
        TemporaryDirectory() as folder,
        Nginx() as sink,
        saturated_worker(sink, options, folder) as recording,
        saturated_worker(sink, options) as plain,
    ):
        values = take_turns(
            options.runs,
            {
                "recording": lambda: sessions_per_cpu_second(recording, options),
                "plain": lambda: sessions_per_cpu_second(plain, options),
            },
        )
    goal = Goal(">=", 0.9, of_ratio=True)
    kept, without = values["recording"], values["plain"]
    return [Figure("sessions with --record", UNIT, kept, "without", without, goal)]
