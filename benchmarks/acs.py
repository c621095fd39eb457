"""
The embedded ACS: sessions with one task per CPU second, and memory with 100 000 devices known.

It runs as in a load test, in a process of its own; its CPU time and memory are read from outside.
Other builds (``--beside``) take their turns with ours.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

import gevent
import gevent.socket

from benchmarks.acs_process import ACSProcess
from benchmarks.bare import Bare
from benchmarks.builds import OURS, with_ours
from benchmarks.figures import Figure, Goal, Options, compared, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.processes import GENERATOR, SINK, Child, MeasurementError
from benchmarks.wire import cookie_of, post, read_message
from caretaker.cwmp import encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope

DEVICES = 100_000
WITH_TASKS = 10_000
"""Devices that come for a task in each run."""
CONNECTIONS = 16
_NAMES = ("Device.DeviceInfo.UpTime", "Device.DeviceInfo.SoftwareVersion")
_UNIT, _BARE = "sessions per cpu-s", "bare pywsgi"
_ID = re.compile(rb":ID [^>]*>([^<]*)<")


def run(options: Options) -> list[Figure]:
    """Measure ours and the other builds; the reference is pywsgi that answers constants."""
    devices, with_tasks = options.scaled(DEVICES), options.scaled(WITH_TASKS)
    builds = with_ours(options.beside)
    with ExitStack() as children:
        cpes = children.enter_context(Child(CPEs, core=SINK))
        constant = children.enter_context(Child(Bare, core=GENERATOR, app="acs"))
        acss = {name: children.enter_context(ACSProcess(each)) for name, each in builds.items()}
        before = acss[OURS].bytes()
        for name, acs in acss.items():
            cpes.call("run", acs.url, devices if name == OURS else with_tasks)
        megabytes = (acss[OURS].bytes() - before) / 1e6
        values = take_turns(
            options.runs,
            {
                **{name: _measuring(acs, cpes, with_tasks) for name, acs in acss.items()},
                _BARE: lambda: _of_constants(constant, cpes, with_tasks),
            },
        )
    title, goal = "embedded ACS, one task each", Goal(">=", 4000)
    return [
        Figure(title, _UNIT, values[OURS], _BARE, values[_BARE], goal),
        *compared(title, _UNIT, values, builds),
        Figure(f"embedded ACS, {devices} devices", "MB", [megabytes], goal=Goal("<=", 200)),
    ]


def _measuring(acs: ACSProcess, cpes: Child, count: int) -> Callable[[], float]:
    return lambda: _per_cpu_second(acs, cpes, count)


def _per_cpu_second(acs: ACSProcess, cpes: Child, count: int) -> float:
    _post_tasks(acs.north_bound_url, count)
    before = acs.cpu()
    tasks = cpes.call("run", acs.url, count)
    used = acs.cpu() - before
    if tasks != count:
        raise MeasurementError(f"{tasks} tasks of {count} were done")
    return count / used


def _of_constants(server: Child, cpes: Child, count: int) -> float:
    before = server.call("cpu")
    cpes.call("run", server.call("url"), count)
    return float(count / (server.call("cpu") - before))


def _serial_number(number: int) -> str:
    return f"FLEET-{number + 1:06d}"


def _post_tasks(url: str, count: int) -> None:
    """Queue a task for each of the first devices."""
    parts = urlsplit(url)
    api = http.client.HTTPConnection(parts.hostname or "", parts.port)
    task = json.dumps({"name": "getParameterValues", "parameterNames": _NAMES})
    about = periodic_inform().device_id
    for number in range(count):
        device_id = about._replace(serial_number=_serial_number(number)).device_id
        api.request("POST", f"/devices/{quote(device_id, safe='')}/tasks", task)
        answer = api.getresponse()
        answer.read()
        if answer.status != 202:  # noqa: PLR2004
            raise MeasurementError(f"task not queued: {answer.status} {answer.reason}")
    api.close()


class CPEs:
    """CPEs that cost little: prepared bytes, in which only serial numbers and IDs are replaced."""

    def __init__(self) -> None:
        inform = encode(Envelope(periodic_inform(), "1", CWMP_1_2))
        self._inform = post("/", inform)
        values = tuple(m.ParameterValueStruct(name, "1", "xsd:string") for name in _NAMES)
        self._answers = {
            kind: encode(Envelope(answer, "its ID", CWMP_1_2))
            for kind, answer in (
                (b":GetParameterValues>", m.GetParameterValuesResponse(values)),
                (b":SetParameterValues>", m.SetParameterValuesResponse(0)),
            )
        }
        self._tasks = 0

    def run(self, url: str, count: int) -> int:
        """Run a session of each of the first CPEs; returns how many tasks the ACS gave them."""
        self._tasks = 0
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 80)
        numbers = iter(range(count))

        def repeat() -> None:
            for number in numbers:
                self._session(address, _serial_number(number))

        gevent.joinall([gevent.spawn(repeat) for _ in range(CONNECTIONS)], raise_error=True)
        return self._tasks

    def _session(self, address: tuple[str, int], serial_number: str) -> None:
        with gevent.socket.create_connection(address) as connection:
            connection.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            connection.sendall(
                self._inform.replace(_serial_number(0).encode(), serial_number.encode())
            )
            head, body = read_message(connection)
            cookie = cookie_of(head)
            if b":InformResponse>" not in body:
                raise ValueError(f"no InformResponse: {body[:200]!r}")
            answer = b""
            while True:
                connection.sendall(post("/", answer, cookie))
                _, body = read_message(connection)
                if not body:
                    return
                answer = self._answer(body)

    def _answer(self, body: bytes) -> bytes:
        kind = next((name for name in self._answers if name in body), b"")
        if not kind:
            raise ValueError(f"an unexpected request: {body[:1000]!r}")
        self._tasks += kind == b":GetParameterValues>"
        id_ = _ID.search(body)
        return self._answers[kind].replace(b"its ID", id_[1] if id_ else b"")
