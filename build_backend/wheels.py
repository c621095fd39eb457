"""
The build backend: setuptools, which for a wheel is asked for compiled modules first.

Wheels have the modules of ``[tool.caretaker.compiled]`` in pyproject.toml compiled by mypyc where a
C compiler is, and are plain Python otherwise, or where compiling fails. The environment chooses::

    CARETAKER_PURE=1    plain Python
    CARETAKER_PURE=0    compiled, or an error

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

Settings = dict[str, Any] | None
"""What ``--config-settings`` gives, for setuptools."""


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What must be installed before ``build_wheel``."""
    needed: list[str] = build_meta.get_requires_for_build_wheel(config_settings)
    return needed if _reason_for_plain() else [*needed, *COMPILER]


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """
    Build a wheel into a folder, compiled where that can be, and return its file name.

    Raises:
        SystemExit: compiling has failed where the environment asks for it.
    """
    reason = _reason_for_plain()
    if not reason:
        try:
            return _build(wheel_directory, config_settings, metadata_directory, compiled=True)
        except (Exception, SystemExit) as error:
            if _pure() == "0":
                raise
            reason = f"compiling failed: {error}"
    print(f"caretaker: this wheel is plain Python: {reason}", file=sys.stderr, flush=True)
    return _build(wheel_directory, config_settings, metadata_directory, compiled=False)


def _build(*arguments: Any, compiled: bool) -> str:
    os.environ["CARETAKER_COMPILED"] = "1" if compiled else "0"  # for setup.py
    name: str = build_meta.build_wheel(*arguments)
    return name


def _pure() -> str:
    return os.environ.get("CARETAKER_PURE", "")


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
