"""The Locust user, which holds CPEs (decision D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from locust import User, constant, task

if TYPE_CHECKING:
    from caretaker.swarm.worker import Holding, Worker

_FOREVER = 1e9


class CPEUser(User):
    """
    Holds ``--cpes-per-user`` CPEs: starting it powers them on, stopping it powers them off.

    Its own greenlet only waits, in Locust's WAITING state, which a stop ends at once. The sessions
    of the CPEs are run by the worker's scheduler.
    """

    wait_time = constant(_FOREVER)
    worker: ClassVar[Worker]
    """The worker of this process, which ``install`` sets before Locust starts users."""

    holding: Holding | None = None
    """What it holds of the fleet; None before it has started."""

    def on_start(self) -> None:
        """Lease indices and power the CPEs on."""
        self.holding = self.worker.new_holding()
        self.worker.fill(self.holding)

    @task
    def hold(self) -> None:
        """Do nothing: the worker's scheduler runs the CPEs."""

    def on_stop(self) -> None:
        """Have the CPEs powered off and the indices given back."""
        if self.holding is not None:
            self.worker.release(self.holding)
