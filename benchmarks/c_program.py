"""A program in C, compiled for the time of a benchmark."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from benchmarks.processes import GENERATOR, pin
from caretaker.errors import InputError


class CProgram:
    """
    A program of this folder, compiled; a context manager.

    Args:
        name: of the source, without ``.c``.
        libraries: that it is linked with.

    Raises:
        InputError: there is no C compiler, or it lacks a library.
    """

    def __init__(self, name: str, *libraries: str) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise InputError("cc: no C compiler; on Debian: apt-get install gcc libc6-dev")
        self._source = Path(__file__).with_name(f"{name}.c")
        self._temporary = tempfile.TemporaryDirectory(prefix=f"caretaker-{name}-")
        self.folder = Path(self._temporary.name)
        linked = [f"-l{library}" for library in libraries]
        command = [compiler, "-O2", "-o", self._program, str(self._source), *linked]
        if subprocess.run(command, check=False).returncode:  # noqa: S603
            self.close()
            raise InputError(f"{self._source.name}: can't be compiled; see above")

    @property
    def _program(self) -> str:
        return str(self.folder / "program")

    def measure(self, *arguments: object) -> dict[str, Any]:
        """Run it on the core of the measured process, and return what it prints."""
        command = [self._program, *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
            pin(process.pid, GENERATOR)
            output, _ = process.communicate()
        if process.returncode:
            raise InputError(f"{self._source.name}: ended with code {process.returncode}")
        figures: dict[str, Any] = json.loads(output)
        return figures

    def close(self) -> None:
        """Remove the compiled program."""
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Return itself; it is compiled already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the compiled program."""
        self.close()
