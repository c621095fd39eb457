"""The compiled TLS for tests, made of its source where no build has it."""

from __future__ import annotations

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

import pytest

from caretaker.http import compiled_tls

NAME = "caretaker.http._openssl"
SOURCE = Path(compiled_tls.__file__).with_name("_openssl.c")
_FLAGS = ("-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type")


@cache
def tls_module() -> ModuleType | str:
    """The module, or why there is none."""
    there = compiled_tls.tls_module()
    if there is not None:
        return there
    if sys.platform != "linux":
        return "is compiled for tests on Linux alone"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"_openssl{EXTENSION_SUFFIXES[0]}"
        command = [*compiler[:1], *_FLAGS, f"-I{sysconfig.get_path('include')}", str(SOURCE)]
        try:
            done = subprocess.run(
                [*command, "-o", str(path), "-lssl", "-lcrypto"],
                check=False,
                capture_output=True,
                text=True,
            )
        except OSError as error:
            return str(error)
        if done.returncode:
            assert "openssl/" in done.stderr, done.stderr  # its headers are not there
            return done.stderr
        spec = spec_from_file_location(NAME, path)
        assert spec is not None
        assert spec.loader is not None
        try:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
        except ImportError as error:
            return str(error)
    return module


def use(way: str, patch: pytest.MonkeyPatch) -> None:
    """Have endpoints use one way of TLS: ``compiled``, or that of the ``ssl`` module."""
    module = tls_module() if way == "compiled" else None
    if isinstance(module, str):
        pytest.skip(module)
    # The import of a module that is None here fails.
    patch.setitem(sys.modules, NAME, module)
