"""
The compiled TLS (decision 0041): there where a wheel was compiled beside OpenSSL's headers.

Elsewhere connections use Python's ssl module, with the same outcomes.
"""

from __future__ import annotations

from types import ModuleType

from caretaker.c_parts import TLS, c_part


def tls_module() -> ModuleType | None:
    """The module; None where there is none, or one of another OpenSSL than the ssl module's."""
    return c_part(TLS)
