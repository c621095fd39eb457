"""The compiled modules of a wheel, where build_backend/wheels.py asks for them; see setup.cfg."""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
import tomllib
from pathlib import Path

from setuptools import Extension, setup

MYPY = """
[mypy]
# Types were checked where the sources were written. What is not installed here counts as Any.
ignore_errors = True
ignore_missing_imports = True
strict_bytes = True
"""


def extensions(folder: Path) -> list[Extension]:
    """The modules that mypyc compiles, as C in a folder; none where none are asked for."""
    if os.environ.get("CARETAKER_COMPILED") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  # absent where a wheel is plain Python

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
        target_dir=str(folder),
    )
    for extension in compiled:
        # mypyc makes errors of what a compiler warns of.
        extension.extra_compile_args = [*extension.extra_compile_args, "-w"]
    return [*compiled, tls()]


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


# Nothing of an earlier build may get into this one, so each has a folder of its own.
build = tempfile.TemporaryDirectory()
atexit.register(build.cleanup)
setup(
    ext_modules=extensions(Path(build.name)),
    options={
        "build": {"build_base": build.name},
        "build_ext": {"parallel": os.cpu_count()},
    },
)
