"""
The plugin: listeners for Locust's events, and what messages do to the process as a whole.

Locust logs the exceptions of a listener and goes on, so the listeners here only translate. An
``InputError`` at the start ends the process with one line and exit code 2: Locust lets SystemExit
through.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import gc
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gevent
from locust import argument_parser
from locust.runners import (
    WORKER_REPORT_INTERVAL,
    LocalRunner,
    MasterRunner,
    WorkerRunner,
)

from caretaker.closed_output import say
from caretaker.errors import InputError
from caretaker.http.browser_guard import BrowserGuard, machine_names
from caretaker.http.gevent_loop import Loop
from caretaker.http.listener import raise_descriptors
from caretaker.profiles.loader import chosen
from caretaker.run_token import RunToken
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.acs_check import CheckPlace
from caretaker.swarm.admission import FleetMasterRunner, FleetWorkerRunner, use_admission
from caretaker.swarm.command_line import after_parsing, check_together, name_nearest
from caretaker.swarm.consent import ask_first
from caretaker.swarm.damaged_parts import say_damaged
from caretaker.swarm.first_check import check_first, failure
from caretaker.swarm.fleet_memory import check_fleet
from caretaker.swarm.host_limits import HostLimits, plan_of, warnings
from caretaker.swarm.interrupts import Interrupts
from caretaker.swarm.locust_runner import (
    LOCAL,
    add_key,
    allow_fast_spawning,
    forget_wall_clock,
)
from caretaker.swarm.master import Master
from caretaker.swarm.master_watch import MasterWatch
from caretaker.swarm.message_handlers import (
    Handlers,
    handlers_of_master,
    handlers_of_worker,
    listen,
)
from caretaker.swarm.open_ports import joining_lines, server_lines
from caretaker.swarm.options import Settings
from caretaker.swarm.other_users import prepare_users
from caretaker.swarm.parent_watch import ParentWatch
from caretaker.swarm.parsed_options import (
    LocustOptions,
    RunStart,
    add_arguments,
    take_run_token,
)
from caretaker.swarm.prompt_end import EXIT_CODE, PromptEnd
from caretaker.swarm.refusals import Refusals
from caretaker.swarm.stages import Stage, StagedUsers
from caretaker.swarm.start_signals import end_at_signals
from caretaker.swarm.terminal.live_view import LiveView, live_view
from caretaker.swarm.terminal.run_output import RunOutput
from caretaker.swarm.tls_check import check_tls
from caretaker.swarm.user import CPEUser
from caretaker.swarm.web.forms import check_forms
from caretaker.swarm.web.guard import guard
from caretaker.swarm.web.prometheus import metrics_app, serve_metrics
from caretaker.swarm.web.routes import add_pages
from caretaker.swarm.web.run_state import RunStates
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import (
    REPORT_KEY,
    ACSCheck,
    ACSChecked,
    Drain,
    Drained,
    LeaseRenewal,
    LeaseRenewed,
    Message,
    Refusal,
    RunSecrets,
)

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.event import Events

_log = logging.getLogger(__name__)


def install(events: Events) -> None:
    """
    Connect ``CPEUser`` to Locust: options, master, worker, and pages of the web UI.

    A locustfile calls it once.

    Args:
        events: ``locust.events``.
    """
    end = PromptEnd()
    parent = ParentWatch(end)
    output = RunOutput()
    is_of_master = False

    def note_role(options: argparse.Namespace) -> None:
        nonlocal is_of_master  # Locust makes workers of the processes that it forks
        is_of_master = bool(options.processes) and not options.worker

    def on_init(environment: Environment, runner: Any, **_: Any) -> None:
        parent.watch_starter()
        _cache_default_options()
        forget_wall_clock()
        raise_descriptors()
        prepare_users(environment)
        allow_fast_spawning(environment)
        _Hooks(environment, runner, end, output, is_of_master=is_of_master)

    is_command_line = True  # what Locust's first parser reads

    def on_parser(parser: Any, **_: Any) -> None:
        nonlocal is_command_line
        add_arguments(parser)
        if is_command_line:
            is_command_line = False
            name_nearest(parser)
            checked = functools.partial(check_together, parser)
            steps = (
                note_role,
                output.choose,
                checked,
                say_damaged,
                check_tls,
                ask_first,
                check_first,
            )
            after_parsing(parser, *steps)

    chosen(())  # the built-in profiles: workers that are forked find them read
    end_at_signals()
    use_admission()
    events.init_command_line_parser.add_listener(on_parser)  # type: ignore[no-untyped-call]
    events.init.add_listener(on_init)  # type: ignore[no-untyped-call]


def _cache_default_options() -> None:
    """
    Make Locust parse its own defaults only once (decision 0017).

    A worker parses them for every option of every message to spawn users, of which a ramp sends
    one per second. Each takes 0.3 s, in which no session, Connection Request or heartbeat goes on.
    """
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


def _browser_guard(bound: str, settings: Settings) -> BrowserGuard:
    """The guard of a server of the master that is bound to this address."""
    return BrowserGuard({bound, *machine_names(), *settings.web_allow_hosts}, "--web-allow-host")


class _Hooks:
    """
    Makes this process a master, a worker or both, and passes events and messages to them.

    Args:
        environment: Locust's.
        runner: Locust's, of this process.
        end: how this process ends promptly.
        output: where its output goes.
        is_of_master: whether this is a master that forks workers, or one of these.
    """

    def __init__(
        self,
        environment: Environment,
        runner: Any,
        end: PromptEnd,
        output: RunOutput,
        *,
        is_of_master: bool,
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._end = end
        self._output = output
        self._is_of_master = is_of_master
        self._view: LiveView | None = None
        self._master_watch: MasterWatch | None = None
        self._master: Master | None = None
        self._worker: Worker | None = None
        self._refusals = Refusals(runner, forks=bool(self._locust_options().processes))
        settings = self._parse_settings()
        try:
            if settings.stages and not isinstance(runner, WorkerRunner):
                self._use_stages(settings.stages)
            if isinstance(runner, MasterRunner | LocalRunner):
                self._become_master(settings)
            if isinstance(runner, WorkerRunner | LocalRunner):
                self._become_worker(settings)
        except InputError as error:
            self._refusals.refuse(error)
        hooks = environment.events
        for hook, listener in (
            (hooks.test_start, self._on_test_start),
            (hooks.spawning_complete, self._on_spawning_complete),
            (hooks.test_stopping, self._on_test_stopping),
            (hooks.worker_connect, self._on_worker_connect),
            (hooks.quitting, self._on_quitting),
            (hooks.quit, self._on_quit),
            (hooks.report_to_master, self._on_report_to_master),
            (hooks.worker_report, self._on_worker_report),
        ):
            hook.add_listener(listener)  # type: ignore[no-untyped-call]
        self._interrupts = Interrupts(self, end)
        if environment.web_ui is not None:
            self._add_pages()
        self._begin_output(settings)
        if isinstance(runner, FleetWorkerRunner):
            runner.begin_to_listen()

    def _begin_output(self, settings: Settings) -> None:
        self._output.begin(self._environment)
        if self._master is None:
            self._output.of_worker()
            return
        self._view = live_view(self._master, self._run_states, settings, self._output)
        atexit.register(self._view.close)
        add_key("q", self._interrupts.on_end_key)

    def leave_terminal(self) -> None:
        if self._view is not None:
            self._view.close()

    def _use_stages(self, stages: Sequence[Stage]) -> None:
        if self._environment.shape_class is not None:
            cure = "leave one of the two out"
            raise InputError(f"--stage: the locustfile has a shape of its own; {cure}")
        self._environment.shape_class = StagedUsers(stages)
        self._environment.shape_class.runner = self._runner

    def _add_pages(self) -> None:
        assert self._master is not None  # only masters have a web UI
        web_ui: Any = self._environment.web_ui
        guard(web_ui.app, _browser_guard(self._locust_options().web_host, self._master.settings))
        check_forms(self._environment, self._master)
        add_pages(self._environment, self._master, self._run_states, self._metrics)

    def cut_short(self) -> None:
        """Note that the run has to end, though nobody has asked for it."""
        if self._master is not None:
            self._master.is_cut_short = True

    def stop_waiting(self) -> None:
        """Wait for nothing that is under way."""
        for part in (self._master, self._worker):
            if part is not None:
                part.stop_waiting()

    def is_starting(self) -> bool:
        """Whether Locust waits for workers, to begin a run of which there is nothing yet."""
        begins = self._locust_options().begins_at_once
        return self._master is not None and self._master.run.number == 0 and begins

    def is_ended_by_master(self) -> bool:
        """Whether this is a worker in a run whose master has forked it."""
        is_forked = self._master is None and self._is_of_master
        return is_forked and self._worker is not None and self._worker.is_in_run

    def _locust_options(self) -> LocustOptions:
        return LocustOptions.of(self._environment.parsed_options)  # type: ignore[arg-type]

    def _parse_settings(self) -> Settings:
        return Settings.of(self._environment.parsed_options)  # type: ignore[arg-type]

    def _become_master(self, settings: Settings) -> None:
        # Workers may refuse while the master is still busy with starting the ACS.
        early: Handlers = {
            Refusal: self._on_refused,
            Drained: self._on_drained,
            LeaseRenewal: self._on_renewal,
        }
        listen(self._runner, early)
        options = self._locust_options()
        if options.begins_at_once:
            check_fleet(self._runner, options, settings, has_acs=not self._environment.host)
        self._master = Master(self._environment, settings, self._token(), self._output.summary)
        self._run_states = RunStates(self._master)
        self._metrics = metrics_app(self._run_states.now)
        if settings.metrics_port:
            metrics = _browser_guard(settings.metrics_host, settings).app(self._metrics)
            serve_metrics(settings.metrics_host, settings.metrics_port, metrics, Loop())
        has_web_ui = self._environment.web_ui is not None
        for line in server_lines(options, settings, web_ui=has_web_ui):
            say(line)
        for line in joining_lines(options, self._master.token):
            say(line)
        own: Handlers = {ACSChecked: self._on_acs_checked}
        listen(self._runner, {**handlers_of_master(self._master), **own})

    def _token(self) -> RunToken:
        if isinstance(self._runner, FleetMasterRunner):
            return self._runner.admissions.token
        return take_run_token(self._environment.parsed_options)

    def _become_worker(self, settings: Settings) -> None:
        self._worker = CPEUser.worker = Worker(self._environment, settings)
        self._check_place = CheckPlace(settings)
        own: Handlers = {
            RunSecrets: self._on_secrets,
            ACSCheck: self._on_acs_check,
            LeaseRenewed: self._on_renewed,
            Drain: self._on_drain,
        }
        listen(self._runner, {**handlers_of_worker(self._worker), **own})
        self._worker.start()
        if isinstance(self._runner, WorkerRunner):
            at = self._runner.master_host, self._runner.master_port
            self._master_watch = MasterWatch(*at, self._end.begin)
        if isinstance(self._runner, LocalRunner):
            gevent.spawn(self._report_locally)

    # Locust's events.

    def _on_test_start(self, **_: Any) -> None:
        try:
            if self._master is not None:
                self._master.begin()
                self._warn_of_limits(self._master.settings)
            if self._worker is not None:
                settings = self._master.settings if self._master else self._parse_settings()
                start = RunStart.of(self._environment.parsed_options)  # type: ignore[arg-type]
                self._worker.begin(start, settings, self._stop_for)
        except InputError as error:
            self._stop_for(error)
            if self._master is not None:
                # Ends Locust's start, which would go on to send users to workers without a run.
                raise gevent.GreenletExit from error

    def _stop_for(self, error: InputError) -> None:
        """Stop Locust's test, as the run can't start."""
        if self.is_starting():
            self._refusals.end(str(error))
            return
        _log.error("The run can't start: %s", error)  # no traceback for it
        if self._master is None:
            self._send(Refusal(str(error)))
        self._runner.greenlet.spawn(self._runner.stop)

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

    def _on_spawning_complete(self, **_: Any) -> None:
        if self._worker is not None:
            # Profiles and CPEs live as long as the run. A full collection would examine all of
            # them, and stop the loop for longer the larger the fleet is.
            gc.freeze()

    def _on_worker_connect(self, client_id: str, **_: Any) -> None:
        if self._master is not None:
            self._master.tell_secrets(client_id)

    def _on_test_stopping(self, **_: Any) -> None:
        if self._master is not None:
            self._master.end()
        elif self._worker is not None:
            self._drain()

    def _on_quitting(self, **_: Any) -> None:
        is_run = self._master is not None and self._master.run.number > 0
        self._interrupts.quit(is_waited_for=self._worker is not None or is_run)
        if self._master is not None:
            self._master.end()
            self._master.stop_watching()
            self._environment.process_exit_code = (
                self._refusals.exit_code or self._master.exit_code()
            )
            self.leave_terminal()
            self._output.end()
        elif self._worker is not None:
            self._drain()
            self._environment.process_exit_code = 0
        if self._master_watch is not None:
            self._master_watch.stop()
        if self._end.has_begun:
            self._environment.process_exit_code = self._environment.process_exit_code or EXIT_CODE

    def _on_quit(self, **_: Any) -> None:
        if self._master is not None:
            self._master.say_goodbye()

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        snapshot = self._worker.report() if self._worker is not None else None
        if snapshot is not None:
            data[REPORT_KEY] = snapshot.to_wire()

    def _on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self._master is not None and REPORT_KEY in data:
            self._master.run.reports.take(client_id, WorkerSnapshot.from_wire(data[REPORT_KEY]))

    def _report_locally(self) -> None:
        """Pass reports from the worker to the master in a local run, where Locust sends none."""
        while self._master is not None and self._worker is not None:
            gevent.sleep(WORKER_REPORT_INTERVAL)
            snapshot = self._worker.report()
            if snapshot is not None:
                self._master.run.reports.take(LOCAL, snapshot)

    # Messages between master and workers.

    def _on_renewal(self, worker: str, renewal: LeaseRenewal) -> None:
        if self._master is not None:  # else the worker asks again
            self._master.renew(worker, renewal)

    def _on_drained(self, worker: str, drained: Drained) -> None:
        if self._master is not None:  # else bad input: the workers end with this process
            self._master.drained(worker, drained.snapshot)

    def _on_refused(self, worker: str, refusal: Refusal) -> None:
        options = self._locust_options()
        if self._master is not None and (self._master.run.number or options.waits_for_others):
            self._master.refused(worker, refusal.reason)
        else:
            self._refusals.refused_by(worker, refusal.reason)

    def _on_acs_check(self, _: str, check: ACSCheck) -> None:
        outcome = self._check_place.run(check)
        code, line = outcome.exit_code, outcome.line
        line = failure(socket.gethostname(), outcome) if code else line
        self._send(ACSChecked(code, line))
        if code:
            self._runner.end(line, code)

    def _on_acs_checked(self, worker: str, said: ACSChecked) -> None:
        assert self._master is not None
        self._master.checks.checked(worker, holds=not said.exit_code)
        if not said.exit_code:
            return
        if self._master.run.number:
            self._master.refused(worker, said.line)
        else:
            self._refusals.end(said.line, said.exit_code)

    def _on_secrets(self, _: str, secrets: RunSecrets) -> None:
        vars(self._environment.parsed_options).update(secrets.values)

    def _on_renewed(self, _: str, answer: LeaseRenewed) -> None:
        assert self._worker is not None
        if self._master_watch is not None:
            self._master_watch.heard()
        self._worker.renewed(answer)

    def _on_drain(self, _: str, drain: Drain) -> None:
        assert self._worker is not None
        if not drain.waits:
            self._worker.stop_waiting()
        self._drain()

    def _drain(self) -> None:
        assert self._worker is not None
        self._send(Drained(self._worker.drain()))

    def _send(self, message: Message) -> None:
        self._runner.send_message(message.NAME, message.to_wire())
