"""
Sessions per CPU second of the generator, everything on; beside the C ceiling and a naive build.

CPEs are due more often than sessions can run; ``CONNECTIONS`` sessions run at once.
"""

from __future__ import annotations

from statistics import median

from benchmarks.ceiling import Ceiling
from benchmarks.figures import Figure, Goal, Options, take_turns
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
_DEVICE_ID = ("Manufacturer", "OUI", "ProductClass", "SerialNumber")


def run(options: Options) -> list[Figure]:
    """Measure all three in turns."""
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
        saturated_worker(sink, options) as worker,
    ):
        values = take_turns(
            options.runs,
            {
                "ours": lambda: sessions_per_cpu_second(worker, options),
                "ceiling": lambda: ceiling.measure(options.seconds),
                "naive": lambda: float(naive.call("measure", options.seconds)),
            },
        )
    ours = values["ours"]
    goal = Goal(">=", 0.5, of_ratio=True)
    return [
        Figure("sessions, all on", UNIT, ours, "C ceiling", values["ceiling"], goal),
        Figure("sessions, all on", UNIT, ours, "naive build", values["naive"]),
    ]


def saturated_worker(
    sink: Nginx, options: Options, record: str | None = None, *, keeps_state: bool = False
) -> Child:
    """A worker with more due sessions than it can run; with a folder it records sessions."""
    return Child(
        WorkerAlone,
        core=GENERATOR,
        url=sink.url,
        cpes=options.scaled(CPES),
        interval=1,
        max_sessions=CONNECTIONS,
        record=record,
        keeps_state=keeps_state,
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
