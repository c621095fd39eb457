"""
The I/O engine in gevent's loop: exchanges of many connections in one call (decision 0042).

The engine is a C extension for Linux, there where a wheel was compiled. Without it greenlets do
all, with the same outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ETIMEDOUT
from time import monotonic
from types import ModuleType
from typing import Any, Final, Literal

import gevent

from caretaker.c_parts import ENGINE, c_part
from caretaker.errors import AnswerTimeout, ConnectionLost, TransportError
from caretaker.http.connect_errors import connect_error, lost_error
from caretaker.http.sockets import Target, deadline_period

DONE: Final = 0
ANSWER: Final = 1
DETACHED: Final = 2
FAILED: Final = 3

CONNECTING: Final = 0
SENDING: Final = 1
RECEIVING: Final = 2
ANSWERED: Final = 3

Done = tuple[Literal[0], int, float, float, bytes | None, float, float]
"""
The last answer was empty, and the connection is closed.

All events begin as this one: kind, token, when it began to connect or ``post`` was called, when its
request had been written (0: it has not), the known body after which the following request was sent
(None: it was not), when that body was received (0), and when the event happened.
"""
Answer = tuple[
    Literal[1], int, float, float, bytes | None, float, float, int, bytes, bytes, bytes | None
]  # fmt: skip
"""
An answer; the connection is open, for ``post``. Then: status, head without the empty line, body,
and as in all that follow the head of the known answer whose cookies were sent back (None: none).

The head is the same object for the same bytes, as far as the engine keeps heads.
"""
Detached = tuple[
    Literal[2], int, float, float, bytes | None, float, float, int, int, bytes, bytes, bytes | None
]  # fmt: skip
"""
The engine does not go on with a connection, and its socket is the caller's from now on.

Then: stage, descriptor, what is left of the request to be sent, what was received of the answer.
"""
Failed = tuple[
    Literal[3], int, float, float, bytes | None, float, float, int, int, int, bytes | None
]  # fmt: skip
"""
A connection was lost, or never made, and is closed.

Then: stage, errno, how many bytes of the answer were received. The errno is 0 where the server has
closed, ETIMEDOUT after a deadline, and ECANCELED for what would have been sent after ``until``.
"""
Progress = tuple[float, bytes | None, float, bytes | None]
"""
When the request had been written, the known body, when that was received, and its head if its
cookies were sent back, as in events.
"""
Event = Done | Answer | Detached | Failed

MAX_KNOWN = 64
"""Bodies that are known; the C extension has as many."""
MOST_EVENTS = 32
"""Of one turn of the loop; others have their turn after that."""
_MOST_ADDRESSES = 10_000
"""That are kept as the engine takes them."""


def engine_module() -> ModuleType | None:
    """The C extension; None where there is none."""
    return c_part(ENGINE)


class IOEngine:
    """
    An engine whose events are handled in gevent's loop.

    It must be made after the last fork, as its descriptors are of one process.

    Args:
        module: the C extension.
        most: connections at once.
        timeout: seconds for each request and its answer; it ends late as ``Deadlines`` has it.
        handle: called with events in the loop itself; it must not wait.
        clock: CLOCK_MONOTONIC; by it deadlines pass.

    Raises:
        OSError: the system has no descriptors left.
    """

    __slots__ = (
        "_addresses", "_clock", "_engine", "_handle", "_module", "_period", "_timer", "_watcher",
        "known",
    )  # fmt: skip

    def __init__(
        self,
        module: ModuleType,
        *,
        most: int,
        timeout: float,
        handle: Callable[[list[Event]], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._module: Any = module
        self._engine: Any = module.Engine(most, timeout)
        self.known: dict[bytes, None] = {}
        """The bodies of ``know``; of these the engine has the newest."""
        self._handle = handle
        self._clock = clock
        self._period = deadline_period(timeout)
        self._timer: Any = None
        self._addresses: dict[tuple[Any, ...], bytes] = {}
        # The timer keeps the loop running while there are connections.
        self._watcher: Any = gevent.get_hub().loop.io(self._engine.descriptor, 1, ref=False)
        self._watcher.start(self._turn)

    @property
    def active(self) -> int:
        """How many connections there are."""
        count: int = self._engine.active
        return count

    def set_until(self, until: float) -> None:
        """Send no request after this time, on CLOCK_MONOTONIC."""
        self._engine.until = until

    def begin(
        self, token: int, target: Target, request: bytes, following: bytes | None, deadline: float
    ) -> None:
        """As ``prepare``, and ``flush``."""
        self.prepare(token, target, request, following, deadline)
        self.flush()

    def flush(self) -> None:
        """
        Begin all connections that were prepared.

        The system connects many at once faster: its code stays in the caches of the processor, and
        a server on this machine is woken once.
        """
        self._engine.flush()

    def prepare(
        self, token: int, target: Target, request: bytes, following: bytes | None, deadline: float
    ) -> None:
        """
        Have ``flush`` connect, and send a request. Failures are events, too.

        Args:
            token: names the connection until its last event, or until it is dropped.
            target: of the connection.
            request: head and body.
            following: the request that is sent by itself after an answer with status 200 and a
                known body, without content coding, and without cookies but those of
                ``know_cookies``, which it has then; an empty answer to it ends the connection.
                None: any answer is an event.
            deadline: for connecting, on CLOCK_MONOTONIC; then the request has the timeout.

        Raises:
            ValueError: the token has a connection already, or there are too many.
        """
        address = self._addresses.get(target.address) or self._pack(target.address)
        source = b""
        if target.source:
            local = target.source, 0
            source = self._addresses.get(local) or self._pack(local)
        self._engine.begin(token, address, source, request, following, deadline)
        if self._timer is None:
            self._timer = gevent.get_hub().loop.timer(self._period, self._period)
            self._timer.start(self._check)

    def _pack(self, address: tuple[Any, ...]) -> bytes:
        """An address as the engine takes it, kept for others."""
        if len(self._addresses) >= _MOST_ADDRESSES:
            self._addresses.clear()
        host, port, _, scope = (*address, 0, 0)[:4]
        packed: bytes = self._module.socket_address(host.partition("%")[0], port, scope)
        self._addresses[address] = packed
        return packed

    def post(self, token: int, request: bytes, following: bytes | None, *, ends: bool) -> None:
        """
        Send the next request over a connection, after the event of its answer.

        Args:
            token: of the connection.
            request: head and body.
            following: as for ``begin``.
            ends: whether an empty answer ends the connection.

        Raises:
            KeyError: the token has no connection.
            ValueError: an answer is awaited on it.
        """
        self._engine.post(token, request, following, ends)

    def know(self, body: bytes) -> bool:
        """
        Send the following request after an answer with this body; the newest 64 bodies are known.

        Returns:
            Whether it is known now; one of more than 4 KiB is not.
        """
        known: bool = self._engine.know(body)
        if known:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[body] = None
        return known

    def know_cookies(self, head: bytes, sent: bytes, at: int) -> bool:
        """
        Send cookies with the following request that have the names and attributes of these.

        The newest 16 such kinds are known.

        Args:
            head: of an answer that sets cookies, without the empty line.
            sent: the numbers of its cookies that are sent back, in order.
            at: where in any following request the Cookie header begins.

        Returns:
            Whether they are known now; those of no usual form, and more than 8, are not.
        """
        known: bool = self._engine.know_cookies(head + b"\r\n\r\n", sent, at)
        return known

    def drop(self, token: int, *, reset: bool) -> None:
        """
        Close a connection, without an event.

        Args:
            token: of the connection.
            reset: whether nothing of it may be sent any more, as for a CPE without power.

        Raises:
            KeyError: the token has no connection.
        """
        self._engine.drop(token, reset)

    def progress(self, token: int) -> Progress | None:
        """How far a connection is, before an event tells it; None if there is no such one."""
        progress: Progress | None = self._engine.progress(token)
        return progress

    def detach(self, token: int) -> Detached | None:
        """
        Take a connection out of the engine; None if it has failed, and its event is to come.

        Raises:
            KeyError: the token has no connection.
        """
        detached: Detached | None = self._engine.detach(token)
        return detached

    def close(self) -> None:
        """Close all connections, without events."""
        self._watcher.stop()
        self._watcher.close()
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self._engine.close()

    def _turn(self) -> None:
        events = self._engine.turn(MOST_EVENTS)
        if events:
            self._handle(events)

    def _check(self) -> None:
        if self._engine.active:
            self._engine.expire(self._clock())
        else:
            self._timer.close()
            self._timer = None


def connection_error(stage: int, number: int, received: int) -> TransportError:
    """The error of a connection that was not made, or is lost, as ``Failed`` has it."""
    if stage == CONNECTING:
        return connect_error(TimeoutError() if number == ETIMEDOUT else OSError(number, "connect"))
    if number == ETIMEDOUT:
        return AnswerTimeout("no answer in time")
    if number:
        return lost_error(OSError(number, "lost"))
    if received:
        return ConnectionLost("connection closed in the middle of an answer")
    return ConnectionLost("connection closed without an answer")
