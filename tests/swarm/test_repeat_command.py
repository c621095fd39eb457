"""The command line that makes a run again."""

from __future__ import annotations

import shlex

import pytest

from caretaker.reporting.run_flags import NOT_REPEATED
from caretaker.swarm import main
from caretaker.swarm.locustfile import PATH
from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.repeat_command import ALWAYS_SHOWN, command

DEFAULTS = Settings().public()


def test_defaults_are_left_out_but_the_seed_and_what_a_run_has_others_of() -> None:
    shown = command(PATH, {"--users": 10, "--run-time": None, **DEFAULTS})
    assert shown == "caretaker run --users 10 --seed 0 --cr-rate 0"


def test_what_a_run_has_other_defaults_of_is_always_shown() -> None:
    other = {option.flag for name, option in OPTIONS.items() if name in main.DEFAULTS}
    assert other <= {*ALWAYS_SHOWN, *NOT_REPEATED}


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({"--spawn-rate": 2.5}, "--spawn-rate 2.5"),
        ({"--processes": -1}, "--processes -1"),
        ({"--tls-insecure": True, "--any-id": False}, "--tls-insecure"),
        ({"--slo": ("sessions.failed < 1", "seconds < 9")},
         "--slo 'sessions.failed < 1' --slo 'seconds < 9'"),
        ({"--scenario": "power-cut; rm -rf /"}, "--scenario 'power-cut; rm -rf /'"),
        ({"--summary-json": "a", "--junit": "b", "--report": "c", "--runs": "d"}, ""),
        ({"--exit-code-on-error": 1}, ""),
        ({"--exit-code-on-error": 5}, "--exit-code-on-error 5"),
        ({"--cr-rate": 20.0}, "--cr-rate 20"),
        ({"--inform-interval": 0.0}, "--inform-interval 0"),
        ({"--acs-username": None, "--nbi-url": ""}, ""),
        ({"--reboot-seconds": "10-30", "--boot-delay": "0-5", "--cr-limit": "50/5"},
         "--boot-delay 0-5"),
    ],
)  # fmt: skip
def test_what_is_not_at_its_default_is_shown(settings: dict[str, object], arguments: str) -> None:
    assert command(PATH, settings) == f"caretaker run {arguments}".strip()


def test_a_locustfile_of_ones_own() -> None:
    shown = command("my file.py", {"--seed": 3})
    assert shlex.split(shown) == ["caretaker", "run", "-f", "my file.py", "--seed", "3"]


def test_every_option_is_known_by_its_flag() -> None:
    odd = {option.flag: "x" for option in OPTIONS.values()}
    shown = shlex.split(command(PATH, odd))
    assert {word for word in shown if word.startswith("--")} == set(odd) - set(NOT_REPEATED)
