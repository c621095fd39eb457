"""
Sessions per CPU second of the I/O engine alone, beside the C ceiling.

All that a session is beside its exchanges is left out: each says the same. So this is what the
engine and gevent's loop take of the ceiling, and the bound of what ``sessions`` can reach.
"""

from __future__ import annotations

from benchmarks.ceiling import Ceiling
from benchmarks.engine_alone import EngineAlone
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child, MeasurementError
from benchmarks.sessions import CEILING, CONNECTIONS, UNIT
from benchmarks.wire import post
from caretaker.cwmp import encode
from caretaker.cwmp.envelope import CWMP_1_2, Envelope


def run(options: Options) -> list[Figure]:
    """Measure both in turns."""
    inform = post("/", encode(Envelope(periodic_inform(), "1", CWMP_1_2)))
    with (
        Nginx() as sink,
        Ceiling(sink.port, inform, CONNECTIONS) as ceiling,
        Child(
            EngineAlone,
            core=GENERATOR,
            port=sink.port,
            connections=CONNECTIONS,
            inform=inform.decode(),
            empty=post("/", b"").decode(),
        ) as engine,
    ):
        values = take_turns(
            options.runs,
            {
                "engine": lambda: _sessions_per_cpu_second(engine, options),
                CEILING: lambda: ceiling.measure(options.seconds),
            },
        )
    goal = Goal(">=", 0.85, of_ratio=True)
    return [Figure("engine alone", UNIT, values["engine"], CEILING, values[CEILING], goal)]


def _sessions_per_cpu_second(engine: Child, options: Options) -> float:
    figures = engine.call("measure", options.seconds)
    if figures["failed"]:
        raise MeasurementError(f"sessions failed: {figures}")
    return float(figures["count"] / figures["cpu"])
