"""
A worker's side of ``--state``: sends the records of CPEs that have changed to the master.

A record is sent when the CPE is in no session, as one has many changes, and some are taken back at
its end. A CPE that has been in sessions at two looks, as at a slow ACS, is sent as if its power
were cut in this one, and once more after it. A record is sent at the latest when the CPE leaves
this worker. A few messages may wait for the master's word that their records are kept; meanwhile
further changes only mark their CPEs, so that a slow disk costs no memory here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import gevent

from caretaker.device.cpe import CPE
from caretaker.device.persistent_state import state_of
from caretaker.engine.loop_budget import LoopBudget
from caretaker.swarm.worker_messages import MAX_RECORD_BYTES, StateRecords

SEND_SECONDS = 1.0
"""How often the records of CPEs that have changed are sent; so much a lost worker loses."""
MAX_UNANSWERED = 4
"""Messages that wait for the master's word."""
ANSWER_SECONDS = 30.0
"""After so long without the master's word the records of a message are sent again."""
TURN_SHARE = 0.2
"""Of each turn of the loop, for making records."""


class CPEs(Protocol):
    """The CPEs of a worker, by index."""

    def __contains__(self, index: object, /) -> bool:
        """Whether there is a CPE of this index."""

    def get(self, index: int, /) -> CPE | None:
        """The CPE of an index; None if there is none."""


class StateSender:
    """
    Sends the state of one run's CPEs.

    Args:
        cpes: those of the worker, by index.
        unsaved: the indices of those that have changed; they are taken out.
        send: a message to the master.
        clock: seconds, going forward.
    """

    def __init__(
        self,
        cpes: CPEs,
        unsaved: set[int],
        send: Callable[[StateRecords], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cpes = cpes
        self._unsaved = unsaved
        self._send = send
        self._clock = clock
        self._batch: dict[int, bytes] = {}
        self._size = 0
        self._number = 0
        self._put_off: set[int] = set()
        """Those that have changed, and were in a session at the last look."""
        self._within: set[int] = set()
        """Those that were sent within a session, and not yet after it."""
        self._unanswered: dict[int, tuple[float, dict[int, bytes]]] = {}
        self._loop_budget = LoopBudget(TURN_SHARE)

    def run(self) -> None:
        """Send what has changed, once a second, until the greenlet is killed."""
        while True:
            gevent.sleep(SEND_SECONDS)
            self.send_changes()

    def send_changes(self) -> None:
        """Send the records of CPEs that have changed; one in a session waits for one look more."""
        self._repeat()
        self._unsaved |= {index for index in self._within if not self._is_in_session(index)}
        self._within -= self._unsaved
        before, self._put_off = self._put_off, set()
        for index in list(self._unsaved):
            if len(self._unanswered) >= MAX_UNANSWERED:
                break
            self._loop_budget.wait()
            is_in_session = self._is_in_session(index)
            if is_in_session and index not in before:
                self._put_off.add(index)
                continue
            self.add(index)
            if is_in_session:
                self._within.add(index)
        self.send()

    def _is_in_session(self, index: int) -> bool:
        cpe = self._cpes.get(index)
        return cpe is not None and cpe.in_session

    def end(self) -> None:
        """Send the records of all CPEs that have changed, also of those in a session."""
        for index in list(self._unsaved):
            self._loop_budget.wait()
            self.add(index)
        self.send()
        self._loop_budget.stop()

    def add(self, index: int) -> None:
        """Put the record of a CPE, if it has changed, into the next message; it may go away now."""
        cpe = self._cpes.get(index)
        if index not in self._unsaved:
            return
        self._unsaved.discard(index)
        if cpe is not None:
            record = self._batch[index] = state_of(cpe).to_bytes()
            self._size += len(record)
        if self._size >= MAX_RECORD_BYTES:
            self.send()

    def send(self) -> None:
        """Send what was put into the next message."""
        if self._batch:
            batch, self._batch, self._size = self._batch, {}, 0
            self._number += 1
            self._unanswered[self._number] = self._clock(), batch
            self._send(StateRecords(self._number, list(batch.items())))

    def kept(self, number: int) -> None:
        """The master says that the records of this message are in the file."""
        self._unanswered.pop(number, None)

    def _repeat(self) -> None:
        """Send what the master may not have got: the present state of a CPE that is still here."""
        now = self._clock()
        late = [n for n, (at, _) in self._unanswered.items() if now - at > ANSWER_SECONDS]
        for number in late:
            _, records = self._unanswered.pop(number)
            self._unsaved |= {index for index in records if index in self._cpes}
            left = {index: record for index, record in records.items() if index not in self._cpes}
            self._batch = {**left, **self._batch}
            self._size += sum(map(len, left.values()))
