"""Checks of arguments that several RPC methods have."""

from __future__ import annotations

from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError

_MAX_KEY = 32
"""The most characters of a ParameterKey or CommandKey (CWMP schemas)."""


def check_key(key: str) -> None:
    """
    Check the length of a ParameterKey or CommandKey.

    Raises:
        FaultError: 9003, the key is too long.
    """
    if len(key) > _MAX_KEY:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "A key has more than 32 characters")
