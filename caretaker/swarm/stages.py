"""Stages of a run: the users, or the rate, that it goes to in a time (``--stage 2m:1000``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from locust import LoadTestShape

from caretaker.errors import InputError
from caretaker.plain_numbers import shown, whole
from caretaker.reporting.number_text import exact
from caretaker.swarm.option_values import MAX_USERS, Timespan, at_least

MAX_RATE = 100_000
"""Connection Requests per second that the driver can plan."""
_LEAST_SECONDS = 1.0
"""Of a change of the number of users: Locust looks once a second."""


class Stage(NamedTuple):
    """A part of a run, at whose end a figure has come to a value; its text is ``TIME:VALUE``."""

    duration: Timespan
    target: float

    @classmethod
    def users(cls, text: str) -> Self:
        """
        Read ``TIME:USERS``.

        Raises:
            InputError: the text is something else.
        """
        return cls._read(text, whole(0, MAX_USERS), "2m:1000")

    @classmethod
    def rate(cls, text: str) -> Self:
        """
        Read ``TIME:RATE``.

        Raises:
            InputError: the text is something else.
        """
        return cls._read(text, at_least(0, MAX_RATE), "2m:50")

    @classmethod
    def _read(cls, text: str, read_target: Callable[[str], float], example: str) -> Self:
        time, colon, target = text.partition(":")
        if not colon:
            raise InputError(f"{shown(text)} is not TIME:VALUE, like {example}")
        return cls(Timespan.parse(time), read_target(target))

    def __str__(self) -> str:
        return f"{self.duration}:{exact(self.target)}"


def seconds_of(stages: Sequence[Stage]) -> float:
    """The length of all stages."""
    return sum(stage.duration.seconds for stage in stages)


def most_of(stages: Sequence[Stage]) -> float:
    """The highest value; 0 without stages."""
    return max((stage.target for stage in stages), default=0.0)


def value_at(stages: Sequence[Stage], seconds: float) -> float:
    """The value at a time of the run, on straight lines from 0 on; the last one stays."""
    before = 0.0
    for stage in stages:
        if seconds < stage.duration.seconds:
            return before + (stage.target - before) * seconds / stage.duration.seconds
        seconds -= stage.duration.seconds
        before = stage.target
    return before


class StagedUsers(LoadTestShape):
    """
    The number of users of a run in stages, for Locust.

    Each stage is one change of the number, at the rate that brings it there in its time: Locust
    spreads it evenly over all workers.

    Args:
        stages: of the run.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stages = stages

    def tick(self) -> tuple[int, float] | None:
        """The users to go to, and how many a second; None when the stages are over."""
        seconds, before = float(self.get_run_time()), 0.0  # type: ignore[no-untyped-call]
        for stage in self._stages:
            length = max(stage.duration.seconds, _LEAST_SECONDS)
            if seconds < length:
                return int(stage.target), speed(before, stage)
            seconds -= length
            before = stage.target
        return None


def speed(before: float, stage: Stage) -> float:
    """Users per second that a stage starts or stops."""
    change = abs(stage.target - before)
    return max(change / max(stage.duration.seconds, _LEAST_SECONDS), 1e-3)


def highest_speed(stages: Sequence[Stage]) -> float:
    """The highest speed of all stages."""
    begins = [0.0, *(stage.target for stage in stages)]
    return max(map(speed, begins, stages), default=0.0)
