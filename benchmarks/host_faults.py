"""What can happen to one host of a fleet, and what becomes of its CPEs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.host_fleet import HostFleet, Machine
from benchmarks.witness import SessionEvent


class Fault(NamedTuple):
    """
    A fault of a worker's host.

    Args:
        begin: strikes the host.
        end: undoes it; nothing does if the host is gone.
    """

    begin: Callable[[HostFleet, Machine], None]
    end: Callable[[HostFleet, Machine], None] | None = None


def _freeze(_: HostFleet, worker: Machine) -> None:
    worker.signal(signal.SIGSTOP)


def _thaw(_: HostFleet, worker: Machine) -> None:
    worker.signal(signal.SIGCONT)


def _cut_from(fleet: HostFleet, worker: Machine) -> None:
    fleet.network.cut(worker.host, None)


def _cut_to(fleet: HostFleet, worker: Machine) -> None:
    fleet.network.cut(None, worker.host)


def _cut(fleet: HostFleet, worker: Machine) -> None:
    _cut_from(fleet, worker)
    _cut_to(fleet, worker)


def _cut_from_master(fleet: HostFleet, worker: Machine) -> None:
    fleet.network.cut(worker.host, fleet.master.host)
    fleet.network.cut(fleet.master.host, worker.host)


def _heal(fleet: HostFleet, _: Machine) -> None:
    fleet.network.heal()


FAULTS = {
    "kill": Fault(lambda _, worker: worker.kill()),
    "freeze": Fault(_freeze, _thaw),
    "cut": Fault(_cut, _heal),
    "cut, what it sends": Fault(_cut_from, _heal),
    "cut, what it gets": Fault(_cut_to, _heal),
    "cut off from the master": Fault(_cut_from_master, _heal),
}
"""The faults by their names."""


class Strike:
    """
    A fault that has struck a worker.

    Args:
        fleet: of the worker.
        worker: that is struck now.
        fault: what strikes it.
    """

    def __init__(self, fleet: HostFleet, worker: Machine, fault: Fault) -> None:
        self._fleet, self._worker, self._fault = fleet, worker, fault
        self.at = time.time()
        """When it struck."""
        self.cpes = fleet.cpes_of(worker, self.at)
        """The serial numbers of the CPEs of the worker."""
        fault.begin(fleet, worker)

    def boots(self) -> dict[str, SessionEvent]:
        """The first Inform of each of these CPEs that came with ``1 BOOT``."""
        return self._after("1 BOOT")

    def called(self) -> dict[str, SessionEvent]:
        """... with ``6 CONNECTION REQUEST``, after it had moved."""
        boots = self.boots()
        found = self._after("6 CONNECTION REQUEST")
        return {serial: event for serial, event in found.items()
                if serial in boots and event.at > boots[serial].at}  # fmt: skip

    def _after(self, code: str) -> dict[str, SessionEvent]:
        first = self._fleet.witness.first_informs(self.at, code)
        return {serial: event for serial, event in first.items() if serial in self.cpes}

    def wait_until_moved(self) -> None:
        """Wait until others have powered on all of these CPEs."""
        self._fleet.wait_until(lambda: self.boots().keys() == self.cpes)

    def end(self) -> float:
        """Undo the fault; returns when that was."""
        assert self._fault.end is not None
        now = time.time()
        self._fault.end(self._fleet, self._worker)
        return now
