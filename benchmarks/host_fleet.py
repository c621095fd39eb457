"""A fleet over hosts of its own: ACS, master and router on one each, and workers on others."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from benchmarks.namespaces import Host, HostNetwork
from benchmarks.processes import MeasurementError, environment
from benchmarks.witness import NORTH_BOUND_PORT, PORT, Witness
from caretaker.run_token import VARIABLE, RunToken
from caretaker.swarm import locustfile

ROUTER_PORT, ROUTES_PORT = 7548, 7549
END_SECONDS = 120.0
"""How long the end of the run may take."""
_LOCUST = ("locust", "-f", locustfile.PATH)


class Machine:
    """
    A host with the processes on it.

    Args:
        host: of the network.
        output: of its processes.
        variables: of their environment.
    """

    def __init__(self, host: Host, output: Path, variables: dict[str, str]) -> None:
        self.host = host
        self.output = output
        self._environment = {**environment(), **variables, "PYTHONUNBUFFERED": "1"}
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def text(self) -> str:
        """What its processes have printed."""
        return self.output.read_text()

    def start(self, *arguments: str) -> None:
        """Start ``python -m`` with these arguments on it."""
        with self.output.open("ab") as output:
            self._processes.append(
                subprocess.Popen(  # noqa: S603
                    [*self.host.prefix, sys.executable, "-m", *arguments],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    env=self._environment, cwd=self.output.parent,
                )
            )  # fmt: skip

    def signal(self, number: int) -> None:
        """Send a signal to all of its processes."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(number)

    def kill(self) -> None:
        """Lose its power: all of its processes end at once, and its link goes down."""
        self.signal(signal.SIGKILL)
        self.host.unplug()
        self.wait(END_SECONDS)

    def wait(self, seconds: float) -> list[int]:
        """The exit codes of its processes, when all have ended."""
        return [process.wait(seconds) for process in self._processes]

    def has_ended(self) -> bool:
        """Whether a process of it has ended."""
        return any(process.poll() is not None for process in self._processes)


class HostFleet:
    """
    A run over several hosts; a context manager that ends all of its processes.

    Args:
        network: of the hosts.
        folder: for what is written.
        cpes: how many there are.
        options: of the master, beside the usual.
        answer_seconds: that the ACS takes for each answer.
        checks: whether each host checks the ACS before the run.
        by_engine: what the commands of the first worker, the third and so on have before them, so
            that an I/O engine carries their sessions.
    """

    def __init__(
        self,
        network: HostNetwork,
        folder: Path,
        cpes: int,
        options: Sequence[str] = (),
        answer_seconds: float = 0.0,
        *,
        checks: bool = False,
        by_engine: Sequence[str] = (),
    ) -> None:
        self.network = network
        self._folder = folder
        self._cpes = cpes
        self._options = options
        self._answer_seconds = answer_seconds
        self._checks = checks
        self.by_engine = by_engine
        self._variables = {VARIABLE: RunToken.made().text}
        self.machines: dict[str, Machine] = {}
        self.witness = Witness(folder / "acs.jsonl")
        self.acs, self.master, self.router = map(self._machine, ("acs", "master", "router"))
        self.workers: list[Machine] = []

    def _machine(self, name: str) -> Machine:
        host = self.network.add(name)
        made = Machine(host, self._folder / f"{name}.log", self._variables)
        self.machines[name] = made
        return made

    def __enter__(self) -> Self:
        """Return itself; nothing is started yet."""
        return self

    def start(self, workers: int) -> None:
        """Start all of it, and wait until all CPEs have informed and the ACS can reach them."""
        self.start_master(workers)
        for _ in range(workers):
            self.join()
        self.wait_until_all_inform()

    def start_master(self, workers: int) -> None:
        """Start the ACS, and the master, which waits for so many workers."""
        acs, router = self.acs.host.address, self.router.host.address
        log, seconds = str(self._folder / "acs.jsonl"), str(self._answer_seconds)
        self.acs.start("benchmarks.witness", log, acs, seconds, router)
        self.wait_until(lambda: "is ready" in self.acs.text)
        self.master.start(*self._master_command(workers))

    def wait_until_all_inform(self) -> None:
        """Start the router, and wait until all CPEs have informed."""
        router = self.router.host.address
        self.wait_until(lambda: "Workers join" in self.master.text)
        routes = f"http://{self.master.host.address}:{ROUTES_PORT}"
        where = ("--host", router, "--port", str(ROUTER_PORT), "--routes", routes)
        self.router.start("caretaker", "router", *where)
        self.wait_until(lambda: len(self.witness.first_informs(0.0)) >= self._cpes)

    def _master_command(self, workers: int) -> Sequence[str]:
        acs, master = self.acs.host.address, self.master.host.address
        return (
            *(*_LOCUST, "--master", "--headless", "--master-bind-host", master),
            *("--expect-workers", str(workers), "--users", str(self._cpes)),
            *("--spawn-rate", str(self._cpes / 5), "--run-time", "0"),
            *("--host", f"http://{acs}:{PORT}/", "--nbi-url", f"http://{acs}:{NORTH_BOUND_PORT}"),
            *(() if self._checks else ("--no-check",)),
            *("--cr-router", f"{self.router.host.address}:{ROUTER_PORT}"),
            *("--cr-routes", f"{master}:{ROUTES_PORT}"),
            *("--state", str(self._folder / "fleet.db")),
            *("--summary-json", str(self._folder / "summary.json")),
            *self._options,
        )

    def join(self, *, reaches_acs: bool = True) -> Machine:
        """Start one more worker, on a host of its own."""
        made = self._machine(f"worker{len(self.workers)}")
        if not reaches_acs:
            self.network.cut(made.host, self.acs.host)
        self.workers.append(made)
        by = self.by_engine if len(self.workers) % 2 else ()
        master = ("--worker", "--master-host", self.master.host.address)
        made.start(*by, *_LOCUST, *master, "--cr-host", made.host.address)
        return made

    def wait_until(self, holds: Callable[[], object], seconds: float = 240.0) -> None:
        """
        Wait until something is so.

        Raises:
            MeasurementError: it is not in time, or the master has ended.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            ended = self.master.has_ended()
            if ended or time.monotonic() > deadline:
                why = "the master has ended" if ended else f"not within {seconds:g} s"
                raise MeasurementError(f"{why}:\n{self.texts()}")
            time.sleep(0.2)

    def texts(self) -> str:
        """The end of what each machine has printed."""
        return "\n".join(f"{name}: {each.text[-1500:]}" for name, each in self.machines.items()
                         if each.output.exists())  # fmt: skip

    def cpes_of(self, worker: Machine, before: float) -> set[str]:
        """The CPEs that have informed from a worker at last before a time."""
        peers = self.witness.peers(before)
        return {serial for serial, peer in peers.items() if peer == worker.host.address}

    def end(self) -> dict[str, Any]:
        """End the run as a user does; returns its summary."""
        self.master.signal(signal.SIGINT)
        self.master.wait(END_SECONDS)
        found: dict[str, Any] = json.loads((self._folder / "summary.json").read_text())
        return found

    def __exit__(self, *_: object) -> None:
        """End all processes."""
        for machine in self.machines.values():
            machine.signal(signal.SIGKILL)
        for machine in self.machines.values():
            machine.wait(END_SECONDS)
