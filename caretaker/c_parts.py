"""
The parts in C. Each is optional: where one is not there, or can't be used, Python does its work.

What mypyc has compiled is one library for all modules, without which no module can be imported.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ENGINE = "caretaker.http._engine"
TLS = "caretaker.http._openssl"
COUNTING = "caretaker.stats._counting"
LIBRARY = "caretaker__mypyc"
"""All that mypyc has compiled."""
INTERFACES = {ENGINE: 2, TLS: 1, COUNTING: 1}
"""
What the modules must have as ``INTERFACE``: their calls and what these return are as we want them.

A file of other sources, put in by hand, would fail in the middle of a session.
"""
_ELF = b"\x7fELF"
_SECTIONS = {1: (32, 4, 46), 2: (40, 8, 58)}
"""Of 32 and 64 bits: where the head of a library has the place of its sections, and their sizes."""
_HEAD = 64


def c_part(name: str) -> ModuleType | None:
    """A part by its name; None where it is not built, or not for this Python, system or library."""
    return _part(name)[0]


def load_error(name: str) -> str:
    """
    Why a part that is built can't be used, with its file.

    Empty where it can, and where it is not built.
    """
    return _part(name)[1]


def library_error() -> str:
    """As ``load_error`` for what mypyc has compiled, by its file alone."""
    spec = find_spec(LIBRARY)
    why = "" if spec is None or not spec.origin else file_error(spec.origin)
    return f"{spec.origin}: {why}" if spec is not None and why else ""


def _part(name: str) -> tuple[ModuleType | None, str]:
    path = ""
    try:
        module = sys.modules.get(name)
        if module is None:
            spec = find_spec(name)
            if spec is None:
                return None, ""
            path = spec.origin or ""
            if why := file_error(path):
                return None, f"{path}: {why}"
            module = import_module(name)
    except Exception as error:  # noqa: BLE001  # what is damaged may raise anything
        return None, str(error) if path in str(error) else f"{path}: {error}"
    if name in INTERFACES and getattr(module, "INTERFACE", 0) != INTERFACES[name]:
        return None, f"{module.__file__}: made of other sources than the rest of Caretaker"
    return module, ""


def file_error(path: str) -> str:
    """
    What is wrong with the file of a part, as far as its head tells; empty if nothing is.

    The system would end a process that loads a file which was cut off.
    """
    if sys.platform != "linux" or path.endswith(".py"):
        return ""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # of each start
            head, size = file.read(_HEAD), os.fstat(file.fileno()).st_size
    except OSError as error:
        return error.strerror or "can't be read"
    if not head.startswith(_ELF):
        return "no library"
    return "cut off" if len(head) < _HEAD or _end(head) > size else ""


def _end(head: bytes) -> int:
    """Where the sections of a library end by its head, which is the end of the file."""
    place, width, sizes = _SECTIONS.get(head[4], _SECTIONS[2])

    def number(at: int, length: int) -> int:
        return int.from_bytes(head[at : at + length], "big" if head[5] == 2 else "little")

    return number(place, width) + number(sizes, 2) * number(sizes + 2, 2)
