"""What the master does for ``--state``: whose file it is, who may write to it, who is told."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.index_set import Ranges
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.options import Settings, without_login
from caretaker.swarm.state_file import EMBEDDED_ACS
from caretaker.swarm.state_store import StateStore, fleet_facts
from caretaker.swarm.worker_messages import Message, StateKept, StateRecords, StoredCPEs


class FleetState:
    """
    The state of a fleet in its file.

    Args:
        store: the file.
        ledger: knows who has which CPEs.
        send: a message to a worker.
    """

    def __init__(
        self, store: StateStore, ledger: IndexLedger, send: Callable[[Message, str], None]
    ) -> None:
        self.store = store
        self._ledger = ledger
        self._send = send

    def agree(self, settings: Settings, users: int | None, host: str | None) -> None:
        """
        Check that the file is of the fleet of these settings.

        Args:
            settings: of the run.
            users: that it will have; None where nobody has said it.
            host: URL of the ACS; None for the embedded one, which has another port in each run.

        Raises:
            InputError: it is another fleet's.
        """
        acs = EMBEDDED_ACS if host is None else without_login(host)
        self.store.agree(fleet_facts(settings, users), acs)

    def keep(self, worker: str, message: StateRecords) -> None:
        """Keep the records of CPEs that the worker holds; who has lost its CPEs has old ones."""
        held = [each for each in message.records if self._ledger.holds(worker, each[0])]
        self.store.refuse(len(message.records) - len(held))
        self.store.put(held, lambda: self._send(StateKept(message.number), worker))

    def tell(self, worker: str, granted: Ranges) -> None:
        """Send a worker what the CPEs had that it is about to get."""
        for message in StoredCPEs.of(self.store.read(granted)):
            self._send(message, worker)
