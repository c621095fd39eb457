"""
Sessions per CPU second of the generator, everything on; beside the C ceiling and a naive build.

CPEs are due more often than sessions can run; ``CONNECTIONS`` sessions run at once. Other builds
(``--beside``) take their turns with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from statistics import median

from benchmarks.builds import OURS, Build, with_ours
from benchmarks.ceiling import Ceiling
from benchmarks.figures import Figure, Goal, Options, compared, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.naive import Naive
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child, MeasurementError
from benchmarks.wire import post
from benchmarks.worker_alone import WorkerAlone
from caretaker.cwmp import encode
from caretaker.cwmp.envelope import CWMP_1_2, Envelope

CONNECTIONS = 32
CPES = 20_000
"""Each is due every second: more than any Python program runs, on a fast core, too."""
UNIT = "sessions per cpu-s"
CEILING, NAIVE = "C ceiling", "naive build"
_DEVICE_ID = ("Manufacturer", "OUI", "ProductClass", "SerialNumber")


def run(options: Options) -> list[Figure]:
    """Measure ours, the other builds and both references in turns."""
    builds = with_ours(options.beside)
    message = periodic_inform()
    body = encode(Envelope(message, "1", CWMP_1_2))
    with (
        Nginx() as sink,
        Ceiling(sink.port, post("/", body), CONNECTIONS) as ceiling,
        Child(
            Naive,
            core=GENERATOR,
            url=sink.url,
            connections=CONNECTIONS,
            about=dict(zip(_DEVICE_ID, message.device_id, strict=True)),
            parameters=message.parameter_list,
        ) as naive,
        ExitStack() as children,
    ):
        workers = {
            name: children.enter_context(saturated_worker(sink, options, build=build))
            for name, build in builds.items()
        }
        values = take_turns(
            options.runs,
            {
                **{name: _measuring(worker, options) for name, worker in workers.items()},
                CEILING: lambda: ceiling.measure(options.seconds),
                NAIVE: lambda: float(naive.call("measure", options.seconds)),
            },
        )
    return _figures(values, builds)


def _measuring(worker: Child, options: Options) -> Callable[[], float]:
    return lambda: sessions_per_cpu_second(worker, options)


def _figures(values: Mapping[str, list[float]], builds: Iterable[str]) -> list[Figure]:
    """Ours beside both references; then the builds beside each other."""
    goal = Goal(">=", 0.7, of_ratio=True)
    title = "sessions, all on"
    return [
        Figure(title, UNIT, values[OURS], CEILING, values[CEILING], goal),
        Figure(title, UNIT, values[OURS], NAIVE, values[NAIVE]),
        *compared(title, UNIT, values, builds),
    ]


def saturated_worker(
    sink: Nginx,
    options: Options,
    record: str | None = None,
    *,
    keeps_state: bool = False,
    build: Build | None = None,
) -> Child:
    """A worker with more due sessions than it can run; with a folder it records sessions."""
    return Child(
        WorkerAlone,
        core=GENERATOR,
        build=build,
        url=sink.url,
        cpes=options.scaled(CPES),
        interval=1,
        max_sessions=CONNECTIONS,
        record=record,
        **({"keeps_state": True} if keeps_state else {}),  # which older builds do not know
    )


def capacity(sink: Nginx, options: Options) -> float:
    """Sessions per second of wall-clock time that a worker can do on this machine now."""
    with saturated_worker(sink, options) as worker:
        figures = [
            worker.call("saturated", options.warm_up, options.seconds) for _ in range(options.runs)
        ]
    return float(median(run["count"] for run in figures)) / options.seconds


def sessions_per_cpu_second(worker: Child, options: Options) -> float:
    """
    Sessions per CPU second of a saturated worker.

    Raises:
        MeasurementError: sessions failed.
    """
    figures = worker.call("saturated", options.warm_up, options.seconds)
    if figures["failed"]:
        raise MeasurementError(f"sessions failed: {figures}")
    return float(figures["count"] / figures["cpu"])


def beside_plain(name: str, worker: Child, plain: Child, options: Options) -> Figure:
    """The figure of a worker that does more than ``plain``, which it may cost a tenth."""
    kept, without = take_turns(
        options.runs,
        {
            "more": lambda: sessions_per_cpu_second(worker, options),
            "plain": lambda: sessions_per_cpu_second(plain, options),
        },
    ).values()
    return Figure(name, UNIT, kept, "without", without, Goal(">=", 0.9, of_ratio=True))
