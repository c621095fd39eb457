"""Other builds of Caretaker, measured beside the one that runs the benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.errors import InputError

ROOT = Path(__file__).parents[1]
OURS = "ours"
"""The name of the build that runs the benchmarks."""
_SERVE = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from benchmarks.processes import serve; serve(*sys.argv[1:])"
)


class Build(NamedTuple):
    """
    A build.

    Args:
        name: in the figures.
        python: runs it.
        root: the folder in which its ``benchmarks`` is.
        compiled: the folder of its compiled twin, which comes before all else; empty without one.
    """

    name: str
    python: Path
    root: Path
    compiled: str = ""

    @classmethod
    def at(cls, folder: Path) -> Self:
        """
        The build in a virtual environment, or in a clone that has one and benchmarks of its own.

        A clone is compiled if its own ``./scripts/bench`` would be.

        Raises:
            InputError: the folder is neither.
        """
        is_clone = (folder / "benchmarks").is_dir()
        python = (folder / ".venv" if is_clone else folder) / "bin" / "python"
        if not python.exists():
            raise InputError(
                f"--beside {folder}: no {python}; name a virtual environment in which Caretaker is "
                "installed, or a clone in which ./scripts/setup was run"
            )
        root, compiled = (folder.absolute(), _compiled(folder)) if is_clone else (ROOT, "")
        return cls(folder.name, python.absolute(), root, compiled)

    @classmethod
    def without_mypyc(cls, folder: Path) -> Self:
        """
        These sources as pip installs them with ``CARETAKER_MYPYC=0``: only the parts in C compiled.

        Args:
            folder: to install them into.

        Raises:
            InputError: setuptools is missing, or there is no C compiler.
        """
        pip = "-m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation"
        command = [sys.executable, *pip.split(), "--target", str(folder), str(ROOT)]
        variables = {**os.environ, "CARETAKER_MYPYC": "0", "PYTHONPATH": ""}
        done = subprocess.run(  # noqa: S603
            command, env=variables, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            raise InputError(f"{ROOT} can't be installed; try ./scripts/setup test first: {last}")
        if not any(folder.glob("caretaker/http/_engine.*.so")):
            raise InputError("no I/O engine was built; on Debian: apt-get install gcc libc6-dev")
        return cls("without mypyc", Path(sys.executable), ROOT, str(folder))

    @property
    def server(self) -> list[str]:
        """Serves a class of the benchmarks, whose module and name follow, to a ``Child``."""
        return [str(self.python), "-P", "-c", _SERVE, str(self.root)]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """These variables, without the path to the build of this process."""
        others = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
        return {**others, "PYTHONPATH": self.compiled} if self.compiled else others


def _compiled(clone: Path) -> str:
    script = clone / "scripts" / "compiled"
    if not script.exists():
        return ""
    found = subprocess.run([script.absolute()], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return found.stdout.strip()


def with_ours(folders: Iterable[Path]) -> dict[str, Build | None]:
    """The builds to be measured in turns by their names; ours, which is None, is the first."""
    return {OURS: None, **{build.name: build for build in map(Build.at, folders)}}
