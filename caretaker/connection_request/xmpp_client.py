"""
Sending Connection Requests over XMPP as an ACS does (TR-069 Annex K): one stream for all devices.

As with GenieACS it is an iq of type ``get`` to the full address, with the device's credentials.
"""

from __future__ import annotations

import time
from itertools import count
from random import SystemRandom

from gevent.event import AsyncResult, Event
from gevent.timeout import Timeout

from caretaker.connection_request.phrases import OFFLINE, REFUSED, failed
from caretaker.http.credentials import Credentials
from caretaker.xmpp.connections import ConnectionSettings, XMPPConnections
from caretaker.xmpp.iq import connection_request
from caretaker.xmpp.stream_events import Answered, ConnectionRequest, EndKind
from caretaker.xmpp.wanted import Backoff, Wanted

MAX_UNDER_WAY = 10_000
"""Requests that are not answered yet; a further one fails at once."""
TIMEOUT = 5.0
"""Seconds to wait for an answer: servers hold requests back to keep their own limits."""
NOT_CONNECTED = failed("not connected to the XMPP server")
NO_ANSWER = failed("no answer over XMPP")
TOO_MANY = failed("too many under way over XMPP")
_KEY = 0
_REASONS = {
    "not-authorized": REFUSED,
    "service-unavailable": OFFLINE,
    "recipient-unavailable": OFFLINE,
    "item-not-found": OFFLINE,
}
"""What GenieACS says of each condition; the others are named."""


class XMPPClient:
    """
    The stream of an ACS; its methods are called from greenlets of one loop.

    Args:
        wanted: the ACS's account, and its server. It comes back within seconds when it is lost.
        settings: how it connects.
        timeout: seconds to wait for each answer.
    """

    def __init__(
        self, wanted: Wanted, settings: ConnectionSettings, timeout: float = TIMEOUT
    ) -> None:
        self._timeout = timeout
        self._under_way: dict[str, tuple[str, AsyncResult[str | None]]] = {}
        self._ids = count(1)
        self._was_tried = Event()  # a first login has succeeded, or failed
        rng = SystemRandom()
        self._mark = f"{rng.getrandbits(32):08x}"  # answers to an earlier stream fit no request
        self._connections = XMPPConnections(settings, self, clock=time.monotonic, rng=rng)
        self._connections.want(_KEY, wanted._replace(backoff=Backoff(1.0, 2.0, 30.0)))
        self.jid = ""
        """The address that the server has given; empty while there is none."""
        self.reason = ""
        """Why the stream was lost, or could not be made, the last time."""

    def send(self, jid: str, credentials: Credentials) -> str | None:
        """
        Send a Connection Request, and wait for its answer.

        Args:
            jid: the device's ConnReqJabberID.
            credentials: its ConnectionRequestUsername and -Password.

        The first requests wait for the login; later ones fail at once while there is no stream.

        Returns:
            None if it was accepted, else why not, in GenieACS's words where it has some.
        """
        if len(self._under_way) >= MAX_UNDER_WAY:
            return TOO_MANY
        iq_id = f"cr-{self._mark}-{next(self._ids)}"
        result: AsyncResult[str | None] = AsyncResult()
        self._under_way[iq_id] = jid, result
        stanza = connection_request(iq_id, jid, credentials.username, credentials.password)
        try:
            self._was_tried.wait(self._timeout)
            if not self.jid or not self._connections.request(_KEY, stanza):
                return self._not_connected()
            return result.get(timeout=self._timeout)
        except Timeout:
            return NO_ANSWER
        finally:
            self._under_way.pop(iq_id, None)

    def close(self) -> None:
        """Close the stream; requests under way fail."""
        self._connections.stop()
        self._fail_all()

    # What happens to the stream.

    def bound(self, _: int, jid: str, *, is_secure: bool) -> None:  # noqa: ARG002
        """Take requests from now on."""
        self.jid, self.reason = jid, ""
        self._was_tried.set()

    def ended(self, _: int, __: EndKind, reason: str) -> None:
        """Fail the requests under way: their answers won't come."""
        self.reason = reason
        self._fail_all()

    def _fail_all(self) -> None:
        self.jid = ""
        self._was_tried.set()
        for _, result in self._under_way.values():
            result.set(self._not_connected())

    def _not_connected(self) -> str:
        return f"{NOT_CONNECTED}: {self.reason}" if self.reason else NOT_CONNECTED

    def connection_request(self, _: int, __: ConnectionRequest) -> str | None:
        """Refuse: an ACS is no CPE."""
        return "service-unavailable"

    def answered(self, _: int, answer: Answered) -> None:
        """Hand an answer to who waits for it, if it is that of the device."""
        jid, result = self._under_way.get(answer.id, ("", None))
        if result is not None and answer.sender in (jid, ""):
            condition = answer.condition
            result.set(None if condition is None else _reason_of(condition))


def _reason_of(condition: str) -> str:
    return _REASONS.get(condition) or failed(f"Unexpected XMPP error {condition}")
