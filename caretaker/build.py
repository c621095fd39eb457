"""Which build of Caretaker runs: compiled or plain Python (decision 0015)."""

from __future__ import annotations

import platform
import ssl
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

from caretaker import __version__
from caretaker.c_parts import COUNTING, ENGINE, TLS, load_error
from caretaker.http.compiled_tls import tls_module
from caretaker.http.io_engine import engine_module

_A_COMPILED_MODULE = "caretaker.engine.shard"


def is_compiled() -> bool:
    """Whether sessions run compiled."""
    spec = find_spec(_A_COMPILED_MODULE)
    return spec is not None and not str(spec.origin).endswith(".py")


def build_name() -> str:
    """The version, as ``0.1.0``, with ``, compiled`` behind it where sessions run compiled."""
    return f"{__version__}, compiled" if is_compiled() else __version__


def about() -> str:
    """The build, and the versions of what it runs on."""
    kind = "compiled" if is_compiled() else "plain Python"
    engine = "" if engine_module() is None else ", with the I/O engine"
    tls = "by the ssl module" if tls_module() is None else "compiled"
    return "".join(
        (
            f"caretaker {__version__}, {kind}{engine} ({platform.python_implementation()} ",
            f"{platform.python_version()}, gevent {version('gevent')}, ",
            f"Locust {version('locust')}, {' '.join(ssl.OPENSSL_VERSION.split()[:2])}, TLS {tls})",
            *(f"; {line}" for line in damaged(ENGINE, TLS, COUNTING)),
        )
    )


def damaged(*names: str) -> Iterator[str]:
    """A line for each of these parts that is built and can't be used: its file, and the cure."""
    for name in names:
        if error := load_error(name):
            yield f"{name} can't be used, and Python does its work; install Caretaker anew: {error}"
