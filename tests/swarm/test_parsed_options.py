"""Locust's side of the options: its parser, and the namespace that workers receive."""

from __future__ import annotations

import argparse
from typing import Any

from helpers.options import parse, parser

from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.parsed_options import LocustOptions, RunStart, live_cr_rate
from caretaker.swarm.profile_offer import offers


def test_what_locust_sends_to_its_workers_is_plain() -> None:
    options = parse("--profile", "tr181", "--slo", "seconds < 9", "--reboot-seconds", "1-2",
                    "--source-address", "127.1.0.0/30", "--report", "x.html")  # fmt: skip
    kept = (getattr(options, name) for name in OPTIONS)
    flat = [one for value in kept for one in (value if isinstance(value, list) else [value])]
    assert {type(value) for value in flat} <= {bool, int, float, str, type(None)}


def test_the_start_of_a_run_travels_with_the_options() -> None:
    options = parse()
    assert RunStart.of(options).number == 0
    start = RunStart(3, 1e9, keeps_state=True, profiles=offers(()), held=7)
    start.put(options)
    assert RunStart.of(options) == start


def test_the_rate_of_connection_requests_is_read_anew_during_a_run() -> None:
    options = parse("--cr-rate", "3")
    settings = Settings.of(options)
    options.cr_rate = "7"  # the web UI
    assert (settings.cr_rate, live_cr_rate(options)) == (3, 7)


def test_locusts_own_profile_option_gives_way() -> None:
    options = parse("--profile", "tr098:2", "--profile", "tr181", "--host", "http://127.0.0.1:1/")
    assert options.profile is None
    assert options.host == "http://127.0.0.1:1/"
    assert [str(choice) for choice in Settings.of(options).profiles] == ["tr098:2", "tr181"]


def test_some_options_are_in_the_web_ui() -> None:
    shown: dict[str, Any] = parser().args_included_in_web_ui
    assert {"cr_rate", "cr_driver", "seed"} <= set(shown)
    assert "acs_password" not in shown


def test_a_default_of_another_is_kept_and_shown_in_the_help() -> None:
    made = parser(cr_rate=20.0)
    assert made.parse_args([]).cr_rate == 20
    assert "over the whole fleet. Default: 20." in " ".join(made.format_help().split())


def test_locusts_own_options_are_read_with_their_names() -> None:
    options = parse("--users", "7", "--run-time", "60", "--exit-code-on-error", "5")
    assert set(LocustOptions._fields) <= set(vars(options))
    read = LocustOptions.of(options)
    assert (read.num_users, read.exit_code_on_error, read.autoquit) == (7, 5, -1)
    assert LocustOptions.of(argparse.Namespace()) == LocustOptions()
    for flag in read.public():
        assert flag in parser().format_help()
