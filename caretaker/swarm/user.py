"""The Locust user, which holds CPEs (decision D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gevent.event import Event
from locust import User, constant, task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caretaker.swarm.worker import Worker

_FOREVER = 1e9


class CPEUser(User):
    """
    Holds ``--cpes-per-user`` CPEs: starting it powers them on, stopping it powers them off.

    Its own greenlet only waits, in Locust's WAITING state, which a stop ends at once. The sessions
    of the CPEs are run by the worker's scheduler.
    """

    wait_time = constant(_FOREVER)
    worker: ClassVar[Worker]
    """The worker of this process; ``install`` sets it before it sets ``installed``."""
    installed: ClassVar[Event] = Event()
    """Set when ``worker`` is there; in a worker that joins late, Locust may start users before."""

    cpes: Sequence[tuple[int, int]] = ()
    """The indices of its CPEs in the fleet, as half-open ranges."""

    def on_start(self) -> None:
        """Lease indices and power the CPEs on."""
        self.installed.wait()
        self.cpes = self.worker.lease_indices()
        self.worker.power_on(self.cpes)

    @task
    def hold(self) -> None:
        """Do nothing: the worker's scheduler runs the CPEs."""

    def on_stop(self) -> None:
        """Power the CPEs off and give the indices back."""
        self.worker.power_off(self.cpes)
        self.cpes = ()
