"""Faults: what a task or a preset failed with, for the north-bound API (GenieACS's ``faults``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caretaker.acs.queries import timestamp
from caretaker.errors import FaultError


@dataclass
class Fault:
    """
    The fault of one channel of a device; while it is there, the channel does nothing.

    Args:
        device_id: of the device.
        channel: ``task_`` and the id of a task, or the channel of a preset.
        error: what the device, or the ACS, said.
        seconds: when, since 1970.
    """

    device_id: str
    channel: str
    error: FaultError
    seconds: float

    @property
    def fault_id(self) -> str:
        """Its id in the north-bound API."""
        return fault_id(self.device_id, self.channel)

    def document(self) -> dict[str, Any]:
        """The fault as the north-bound API shows it."""
        code, text = str(self.error.fault_code), self.error.fault_string
        inner = {"faultCode": code, "faultString": text}
        return {
            "_id": self.fault_id,
            "device": self.device_id,
            "channel": self.channel,
            "timestamp": timestamp(self.seconds),
            "code": f"cwmp.{code}",
            "message": text,
            "detail": {
                "faultCode": "Client",
                "faultString": "CWMP fault",
                "detail": {"Fault": inner},
            },
            "retries": 0,
        }


def fault_id(device_id: str, channel: str) -> str:
    """The id of the fault of a channel."""
    return f"{device_id}:{channel}"
