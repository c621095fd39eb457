"""
The plugin: what Locust's events do to the process as a whole, as a master, a worker or both.

Locust logs the exceptions of a listener and goes on, so the listeners here only translate. An
``InputError`` at the start ends the process with one line and exit code 2: Locust lets SystemExit
through.
"""

from __future__ import annotations

import argparse
import functools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gevent
from locust import argument_parser
from locust.runners import WORKER_REPORT_INTERVAL, LocalRunner, MasterRunner, WorkerRunner

from caretaker.errors import InputError
from caretaker.http.listener import raise_descriptors
from caretaker.profiles.loader import chosen
from caretaker.swarm.admission import FleetWorkerRunner, use_admission
from caretaker.swarm.command_line import after_parsing, check_together, name_nearest
from caretaker.swarm.consent import ask_first
from caretaker.swarm.damaged_parts import say_damaged
from caretaker.swarm.first_check import check_first
from caretaker.swarm.interrupts import Interrupts
from caretaker.swarm.locust_runner import LOCAL, allow_fast_spawning, forget_wall_clock
from caretaker.swarm.master import Master
from caretaker.swarm.master_role import MasterRole
from caretaker.swarm.options import Settings
from caretaker.swarm.other_users import prepare_users
from caretaker.swarm.parent_watch import ParentWatch
from caretaker.swarm.parsed_options import LocustOptions, RunStart, add_arguments
from caretaker.swarm.prompt_end import EXIT_CODE, PromptEnd
from caretaker.swarm.refusals import Refusals
from caretaker.swarm.stages import Stage, StagedUsers
from caretaker.swarm.start_signals import end_at_signals
from caretaker.swarm.terminal.run_output import RunOutput
from caretaker.swarm.tls_check import check_tls
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import Refusal
from caretaker.swarm.worker_role import WorkerRole

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


class _Hooks:
    """
    Makes this process a master, a worker or both, and passes on what concerns both.

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
        self._is_of_master = is_of_master
        self._master: MasterRole | None = None
        self._worker: WorkerRole | None = None
        options = LocustOptions.of(environment.parsed_options)  # type: ignore[arg-type]
        self._refusals = refusals = Refusals(runner, forks=bool(options.processes))
        settings = self._parse_settings()
        try:
            if settings.stages and not isinstance(runner, WorkerRunner):
                self._use_stages(settings.stages)
            if isinstance(runner, MasterRunner | LocalRunner):
                self._master = MasterRole(environment, runner, settings, refusals, output)
            if isinstance(runner, WorkerRunner | LocalRunner):
                self._worker = WorkerRole(environment, runner, settings, end)
        except InputError as error:
            refusals.refuse(error)
        if self._master is not None and self._worker is not None:
            gevent.spawn(self._report_locally, self._master.master, self._worker.worker)
        hooks: Any = environment.events
        hooks.test_start.add_listener(self._on_test_start)
        hooks.test_stopping.add_listener(self._on_test_stopping)
        hooks.quitting.add_listener(self._on_quitting)
        self._interrupts = Interrupts(self, end)
        if self._master is not None:
            self._master.add_pages()
        output.begin(environment)
        if self._master is not None:
            self._master.show(settings, self._interrupts.on_end_key)
        else:
            output.of_worker()
        if isinstance(runner, FleetWorkerRunner):
            runner.begin_to_listen()

    def _use_stages(self, stages: Sequence[Stage]) -> None:
        if self._environment.shape_class is not None:
            cure = "leave one of the two out"
            raise InputError(f"--stage: the locustfile has a shape of its own; {cure}")
        self._environment.shape_class = StagedUsers(stages)
        self._environment.shape_class.runner = self._runner

    def _parse_settings(self) -> Settings:
        return Settings.of(self._environment.parsed_options)  # type: ignore[arg-type]

    @staticmethod
    def _report_locally(master: Master, worker: Worker) -> None:
        """Pass reports from the worker to the master in a local run, where Locust sends none."""
        while True:
            gevent.sleep(WORKER_REPORT_INTERVAL)
            snapshot = worker.report()
            if snapshot is not None:
                master.run.reports.take(LOCAL, snapshot)

    # As a run that can be interrupted.

    def is_starting(self) -> bool:
        """Whether Locust waits for workers, to begin a run of which there is nothing yet."""
        return self._master is not None and self._master.is_starting

    def is_ended_by_master(self) -> bool:
        """Whether this is a worker in a run whose master has forked it."""
        is_forked = self._master is None and self._is_of_master
        return is_forked and self._worker is not None and self._worker.worker.is_in_run

    def leave_terminal(self) -> None:
        """Give the terminal back."""
        if self._master is not None:
            self._master.leave_terminal()

    def cut_short(self) -> None:
        """Note that the run has to end, though nobody has asked for it."""
        if self._master is not None:
            self._master.master.is_cut_short = True

    def stop_waiting(self) -> None:
        """Wait for nothing that is under way."""
        if self._master is not None:
            self._master.master.stop_waiting()
        if self._worker is not None:
            self._worker.worker.stop_waiting()

    # Locust's events.

    def _on_test_start(self, **_: Any) -> None:
        try:
            if self._master is not None:
                self._master.begin()
            if self._worker is not None:
                settings = self._master.master.settings if self._master else self._parse_settings()
                start = RunStart.of(self._environment.parsed_options)  # type: ignore[arg-type]
                self._worker.worker.begin(start, settings, self._stop_for)
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
        if self._master is None and self._worker is not None:
            self._worker.send(Refusal(str(error)))
        self._runner.greenlet.spawn(self._runner.stop)

    def _on_test_stopping(self, **_: Any) -> None:
        if self._master is not None:
            self._master.master.end()
        elif self._worker is not None:
            self._worker.drain()

    def _on_quitting(self, **_: Any) -> None:
        is_run = self._master is not None and self._master.has_begun
        self._interrupts.quit(is_waited_for=self._worker is not None or is_run)
        if self._master is not None:
            self._master.quit()
        elif self._worker is not None:
            self._worker.drain()
            self._environment.process_exit_code = 0
        if self._worker is not None:
            self._worker.leave_master()
        if self._end.has_begun:
            self._environment.process_exit_code = self._environment.process_exit_code or EXIT_CODE
