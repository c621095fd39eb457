"""How far a run has come, what is done to its fleet now, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.open_ports import web_ui_url
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.stages import Stage

if TYPE_CHECKING:
    from caretaker.swarm.master import Master


class Phase(Enum):
    """The phases of a run, in their order."""

    WAITING = auto()
    """No run has begun."""
    STARTING = auto()
    """Locust starts users."""
    RUNNING = auto()
    ENDING = auto()
    """Sessions and tasks that are under way may end."""
    OVER = auto()
    """The summary is there."""


class Progress(NamedTuple):
    """
    How far a run has come.

    Args:
        phase: of the run.
        seconds: since its start, or how long it took.
        total: seconds that it is to take; None for a run without a stated end.
        step: what happens now, in a few words.
        next: what comes next; empty where nobody knows.
        next_in: seconds until then.
    """

    phase: Phase
    seconds: float
    total: float | None
    step: str
    next: str = ""
    next_in: float = 0.0


def progress(master: Master) -> Progress:
    """How far the run of a master has come."""
    runner = LocustRunner(master.environment)
    options = LocustOptions.of(master.environment.parsed_options)  # type: ignore[arg-type]
    total, phase, seconds = options.run_time or None, _phase(master, runner), master.run.seconds()
    if phase is Phase.WAITING:
        return Progress(phase, 0.0, total, _awaited(master, options))
    if phase is Phase.OVER and master.summary is not None:
        verdict = master.summary["verdict"]
        step = f"{verdict['outcome']}: {verdict['finding']}"
        return Progress(phase, master.summary["seconds"], total, step)
    if phase is Phase.ENDING:
        seconds, step = master.run.reports.seconds, "the run ends: sessions and tasks may end"
        return Progress(phase, seconds, total, step)
    at, what = min(_ahead(master, total), default=(seconds, ""))
    return Progress(phase, seconds, total, _step(master, runner, phase), what, at - seconds)


def _phase(master: Master, runner: LocustRunner) -> Phase:
    if master.run.seconds():
        return Phase.STARTING if runner.users_not_started() else Phase.RUNNING
    if not master.run.number:
        return Phase.WAITING
    return Phase.ENDING if master.summary is None else Phase.OVER


def _awaited(master: Master, options: LocustOptions) -> str:
    """What the begin of a run waits for."""
    if master.environment.web_ui is not None and not options.autostart:
        return f"a run starts in the web UI: {web_ui_url(options)}"
    expected = getattr(master.environment.parsed_options, "expect_workers", None)
    return f"waits for workers: {len(master.present())} of {expected or 1} have joined"


def _step(master: Master, runner: LocustRunner, phase: Phase) -> str:
    scenario = master.run.scenario_step
    if phase is Phase.STARTING:
        target: Any = getattr(master.environment.runner, "target_user_count", 0)
        return f"{target - runner.users_not_started()} of {target} users started"
    if scenario is not None and scenario.is_settling:
        return f"{scenario.name} waits for the fleet to settle"
    if master.run.marks:
        return master.run.marks[-1]["text"]
    return f"{scenario.name} plays" if scenario is not None and scenario.name else "the fleet is on"


def _ahead(master: Master, total: float | None) -> Iterator[tuple[float, str]]:
    """All that is known to come, with its second of the run."""
    now = master.run.seconds()
    times = [
        (master.settings.warm_up.seconds, "end of the warm-up"),
        (total or 0.0, "end of the run"),
        *((step.at or 0.0, step.scenario.name) for step in master.settings.scenario.steps),
        *((end, "next stage of the fleet") for end in _ends(master.settings.stages)),
        *((end, "next stage of Connection Requests") for end in _ends(master.settings.cr_stages)),
    ]
    scenario = master.run.scenario_step
    if scenario is not None and scenario.until is not None:
        times.append((scenario.until, f"next step of {scenario.name}"))
    yield from (each for each in times if each[0] > now)


def _ends(stages: Sequence[Stage]) -> list[float]:
    """The seconds at which a stage follows another one."""
    return list(accumulate(stage.duration.seconds for stage in stages))[:-1]
