"""A task as data: what an operator wants done with a device (GenieACS's ``tasks``)."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import gevent.event

from caretaker.acs.queries import timestamp
from caretaker.errors import FaultError


@dataclass(eq=False)
class Task:
    """
    One thing to do with a device.

    Args:
        name: one of ``TASK_TYPES`` in ``task_rpcs``.
        arguments: as posted.
        task_id: GenieACS's ``_id``, 24 hexadecimal digits.
        posted: seconds since 1970.
        done: whether the device has done the task, or has failed to.
        fault: the fault that ended the task; None if there was none, or while it runs.
        begun: set when a session begins that can do the task.
        ended: set when such a session has ended, whether the task is done or not.
    """

    name: str
    arguments: dict[str, Any]
    task_id: str = field(default_factory=lambda: secrets.token_hex(12))
    posted: float = field(default_factory=time.time)
    done: bool = False
    fault: FaultError | None = None
    begun: gevent.event.Event = field(default_factory=gevent.event.Event)
    ended: gevent.event.Event = field(default_factory=gevent.event.Event)

    @property
    def channel(self) -> str:
        """The channel of its fault."""
        return f"task_{self.task_id}"

    def end(self, fault: FaultError | None = None) -> None:
        """Note that the task is done, or has failed with a fault."""
        self.done, self.fault = True, fault

    def retry(self) -> None:
        """Have the next session do the task again."""
        self.done, self.fault = False, None

    def document(self, device_id: str) -> dict[str, Any]:
        """The task as the north-bound API shows it."""
        return {
            **self.arguments,
            "_id": self.task_id,
            "name": self.name,
            "device": device_id,
            "timestamp": timestamp(self.posted),
        }
