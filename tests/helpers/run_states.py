"""Masters that have heard of workers which do not exist."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from caretaker.reporting.summary_types import Summary
from caretaker.run_token import RunToken
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.master import Master
from caretaker.swarm.options import Settings
from helpers.ends import at_end
from helpers.snapshots import worker_snapshot
from helpers.summaries import results


class FakeRunner:
    """Locust's; keeps what is sent."""

    state = "ready"
    target_user_count = 4

    def __init__(self) -> None:
        self.target_user_classes_count: dict[str, int] = {}
        self.sent: list[tuple[str, Any]] = []
        self.errors: dict[str, Any] = {}
        self.exceptions: dict[str, Any] = {}
        self.ends: list[str] = []
        self.starts: list[tuple[int, float]] = []

    def send_message(self, message: str, data: Any, _: str | None = None) -> None:
        self.sent.append((message, data))

    def get_worker_index(self, _: str) -> int:
        return 7

    def start(self, users: int, rate: float) -> None:
        self.starts.append((users, rate))

    def quit(self) -> None:
        self.ends.append("quit")

    def stop(self) -> None:
        self.ends.append("stop")


class FakeWebUI:
    """Locust's, which has nothing but an end."""

    def __init__(self, runner: FakeRunner) -> None:
        self._runner = runner

    def stop(self) -> None:
        self._runner.ends.append("web UI")


def master(**options: Any) -> Master:
    """A master whose run can begin, with these options."""
    given = Namespace(live_interval=0.0, **options)
    environment: Any = SimpleNamespace(
        host="http://127.0.0.1:1/",
        parsed_options=given,
        runner=FakeRunner(),
        web_ui=None,
        shape_class=None,
    )
    return master_of(environment)


def master_of(environment: Any, told: list[Summary] | None = None) -> Master:
    """The master of an environment of Locust; the summaries that it prints go into a list."""
    printed: list[Summary] = [] if told is None else told
    settings = Settings.of(environment.parsed_options)
    made = Master(environment, settings, RunToken.made(), printed.append)
    at_end(made.stop_watching)
    return made


def snapshot(made: Results | None = None, **changes: Any) -> WorkerSnapshot:
    """What a worker with ten CPEs reports."""
    line = Timeline()
    line.planned(0.5)
    line.sample(0.5, 10, 1)
    report = worker_snapshot(
        states={"idle": 7, "in_session": 2, "waiting": 0, "retrying": 1, "no_power": 0},
        results=made or results(),
        timeline=line.to_wire(final=True),
    )
    return replace(report, **changes)
