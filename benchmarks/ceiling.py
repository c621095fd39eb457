"""A C program that does the least a session needs: the ceiling for any generator."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from benchmarks.processes import GENERATOR, pin
from caretaker.errors import InputError

_SOURCE = Path(__file__).with_name("ceiling.c")


class Ceiling:
    """
    The program, ready to run; a context manager.

    Args:
        port: of the sink, on loopback.
        inform: the request with the Inform, headers and all.
        connections: how many sessions run at once.

    Raises:
        InputError: there is no C compiler.
    """

    def __init__(self, port: int, inform: bytes, connections: int) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise InputError("cc: no C compiler; on Debian: apt-get install gcc libc6-dev")
        self._folder = tempfile.TemporaryDirectory(prefix="caretaker-ceiling-")
        program, request = (Path(self._folder.name) / name for name in ("ceiling", "inform"))
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)  # noqa: S603
        request.write_bytes(inform)
        self._command = [str(program), str(port), str(connections)]
        self._request = str(request)

    def measure(self, seconds: float) -> float:
        """Sessions per CPU second of the program."""
        command = [*self._command, str(seconds), self._request]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
            pin(process.pid, GENERATOR)
            output, _ = process.communicate()
        figures = json.loads(output)
        return float(figures["count"] / figures["cpu"])

    def close(self) -> None:
        """Remove the compiled program."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Return itself; it is compiled already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the compiled program."""
        self.close()
