"""The parts in C. Each is optional: where one is not there, Python does its work."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

ENGINE = "caretaker.http._engine"
TLS = "caretaker.http._openssl"
COUNTING = "caretaker.stats._counting"


def c_part(name: str) -> ModuleType | None:
    """A part by its name; None where it is not built, or not for this Python, system or library."""
    try:
        return import_module(name)
    except ImportError:
        return None


def load_error(name: str) -> str:
    """Why a part that is built can't be used; empty where it can, and where it is not built."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        return ""
    except ImportError as error:
        return str(error)
    return ""
