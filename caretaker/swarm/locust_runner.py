"""What the master asks and tells Locust's runner: workers, users, failures beside our CPEs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

import gevent
from locust import input_events, main, runners
from locust.runners import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    WorkerNode,
    WorkerNodes,
)

from caretaker.errors import InputError
from caretaker.swarm.locust_stats import REQUEST_TYPES
from caretaker.swarm.user import CPEUser

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from locust.env import Environment

_log = logging.getLogger(__name__)

LOCAL = "local"
"""What Locust calls the one process of a local run."""
LAST_HEARTBEATS = 1
"""So many heartbeats may be missing before Locust takes a worker for missing, at two less."""


def forget_wall_clock() -> None:
    """
    Have a worker of Locust wait for its master without an end of Locust's.

    Locust counts 60 s by the wall clock, and the worker then ends as if all were well: also after
    its machine has slept or its clock was set. ``MasterWatch`` knows better.
    """
    runners.MASTER_HEARTBEAT_TIMEOUT = inf  # type: ignore[assignment]  # there is no option


def allow_fast_spawning(environment: Environment) -> None:
    """Leave out Locust's warning of more than 100 users a second, where all users are CPEs."""
    log = logging.getLogger(runners.__name__)
    if all(issubclass(kind, CPEUser) for kind in environment.user_classes):
        log.addFilter(_is_other_news)


def _is_other_news(record: logging.LogRecord) -> bool:
    return "spawn rate is very high" not in str(record.msg)


def forgive_lost_terminal() -> None:
    """Have Locust not fail when it gives the modes back to a terminal that is gone."""
    import termios  # noqa: PLC0415  # not there on Windows, which has no SIGHUP either

    give_back = input_events.UnixKeyPoller.cleanup

    def try_to_give_back(poller: input_events.UnixKeyPoller) -> None:
        with suppress(termios.error):
            give_back(poller)  # type: ignore[no-untyped-call]

    input_events.UnixKeyPoller.cleanup = try_to_give_back  # type: ignore[method-assign]


class _HeldBack(WorkerNodes):
    """Locust's nodes of workers, of which none is ready until it is time."""

    def __init__(self, nodes: WorkerNodes, is_time: Callable[[], bool]) -> None:
        super().__init__()
        self.update(nodes)
        self._is_time = is_time

    @property
    def ready(self) -> list[WorkerNode]:
        """Those that can begin a run."""
        return super().ready if self._is_time() else []


def add_key(key: str, action: Callable[[], None]) -> None:
    """Have Locust do something at a key as well, where it reads keys: in a terminal."""
    locust_main: Any = main  # which has imported it
    listen = locust_main.input_listener
    locust_main.input_listener = lambda actions: listen({**actions, key: action})


class LocustRunner:
    """
    The runner of a master, or of the one process of a local run.

    Args:
        environment: Locust's.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._runner: Any = environment.runner

    def workers(self) -> set[str]:
        """The workers that are there; the one process of a local run is ``LOCAL``."""
        clients: Any = getattr(self._runner, "clients", None)
        if clients is None:
            return {LOCAL}
        return {client.id for client in clients.all if client.state != "missing"}

    def host(self, worker: str) -> str:
        """The name of a worker's host, with which Locust's name of the worker begins."""
        return worker.rpartition("_")[0]

    def hold_back(self, is_time: Callable[[], bool]) -> None:
        """Have Locust, which begins a run when workers are ready, see none before a time."""
        clients: WorkerNodes | None = getattr(self._runner, "clients", None)
        if clients is not None:
            self._runner.clients = _HeldBack(clients, is_time)

    def label(self, worker: str) -> str:
        """A worker's index, and as much of Locust's name of it as its log can be searched for."""
        host, _, unique = worker.rpartition("_")
        return f"{self._runner.get_worker_index(worker)} ({host}_{unique[:4]})"

    def users_not_started(self) -> int:
        """How many users are still to be started, while Locust starts them."""
        runner = self._runner
        is_complete = getattr(runner, "spawning_completed", runner.state != STATE_SPAWNING)
        return 0 if is_complete else max(0, runner.target_user_count - runner.user_count)

    def check_starts(self, check: Callable[[int], None]) -> None:
        """
        Have Locust start no number of users that a check refuses: by key, shape or form.

        Args:
            check: of the number of all users; InputError if there can't be so many.
        """
        start = self._runner.start

        def start_checked(user_count: int, *arguments: Any, **named: Any) -> None:
            try:
                check(user_count)
            except InputError as error:
                _log.error("%s", error)  # no traceback for it
                return
            start(user_count, *arguments, **named)

        self._runner.start = start_checked

    def wanted_users(self) -> int:
        """How many users with CPEs the run should have by now; all, until Locust starts some."""
        kinds = {kind.__name__: kind for kind in self._environment.user_classes}
        by_class = self._runner.target_user_classes_count
        spawned = sum(n for name, n in by_class.items() if issubclass(kinds[name], CPEUser))
        return int(spawned if by_class else self._runner.target_user_count)

    def users_asked_for(self) -> int:
        """How many users with CPEs the workers have been asked to run by now."""
        dispatcher = getattr(self._runner, "_users_dispatcher", None)
        if dispatcher is None:
            return int(self._runner.target_user_count)
        kinds = {kind.__name__: kind for kind in self._environment.user_classes}
        return sum(
            number
            for by_class in dispatcher._users_on_workers.values()  # noqa: SLF001  # there is no other way
            for name, number in by_class.items()
            if issubclass(kinds[name], CPEUser)
        )

    def declare_missing(self, worker: str) -> None:
        """Have Locust move the users of a worker at its next heartbeat, as if it were silent."""
        clients: Any = getattr(self._runner, "clients", {})
        if worker in clients and clients[worker].state != STATE_MISSING:
            clients[worker].heartbeat = -1

    def keep_silent(self, dead: Collection[str]) -> bool:
        """
        Keep Locust from ending the test while all workers are silent.

        It ends it when none was heard of for 4 s, though they may only be frozen, or cut off
        (``findings/locust-silence-of-all-workers-ends-the-test.sh``).

        Args:
            dead: workers that will not come back.

        Returns:
            Whether there are workers, and all are silent.
        """
        clients: Any = getattr(self._runner, "clients", None)
        there = [
            client
            for client in (clients.all if clients is not None else ())
            if client.state != STATE_MISSING and client.id not in dead
        ]
        are_silent = bool(there) and all(each.heartbeat <= LAST_HEARTBEATS for each in there)
        for client in there if are_silent else ():
            client.heartbeat = LAST_HEARTBEATS
        return are_silent

    def begin_missed_dispatch(self) -> None:
        """
        Have Locust move the users of workers that have come or gone.

        It plans to, but begins it in the greenlet that reads what workers say (see
        ``FleetMasterRunner``), and not at all while it is moving others, which goes on for ever
        in its eyes (``findings/locust-second-late-worker-stays-idle.sh``).
        """
        if self._has_missed_dispatch():
            gevent.spawn(self._dispatch)

    def _has_missed_dispatch(self) -> bool:
        runner, dispatcher = self._runner, getattr(self._runner, "_users_dispatcher", None)
        is_idle = runner.state == STATE_RUNNING and getattr(runner, "spawning_completed", False)
        is_planned = dispatcher is not None and dispatcher._rebalance  # noqa: SLF001
        return is_idle and is_planned and runner.worker_count > 0

    def _dispatch(self) -> None:
        if self._has_missed_dispatch():  # else Locust has begun one itself
            self._runner.start(self._runner.target_user_count, self._runner.spawn_rate)

    def remember_missing(self) -> None:
        """
        Keep Locust from forgetting workers that are missing.

        When it forgets one, it begins a new dispatch of users from zero, so that all workers stop
        their users first.
        """
        clients: Any = getattr(self._runner, "clients", None)
        for client in clients.missing if clients is not None else ():
            client.heartbeat = max(client.heartbeat, -1)

    def has_left(self, worker: str) -> bool:
        """Whether a worker has said goodbye to Locust."""
        clients: Any = getattr(self._runner, "clients", None)
        return clients is not None and worker not in clients

    def other_failures(self) -> list[str]:
        """What went wrong outside of our CPEs: users of other classes, and bugs of either."""
        errors = [e for e in self._runner.errors.values() if e.method not in REQUEST_TYPES]
        requests = sum(error.occurrences for error in errors)
        bugs = sum(bug["count"] for bug in self._runner.exceptions.values())
        return [
            *([f"{requests} requests of other users failed"] if requests else []),
            *([f"{bugs} exceptions in users"] if bugs else []),
        ]
