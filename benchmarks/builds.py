"""Other builds of Caretaker, measured beside the one that runs the benchmarks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.errors import InputError
from fuzz.extensions import made

ROOT = Path(__file__).parents[1]
OURS = "ours"
"""The name of the build that runs the benchmarks."""
_SERVE = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from benchmarks.processes import serve; serve(*sys.argv[1:])"
)
_EXTENSIONS = (("http/_engine.c",), ("stats/_counting.c", "-lm"))
"""The sources of the C extensions of sessions without TLS, and what they are linked with."""


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
        A build of these sources that has the C extensions, and no module compiled by mypyc.

        Args:
            folder: for its files.

        Raises:
            InputError: an extension can't be made.
        """
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / "caretaker", folder / "caretaker", ignore=ignored)
        for name in ("benchmarks", "fuzz"):
            (folder / name).symlink_to(ROOT / name)
        for path, *libraries in _EXTENSIONS:
            source = folder / "caretaker" / path
            name = f"caretaker.{source.parent.name}.{source.stem}"
            found = made(name, source, source.parent, *libraries, headers="Python.h")
            if isinstance(found, str):
                raise InputError(f"{source.name}: {found}")
        return cls("without mypyc", Path(sys.executable), folder)

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
