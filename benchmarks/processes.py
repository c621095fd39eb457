"""
The processes that are measured: each in a process of its own, on a core of its own.

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
import resource
import socket
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[1]
GENERATOR, SINK = 0, -1
"""The cores of what is measured and of what serves it: the first that we have, and the last."""


def free_port() -> int:
    """A port of loopback that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pin(pid: int, core: int) -> None:
    """Keep a process on one of the cores that we have, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[core]})


def environment() -> dict[str, str]:
    """
    The environment for processes that are measured.

    Locust patches the process that imports it, unless it is told not to: as here, but not there.
    """
    return {n: v for n, v in os.environ.items() if n != "LOCUST_SKIP_MONKEY_PATCH"}


def cpu_seconds() -> float:
    """What this process has used so far, in user and in system mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def unique_bytes(pid: int | None = None) -> int:
    """The memory of a process (this one without a pid) that is its own: PSS, or USS."""
    found = psutil.Process(pid).memory_full_info()
    return int(getattr(found, "pss", found.uss))


class MeasurementError(Exception):
    """What was to be measured did not do what it must; the figures would mean nothing."""


class Child:
    """
    An object that lives in a process of its own; also a context manager.

    Args:
        kind: its class, of a module that can be imported.
        core: ``GENERATOR`` or ``SINK``.
        arguments: of the class, as JSON can carry them.
    """

    def __init__(self, kind: type, *, core: int, **arguments: Any) -> None:
        command = [sys.executable, "-m", "benchmarks.processes", kind.__module__, kind.__qualname__]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment()
        )
        pin(self._process.pid, core)
        self._say(arguments)
        self._answer()

    def call(self, method: str, *arguments: Any) -> Any:
        """
        What a method of the object returns, as JSON can carry it.

        Raises:
            MeasurementError: it has failed.
        """
        self._say([method, *arguments])
        return self._answer()

    def _say(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MeasurementError("a process of the benchmark has ended")
        said = json.loads(line)
        if "error" in said:
            raise MeasurementError(said["error"])
        return said["result"]

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
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.close()


def serve(module: str, name: str) -> None:
    """The other side of ``Child``: until the end of standard input."""
    kind = getattr(importlib.import_module(module), name)  # Locust patches here, if it is imported
    from gevent.fileobject import FileObjectPosix  # noqa: PLC0415

    commands = FileObjectPosix(0, "rb")
    served: Any = None
    for line in commands:
        said = json.loads(line)
        answer: dict[str, Any] = {"result": None}
        try:
            if served is None:
                served = kind(**said)
            else:
                answer["result"] = getattr(served, said[0])(*said[1:])
        except Exception as error:  # noqa: BLE001  # the other side tells it
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)  # what still runs in the loop is of no interest


if __name__ == "__main__":
    serve(*sys.argv[1:])
