"""The CPE of a check: the only one of a ``Fleet``, with all that was seen of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, NamedTuple, TypeVar

from caretaker.console.trace import Trace, TracedTransport
from caretaker.cwmp.codec import decode
from caretaker.cwmp.messages import Request
from caretaker.device.cpe import CPE
from caretaker.errors import EnvelopeError
from caretaker.fleet import Device, Fleet
from caretaker.http.credentials import Credentials
from caretaker.http.transport import Answer
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.way import Way

_T = TypeVar("_T")

SETTLE_SECONDS = 10.0
"""Seconds that a CPE has for the sessions which follow from a step, as of a value change."""


class Seen(NamedTuple):
    """How much was seen so far; what comes later belongs to the next step."""

    sessions: int
    verdicts: int
    requests: int


class CheckedCPE:
    """
    One CPE that informs the ACS, and keeps what it saw.

    Args:
        trace: shows its exchanges.
        acs_url: the URL of the ACS.
        settings: further arguments of ``Fleet``.

    Raises:
        InputError: as ``Fleet``, or the address for Connection Requests can't be bound.
    """

    def __init__(self, trace: Trace, acs_url: str, **settings: Any) -> None:
        self.trace = trace
        self.sessions: list[SessionRecord] = []
        self.verdicts: list[str] = []
        """The answers to Connection Requests, in the words of ``VERDICTS``."""
        self.requests: list[str] = []
        """The names of the requests of the ACS."""
        self._news = threading.Event()
        transport = partial(_WatchedTransport, self.requests, trace)
        self._fleet = Fleet(acs_url, 1, sink=self, transport=transport, **settings)
        (self.serial_number,) = self._fleet.spawn_devices()
        self.first_values = self.management_values()

    def start(self) -> None:
        """Connect it to the ACS: its first session begins."""
        self._fleet.start()

    def stop(self) -> None:
        """Switch it off."""
        self._fleet.stop_all()

    def device(self) -> Device:
        """The CPE, as ``Fleet.get_device`` shows it."""
        return self._fleet.get_device(self.serial_number)

    def credentials(self) -> Credentials:
        """What a Connection Request must show now."""
        return self._fleet.connection_request_credentials(self.serial_number)

    def inform(self) -> None:
        """Have it open a session with 2 PERIODIC."""
        self._fleet.trigger_inform(self.serial_number)

    def management_path(self, name: str) -> str:
        """The path of a parameter of its ManagementServer object."""
        return self._call(lambda cpe, _: f"{cpe.profile.management_server}{name}")

    def management_values(self) -> dict[str, str]:
        """The values of its ManagementServer object that an ACS may set, secrets among them."""

        def read(cpe: CPE, now: float) -> dict[str, str]:
            paths = {name: f"{cpe.profile.management_server}{name}" for name in MANAGEMENT}
            return {name: cpe.value(path, now) for name, path in paths.items()}

        return self._call(read)

    def _call(self, act: Callable[[CPE, float], _T]) -> _T:
        return self._fleet.call(self.serial_number, act)

    # What was seen.

    def seen(self) -> Seen:
        """What was seen so far."""
        return Seen(len(self.sessions), len(self.verdicts), len(self.requests))

    def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so that a session or Connection Request brings about."""
        deadline = time.monotonic() + seconds
        while True:
            self._news.clear()
            left = deadline - time.monotonic()
            if is_so():
                return True
            if left <= 0:
                return False
            self._news.wait(left)

    def settle(self) -> None:
        """Wait until it has no reason for a session."""
        self.wait_until(lambda: self._call(_is_quiet), SETTLE_SECONDS)

    # It is the sink of its fleet, which calls these in a thread of its own.

    def exchange(self, record: ExchangeRecord) -> None:
        """Ignore the exchange: the transport has shown it."""

    def session(self, record: SessionRecord) -> None:
        """Keep a session that has ended."""
        self.sessions.append(record)
        self._news.set()

    def connection_request(self, verdict: str, _: float, __: Way) -> None:
        """Show and keep the answer to a Connection Request."""
        self.trace.show(f"< Connection Request: {verdict.replace('_', ' ')}")
        self.verdicts.append(verdict)
        self._news.set()


MANAGEMENT = (
    "PeriodicInformEnable",
    "PeriodicInformInterval",
    "URL",
    "ConnectionRequestUsername",
    "ConnectionRequestPassword",
)
"""The parameters of ManagementServer that decide what a fleet does, and who may ask it."""


def _is_quiet(cpe: CPE, _: float) -> bool:
    return not cpe.in_session and cpe.session_due == inf


class _WatchedTransport(TracedTransport):
    """
    Notes what the ACS asks in a session.

    Args:
        requests: takes the names of the ACS's requests.
        trace, arguments, settings: those of ``TracedTransport``.
    """

    def __init__(self, requests: list[str], trace: Trace, *arguments: Any, **settings: Any) -> None:
        super().__init__(trace, *arguments, **settings)
        self._requests = requests

    def post(self, body: bytes) -> Answer:
        answer = super().post(body)
        try:
            message = decode(answer.body).message if answer.body.strip() else None
        except EnvelopeError:
            message = None  # the session says what is wrong with it
        if isinstance(message, Request):
            self._requests.append(type(message).__name__)
        return answer
