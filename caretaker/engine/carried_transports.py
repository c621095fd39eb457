"""
The transports of sessions that the I/O engine carries, of those that need one.

A plain session needs none: its requests depend on the length of their bodies alone. One with
credentials or requests of the ACS has a transport, which makes its heads and judges answers, and
with which a greenlet goes on over the same connection.
"""

from __future__ import annotations

from functools import partial

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.device_tls import local_end
from caretaker.engine.open_transport import credentials
from caretaker.http.connection import Connection, Handover
from caretaker.http.endpoint import Endpoint
from caretaker.http.response_parser import Response
from caretaker.http.transport import HTTPTransport


class CarriedTransports:
    """
    The transports of one worker's carried sessions, by the tokens of these.

    Args:
        endpoint: the ACS, as the fleet has it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._opened: dict[int, HTTPTransport] = {}
        self._sent_back: dict[int, Response] = {}
        """InformResponses whose cookies were sent back without a transport."""

    def __contains__(self, token: int) -> bool:
        return token in self._opened

    def of(self, active: ActiveSession) -> HTTPTransport:
        """The transport of a session, made when it is first asked for."""
        transport = self._opened.get(active.token)
        if transport is None:
            # Not by the URL and the coding that the CPE has by now: it began with the fleet's.
            cpe, end = active.cpe, local_end(self._endpoint, active.cpe)
            shown = partial(credentials, cpe, active.started)
            transport = HTTPTransport(self._endpoint, shown, local_end=end)
            self._opened[active.token] = transport
            response = self._sent_back.get(active.token)
            if response is not None:
                transport.take_cookies(response)
        return transport

    def note_sent_back(self, token: int, response: Response) -> None:
        """Have a transport that is made later take the cookies of a response."""
        self._sent_back[token] = response

    def take_over(self, active: ActiveSession, descriptor: int, received: bytes) -> None:
        """Have the transport of a session go on over a connection of the engine."""
        handover = Handover(descriptor, rest=b"", received=received, sent_at=active.sent_at)
        end = local_end(self._endpoint, active.cpe)
        connection = Connection(self._endpoint, self._endpoint.address, end, handover)
        self.of(active).go_on_over(connection)

    def forget(self, token: int) -> None:
        """Forget what is of a session that is over."""
        if self._opened:
            self._opened.pop(token, None)
        if self._sent_back:
            self._sent_back.pop(token, None)
