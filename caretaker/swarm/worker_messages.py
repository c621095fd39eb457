"""
The custom messages between Locust's master and its workers.

Each is a class; its fields are the keys on the wire. Locust's own reports of workers carry a
``WorkerSnapshot`` besides.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, Self

from caretaker.index_set import Ranges
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.state_file import StoredCPE

MAX_RECORD_BYTES = 1024 * 1024
"""A message takes no more records of CPEs when it has so many bytes of them."""
REPORT_KEY = "caretaker"
"""Where a snapshot stands in the report that Locust's workers send every 3 s."""


class WorkerProcess(NamedTuple):
    """
    A process by which the master knows whether it has forked it.

    Args:
        host: the name of its machine.
        pid: its process id there.
        parent: that of the process that has started it.
    """

    host: str
    pid: int
    parent: int

    @classmethod
    def own(cls) -> Self:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), os.getppid())


@dataclass(frozen=True)
class Message:
    """A message, by the fields of its subclass."""

    NAME: ClassVar[str]
    """What Locust calls it."""

    def to_wire(self) -> dict[str, Any] | None:
        """As plain data."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        return cls(**wire)


@dataclass(frozen=True)
class CRServerAddress(Message):
    """
    Worker to master, before it leases indices: where a router reaches it.

    Args:
        url: of its Connection Request server.
    """

    NAME: ClassVar = "caretaker_cr_server"
    url: str


@dataclass(frozen=True)
class LeaseRenewal(Message):
    """
    Worker to master: it is there, may lack indices, and may give some back.

    A renewal is sent again, with a new ``sent``, until it is answered; the master acts on it once.

    Args:
        sent: when, by the worker's clock; the answer repeats it.
        term: how often the worker has begun anew, without any index.
        lease: what the master calls the worker's lease; 0 while it has not told.
        number: of the renewal within its term, from 1.
        want: how many indices the worker lacks.
        returned: those that it gives back.
        process: the process that the worker is.
    """

    NAME: ClassVar = "caretaker_renewal"
    sent: float
    term: int
    lease: int
    number: int
    want: int
    returned: Ranges
    process: WorkerProcess

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        typed = {
            "returned": _ranges(wire["returned"]),
            "process": WorkerProcess(*wire["process"]),
        }
        return cls(**{**wire, **typed})


@dataclass(frozen=True)
class LeaseRenewed(Message):
    """
    Master to worker: the answer to a renewal.

    Args:
        sent: as in the renewal.
        term: as in the renewal.
        number: as in the renewal.
        lease: what the master calls the worker's lease.
        still_yours: whether the worker still has the indices of its lease. If not, others may have
            them by now.
        seconds: how long after ``sent`` the worker may use them.
        granted: the indices that it gets, which may be fewer than it wants.
        total: how many CPEs the whole fleet has.
    """

    NAME: ClassVar = "caretaker_renewed"
    sent: float
    term: int
    number: int
    lease: int
    still_yours: bool
    seconds: float
    granted: Ranges
    total: int

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        return cls(**{**wire, "granted": _ranges(wire["granted"])})


@dataclass(frozen=True)
class StateRecords(Message):
    """
    Worker to master: the state of CPEs that have changed.

    Args:
        number: of the message, which ``StateKept`` repeats.
        records: the index of each CPE, and the bytes of its ``PersistentState``.
    """

    NAME: ClassVar = "caretaker_state"
    number: int
    records: list[tuple[int, bytes]]

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        return cls(wire["number"], [(index, record) for index, record in wire["records"]])


@dataclass(frozen=True)
class StateKept(Message):
    """Master to worker: the records of the ``StateRecords`` of this number are in the file."""

    NAME: ClassVar = "caretaker_state_kept"
    number: int


@dataclass(frozen=True)
class StoredCPEs(Message):
    """Master to worker: the CPEs with a state among those of the next ``LeaseRenewed``, or some."""

    NAME: ClassVar = "caretaker_stored"
    cpes: list[StoredCPE]

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        return cls([StoredCPE(*each) for each in wire["cpes"]])

    @classmethod
    def of(cls, cpes: Iterable[StoredCPE]) -> Iterator[Self]:
        """The messages for so many CPEs."""
        part: list[StoredCPE] = []
        size = 0
        for each in cpes:
            part.append(each)
            size += len(each.record)
            if size >= MAX_RECORD_BYTES:
                yield cls(part)
                part, size = [], 0
        if part:
            yield cls(part)


@dataclass(frozen=True)
class RunSecrets(Message):
    """
    Master to worker, before the start of a run that Locust sends: its secret options.

    Args:
        values: by their names in Locust's namespace, where the worker puts them.
    """

    NAME: ClassVar = "caretaker_secrets"
    values: Mapping[str, str | None] = field(repr=False)


@dataclass(frozen=True)
class ACSCheck(Message):
    """
    Master to a worker, which has no CPEs yet: check from its host whether the ACS works.

    Args:
        arguments: of ``caretaker check``, beside those that each host has of its own.
        device: the CPE, as a list of one device in CSV; empty for a CPE of the check's own.
        acs_password: towards the ACS; None for that of the device.
    """

    NAME: ClassVar = "caretaker_check"
    arguments: list[str]
    device: str = field(repr=False)
    acs_password: str | None = field(repr=False)


@dataclass(frozen=True)
class ACSChecked(Message):
    """
    Worker to master: its host has checked.

    Args:
        exit_code: of the check; 0 if the ACS works.
        line: what the check has said.
    """

    NAME: ClassVar = "caretaker_checked"
    exit_code: int
    line: str


@dataclass(frozen=True)
class ProfilePartRequest(Message):
    """
    Worker to master: it lacks a file of a profile.

    Args:
        digest: SHA-256 of the content of the file.
        offset: in bytes, where the part that it asks for begins.
    """

    NAME: ClassVar = "caretaker_profile_part_request"
    digest: str
    offset: int


@dataclass(frozen=True)
class ProfilePart(Message):
    """
    Master to worker: a part of a file of a profile.

    Args:
        digest: as in the request.
        offset: as in the request.
        data: the bytes from there on.
    """

    NAME: ClassVar = "caretaker_profile_part"
    digest: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class WorkerWaits(Message):
    """
    Worker to master: it is late.

    Args:
        what: the worker does, like ``reads profile router.csv (90,000 parameters)``.
    """

    NAME: ClassVar = "caretaker_waits"
    what: str


@dataclass(frozen=True)
class FleetAction(Message):
    """
    Master to workers: do something to the fleet.

    Args:
        name: of the action (``caretaker.scenarios.actions.ACTIONS``).
        arguments: of the action, checked and converted.
        nth: number of the action in this run.
    """

    NAME: ClassVar = "caretaker_act"
    name: str
    arguments: dict[str, Any]
    nth: int


@dataclass(frozen=True)
class WorkerQuery(Message):
    """
    Master to a worker: the Fleet page wants to know something of its CPEs.

    Args:
        id: number of the query, which the answer repeats.
        what: the kind of query (``caretaker.swarm.web.queries``).
        details: the fields of the query; on the wire they stand beside ``id`` and ``what``.
    """

    NAME: ClassVar = "caretaker_query"
    id: int
    what: str
    details: Mapping[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        return {"id": self.id, "what": self.what, **self.details}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What ``to_wire`` made."""
        details = dict(wire)
        return cls(details.pop("id"), details.pop("what"), details)


@dataclass(frozen=True)
class WorkerAnswer(Message):
    """
    Worker to master: the answer to a query.

    Args:
        id: of the query.
        answer: plain data for the page; None if there is nothing to answer.
    """

    NAME: ClassVar = "caretaker_answer"
    id: int
    answer: Any


@dataclass(frozen=True)
class Drain(Message):
    """
    Master to workers: end the run; begin nothing more.

    Args:
        waits: whether what is under way has its time to end.
    """

    NAME: ClassVar = "caretaker_drain"
    waits: bool


@dataclass(frozen=True)
class Drained(Message):
    """
    Worker to master: all has ended.

    Args:
        snapshot: the last one; None if there was no run.
    """

    NAME: ClassVar = "caretaker_drained"
    snapshot: WorkerSnapshot | None

    def to_wire(self) -> dict[str, Any] | None:
        """As plain data: that of the snapshot."""
        return None if self.snapshot is None else self.snapshot.to_wire()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any] | None) -> Self:
        """What ``to_wire`` made."""
        return cls(None if wire is None else WorkerSnapshot.from_wire(wire))


@dataclass(frozen=True)
class Refusal(Message):
    """Worker to master: it can't take part, and why."""

    NAME: ClassVar = "caretaker_refused"
    reason: str


def _ranges(wire: Any) -> Ranges:
    return [(start, stop) for start, stop in wire]
