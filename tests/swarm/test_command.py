"""The command line that makes a run again."""

from __future__ import annotations

import shlex

import pytest

from caretaker.swarm import main
from caretaker.swarm.command import ALWAYS_TOLD, WRITTEN, command
from caretaker.swarm.options import OPTIONS, dest

LOCUSTFILE = "/somewhere/locustfile.py"
DEFAULTS = {option.flag: option.default for option in OPTIONS if not option.secret}


def test_defaults_are_left_out_but_the_seed_and_what_loadtest_has_others_of() -> None:
    told = command(LOCUSTFILE, {"--users": 10, "--run-time": None, **DEFAULTS})
    assert told == "./scripts/loadtest --users 10 --seed 0 --cr-rate 0"


def test_what_loadtest_has_other_defaults_of_is_always_told() -> None:
    other = {option.flag for option in OPTIONS if dest(option) in main.DEFAULTS}
    assert other <= {*ALWAYS_TOLD, *WRITTEN}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"--spawn-rate": 2.5}, "--spawn-rate 2.5"),
        ({"--processes": -1}, "--processes -1"),
        ({"--tls-insecure": True, "--any-id": False}, "--tls-insecure"),
        ({"--slo": ("sessions.failed < 1", "seconds < 9")},
         "--slo 'sessions.failed < 1' --slo 'seconds < 9'"),
        ({"--scenario": "power-cut; rm -rf /"}, "--scenario 'power-cut; rm -rf /'"),
        ({"--summary-json": "a", "--junit": "b", "--report": "c"}, ""),
        ({"--exit-code-on-error": 1}, ""),
        ({"--exit-code-on-error": 5}, "--exit-code-on-error 5"),
        ({"--cr-rate": 20.0}, "--cr-rate 20"),
        ({"--inform-interval": 0.0}, "--inform-interval 0"),
        ({"--acs-username": None, "--nbi-url": ""}, ""),
    ],
)  # fmt: skip
def test_what_is_told(settings: dict[str, object], told: str) -> None:
    assert command(LOCUSTFILE, settings) == f"./scripts/loadtest {told}".strip()


def test_a_locustfile_of_ones_own() -> None:
    told = command("my file.py", {"--seed": 3})
    assert shlex.split(told) == ["locust", "-f", "my file.py", "--headless", "--seed", "3"]


def test_every_option_is_known_by_its_flag() -> None:
    odd = {option.flag: "x" for option in OPTIONS}
    told = shlex.split(command(LOCUSTFILE, odd))
    assert {each for each in told if each.startswith("--")} == set(odd) - set(WRITTEN)
