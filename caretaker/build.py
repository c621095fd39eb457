"""Which build of Caretaker runs: compiled or plain Python (decision 0015)."""

from __future__ import annotations

import platform
import ssl
from importlib.metadata import version
from importlib.util import find_spec

from caretaker import __version__
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
    kind = "compiled" if is_compiled() else _plain()
    tls = "ssl module" if tls_module() is None else "compiled"
    return (
        f"caretaker {__version__}, {kind} ({platform.python_implementation()} "
        f"{platform.python_version()}, gevent {version('gevent')}, Locust {version('locust')}, "
        f"{' '.join(ssl.OPENSSL_VERSION.split()[:2])} by {tls})"
    )


def _plain() -> str:
    return "plain Python" if engine_module() is None else "plain Python with parts in C"
