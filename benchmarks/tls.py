"""
TLS beside a C client on the same OpenSSL: connect, handshake, two exchanges, close.

Full and resumed, with and without a certificate for each CPE. The server is nginx, on the other
core. Figures are CPU of the client; those of the ssl module's way and of a C client are measured
in the same turns. Whole sessions of a worker over TLS stand beside them, and the memory of a kept
session.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from benchmarks.c_program import CProgram
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.first_contact import periodic_inform
from benchmarks.nginx import Nginx, ServerTLS
from benchmarks.processes import GENERATOR, Child, MeasurementError
from benchmarks.sessions import sessions_per_cpu_second
from benchmarks.tls_clients import TLSConnections
from benchmarks.tls_files import TLSFiles
from benchmarks.wire import post
from benchmarks.worker_alone import WorkerAlone
from caretaker.cwmp import encode
from caretaker.cwmp.envelope import CWMP_1_2, Envelope
from caretaker.http.compiled_tls import tls_module

CONNECTIONS = 32
CPES = 64
"""Each resumes its own session, and all certificates are kept decoded, by all of the clients."""
WORKERS_CPES = 3000
"""Of whole sessions, one a second each: more than a worker runs over TLS."""
FIRST_SECONDS = 10.0
"""In which each of these has had its first session."""
KEPT = 100_000
UNIT = "connections per cpu-s"
COMPILED, SSL_MODULE, C_CLIENT = "compiled", "ssl module", "C client"


class Case(NamedTuple):
    """A kind of connection, and what share of the C client is the goal."""

    version: str
    resumes: bool
    has_certificates: bool
    goal: float

    @property
    def name(self) -> str:
        """As the table shows it."""
        kind = "resumed" if self.resumes else "full"
        own = ", own certificates" if self.has_certificates else ""
        return f"TLS {self.version} {kind}{own}"


CASES = (
    Case("1.3", resumes=False, has_certificates=False, goal=0.85),
    Case("1.2", resumes=False, has_certificates=False, goal=0.8),
    Case("1.3", resumes=True, has_certificates=False, goal=0.75),
    Case("1.2", resumes=True, has_certificates=False, goal=0.6),
    Case("1.3", resumes=False, has_certificates=True, goal=0.7),
    Case("1.2", resumes=False, has_certificates=True, goal=0.7),
    Case("1.3", resumes=True, has_certificates=True, goal=0.6),
    Case("1.2", resumes=True, has_certificates=True, goal=0.6),
)


class Bench:
    """
    All that the cases share.

    Args:
        files: certificates.
        sinks: servers that do not ask for certificates of clients, and that do.
        ceiling: the C client.
        seconds: of each measurement.
    """

    def __init__(
        self, files: TLSFiles, sinks: tuple[Nginx, Nginx], ceiling: CProgram, seconds: float
    ) -> None:
        self._files = files
        self._sinks = sinks
        self._ceiling = ceiling
        self._seconds = seconds
        body = encode(Envelope(periodic_inform(), "1", CWMP_1_2))
        self._request = files.folder / "inform"
        self._request.write_bytes(post("/", body))
        head = self._request.read_bytes().removesuffix(body)
        pairs = ((head, body), (post("/", b""), b""))
        self._posts = [tuple(part.decode("latin-1") for part in pair) for pair in pairs]

    @contextmanager
    def clients(self, case: Case, *, compiled: bool) -> Iterator[Child]:
        """Clients of ours for a case."""
        own = self._files.clients if case.has_certificates else ()
        with Child(
            TLSConnections,
            core=GENERATOR,
            url=self._sinks[case.has_certificates].url,
            posts=self._posts,
            ca=str(self._files.ca),
            version=case.version,
            resumes=case.resumes,
            cpes=CPES,
            identities=[str(path) for path in own],
            at_once=CONNECTIONS,
            compiled=compiled,
        ) as child:
            yield child

    def worker(self, *, compiled: bool) -> Child:
        """A worker with more due sessions than it can run."""
        return Child(
            WorkerAlone,
            core=GENERATOR,
            url=self._sinks[False].url,
            cpes=WORKERS_CPES,
            max_sessions=CONNECTIONS,
            tls_ca=str(self._files.ca),
            compiled_tls=compiled,
        )

    def of_clients(self, case: Case, child: Child) -> float:
        """Connections per CPU second of clients of ours."""
        return _rate(case, child.call("measure", self._seconds))

    def of_ceiling(self, case: Case) -> float:
        """Connections per CPU second of the C client."""
        own = (self._files.all_clients,) if case.has_certificates else ()
        port = self._sinks[case.has_certificates].port
        about = (case.version, int(case.resumes), CPES)
        asked = (port, CONNECTIONS, self._seconds, self._request, self._files.ca)
        return _rate(case, self._ceiling.measure(*asked, *about, *own))


def _rate(case: Case, figures: dict[str, float]) -> float:
    if not figures["count"] or abs(figures["resumed"] - case.resumes) > 0.1:  # noqa: PLR2004
        raise MeasurementError(f"{case.name}: not what it is meant to be: {figures}")
    return figures["count"] / figures["cpu"]


def run(options: Options) -> list[Figure]:
    """Measure all cases in turns, then what a kept session takes."""
    ways: Sequence[str] = (COMPILED, SSL_MODULE)
    if tls_module() is None:
        print("TLS is not compiled here: ./scripts/compile, or docs/tls.md", file=sys.stderr)
        ways = ways[1:]
    with (
        TLSFiles(CPES) as files,
        Nginx(ServerTLS(files.server, files.ca, asks=False)) as open_sink,
        Nginx(ServerTLS(files.server, files.ca, asks=True)) as asking_sink,
        CProgram("tls_ceiling", "ssl", "crypto") as ceiling,
    ):
        bench = Bench(files, (open_sink, asking_sink), ceiling, options.seconds)
        figures = [figure for case in CASES for figure in _case(bench, case, ways, options.runs)]
        return [*figures, *_whole_sessions(bench, ways, options), *_kept(bench, options)]


def _case(bench: Bench, case: Case, ways: Sequence[str], runs: int) -> list[Figure]:
    with ExitStack() as stack:
        candidates: dict[str, Callable[[], float]] = {}
        for way in ways:
            child = stack.enter_context(bench.clients(case, compiled=way == COMPILED))
            candidates[way] = partial(bench.of_clients, case, child)
        values = take_turns(runs, {**candidates, C_CLIENT: partial(bench.of_ceiling, case)})
    goals = {COMPILED: Goal(">=", case.goal, of_ratio=True)}
    return [
        Figure(f"{case.name}, {way}", UNIT, values[way], C_CLIENT, values[C_CLIENT], goals.get(way))
        for way in ways
    ]


def _whole_sessions(bench: Bench, ways: Sequence[str], options: Options) -> list[Figure]:
    """Sessions of a worker with everything on, which resume."""
    case = Case("1.3", resumes=True, has_certificates=False, goal=0)
    with ExitStack() as stack:
        workers = {way: stack.enter_context(bench.worker(compiled=way == COMPILED)) for way in ways}
        for worker in workers.values():
            worker.call("saturated", FIRST_SECONDS, 0.1)
        values = take_turns(
            options.runs,
            {
                **{way: partial(sessions_per_cpu_second, workers[way], options) for way in ways},
                C_CLIENT: partial(bench.of_ceiling, case),
            },
        )
    unit = "sessions per cpu-s"
    return [
        Figure(f"sessions over TLS 1.3, {way}", unit, values[way], C_CLIENT, values[C_CLIENT])
        for way in ways
    ]


def _kept(bench: Bench, options: Options) -> list[Figure]:
    """The memory of a kept session, with and without a client's certificate in the ticket."""
    goals = {False: Goal("<=", 600), True: Goal("<=", 2000)}
    figures = []
    for case in CASES:
        if case.resumes and tls_module() is not None:
            with bench.clients(case, compiled=True) as clients:
                kept = clients.call("kept", options.scaled(KEPT))["bytes"]
            goal = goals[case.has_certificates]
            figures.append(Figure(f"{case.name}, kept", "bytes per CPE", [kept], goal=goal))
    return figures
