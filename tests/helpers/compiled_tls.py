"""The compiled TLS for tests, made of its source where no build has it."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from caretaker.http import compiled_tls
from fuzz.extensions import built

NAME = "caretaker.http._openssl"
SOURCE = Path(compiled_tls.__file__).with_name("_openssl.c")


@cache
def tls_module() -> ModuleType | str:
    """The module, or why there is none."""
    there = compiled_tls.tls_module()
    return there or built(NAME, SOURCE, "-lssl", "-lcrypto", headers="openssl/")


def use(way: str, patch: pytest.MonkeyPatch) -> None:
    """Have endpoints use one way of TLS: ``compiled``, or that of the ``ssl`` module."""
    module = tls_module() if way == "compiled" else None
    if isinstance(module, str):
        pytest.skip(module)
    # The import of a module that is None here fails.
    patch.setitem(sys.modules, NAME, module)
