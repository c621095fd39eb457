"""
The transports of sessions that the I/O engine carries, of those that need one.

A plain session needs none: its requests depend on the length of their bodies, and on what a first
answer has asked for, a login or cookies of the usual form. Any other one has a transport, which
makes its heads and judges answers, and with which a greenlet goes on over the same connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.device_tls import local_end
from caretaker.engine.open_transport import credentials
from caretaker.errors import TransportError
from caretaker.http.challenges import asks_for_basic, only_challenge
from caretaker.http.connection import Connection, FailedTarget, Handover
from caretaker.http.digest import DigestAnswers
from caretaker.http.endpoint import Endpoint
from caretaker.http.io_engine import Detached
from caretaker.http.logins import BasicLogin, Login
from caretaker.http.response_parser import Response, plain_head
from caretaker.http.sockets import Target
from caretaker.http.transport import HTTPTransport


class CarriedTransports:
    """
    The transports of one worker's carried sessions, by the tokens of these.

    Args:
        endpoint: the ACS, as the fleet has it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.fresh = HTTPTransport(endpoint)
        """One that no ACS has asked for anything."""
        self._endpoint = endpoint
        self._opened: dict[int, HTTPTransport] = {}
        self._sent_back: dict[int, bytes] = {}
        """The heads of InformResponses whose cookies were sent back without a transport."""
        self._logins: dict[int, Login] = {}
        """The answers to first challenges, likewise."""
        self._first_targets: dict[int, Target] = {}
        """Of ACSs with several addresses: the one that a session has begun at."""

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
            self._catch_up(active, transport)
        return transport

    def _catch_up(self, active: ActiveSession, transport: HTTPTransport) -> None:
        """Have a transport go on after what was sent without it."""
        head = self._sent_back.get(active.token)
        if head is not None:
            transport.take_cookies(_informed_by(head))
        login, is_accepted = self._logins.get(active.token), active.informed is not None
        if login is not None:
            login.uses = active.exchanges  # the empty POST was made, but was it sent?
            transport.go_on_with(login, is_accepted=is_accepted)

    def was_challenged(self, token: int) -> bool:
        """Whether the first answer of a session was a challenge, or needed a transport."""
        return token in self._opened or token in self._logins

    def log_in(self, active: ActiveSession, head: bytes) -> tuple[bytes, bytes] | None:
        """
        The Inform of a session, and the empty POST after it, with the answers to a challenge.

        Args:
            active: that is plain so far.
            head: of the first answer to its Inform, a 401.

        Returns:
            None where its transport must answer, or has answered one before.
        """
        login = None if self.was_challenged(active.token) else _login(active, head)
        if login is None:
            return None
        self._logins[active.token] = login
        return (
            self.fresh.message_showing(login, active.body),
            self.fresh.message_showing(login, b""),
        )

    def note_sent_back(self, token: int, head: bytes) -> None:
        """Note that the I/O engine has sent the cookies of an InformResponse back, by its head."""
        self._sent_back[token] = head

    def send_back(self, active: ActiveSession, head: bytes) -> bytes | None:
        """
        The empty POST with the cookies of a session's InformResponse, by its head.

        Returns:
            None where its transport must tell.
        """
        if active.token in self._opened:
            return None
        login = self._logins.get(active.token)
        if login is not None:
            login.uses = 1  # the empty POST without cookies was not sent
        post = self.fresh.message_after(_informed_by(head), login, b"")
        if post is not None:
            self.note_sent_back(active.token, head)
        return post

    def message(self, token: int, body: bytes) -> bytes | None:
        """
        A POST of a session without a transport, after the empty one; with its cookies and login.

        Returns:
            None where it has neither.
        """
        head, login = self._sent_back.get(token), self._logins.get(token)
        if head is not None:
            return self.fresh.message_after(_informed_by(head), login, body)
        return None if login is None else self.fresh.message_showing(login, body)

    def take_over(self, active: ActiveSession, detached: Detached, received: bytes) -> None:
        """
        Have the transport of a session go on over a connection of the engine.

        Args:
            active: the session.
            detached: the connection, and how far its last request has been sent.
            received: the beginning of the answer to that.
        """
        sent_at, known, known_at = detached[3:6]
        descriptor, rest = detached[8], detached[9]
        # Not as the session has it: of an exchange with a challenge that is the first request.
        written = None if rest else sent_at if known is None else known_at
        handover = Handover(descriptor, rest=rest, received=received, sent_at=written)
        end = local_end(self._endpoint, active.cpe)
        connection = Connection(self._endpoint, self._endpoint.address, end, handover)
        self.of(active).go_on_over(connection)

    def begin_at(self, active: ActiveSession, targets: Sequence[Target]) -> Target:
        """The one of the ACS's addresses that the engine connects a session to."""
        if len(targets) > 1:
            self._first_targets[active.token] = targets[0]
        return targets[0]

    def try_others(self, active: ActiveSession, error: TransportError, deadline: float) -> bool:
        """
        Have the transport of a session, which could not be connected, try the other addresses.

        Args:
            active: the session.
            error: why it could not.
            deadline: for connecting.

        Returns:
            False where there are no others.
        """
        target = self._first_targets.get(active.token)
        if target is None:
            return False
        self.of(active).go_on_without(FailedTarget(target, error, deadline))
        return True

    def for_greenlet(self, active: ActiveSession) -> HTTPTransport:
        """The transport with which a greenlet goes on with the POST that is under way."""
        transport = self.of(active)
        transport.go_on()
        return transport

    def forget(self, token: int) -> None:
        """Forget what is of a session that is over."""
        if self._opened:
            self._opened.pop(token, None)
        if self._sent_back:
            self._sent_back.pop(token, None)
        if self._logins:
            self._logins.pop(token, None)
        if self._first_targets:
            self._first_targets.pop(token, None)


def _informed_by(head: bytes) -> Response:
    """An InformResponse with this head, which is plain, and without its body."""
    parts = plain_head(head)
    assert parts is not None
    return Response(parts[0], parts[1], b"", keep_alive=True)


def _login(active: ActiveSession, head: bytes) -> Login | None:
    """What answers the challenge of a first answer; None where its transport must tell."""
    challenge = only_challenge(head)
    if challenge is None and not asks_for_basic(head):
        return None
    now, row = active.started, active.row
    shown = row.credentials(now) if row is not None else credentials(active.cpe, now)
    return BasicLogin(shown) if challenge is None else DigestAnswers(*challenge, shown)
