"""Records into Locust's statistics, beside our own results (decision D7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretaker.device.cpe import Outcome
from caretaker.results import ExchangeRecord, Results, SessionRecord, loop_times

if TYPE_CHECKING:
    from locust.event import EventHook

_LOOP_NAMES = {
    "to_inform": "CR accepted to Inform",
    "to_informresponse": "CR accepted to InformResponse",
    "to_session_end": "CR accepted to session end",
}
_ANSWERS = {
    "accepted": "200 accepted",
    "unauthorized": "401 unauthorized",
    "not_found": "404 not found",
    "refused": "503 refused",
}


CWMP, SESSION, LOOP, CR_SERVER, TASK = KINDS = ("CWMP", "Session", "Loop", "CR server", "Task")
"""What stands in the column Type of Locust's statistics."""


class LocustSink:
    """
    Fires Locust's request event for every record; names are few, and never a serial number.

    Args:
        results: takes every record first.
        request: the event.
    """

    def __init__(self, results: Results, request: EventHook) -> None:
        self.results = results
        self._request = request

    def exchange(self, record: ExchangeRecord) -> None:
        """Each POST of a session by the name of its message."""
        self.results.exchange(record)
        self.fire(CWMP, record.name, record.seconds, record.received, record.reason)

    def session(self, record: SessionRecord) -> None:
        """Each session by the event that was raised first, and the closed loop."""
        self.results.session(record)
        if record.outcome is not Outcome.ABANDONED:
            event = record.events[0] if record.events else "(retry)"
            self.fire(SESSION, event, record.seconds, 0, record.reason)
        for name, seconds in loop_times(record):
            self.fire(LOOP, _LOOP_NAMES[name], seconds, 0, None)

    def connection_request(self, verdict: str, seconds: float) -> None:
        """Each answer of the Connection Request server."""
        self.results.connection_request(verdict, seconds)
        self.fire(CR_SERVER, _ANSWERS[verdict], seconds, 0, None)

    def task(self, name: str, outcome: str, seconds: float, reason: str | None) -> None:
        """
        Each task of the driver.

        Args:
            name: of the task.
            outcome: ``done``, ``queued`` or ``failed``.
            seconds: from when it was planned until it was done.
            reason: why it failed.
        """
        self.results.count("tasks.posted")
        self.results.count(f"tasks.{outcome}")
        if outcome == "done":
            self.results.time("tasks.latency", seconds)
        if reason is not None:
            self.results.count(f"tasks.reasons.{reason}")
        self.fire(TASK, f"{name} {outcome}" if outcome == "queued" else name, seconds, 0, reason)

    def fire(self, kind: str, name: str, seconds: float, size: int, reason: str | None) -> None:
        """Tell Locust."""
        self._request.fire(  # type: ignore[no-untyped-call]
            request_type=kind,
            name=name,
            response_time=seconds * 1000,
            response_length=size,
            exception=None if reason is None else _Reason(reason),
            context={},
        )


class _Reason(Exception):
    """Why something failed."""

    def __repr__(self) -> str:
        """The reason, without a class name around it."""
        return str(self)
