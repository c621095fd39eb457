"""Renewals of leases, and their answers, as tests need them."""

from __future__ import annotations

from typing import Any

from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed, WorkerProcess

ELSEWHERE = WorkerProcess("elsewhere", 1, 1)
"""A process that no master of a test has forked."""


def renewal(**changes: Any) -> LeaseRenewal:
    """The first renewal of a worker, but for these changes."""
    usual: dict[str, Any] = {
        "sent": 0.0, "term": 1, "lease": 0, "number": 1, "want": 0, "returned": [],
        "process": ELSEWHERE,
    }  # fmt: skip
    return LeaseRenewal(**{**usual, **changes})


def renewed(**changes: Any) -> LeaseRenewed:
    """The answer to it, but for these changes."""
    usual: dict[str, Any] = {
        "sent": 0.0, "term": 1, "number": 1, "lease": 1, "still_yours": True, "seconds": 5.0,
        "granted": [], "total": 0,
    }  # fmt: skip
    return LeaseRenewed(**{**usual, **changes})
