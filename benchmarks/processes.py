"""
Child processes for what is measured and its peers, each on a core of its own.

``Child`` starts an object of a class in a fresh process and calls its methods, which run in that
process's gevent loop while everything else there goes on::

    with Child(WorkerAlone, core=GENERATOR, url=sink.url, cpes=1000) as worker:
        worker.call("measure", 3.0)
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any, Self

import psutil

from benchmarks.builds import Build

ROOT = Path(__file__).parents[1]
GENERATOR, SINK = 0, -1
"""The cores of the measured process and of its peer: the first and the last available."""


def free_port() -> int:
    """A port of loopback that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pin(pid: int, core: int) -> None:
    """Keep a process on one of the available cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[core]})


def environment() -> dict[str, str]:
    """
    The environment for processes that are measured: they find this folder last.

    Locust patches the process that imports it: wanted there, and switched off in this one.
    """
    kept = {n: v for n, v in os.environ.items() if n != "LOCUST_SKIP_MONKEY_PATCH"}
    path = os.pathsep.join(filter(None, (kept.get("PYTHONPATH"), str(ROOT))))
    return {**kept, "PYTHONPATH": path}


def cpu_seconds() -> float:
    """CPU seconds of this process so far, in user and in system mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_seconds_of(pid: int) -> float:
    """As ``cpu_seconds``, of any process: on Linux to the nanosecond, elsewhere as psutil tells."""
    if platform.system() == "Linux":
        return time.clock_gettime(~pid << 3 | _SCHEDULED)
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


_SCHEDULED = 2
"""In the number of a process's clock: its CPU time as the scheduler counts it."""


def unique_bytes(pid: int | None = None) -> int:
    """The proportional memory (PSS, else USS) of a process; of this one without a pid."""
    memory = psutil.Process(pid).memory_full_info()
    return int(getattr(memory, "pss", memory.uss))


class MeasurementError(Exception):
    """The measured program did not do its work, so a figure would mean nothing."""


class Child:
    """
    An object that lives in a process of its own; also a context manager.

    Args:
        kind: the class of the object, of a module that can be imported.
        core: ``GENERATOR`` or ``SINK``.
        build: of Caretaker, where not that of this process.
        arguments: of the class, as JSON can hold them.
    """

    def __init__(
        self, kind: type, *, core: int, build: Build | None = None, **arguments: Any
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.processes"]
        variables = environment()
        if build is not None:
            command, variables = build.server, build.environment(variables)
        self._process = subprocess.Popen(  # noqa: S603
            [*command, kind.__module__, kind.__qualname__],
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env=variables,
        )
        pin(self._process.pid, core)
        self._send(arguments)
        self._answer()

    def call(self, method: str, *arguments: Any) -> Any:
        """
        Call a method of the object; arguments and result are as JSON can hold them.

        Raises:
            MeasurementError: the method has failed.
        """
        self._send([method, *arguments])
        return self._answer()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MeasurementError("a process of the benchmark has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise MeasurementError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        """Return itself; the process runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()


def serve(module: str, name: str) -> None:
    """The process of a ``Child``: serves calls until standard input ends."""
    kind = getattr(importlib.import_module(module), name)  # Locust patches here, if it is imported
    from gevent.fileobject import FileObjectPosix  # noqa: PLC0415

    commands = FileObjectPosix(0, "rb")
    served: Any = None
    for line in commands:
        message = json.loads(line)
        answer: dict[str, Any] = {"result": None}
        try:
            if served is None:
                served = kind(**message)
            else:
                answer["result"] = getattr(served, message[0])(*message[1:])
        except Exception as error:  # noqa: BLE001  # raised again on the other side
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)  # without waiting for what still runs in the loop


if __name__ == "__main__":
    serve(*sys.argv[1:])
