"""
Asking the workers what only they know, like one CPE's parameters.

The master asks all of them and waits for those that answer in time: whoever does not is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, ClassVar, NamedTuple

from gevent.event import Event

from caretaker.swarm.worker_messages import WorkerAnswer, WorkerQuery

TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class DeviceListQuery:
    """
    Which CPEs are there: a page of their list.

    Args:
        serial: what their serial numbers begin with.
        state: one of ``cpe_states.STATES``; any if empty.
        start: the lowest index.
        limit: how many rows.
    """

    WHAT: ClassVar = "list"
    serial: str
    state: str
    start: int
    limit: int


@dataclass(frozen=True)
class DeviceQuery:
    """
    All of one CPE.

    Args:
        serial: its serial number.
        parameters: whether to answer its parameters, too.
        find: a part of the paths of these parameters.
    """

    WHAT: ClassVar = "device"
    serial: str
    parameters: bool
    find: str


class Answers(NamedTuple):
    """
    What came back.

    Args:
        given: each worker's answer, by its name.
        silent: those that did not answer in time.
    """

    given: Mapping[str, Any]
    silent: tuple[str, ...]


class _Waiter:
    def __init__(self, asked: Iterable[str]) -> None:
        self.open = set(asked)
        self.given: dict[str, Any] = {}
        self.done = Event()


class Queries:
    """
    Asks workers.

    Args:
        send: sends a query to a worker.
        workers: the names of those that are there.
        timeout: seconds that an answer may take.
    """

    def __init__(
        self,
        send: Callable[[WorkerQuery, str], object],
        workers: Callable[[], Iterable[str]],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._send = send
        self._workers = workers
        self._timeout = timeout
        self._numbers = count(1)
        self._waiters: dict[int, _Waiter] = {}

    def ask(self, query: DeviceListQuery | DeviceQuery) -> Answers:
        """Ask all workers, and wait for them."""
        number, waiter = next(self._numbers), _Waiter(self._workers())
        self._waiters[number] = waiter
        try:
            for worker in tuple(waiter.open):
                self._send(WorkerQuery(number, query.WHAT, asdict(query)), worker)
            if waiter.open:
                waiter.done.wait(self._timeout)
        finally:
            del self._waiters[number]
        return Answers(waiter.given, tuple(sorted(waiter.open)))

    def answered(self, worker: str, answer: WorkerAnswer) -> None:
        """An answer has come; it may be too late."""
        waiter = self._waiters.get(answer.id)
        if waiter is None or worker not in waiter.open:
            return
        waiter.open.discard(worker)
        waiter.given[worker] = answer.answer
        if not waiter.open:
            waiter.done.set()
