"""Other builds of Caretaker, measured beside the one that runs the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Self

from caretaker.errors import InputError

ROOT = Path(__file__).parents[1]
_SERVE = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from benchmarks.processes import serve; serve(*sys.argv[1:])"
)


class Build(NamedTuple):
    """A build: its ``name``, its ``python``, and the folder in which ``benchmarks`` is."""

    name: str
    python: Path
    root: Path

    @classmethod
    def at(cls, folder: Path) -> Self:
        """
        The build in a virtual environment, or in a clone that has one and benchmarks of its own.

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
        return cls(folder.name, python.absolute(), folder.absolute() if is_clone else ROOT)

    @property
    def command(self) -> list[str]:
        """Serves a class of the benchmarks, whose module and name follow, to a ``Child``."""
        return [str(self.python), "-P", "-c", _SERVE, str(self.root)]
