"""The Locust user: a holder of CPEs (decision D2)."""

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

    Its own greenlet only waits, in Locust's WAITING state, where a stop reaches it at once; what
    the CPEs do is run by the worker's scheduler.
    """

    wait_time = constant(_FOREVER)
    worker: ClassVar[Worker]
    """The worker of this process; ``install`` sets it, and then ``installed``."""
    installed: ClassVar[Event] = Event()
    """Locust may start users of a worker that joins late before it tells us that it is there."""

    cpes: Sequence[tuple[int, int]] = ()
    """The indices of its CPEs, as half-open ranges."""

    def on_start(self) -> None:
        """Lease indices and power the CPEs on."""
        self.installed.wait()
        self.cpes = self.worker.lease_indices()
        self.worker.power_on(self.cpes)

    @task
    def hold(self) -> None:
        """Nothing: CPEs act when they are due."""

    def on_stop(self) -> None:
        """Power the CPEs off and give the indices back."""
        self.worker.power_off(self.cpes)
        self.cpes = ()
