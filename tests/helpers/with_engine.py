"""``python -m helpers.with_engine FILE MODULE ...``: a module, with that I/O engine."""

from __future__ import annotations

import runpy
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from typing import Any

NAME = "caretaker.http._engine"


class _Finder(MetaPathFinder):
    """Finds the engine in a file, when it is needed."""

    def __init__(self, file: str) -> None:
        self._file = file

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        return spec_from_file_location(name, self._file) if name == NAME else None


if __name__ == "__main__":
    sys.meta_path.append(_Finder(sys.argv[1]))
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
