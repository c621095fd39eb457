"""
All that knows Locust: options, users, the ledger, the driver, the summary.

A locustfile makes it work in two lines::

    from locust import events
    from caretaker.swarm import CPEUser, install

    install(events)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caretaker.swarm.locust_hooks import install
    from caretaker.swarm.user import CPEUser

_HOMES = {"CPEUser": "caretaker.swarm.user", "install": "caretaker.swarm.locust_hooks"}

__all__ = ["CPEUser", "install"]


def __getattr__(name: str) -> Any:
    """Load a name from its home; ``main`` can handle signals before Locust is imported."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'caretaker.swarm' has no attribute {name!r}")
