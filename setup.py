"""The compiled parts of a wheel that build_backend/wheels.py asks for; see setup.cfg."""

from __future__ import annotations

import atexit
import gc
import os
import ssl
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

JOBS = min(os.cpu_count() or 1, 8)
"""Compilers at once; each takes up to 125 MB."""

# mypyc makes errors of what a compiler warns of. A hidden function needs no table of symbols to be
# called from another file.
FLAGS = ["-w", "-fvisibility=hidden"]

LEFT_OUT = {
    "caretaker.http._openssl": "TLS will cost more CPU. It needs OpenSSL's headers, as those of "
    "Debian's libssl-dev: docs/tls.md#what-it-costs",
    "caretaker.http._engine": "greenlets run all sessions, which costs more CPU: "
    "docs/performance.md#the-io-engine",
    "caretaker.stats._counting": "counting sessions costs more CPU",
}
"""What it means that an optional library is not there, and the cure."""

MYPY = """
[mypy]
# Types were checked where the sources were written. What is not installed here counts as Any.
ignore_errors = True
ignore_missing_imports = True
strict_bytes = True
"""


def extensions(folder: Path) -> list[Extension]:
    """What is compiled: modules by mypyc, as C in a folder, and the parts in C; or nothing."""
    compiled = os.environ.get("CARETAKER_COMPILED")
    if compiled not in ("all", "C"):
        return []
    by_mypyc = modules(folder) if compiled == "all" else []
    return [*by_mypyc, tls(), *io_engine(), counting()]


def modules(folder: Path) -> list[Extension]:
    """The modules that mypyc compiles, as C in a folder."""
    from mypyc.build import mypycify  # noqa: PLC0415  # absent where it is not asked for

    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    names = project["tool"]["caretaker"]["compiled"]
    config = folder / "mypy.ini"
    config.write_text(MYPY, encoding="utf-8")
    compiled: list[Extension] = mypycify(
        [
            f"--config-file={config}",
            f"--cache-dir={folder / 'mypy'}",
            *(f"{package}/{name}.py" for package in names for name in names[package]),
        ],
        opt_level=os.environ.get("MYPYC_OPT_LEVEL", "3"),
        debug_level="0",
        group_name="caretaker",
        multi_file=True,
        target_dir=str(folder),
    )
    # mypy leaves more than a million objects, in which Python would look for garbage for seconds.
    gc.freeze()
    for extension in compiled:
        extension.extra_compile_args = [*extension.extra_compile_args, *FLAGS]
    return compiled


def tls() -> Extension:
    """TLS of clients on the OpenSSL of Python's ssl module; left out where its headers are not."""
    version = zip(("SSL_MODULE_MAJOR", "SSL_MODULE_MINOR"), ssl.OPENSSL_VERSION_INFO, strict=False)
    return Extension(
        "caretaker.http._openssl",
        ["caretaker/http/_openssl.c"],
        libraries=["ssl", "crypto"],
        define_macros=[(name, str(number)) for name, number in version],
        optional=True,
    )


def io_engine() -> list[Extension]:
    """The I/O engine, which is for Linux alone."""
    sources = ["caretaker/http/_engine.c"]
    engine = Extension("caretaker.http._engine", sources, optional=True)
    return [engine] if sys.platform == "linux" else []


def counting() -> Extension:
    """The counting of many times at once."""
    sources = ["caretaker/stats/_counting.c"]
    return Extension("caretaker.stats._counting", sources, optional=True)


class SideBySide(build_ext):  # type: ignore[misc]  # setuptools takes Cython's where that is
    """
    Compiles the C files of a library side by side; setuptools does one after the other.

    What is optional and does not compile is left out, with a line that ``pip install -v`` shows.
    """

    def build_extensions(self) -> None:
        """Compile and link all libraries."""
        compile_files = self.compiler.compile
        with ThreadPoolExecutor(JOBS) as jobs:

            def compile_side_by_side(sources: Iterable[str], **options: Any) -> list[str]:
                made = jobs.map(lambda source: compile_files([source], **options), sources)
                return list(chain.from_iterable(made))

            self.compiler.compile = compile_side_by_side
            super().build_extensions()
        for extension in self.extensions:
            if extension.optional and not Path(self.get_ext_fullpath(extension.name)).exists():
                self.warn(f"{extension.name} is left out: {LEFT_OUT[extension.name]}")


# Nothing of an earlier build may get into this one, so each has a folder of its own.
build = tempfile.TemporaryDirectory()
atexit.register(build.cleanup)
setup(
    cmdclass={"build_ext": SideBySide},
    ext_modules=extensions(Path(build.name)),
    options={
        "build": {"build_base": build.name},
        "build_ext": {"parallel": JOBS},  # libraries, which are linked while others are compiled
    },
)
