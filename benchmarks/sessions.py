"""
Sessions per CPU second of the generator, everything on; beside the C ceiling and a naive build.

CPEs are due more often than their sessions can be run, and so many sessions run at once.
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
CPES = 5_000
"""Each due every second: more than any Python runs."""
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
        found = take_turns(
            options.runs,
            {
                "ours": lambda: sessions_per_cpu_second(worker, options),
                "ceiling": lambda: ceiling.measure(options.seconds),
                "naive": lambda: float(naive.call("measure", options.seconds)),
            },
        )
    ours = found["ours"]
    goal = Goal(">=", 0.5, of_ratio=True)
    return [
        Figure("sessions, all on", UNIT, ours, "C ceiling", found["ceiling"], goal),
        Figure("sessions, all on", UNIT, ours, "naive build", found["naive"]),
    ]


def saturated_worker(sink: Nginx, options: Options, record: str | None = None) -> Child:
    """A worker with more to do than it can; with a folder it keeps sessions, as many as usual."""
    return Child(
        WorkerAlone,
        core=GENERATOR,
        url=sink.url,
        cpes=options.scaled(CPES),
        interval=1,
        max_sessions=CONNECTIONS,
        record=record,
    )


def capacity(sink: Nginx, options: Options) -> float:
    """Sessions per second that a worker can do here and now, by the clock on the wall."""
    with saturated_worker(sink, options) as worker:
        found = [
            worker.call("saturated", options.warm_up, options.seconds) for _ in range(options.runs)
        ]
    return float(median(each["count"] for each in found)) / options.seconds


def sessions_per_cpu_second(worker: Child, options: Options) -> float:
    """
    What such a worker does.

    Raises:
        MeasurementError: sessions failed.
    """
    found = worker.call("saturated", options.warm_up, options.seconds)
    if found["failed"]:
        raise MeasurementError(f"sessions failed: {found}")
    return float(found["count"] / found["cpu"])
