"""
The build backend: setuptools, which for a wheel is asked for compiled modules first.

Where a C compiler is, wheels have the modules of ``[tool.caretaker.compiled]`` in pyproject.toml
compiled by mypyc, and the parts in C. Where mypyc fails they have the parts in C, and without a
compiler they are plain Python. The environment chooses::

    CARETAKER_PURE=1     plain Python
    CARETAKER_PURE=0     all compiled, or an error
    CARETAKER_MYPYC=0    only the parts in C are compiled; mypy is not asked for

Another value than 0 and 1 is refused.

Editable installs and source distributions are setuptools' own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

COMPILER = ["mypy >= 2.4, < 3"]
"""What compiling needs besides a C compiler; not installed where a wheel is plain Python."""

ALL, PARTS_IN_C, PLAIN = "all", "C", "nothing"
"""What is compiled, as setup.py is told by ``CARETAKER_COMPILED``."""
_FALLBACKS = {ALL: PARTS_IN_C, PARTS_IN_C: PLAIN}
_TELLING = {
    PARTS_IN_C: "of this wheel only the parts in C are compiled",
    PLAIN: "this wheel is plain Python",
}

Settings = dict[str, Any] | None
"""What ``--config-settings`` gives, for setuptools."""


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What must be installed before ``build_wheel``."""
    compiled, _ = _choice()
    needed: list[str] = build_meta.get_requires_for_build_wheel(config_settings)
    return [*needed, *COMPILER] if compiled == ALL else needed


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """
    Build a wheel into a folder, compiled as far as that can be, and return its file name.

    Raises:
        SystemExit: compiling has failed where the environment asks for it.
    """
    compiled, reason = _choice()
    while True:
        if reason:
            print(f"caretaker: {_TELLING[compiled]}: {reason}", file=sys.stderr, flush=True)
        try:
            return _build(wheel_directory, config_settings, metadata_directory, compiled=compiled)
        except (Exception, SystemExit) as error:
            if _pure() == "0" or compiled == PLAIN:
                raise
            compiled, reason = _FALLBACKS[compiled], f"compiling failed: {error}"


def _build(*arguments: Any, compiled: str) -> str:
    os.environ["CARETAKER_COMPILED"] = compiled  # for setup.py
    name: str = build_meta.build_wheel(*arguments)
    return name


def _choice() -> tuple[str, str]:
    """What is to be compiled, and why not all."""
    mypyc, reason = _switch("CARETAKER_MYPYC"), _reason_for_plain()
    if reason:
        return PLAIN, reason
    if mypyc == "0":
        return PARTS_IN_C, "CARETAKER_MYPYC=0"
    return ALL, ""


def _pure() -> str:
    return _switch("CARETAKER_PURE")


def _switch(name: str) -> str:
    """A variable that is 0, 1 or empty; another value would do the reverse of what is meant."""
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        raise SystemExit(f"caretaker: {name}={value}: give 0 or 1, or leave it out")
    return value


def _reason_for_plain() -> str:
    """Why a wheel is plain Python; empty if it is to be compiled."""
    if _pure() == "0":
        return ""
    if _pure():
        return f"CARETAKER_PURE={_pure()}"
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if sys.implementation.name != "cpython" or shutil.which(command[0]) is None:
        return f"no C compiler ({command[0]})"
    headers = Path(sysconfig.get_path("include"))
    return "" if (headers / "Python.h").exists() else f"no Python.h in {headers}"
