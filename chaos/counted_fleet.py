"""
The locustfile of a run under faults: the project's own, and a count of greenlets when asked.

SIGUSR2 makes a process write how many greenlets it has, by what they run.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gevent
from locust import events

from caretaker.swarm import CPEUser, install
from chaos.greenlet_count import counted_in, write_count
from chaos.processes import FOLDER

__all__ = ["CPEUser"]


def _count_when_asked(**_: Any) -> None:
    file = counted_in(Path(os.environ[FOLDER]), os.getpid())
    gevent.signal_handler(signal.SIGUSR2, write_count, file)


install(events)
events.init.add_listener(_count_when_asked)  # type: ignore[no-untyped-call]
