"""The checks of the ACS from all hosts of workers, one after the other, before they have CPEs."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from caretaker.closed_output import say
from caretaker.swarm.acs_check import acs_check
from caretaker.swarm.first_check import is_due, reason_against
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.worker_messages import ACSCheck

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


class HostChecks:
    """
    From which hosts the ACS has worked; workers of others get no CPEs.

    The CPE of the check is the same everywhere, so no two hosts check at once.

    Args:
        check: what each host checks; None where none does.
        send: sends it to a worker.
        host_of: the host of a worker.
        row: the index of the checked device in the fleet; None if it is of no fleet.
        held: hosts that have checked before.
    """

    def __init__(
        self,
        check: ACSCheck | None,
        send: Callable[[ACSCheck, str], None],
        host_of: Callable[[str], str],
        row: int | None = None,
        held: Iterable[str] = (),
    ) -> None:
        self._check = check
        self._send = send
        self._host_of = host_of
        self._row = row
        self._held = set(held)
        self._failed: set[str] = set()
        self._asked: str | None = None

    @classmethod
    def of_run(
        cls,
        environment: Environment,
        settings: Settings,
        send: Callable[[ACSCheck, str], None],
        host_of: Callable[[str], str],
    ) -> Self:
        """Those of a run that the command line starts; forked workers are on a host that has."""
        given: Any = environment.parsed_options
        options, devices, check = LocustOptions.of(given), settings.devices, None
        if options.master and is_due(given) and not reason_against(settings, options):
            check = acs_check(settings, str(environment.host), by_workers=True)
        row = None if devices is None else len(devices.devices) - 1
        held = [socket.gethostname()] if options.processes else []
        return cls(check, send, host_of, row, held)

    def limited(self, cpes: int) -> int:
        """How many of so many CPEs there may be now: the one of a check is not online twice."""
        return cpes if self._asked is None or self._row is None else min(cpes, self._row)

    def has_held(self, worker: str) -> bool:
        """Whether the ACS works from the host of a worker, as far as it is checked."""
        return self._check is None or self._host_of(worker) in self._held

    def look(self, present: set[str], leased: int) -> None:
        """
        Have a worker of the next host check, unless another one does.

        Args:
            present: the workers that are there.
            leased: how many indices of the fleet have been leased so far, lowest first.
        """
        if self._asked not in present:
            self._asked = None
        self._failed &= present
        waiting = sorted(name for name in present - self._failed if not self.has_held(name))
        if self._check is None or self._asked is not None or not waiting:
            return
        if self._row is not None and leased > self._row:
            host = self._host_of(waiting[0])
            _log.warning("Host %s is not checked: all of --devices are in the fleet", host)
            self._held.add(host)
            return
        self._asked = waiting[0]
        say(f"host {self._host_of(self._asked)} checks whether the ACS works")
        self._send(self._check, self._asked)

    def checked(self, worker: str, *, holds: bool) -> None:
        """A worker has said how its check ended; one that failed ends."""
        if worker == self._asked:
            self._asked = None
        if holds:
            host = self._host_of(worker)
            say(f"host {host}: check held")
            self._held.add(host)
        else:
            self._failed.add(worker)
