"""The embedded ACS of a build, in a process of its own as in a load test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from subprocess import PIPE
from typing import Self

from benchmarks.builds import Build
from benchmarks.processes import GENERATOR, cpu_seconds_of, pin, unique_bytes

_COMMAND = ("-m", "caretaker", "acs", "--port=0", "--north-bound-port=0", "--until-eof")


class ACSProcess:
    """
    An embedded ACS on the core of what is measured; also a context manager.

    Args:
        build: of Caretaker; that of this process if None.
    """

    def __init__(self, build: Build | None = None) -> None:
        python, variables = sys.executable, dict(os.environ)
        if build is not None:
            python, variables = str(build.python), build.environment(os.environ)
        self._process = subprocess.Popen(  # noqa: S603
            [python, "-P", *_COMMAND], stdin=PIPE, stdout=PIPE, env=variables
        )
        pin(self._process.pid, GENERATOR)
        assert self._process.stdout is not None
        addresses = json.loads(self._process.stdout.readline())
        self.url: str = addresses["url"]
        self.north_bound_url: str = addresses["north_bound_url"]

    def cpu(self) -> float:
        """CPU seconds of the process so far."""
        return cpu_seconds_of(self._process.pid)

    def bytes(self) -> int:
        """The memory of the process."""
        return unique_bytes(self._process.pid)

    def __enter__(self) -> Self:
        """Return itself; the process runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.communicate(b"\n")
