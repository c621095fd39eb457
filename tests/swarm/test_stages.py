"""Stages of a run: how many users, or at what rate, at which time."""

from __future__ import annotations

from functools import partial

import pytest
from helpers.options import parse, parser

from caretaker.errors import InputError
from caretaker.swarm.command_line import after_parsing, check_together
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.stages import (
    Stage,
    StagedUsers,
    highest_speed,
    most_of,
    seconds_of,
    value_at,
)

UP, STAY, DOWN = (Stage.users(text) for text in ("100s:1000", "10m:1000", "50s:0"))
ALL = (UP, STAY, DOWN)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1000", r"'1000' is not TIME:VALUE, like 2m:1000"),
        ("2m:", r"'' must be a whole number"),
        ("soon:5", r"'soon' is not a time like 30s"),
        ("2m:1.5", r"'1.5' must be a whole number"),
        ("2m:-1", r"'-1' must be a whole number"),
    ],
)
def test_what_is_no_stage_is_named(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Stage.users(text)


def test_a_stage_is_shown_as_it_can_be_read_again() -> None:
    assert (str(UP), str(Stage.rate("1h20m:2.5"))) == ("100s:1000", "4800s:2.5")
    for stage in (UP, Stage.users("1m:900000001")):
        assert Stage.users(str(stage)) == stage


@pytest.mark.parametrize(
    ("seconds", "value"),
    [(0, 0), (25, 250), (100, 1000), (400, 1000), (700, 1000), (725, 500), (750, 0), (1000, 0)],
)
def test_a_value_goes_on_straight_lines_and_stays_at_the_end(seconds: float, value: float) -> None:
    assert value_at(ALL, seconds) == value


def test_a_stage_without_a_length_is_a_step() -> None:
    step = (Stage.rate("0:50"), Stage.rate("10s:100"))
    assert (value_at(step, 0), value_at(step, 5)) == (50, 75)
    assert value_at((), 5) == 0


@pytest.mark.parametrize(
    ("seconds", "tick"),
    [(0, (1000, 10.0)), (99, (1000, 10.0)), (100, (1000, 0.001)), (701, (0, 20.0)), (750, None)],
)
def test_locust_is_told_of_each_stage_once(
    monkeypatch: pytest.MonkeyPatch, seconds: float, tick: tuple[int, float] | None
) -> None:
    shape = StagedUsers(ALL)
    monkeypatch.setattr(shape, "get_run_time", lambda: seconds)
    assert shape.tick() == tick


def test_a_step_of_users_takes_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = StagedUsers((Stage.users("0:100"), Stage.users("10s:100")))
    monkeypatch.setattr(shape, "get_run_time", lambda: 0.5)
    assert shape.tick() == (100, 100.0)


def test_size_rate_and_length_of_the_run_follow() -> None:
    made = parser()
    after_parsing(made, partial(check_together, made))
    given = ["--users", "5", "--stage", "100s:1000", "--stage", "50s:0"]
    options = LocustOptions.of(made.parse_args(given))
    assert (options.num_users, options.spawn_rate, options.run_time) == (1000, 20.0, 150)
    assert (most_of(ALL), seconds_of(ALL), highest_speed(ALL)) == (1000, 750, 20.0)
    assert (most_of(()), highest_speed(())) == (0, 0)


def test_stages_without_a_length_are_no_run_without_an_end() -> None:
    made = parser()
    after_parsing(made, partial(check_together, made))
    assert LocustOptions.of(made.parse_args(["--stage", "0s:1000"])).run_time == 1


def test_the_highest_rate_of_connection_requests_is_that_of_its_stages() -> None:
    settings = Settings.of(parse("--cr-rate", "500", "--cr-stage", "2m:50", "--cr-stage", "1m:0"))
    assert settings.highest_cr_rate == 50
    assert Settings.of(parse("--cr-rate", "7")).highest_cr_rate == 7
