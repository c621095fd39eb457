"""C extensions for harnesses and tests, made of their source where no build has them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from caretaker.http import io_engine

_FLAGS = ("-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type")


@cache
def engine_module() -> ModuleType | str:
    """The I/O engine, or why there is none."""
    source = Path(io_engine.__file__).with_name("_engine.c")
    there = io_engine.engine_module()
    return there or built("caretaker.http._engine", source, headers="Python.h")


def built(name: str, source: Path, *libraries: str, headers: str) -> ModuleType | str:
    """
    The module made of this file, or why there is none.

    Args:
        name: of the module.
        source: its C file.
        libraries: options that link what it needs.
        headers: what the compiler names where they are missing; any other error of its is a bug.
    """
    if sys.platform != "linux":
        return "is compiled for tests on Linux alone"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name.rpartition('.')[2]}{EXTENSION_SUFFIXES[0]}"
        flags = [*_FLAGS, *shlex.split(os.environ.get("CFLAGS", ""))]
        command = [*compiler[:1], *flags, f"-I{sysconfig.get_path('include')}", str(source)]
        try:
            done = subprocess.run(
                [*command, "-o", str(path), *libraries],
                check=False,
                capture_output=True,
                text=True,
            )
        except OSError as error:
            return str(error)
        if done.returncode:
            assert headers in done.stderr, done.stderr
            return done.stderr
        try:
            return _loaded(name, path)
        except ImportError as error:
            return str(error)


def _loaded(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
