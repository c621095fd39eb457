"""
Sessions per CPU second of the generator, everything on; beside the C ceiling and a naive build.

CPEs are due more often than their sessions can be run, and so many sessions run at once.
"""

from __future__ import annotations

from benchmarks.ceiling import Ceiling
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.naive import Naive
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child
from benchmarks.worker_alone import WorkerAlone
from caretaker.cwmp import encode
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.http import Address, request_head

CONNECTIONS = 32
CPES = 5_000
"""Each due every second: more than any Python runs."""
WARM_UP = 1.0
UNIT = "sessions per cpu-s"
_DEVICE_ID = ("Manufacturer", "OUI", "ProductClass", "SerialNumber")


def run(options: Options) -> list[Figure]:
    """Measure; the ceiling and the naive build each give one figure as a reference."""
    message = periodic_inform()
    body = encode(Envelope(message, "1", CWMP_1_2))
    about = dict(zip(_DEVICE_ID, message.device_id, strict=True))
    with (
        Nginx() as sink,
        Ceiling(sink.port, inform_request(sink.url, body), CONNECTIONS) as ceiling,
        Child(
            Naive,
            core=GENERATOR,
            url=sink.url,
            connections=CONNECTIONS,
            about=about,
            parameters=message.parameter_list,
        ) as naive,
        Child(
            WorkerAlone,
            core=GENERATOR,
            url=sink.url,
            cpes=options.scaled(CPES),
            interval=1,
            max_sessions=CONNECTIONS,
        ) as worker,
    ):
        found = take_turns(
            options.runs,
            {
                "ours": lambda: _per_cpu_second(worker, options.seconds),
                "C ceiling": lambda: ceiling.measure(options.seconds),
                "requests": lambda: float(naive.call("measure", options.seconds)),
            },
        )
    name, ours = "sessions", found["ours"]
    return [
        Figure(name, UNIT, ours, "C ceiling", found["C ceiling"], Goal(">=", 0.5, of_ratio=True)),
        Figure(name, UNIT, ours, "naive build", found["requests"]),
    ]


def inform_request(url: str, body: bytes) -> bytes:
    """The POST of an Inform, as our transport makes it."""
    headers = [("User-Agent", "ceiling"), ("Content-Type", 'text/xml; charset="utf-8"')]
    return request_head("POST", Address.of(url), [*headers, ("SOAPAction", "")], len(body)) + body


def _per_cpu_second(worker: Child, seconds: float) -> float:
    found = worker.call("saturated", WARM_UP, seconds)
    if found["failed"]:
        raise RuntimeError(f"sessions failed: {found}")
    return float(found["count"] / found["cpu"])
