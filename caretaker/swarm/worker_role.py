"""This process as a worker: its CPEs, and what it tells its master."""

from __future__ import annotations

import gc
import socket
from typing import TYPE_CHECKING, Any

from locust.runners import WorkerRunner

from caretaker.swarm.acs_check import CheckPlace
from caretaker.swarm.first_check import failure
from caretaker.swarm.master_watch import MasterWatch
from caretaker.swarm.message_handlers import Handlers, handlers_of_worker, listen
from caretaker.swarm.options import Settings
from caretaker.swarm.prompt_end import PromptEnd
from caretaker.swarm.user import CPEUser
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import (
    REPORT_KEY,
    ACSCheck,
    ACSChecked,
    Drain,
    Drained,
    LeaseRenewed,
    Message,
    RunSecrets,
)

if TYPE_CHECKING:
    from locust.env import Environment


class WorkerRole:
    """
    Makes the worker of this process, and passes Locust's events and its master's messages to it.

    Args:
        environment: Locust's.
        runner: Locust's, of this process.
        settings: of the command line.
        end: how this process ends promptly, when its master is gone.

    Raises:
        InputError: as ``Worker`` does.
    """

    def __init__(
        self, environment: Environment, runner: Any, settings: Settings, end: PromptEnd
    ) -> None:
        self._environment = environment
        self._runner = runner
        self.worker = CPEUser.worker = Worker(environment, settings)
        self._check_place = CheckPlace(settings)
        self._master_watch: MasterWatch | None = None
        own: Handlers = {
            RunSecrets: self._on_secrets,
            ACSCheck: self._on_acs_check,
            LeaseRenewed: self._on_renewed,
            Drain: self._on_drain,
        }
        listen(runner, {**handlers_of_worker(self.worker), **own})
        self.worker.start()
        if isinstance(runner, WorkerRunner):
            self._master_watch = MasterWatch(runner.master_host, runner.master_port, end.begin)
        hooks: Any = environment.events
        hooks.spawning_complete.add_listener(self._on_spawning_complete)
        hooks.report_to_master.add_listener(self._on_report_to_master)

    def drain(self) -> None:
        """End the run, and tell the master how it went."""
        self.send(Drained(self.worker.drain()))

    def send(self, message: Message) -> None:
        """Send a message to the master."""
        self._runner.send_message(message.NAME, message.to_wire())

    def leave_master(self) -> None:
        """Look for the master no more, as this process ends."""
        if self._master_watch is not None:
            self._master_watch.stop()

    # Locust's events.

    def _on_spawning_complete(self, **_: Any) -> None:
        # Profiles and CPEs live as long as the run. A full collection would examine all of them,
        # and stop the loop for longer the larger the fleet is.
        gc.freeze()

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        snapshot = self.worker.report()
        if snapshot is not None:
            data[REPORT_KEY] = snapshot.to_wire()

    # Messages of the master.

    def _on_secrets(self, _: str, secrets: RunSecrets) -> None:
        vars(self._environment.parsed_options).update(secrets.values)

    def _on_acs_check(self, _: str, check: ACSCheck) -> None:
        outcome = self._check_place.run(check)
        code, line = outcome.exit_code, outcome.line
        line = failure(socket.gethostname(), outcome) if code else line
        self.send(ACSChecked(code, line))
        if code:
            self._runner.end(line, code)

    def _on_renewed(self, _: str, answer: LeaseRenewed) -> None:
        if self._master_watch is not None:
            self._master_watch.heard()
        self.worker.renewed(answer)

    def _on_drain(self, _: str, drain: Drain) -> None:
        if not drain.waits:
            self.worker.stop_waiting()
        self.drain()
