"""
Caretaker: a multi-process TR-069/CWMP load generator.

The names below are the library; they are loaded when first used, so that ``caretaker.cwmp`` and
``caretaker.device`` can be had without gevent (decision D1).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caretaker.acs import ACSServer
    from caretaker.connection_request import ConnectionRequestServer
    from caretaker.device.behavior import DynamicBehavior
    from caretaker.device.settings import Behaviors
    from caretaker.errors import CaretakerError, DeviceBusy, DeviceNotFound, InputError
    from caretaker.fleet import Fleet
    from caretaker.http.credentials import Credentials

__version__ = "0.1.0"

_HOMES = {
    "ACSServer": "caretaker.acs",
    "Behaviors": "caretaker.device.settings",
    "CaretakerError": "caretaker.errors",
    "ConnectionRequestServer": "caretaker.connection_request",
    "Credentials": "caretaker.http.credentials",
    "DeviceBusy": "caretaker.errors",
    "DeviceNotFound": "caretaker.errors",
    "DynamicBehavior": "caretaker.device.behavior",
    "Fleet": "caretaker.fleet",
    "InputError": "caretaker.errors",
}

__all__ = [
    "ACSServer",
    "Behaviors",
    "CaretakerError",
    "ConnectionRequestServer",
    "Credentials",
    "DeviceBusy",
    "DeviceNotFound",
    "DynamicBehavior",
    "Fleet",
    "InputError",
]


def __getattr__(name: str) -> Any:
    """Load a name of the library from its home."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'caretaker' has no attribute {name!r}")
