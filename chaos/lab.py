"""The run that chaos strikes: an embedded ACS behind the proxy, a master, two workers, 300 CPEs."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import psutil

from benchmarks.processes import free_port
from caretaker.run_token import VARIABLE, RunToken
from chaos.fleet_page import FleetPage
from chaos.greenlet_count import counted_in
from chaos.processes import FOLDER, MARK, Part, marked
from chaos.proxy import FaultyProxy
from chaos.schedule import ACS, WORKERS, Disruption, rebalancing
from chaos.session_watch import SessionWatch

CPES = 300
INFORM_INTERVAL = 15.0
"""Seconds."""
CR_RATE = 5.0
"""Connection Requests a second that operators ask for during the faults."""
ANSWER_TIMEOUT = 10.0
"""Seconds that a CPE waits for an answer."""
END_SECONDS = 120.0
"""How long the end of the run may take, on a busy machine."""
CR_PORTS = range(20_000, 30_000, 1_000)
"""The first ports for Connection Requests of a run, below those that systems give to clients."""
CR_PROXY = "127.0.0.2"
"""Where the ACS is told to send Connection Requests: at the same ports as the workers' own."""
_LOCUST = ("locust", "-f", str(Path(__file__).with_name("counted_fleet.py")))


class LabError(Exception):
    """The run can't go on."""


def first_cr_port(listen: Callable[[int], object]) -> int:
    """
    The first of so many ports that no other run has.

    Args:
        listen: at a port, and until the run ends, so that none that starts meanwhile has it, too.

    Raises:
        LabError: all are taken.
    """
    for port in CR_PORTS:
        with suppress(OSError):
            listen(port)
            return port
    raise LabError(f"all ports of {CR_PROXY} from {CR_PORTS.start} on are in use")


class Lab:
    """
    The run, its processes and the proxy in front of its ACS.

    Args:
        seed: of the faults and of the fleet.
        folder: for all that is written.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.watch = SessionWatch()
        self.proxy = FaultyProxy(seed, self.watch)
        self.surprises: list[str] = []
        """Each process that ended by itself and should not have."""
        self._mark = f"{os.getpid()}-{time.time_ns()}"
        self._token = RunToken.made().text
        self._numbers = count()
        self._master_port, web_port = free_port(), free_port()
        self._acs_port, self._api_port = free_port(), free_port()
        self._cr_port = first_cr_port(self._pass_crs_on)
        self._url = f"http://127.0.0.1:{self.proxy.listen(('127.0.0.1', 0), self._acs_address)}/"
        self._down: set[str] = set()
        self._has_run = False
        self._web = f"http://127.0.0.1:{web_port}"
        self.page = FleetPage(self._web)
        self.acs = self._part("ACS", self._acs_command)
        self.master = self._part("master", lambda _: self._master_command(web_port))
        self.workers = [
            self._part(f"worker {slot}", self._worker_command) for slot in range(WORKERS)
        ]

    def _part(self, name: str, command: Any) -> Part:
        variables = {MARK: self._mark, FOLDER: str(self.folder), VARIABLE: self._token}
        return Part(name, command, self.folder, variables)

    def _pass_crs_on(self, port: int) -> None:
        self.proxy.listen((CR_PROXY, port), ("127.0.0.1", port))

    @property
    def parts(self) -> Sequence[Part]:
        """All of its processes."""
        return (self.acs, self.master, *self.workers)

    @property
    def _acs_address(self) -> tuple[str, int]:
        return "127.0.0.1", self._acs_port

    def _acs_command(self, _: int) -> Sequence[str]:
        ports = ("--port", str(self._acs_port), "--north-bound-port", str(self._api_port))
        return ("caretaker", "acs", *ports)

    def _master_command(self, web_port: int) -> Sequence[str]:
        return (
            *(*_LOCUST, "--master", "--master-bind-port", str(self._master_port)),
            *("--web-host", "127.0.0.1", "--web-port", str(web_port), "--autostart"),
            *("--expect-workers", str(WORKERS), "--users", str(CPES), "--spawn-rate", "100"),
            *(["--enable-rebalancing"] if rebalancing(self.seed) else []),
            *("--host", self._url, "--nbi-url", f"http://127.0.0.1:{self._api_port}"),
            "--no-check",
            *("--seed", str(self.seed), "--inform-interval", str(INFORM_INTERVAL)),
            *("--answer-timeout", str(ANSWER_TIMEOUT), "--cr-rate", "0", "--cr-limit", "0/1"),
            *("--slo", "sessions.failed_ratio <= 1", "--slo", "tasks.failed_ratio <= 1"),
            *("--summary-json", str(self.folder / "summary.json")),
        )

    def _worker_command(self, _: int) -> Sequence[str]:
        """Each worker has a source address of its own, and a way for its Connection Requests."""
        number = next(self._numbers)
        port = self._cr_port + number  # Locust gives indices in the order of joining
        if number:  # the first has a way since its port was chosen
            self._pass_crs_on(port)
        return (
            *(*_LOCUST, "--worker", "--master-port", str(self._master_port)),
            *("--source-address", f"127.1.{number // 250}.{number % 250 + 1}"),
            *("--cr-port", str(self._cr_port), "--cr-advertise", CR_PROXY),
        )

    def another_page(self) -> FleetPage:
        """The Fleet page for another thread."""
        return FleetPage(self._web)

    def start(self) -> None:
        """Start all of it."""
        for part in self.parts:
            part.start()

    # Disruptions.

    def begin(self, disruption: Disruption) -> None:
        """Freeze or kill a process."""
        part = self._target(disruption)
        if disruption.kills:
            part.kill()
            self._down.add(part.name)
        else:
            part.freeze()

    def undo(self, disruption: Disruption) -> None:
        """Have the process go on, or start it again."""
        part = self._target(disruption)
        if disruption.kills:
            self._down.discard(part.name)
            part.start()
        else:
            part.thaw()

    def _target(self, disruption: Disruption) -> Part:
        return self.acs if disruption.target == ACS else self.workers[disruption.target]

    def look_after(self) -> None:
        """
        Start again what has ended by itself, and should not have.

        Raises:
            LabError: the load test has ended.
        """
        self._look_after_run()
        for part in self.parts:
            if part.name in self._down or part.exit_code is None:
                continue
            self.surprises.append(f"{part.name}: exit code {part.exit_code}")
            part.start()

    def _look_after_run(self) -> None:
        code = self.master.exit_code
        if code is not None:
            self._end_of_run(f"the master ended with exit code {code}")
        standing = self.page.standing()
        if standing is not None:
            if self._has_run and not standing.is_running:
                self._end_of_run("the load test has ended by itself")
            self._has_run |= standing.is_running

    def _end_of_run(self, text: str) -> NoReturn:
        raise LabError("\n".join([text, *self.master.last_lines()]))

    @property
    def is_whole(self) -> bool:
        """Whether both workers are there, and all CPEs have power."""
        standing = self.page.standing()
        return standing is not None and standing[:2] == (WORKERS, CPES)

    def drive(self, cr_rate: float) -> bool:
        """Have operators ask for so many Connection Requests a second; whether they will."""
        return self.page.drive(CPES, cr_rate)

    # What the processes hold.

    def descriptors(self) -> dict[str, int]:
        """
        The open descriptors of each process.

        Without the connections of the north-bound API: a worker keeps as many of them for its next
        tasks as it once had under way.
        """
        return {part.name: part.descriptors(self._api_port) for part in self.parts}

    def greenlets(self) -> dict[str, int]:
        """
        The greenlets of the master, and of all workers, as users move between these.

        Raises:
            LabError: a process does not answer.
        """
        for part in (self.master, *self.workers):
            counted_in(self.folder, part.pid).unlink(missing_ok=True)
            os.kill(part.pid, signal.SIGUSR2)
        workers = sum(map(self._greenlets_of, self.workers))
        return {"master": self._greenlets_of(self.master), "workers": workers}

    def _greenlets_of(self, part: Part) -> int:
        file = counted_in(self.folder, part.pid)
        deadline = time.monotonic() + END_SECONDS
        while not file.exists():
            if time.monotonic() > deadline:
                raise LabError(f"{part.name} does not count its greenlets")
            time.sleep(0.1)
        return sum(json.loads(file.read_text()).values())

    # The end.

    def end(self) -> dict[str, Any]:
        """End the run as a user does; returns its summary, empty if none was written."""
        self.master.end(END_SECONDS)
        self.acs.end(END_SECONDS)
        summary = self.folder / "summary.json"
        return json.loads(summary.read_text()) if summary.exists() else {}

    def tracebacks(self) -> list[str]:
        """The outputs that show one."""
        return [part.output.name for part in self.parts if b"Traceback" in part.output.read_bytes()]

    def left(self) -> list[str]:
        """The processes that do not end by themselves; they are ended here."""
        _, alive = psutil.wait_procs(list(marked(self._mark)), timeout=END_SECONDS)
        named = []
        for process in alive:
            with suppress(psutil.Error):
                named.append(" ".join(process.cmdline()[:6]))
                process.kill()
        return named

    def kill(self) -> None:
        """End all of it at once, however it stands."""
        for process in marked(self._mark):
            with suppress(psutil.Error):
                process.kill()
        self.proxy.stop()
