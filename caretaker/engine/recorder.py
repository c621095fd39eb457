"""
Keeps whole sessions in files: those that failed, and a sample of the others.

While a session runs, its transport keeps references to the bytes of its exchanges. Whether the
session is written is decided when it has ended (decision 0023). Sessions are masked and written in
a thread, one after the other, so the loop never waits for a disk. docs/recordings.md shows the
files.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent.queue import Queue
from gevent.threadpool import ThreadPool

from caretaker.device.cpe import CPE
from caretaker.engine.open_transport import OpenTransport
from caretaker.engine.recorded_session import RecordedExchange, RecordedSession, write
from caretaker.errors import TransportError
from caretaker.http.connection import Connection
from caretaker.http.response_parser import Response
from caretaker.http.transport import HTTPTransport, Transport
from caretaker.stats.records import SessionRecord
from caretaker.stats.results import Results

_log = logging.getLogger(__name__)

PER_REASON = 20
"""How many failed sessions one worker keeps for each reason."""
PER_SECOND = 10
"""How many sessions of the sample one worker keeps in a second: files cost more than sessions."""
MAX_BYTES = 64 * 1024 * 1024
"""How many bytes of messages one worker keeps in a run."""
MAX_SESSION_BYTES = 4 * 1024 * 1024
"""A session with more bytes of messages is not kept, and from there on not remembered."""


class TransportWithExchanges(Transport, Protocol):
    """A transport that remembers its exchanges."""

    exchanges: list[RecordedExchange]


class RecordingTransport(HTTPTransport):
    """
    Remembers each HTTP exchange of a session, also those with a challenge or a redirect.

    Args:
        arguments, settings: as for ``HTTPTransport``.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        # Not by super(): mypyc would pass the tuple and the dict as two arguments.
        HTTPTransport.__init__(self, *arguments, **settings)
        self.exchanges: list[RecordedExchange] = []
        self._size = 0
        self._sent = b""
        self._used: Connection | None = None
        self._connections = 0

    def _head(self, body: bytes) -> bytes:
        self._sent = super()._head(body)
        return self._sent

    def _send(self, body: bytes) -> Response:
        at, self._sent = self._endpoint.clock(), b""
        try:
            response = super()._send(body)
        except TransportError as error:
            self._remember(at, body if self._sent else b"", None, str(error))
            raise
        self._remember(at, body, response)
        return response

    def _remember(
        self, at: float, body: bytes, response: Response | None, failure: str = ""
    ) -> None:
        if self._connection not in (None, self._used):
            self._used = self._connection
            self._connections += 1
        number = self._connections if self._sent else 0
        exchange = RecordedExchange(at, number, self._sent, body, response, failure=failure)
        if self._size <= MAX_SESSION_BYTES:
            self.exchanges.append(exchange)
            self._size += exchange.size


class Recorder:
    """
    Keeps sessions of one worker's run.

    The sample depends only on the fleet's seed, the CPE's index and the number of its session on
    this worker.

    Args:
        folder: takes a folder for each session.
        rate: which part of the sessions that succeeded is kept, from 0 to 1.
        name: of this worker and run, and no other's; the names of the folders begin with it.
        save: writes a session into the folder, in a thread.

    Raises:
        OSError: the folder does not exist and can't be made.
    """

    def __init__(
        self,
        folder: Path,
        rate: float,
        name: str,
        save: Callable[[RecordedSession, Path, str], None] = write,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._rate = rate
        self._name = name
        self._save = save
        self._open: dict[int, TransportWithExchanges] = {}
        self._numbers: Counter[int] = Counter()
        self._bytes = 0
        self._failed: Counter[str] = Counter()
        self._sampled: Counter[int] = Counter()  # by second
        self._left_out: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._waiting = 0
        self._works = True
        self._closed = False
        self._queue: Queue[RecordedSession | None] = Queue()
        self._pool = ThreadPool(1)
        self._writer = gevent.spawn(self._write)

    def wrap(self, open_transport: Callable[[CPE, float], TransportWithExchanges]) -> OpenTransport:
        """The same function, but the recorder keeps each transport until its session has ended."""

        def open_and_keep(cpe: CPE, now: float) -> Transport:
            transport = self._open[cpe.index] = open_transport(cpe, now)
            return transport

        return open_and_keep

    def session(self, cpe: CPE, record: SessionRecord) -> None:
        """Take a session that has ended, and keep it or not. Does not wait."""
        transport = self._open.pop(cpe.index, None)
        self._numbers[cpe.index] += 1
        if transport is None or not transport.exchanges or not self._works or self._closed:
            return  # no exchange: an outage of a scenario, or an early power cut
        number = self._numbers[cpe.index]
        is_kept = (
            self._reason_has_room(record.reason)
            if record.reason
            else self._is_sampled(cpe, number) and self._second_has_room(record.started)
        )
        if is_kept:
            self._keep(_session(cpe, number, record, transport.exchanges))

    def _is_sampled(self, cpe: CPE, number: int) -> bool:
        return cpe.context.identities.fraction(cpe.index, f"record {number}") < self._rate

    def _reason_has_room(self, reason: str) -> bool:
        self._failed[reason] += 1
        if self._failed[reason] <= PER_REASON:
            return True
        self._leave_out(reason, f"{PER_REASON} sessions are kept that failed by: {reason}")
        return False

    def _second_has_room(self, started: float) -> bool:
        self._sampled[int(started)] += 1
        if self._sampled[int(started)] <= PER_SECOND:
            return True
        self._leave_out("second", f"{PER_SECOND} sessions a second are kept as the sample")
        return False

    def _keep(self, session: RecordedSession) -> None:
        if self._has_room(session):
            self._bytes += session.size
            self._waiting += 1
            self._queue.put(session)

    def _has_room(self, session: RecordedSession) -> bool:
        if session.size > MAX_SESSION_BYTES:
            self._leave_out("size", f"a session has more than {MAX_SESSION_BYTES >> 20} MB")
            return False
        if self._bytes + session.size > MAX_BYTES:
            self._leave_out("bytes", f"{MAX_BYTES >> 20} MB are kept")
            return False
        return True

    def _leave_out(self, kind: str, why: str) -> None:
        """Count a session that is not kept; the first of each kind is logged."""
        if not self._left_out[kind]:
            _log.warning("--record: %s; more of these are only counted", why)
        self._left_out[kind] += 1

    # Writing.

    def _write(self) -> None:
        for session in iter(self._queue.get, None):
            kind = "sampled" if session.record.reason is None else "failed"
            problem = self._pool.apply(self._try_save, (session,)) if self._works else "as before"
            self._waiting -= 1
            self._written["unwritten" if problem else kind] += 1
            if problem and self._works:
                self._works = False
                _log.warning("--record: %s; the run goes on, and keeps no more sessions", problem)

    def _try_save(self, session: RecordedSession) -> str:
        """Save a session; returns why that failed, nothing if it did not. Runs in the thread."""
        try:
            self._save(session, self._folder, self._name)
        except OSError as error:
            return f"{self._folder}: {error.strerror}"
        except Exception as error:  # noqa: BLE001  # no recording is worth a run
            return f"a bug of Caretaker, {type(error).__name__}: {error}"
        return ""

    def close(self, seconds: float) -> None:
        """Keep no more sessions, and wait so many seconds until those that are kept are written."""
        self._closed = True
        self._open.clear()
        self._queue.put(None)
        self._writer.join(seconds)
        self._works = False
        if self._writer.dead:
            self._pool.kill()

    def book(self, results: Results) -> None:
        """Add how many sessions have been written so far; those in the queue count as unwritten."""
        results.count("recordings.sampled", self._written["sampled"])
        results.count("recordings.failed", self._written["failed"])
        results.count("recordings.left_out", self._left_out.total())
        results.count("recordings.unwritten", self._written["unwritten"] + self._waiting)


def _session(
    cpe: CPE, number: int, record: SessionRecord, exchanges: Sequence[RecordedExchange]
) -> RecordedSession:
    began = record.started + cpe.context.wall_offset
    url = cpe.context.acs_url
    return RecordedSession(
        cpe.serial_number, number, cpe.profile.name, url, began, record, tuple(exchanges)
    )
