"""
Sessions that are not plain, per CPU second of the generator, beside a C program that does the same.

Nearly every ACS sets a cookie, many ask for Digest, and where there is work there are requests. No
two cookies and no two nonces of the sink are the same, as with a real ACS. Plain sessions of a
build that mypyc has not compiled, but that has the C extensions, stand beside the ceiling of
``sessions``.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.builds import OURS, Build
from benchmarks.ceiling import Ceiling
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.first_contact import a_cpe, periodic_inform
from benchmarks.nginx import INFORM_RESPONSE, PLAIN, Answers, Nginx, quoted
from benchmarks.processes import MeasurementError
from benchmarks.sessions import (
    CEILING,
    CONNECTIONS,
    UNIT,
    saturated_worker,
    sessions_per_cpu_second,
)
from benchmarks.wire import post
from caretaker.cwmp import encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_2, Envelope

_NAMES = (
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.SoftwareVersion",
    "Device.DeviceInfo.UpTime",
    "Device.ManagementServer.ConnectionRequestURL",
    "Device.ManagementServer.PeriodicInformInterval",
)
_REQUEST = encode(Envelope(m.GetParameterValues(_NAMES), "acs1", CWMP_1_2))
_LEAST_INFORM = 1600
"""Bytes: the sink knows the Inform from the response to its request by its length."""

_COOKIES = Answers(
    "add_header Set-Cookie $cookie; if ($content_length = 0) { return 204; }",
    'map $content_length $cookie { 0 ""; default "session=$request_id; Path=/; HttpOnly"; }',
)
_DIGEST = Answers(
    "if ($http_authorization = '') { add_header WWW-Authenticate 'Digest realm=\"acs\", "
    'qop="auth", algorithm=MD5, nonce="$request_id"\' always; return 401 ""; } '
    "if ($content_length = 0) { return 204; }"
)
_REQUESTS = Answers(
    f"if ($answer = request) {{ return 200 '{quoted(_REQUEST)}'; }} "
    "if ($answer = end) { return 204; }",
    'map $content_length $answer { 0 request; "~^(.{1,3}|1[0-5]..)$" end; default inform; }',
)


class Kind(NamedTuple):
    """
    A kind of sessions.

    Args:
        title: of its figure.
        answers: of the sink.
        ceiling: what ``kinds_ceiling.c`` calls it; empty for plain sessions.
        goal: share of the ceiling.
        is_compiled: whether the build is that of this process, or one without mypyc.
    """

    title: str
    answers: Answers
    ceiling: str
    goal: float
    is_compiled: bool = True


KINDS = (
    Kind("sessions with a cookie", _COOKIES, "cookie", 0.6),
    Kind("sessions with Digest", _DIGEST, "digest", 0.5),
    Kind("sessions with GetParameterValues", _REQUESTS, "request", 0.5),
    Kind("plain sessions, without mypyc", PLAIN, "", 0.5, is_compiled=False),
)


def run(options: Options) -> list[Figure]:
    """Measure kind by kind, each beside its ceiling in turns."""
    with TemporaryDirectory(prefix="caretaker-build-") as folder:
        build = Build.without_mypyc(Path(folder))
        return [_figure(kind, None if kind.is_compiled else build, options) for kind in KINDS]


def _figure(kind: Kind, build: Build | None, options: Options) -> Figure:
    body = encode(Envelope(periodic_inform(), "1", CWMP_1_2))
    if len(body) < _LEAST_INFORM:
        raise MeasurementError("the sink would take the Inform for a response to its request")
    with ExitStack() as stack:
        sink = stack.enter_context(Nginx(answers=kind.answers))
        ceiling = stack.enter_context(
            Ceiling(sink.port, post("/", body), CONNECTIONS, kind.ceiling, _response())
        )
        worker = stack.enter_context(saturated_worker(sink, options, build=build))
        values = take_turns(
            options.runs,
            {
                OURS: lambda: sessions_per_cpu_second(worker, options),
                CEILING: lambda: ceiling.measure(options.seconds),
            },
        )
    goal = Goal(">=", kind.goal, of_ratio=True)
    return Figure(kind.title, UNIT, values[OURS], CEILING, values[CEILING], goal)


def _response() -> bytes:
    """What a CPE POSTs in answer to the request of the sink."""
    session = a_cpe().begin_session(0.0)
    assert session is not None
    for answer in (INFORM_RESPONSE, _REQUEST):
        session.next_post()
        session.receive(answer, 0.0)
    return post("/", session.next_post() or b"")
