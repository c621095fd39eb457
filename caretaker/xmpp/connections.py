"""
The connections of many clients, by a key each: who logs in when, who waits, who is kept alive.

One greenlet does all that is due; what comes over the connections is done by watchers of the loop.
"""

from __future__ import annotations

import heapq
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Protocol

import gevent
import gevent.event

from caretaker.http.resolver import Resolver
from caretaker.http.sockets import Target
from caretaker.xmpp.client_stream import ClientStream, LoginSettings
from caretaker.xmpp.connection import XMPPConnection
from caretaker.xmpp.logins import Logins
from caretaker.xmpp.stream_events import Answered, Bound, ConnectionRequest, Ended, EndKind, Event
from caretaker.xmpp.wanted import Wanted

LOGIN_SECONDS = 60.0
"""From connecting to a bound address; servers take their time when a fleet comes back."""
LATE_SECONDS = 10.0
"""Of a login that has not ended, after which its client counts as one that is not connected."""
CONFLICT_SECONDS = 300.0
"""Before a client comes back that another one with its address has pushed out."""
NOT_ANSWERED = "login not answered so far"
NO_TURN = "no turn to log in"
"""Of clients that wait for their login: the rate is limited, or no more are tried."""
_TICK = 0.05
"""Seconds between two looks at what is due while something is."""


@dataclass(frozen=True)
class ConnectionSettings:
    """
    How clients connect and log in.

    Args:
        login: what they prove their passwords with.
        tls: makes the context that verifies servers, when the first client connects.
        rate: logins a second.
        source: the local address of a client; empty for any.
        resolver: knows the addresses of servers.
    """

    login: LoginSettings
    tls: Callable[[], ssl.SSLContext]
    rate: float
    source: Callable[[int], str] = lambda _: ""
    resolver: Resolver = field(default_factory=Resolver)


class Listener(Protocol):
    """Takes what happens to the clients; its methods must not wait."""

    def bound(self, key: int, jid: str, *, is_secure: bool) -> None:
        """The client has logged in, inside of TLS or not, and has this address."""

    def ended(self, key: int, kind: EndKind, reason: str) -> None:
        """The client's connection is over, or could not be made."""

    def connection_request(self, key: int, request: ConnectionRequest) -> str | None:
        """Decide on a Connection Request: None accepts, else a condition of its error."""

    def answered(self, key: int, answer: Answered) -> None:
        """The answer to a request of the client has come."""


class _Client:
    """
    A client that is wanted.

    ``turn`` tells its present due time from older ones; ``attempts`` have failed since it was bound
    the last time.
    """

    __slots__ = ("attempts", "connection", "failures", "is_bound", "turn", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.connection: XMPPConnection | None = None
        self.is_bound = False
        self.failures = 0
        self.attempts = 0
        self.turn = 0


class XMPPConnections:
    """
    The connections of many clients.

    Args:
        settings: how they connect and log in.
        listener: takes what happens.
        clock: seconds, going forward.
        rng: of nonces and of waits.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        listener: Listener,
        *,
        clock: Callable[[], float],
        rng: Random,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What has happened, by the names of docs/summary.md."""
        self.logins = Logins(settings.rate, clock())
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._rng = rng
        self._clients: dict[int, _Client] = {}
        self._due: list[tuple[float, int, int, int]] = []  # time, order, key, turn
        self._waiting: dict[int, None] = {}
        """Who logs in next, in order."""
        self._failed: dict[int, str] = {}
        """Why the last login or connection of those that are not connected has failed."""
        self._logging_in: dict[int, float] = {}
        """Deadlines of the logins under way, the earliest first."""
        self._order = count()
        self._context: ssl.SSLContext | None = None
        self._wake = gevent.event.Event()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    @property
    def connected(self) -> int:
        """Clients that have a bound address now."""
        return self.counts["bound"] - self.counts["lost"] - self.counts["closed"]

    @property
    def clients(self) -> int:
        """Clients that are to be connected, with those that were given up."""
        return len(self._clients) + sum(key not in self._clients for key in self._failed)

    def not_connected(self) -> Counter[str]:
        """
        Why clients have no bound address, with their number: a failure, or no turn so far.

        Those that are just logging in, or are not to be there yet, are not among them.
        """
        reasons = Counter(self._failed.values())
        reasons[NO_TURN] += sum(key not in self._failed for key in self._waiting)
        late = self._clock() + LOGIN_SECONDS - LATE_SECONDS
        reasons[NOT_ANSWERED] += sum(
            deadline <= late and key not in self._failed
            for key, deadline in self._logging_in.items()
        )
        return +reasons

    def want(self, key: int, wanted: Wanted, at: float = 0.0) -> None:
        """Have a client connect from a time on; one that was wanted otherwise begins anew."""
        client = self._clients.get(key)
        if client is not None and client.wanted == wanted:
            return
        if client is not None:
            self.drop(key)
        client = self._clients[key] = _Client(wanted)
        self._plan(key, client, max(at, self._clock()))
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def drop(self, key: int) -> None:
        """Have a client no longer, and close its connection."""
        client = self._clients.pop(key, None)
        self._failed.pop(key, None)
        self._waiting.pop(key, None)
        if client is not None and client.connection is not None:
            self.counts["closed"] += client.is_bound
            self._left(key, client, is_refused=False)
            client.connection.close()

    def give_up(self, key: int, reason: str) -> None:
        """Have a client no longer, as it can't be connected for this reason."""
        self.drop(key)
        self.counts[f"failed.{reason}"] += 1
        self._failed[key] = reason

    def request(self, key: int, stanza: str) -> bool:
        """Send an iq of a client's; whether it is connected."""
        client = self._clients.get(key)
        if client is None or client.connection is None or not client.is_bound:
            return False
        client.connection.stream.request(stanza)
        client.connection.flush()
        return True

    def stop(self) -> None:
        """Close all connections."""
        for key in list(self._clients):
            self.drop(key)
        self._due.clear()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._greenlet = None

    # What is due.

    def _plan(self, key: int, client: _Client, at: float) -> None:
        client.turn += 1
        heapq.heappush(self._due, (at, next(self._order), key, client.turn))
        if self._due[0][2] == key:
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.clear()
            self._do_due(self._clock())
            self._wake.wait(self._seconds_to_wait())
            if self._waiting or self._logging_in:
                gevent.sleep(_TICK)

    def _seconds_to_wait(self) -> float | None:
        if self._waiting and not self.logins.is_stopped:
            return _TICK
        times = [self._due[0][0]] if self._due else []
        times += [next(iter(self._logging_in.values()))] if self._logging_in else []
        return min(1.0, max(0.0, min(times) - self._clock())) if times else None

    def _do_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, key, turn = heapq.heappop(self._due)
            client = self._clients.get(key)
            if client is not None and client.turn == turn:
                self._do(key, client, now)
        self._give_up(now)
        self._begin_logins(now)

    def _do(self, key: int, client: _Client, now: float) -> None:
        if client.connection is None:
            self._waiting[key] = None
        elif client.is_bound:
            client.connection.stream.keep_alive()
            client.connection.flush()
            self.counts["keep_alives"] += 1
            if client.is_bound:  # else that was the end of the connection
                self._plan(key, client, now + client.wanted.keep_alive)

    def _give_up(self, now: float) -> None:
        late = []
        for key, deadline in self._logging_in.items():
            if deadline > now:
                break
            late.append(key)
        for key in late:
            client = self._clients[key]
            assert client.connection is not None
            client.connection.fail("login timed out")

    def _begin_logins(self, now: float) -> None:
        for _ in range(min(self.logins.allowed(now), len(self._waiting))):
            key = next(iter(self._waiting))
            del self._waiting[key]
            client = self._clients[key]
            address = self._address(client)
            if address is None:
                self._waiting[key] = None  # behind the others
            else:
                self._connect(key, client, address, now)

    def _address(self, client: _Client) -> tuple[int, Any] | str | None:
        """The socket family and address to try next; why there is none; None: not known yet."""
        turn, reason = client.attempts // client.wanted.attempts, ""
        found: list[tuple[int, Any]] = []
        for host, port in client.wanted.servers:
            known = self._settings.resolver.look_up(host)
            if known.is_awaited:
                return None
            found += known.at(port)
            reason = reason or known.reason
            if turn < len(found):
                break
        return found[turn % len(found)] if found else reason

    def _connect(
        self, key: int, client: _Client, address: tuple[int, Any] | str, now: float
    ) -> None:
        self.logins.begin()
        self.counts["logins"] += 1
        wanted = client.wanted
        stream = ClientStream(
            wanted.account,
            self._settings.login,
            f"{self._rng.getrandbits(128):032x}",
            use_tls=wanted.use_tls,
        )
        client.connection = XMPPConnection(
            stream,
            self._tls_context(),
            wanted.account.domain,
            lambda _, event: self._event(key, client, event),
        )
        self._logging_in[key] = now + LOGIN_SECONDS
        if isinstance(address, str):
            client.connection.fail(address)
        else:
            client.connection.open(Target(*address, self._settings.source(key)))

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._settings.tls()
        return self._context

    # What happens.

    def _event(self, key: int, client: _Client, event: Event) -> None:
        connection = client.connection
        assert connection is not None
        if isinstance(event, ConnectionRequest):
            condition = self._listener.connection_request(key, event)
            connection.stream.answer(event, condition)
            self.counts["answered"] += 1
        elif isinstance(event, Bound):
            self._bound(key, client, event.jid)
        elif isinstance(event, Ended):
            self._ended(key, client, event)
        elif isinstance(event, Answered):
            self._listener.answered(key, event)

    def _bound(self, key: int, client: _Client, jid: str) -> None:
        self._logging_in.pop(key, None)
        self.logins.succeeded()
        client.is_bound, client.failures, client.attempts = True, 0, 0
        self._failed.pop(key, None)
        self.counts["bound"] += 1
        if client.wanted.keep_alive:
            self._plan(key, client, self._clock() + client.wanted.keep_alive)
        assert client.connection is not None
        self._listener.bound(key, jid, is_secure=client.connection.stream.is_secure)

    def _left(self, key: int, client: _Client, *, is_refused: bool) -> None:
        """Count a connection that is over."""
        assert client.connection is not None
        self.counts["stanzas"] += client.connection.stream.received
        if not client.is_bound:
            self._logging_in.pop(key, None)
            self.logins.failed(is_refused=is_refused)

    def _ended(self, key: int, client: _Client, event: Ended) -> None:
        is_refused = event.kind is EndKind.AUTHENTICATION
        self.counts["lost"] += client.is_bound
        client.attempts += not client.is_bound
        self._left(key, client, is_refused=is_refused)
        self.counts[f"failed.{event.reason}"] += 1
        self._failed[key] = event.reason
        client.connection, client.is_bound = None, False
        client.failures += 1
        client.turn += 1
        if not is_refused:  # the same credentials would be refused again
            wait = client.wanted.backoff.seconds(client.failures, self._rng.random())
            if event.kind is EndKind.CONFLICT:
                wait = max(wait, CONFLICT_SECONDS)
            self._plan(key, client, self._clock() + wait)
        self._listener.ended(key, event.kind, event.reason)
