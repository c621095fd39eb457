"""This process as a master: its runs, its pages, and what its terminal shows."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locust.runners import LocalRunner

from caretaker.closed_output import say
from caretaker.http.browser_guard import BrowserGuard, machine_names
from caretaker.http.gevent_loop import Loop
from caretaker.run_token import RunToken
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.admission import FleetMasterRunner
from caretaker.swarm.fleet_memory import check_fleet
from caretaker.swarm.host_limits import HostLimits, plan_of, warnings
from caretaker.swarm.locust_runner import add_key
from caretaker.swarm.master import Master
from caretaker.swarm.message_handlers import Handlers, handlers_of_master, listen
from caretaker.swarm.open_ports import joining_lines, server_lines
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions, take_run_token
from caretaker.swarm.refusals import Refusals
from caretaker.swarm.terminal.live_view import LiveView, live_view
from caretaker.swarm.terminal.run_output import RunOutput
from caretaker.swarm.web.forms import check_forms
from caretaker.swarm.web.guard import guard
from caretaker.swarm.web.prometheus import metrics_app, serve_metrics
from caretaker.swarm.web.routes import add_pages
from caretaker.swarm.web.run_state import RunStates
from caretaker.swarm.worker_messages import (
    REPORT_KEY,
    ACSChecked,
    Drained,
    LeaseRenewal,
    Refusal,
)

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


class MasterRole:
    """
    Makes the master of this process, and passes Locust's events and messages of workers to it.

    Args:
        environment: Locust's.
        runner: Locust's, of this process.
        settings: of the command line.
        refusals: end this process where a run can't begin.
        output: where the output of this process goes.

    Raises:
        InputError: as ``Master`` does, or the fleet is too large for this machine.
    """

    def __init__(
        self,
        environment: Environment,
        runner: Any,
        settings: Settings,
        refusals: Refusals,
        output: RunOutput,
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._refusals = refusals
        self._output = output
        self._view: LiveView | None = None
        self._is_made = False
        # Workers may refuse while the master is still busy with starting the ACS.
        early: Handlers = {
            Refusal: self._on_refused,
            Drained: self._on_drained,
            LeaseRenewal: self._on_renewal,
        }
        listen(runner, early)
        options = self._locust_options()
        if options.begins_at_once:
            check_fleet(runner, options, settings, has_acs=not environment.host)
        self.master = Master(environment, settings, self._token(), output.summary)
        self._is_made = True
        self._states = RunStates(self.master)
        self._metrics = metrics_app(self._states.now)
        if settings.metrics_port:
            metrics = _browser_guard(settings.metrics_host, settings).app(self._metrics)
            serve_metrics(settings.metrics_host, settings.metrics_port, metrics, Loop())
        for line in server_lines(options, settings, web_ui=environment.web_ui is not None):
            say(line)
        for line in joining_lines(options, self.master.token):
            say(line)
        own: Handlers = {ACSChecked: self._on_acs_checked}
        listen(runner, {**handlers_of_master(self.master), **own})
        hooks: Any = environment.events
        hooks.worker_connect.add_listener(self._on_worker_connect)
        hooks.worker_report.add_listener(self._on_worker_report)
        hooks.quit.add_listener(self._on_quit)

    @property
    def has_begun(self) -> bool:
        """Whether there is a run, or was one."""
        return self.master.run.number > 0

    @property
    def is_starting(self) -> bool:
        """Whether Locust waits for workers, to begin a run of which there is nothing yet."""
        return not self.has_begun and self._locust_options().begins_at_once

    def add_pages(self) -> None:
        """Add our pages to Locust's web UI, if there is one."""
        web_ui: Any = self._environment.web_ui
        if web_ui is None:
            return
        guard(web_ui.app, _browser_guard(self._locust_options().web_host, self.master.settings))
        check_forms(self._environment, self.master)
        add_pages(self._environment, self.master, self._states, self._metrics)

    def show(self, settings: Settings, on_end_key: Callable[[], None]) -> None:
        """Show the runs in the terminal from now on, until ``leave_terminal``."""
        self._view = live_view(self.master, self._states, settings, self._output)
        atexit.register(self._view.close)
        add_key("q", on_end_key)

    def leave_terminal(self) -> None:
        """Give the terminal back."""
        if self._view is not None:
            self._view.close()

    def begin(self) -> None:
        """
        Begin a run, as Locust's test starts.

        Raises:
            InputError: it can't begin.
        """
        self.master.begin()
        self._warn_of_limits(self.master.settings)

    def quit(self) -> None:
        """End the run, and all output, as Locust quits."""
        self.master.end()
        self.master.stop_watching()
        self._environment.process_exit_code = self._refusals.exit_code or self.master.exit_code()
        self.leave_terminal()
        self._output.end()

    def _locust_options(self) -> LocustOptions:
        return LocustOptions.of(self._environment.parsed_options)  # type: ignore[arg-type]

    def _token(self) -> RunToken:
        if isinstance(self._runner, FleetMasterRunner):
            return self._runner.admissions.token
        return take_run_token(self._environment.parsed_options)

    def _warn_of_limits(self, settings: Settings) -> None:
        """Warn of limits of this machine that the run exceeds, if all workers are on it."""
        options = self._locust_options()
        if not isinstance(self._runner, LocalRunner) and not options.processes:
            return
        users = self._runner.target_user_count or options.num_users or 0
        rate = getattr(self._runner, "spawn_rate", 0) or options.spawn_rate or 0
        plan = plan_of(settings, self._environment.host or "", users, rate, options.workers)
        for text in warnings(plan, HostLimits.here()):
            _log.warning("This machine may be too small: %s (docs/limits.md)", text)

    # Locust's events.

    def _on_worker_connect(self, client_id: str, **_: Any) -> None:
        self.master.tell_secrets(client_id)

    def _on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if REPORT_KEY in data:
            self.master.run.reports.take(client_id, WorkerSnapshot.from_wire(data[REPORT_KEY]))

    def _on_quit(self, **_: Any) -> None:
        self.master.say_goodbye()

    # Messages of workers.

    def _on_renewal(self, worker: str, renewal: LeaseRenewal) -> None:
        if self._is_made:  # else the worker asks again
            self.master.renew(worker, renewal)

    def _on_drained(self, worker: str, drained: Drained) -> None:
        if self._is_made:  # else bad input: the workers end with this process
            self.master.drained(worker, drained.snapshot)

    def _on_refused(self, worker: str, refusal: Refusal) -> None:
        options = self._locust_options()
        if self._is_made and (self.has_begun or options.waits_for_others):
            self.master.refused(worker, refusal.reason)
        else:
            self._refusals.refused_by(worker, refusal.reason)

    def _on_acs_checked(self, worker: str, said: ACSChecked) -> None:
        self.master.checks.checked(worker, holds=not said.exit_code)
        if not said.exit_code:
            return
        if self.has_begun:
            self.master.refused(worker, said.line)
        else:
            self._refusals.end(said.line, said.exit_code)


def _browser_guard(bound: str, settings: Settings) -> BrowserGuard:
    """The guard of a server of the master that is bound to this address."""
    return BrowserGuard({bound, *machine_names(), *settings.web_allow_hosts}, "--web-allow-host")
