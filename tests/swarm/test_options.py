"""Options: defaults, checks, and how bad input is refused."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from locust.argument_parser import (
    LocustArgumentParser,
    get_empty_argument_parser,
    setup_parser_arguments,
)

from caretaker.errors import InputError
from caretaker.swarm.options import OPTIONS, Settings, add_arguments, dest


def parser() -> LocustArgumentParser:
    made = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(made)  # type: ignore[no-untyped-call]
    add_arguments(made)
    return made


def parse(*arguments: str) -> argparse.Namespace:
    options: argparse.Namespace = parser().parse_args(arguments)
    return options


def test_every_option_is_a_setting() -> None:
    assert {dest(option) for option in OPTIONS} == {field.name for field in fields(Settings)}


def test_defaults() -> None:
    settings = Settings.of(parse())
    assert settings.cpes_per_user == 1
    assert (settings.cr_rate, settings.cr_driver, settings.cr_host) == (0, "nbi", "127.0.0.1")
    assert settings.inform_interval is None


def test_locusts_own_profile_option_gives_way() -> None:
    options = parse("--profile", "tr098:2", "--profile", "tr181", "--host", "http://127.0.0.1:1/")
    assert options.profile is None
    assert options.host == "http://127.0.0.1:1/"
    assert Settings.of(options).profiles == ("tr098:2", "tr181")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "nothing.csv"], "profile nothing.csv: No such file or directory"),
        (["--profile", "tr098:0"], "weight 0 is not a number above 0"),
        (["--host", "acs"], "not an http or https address"),
        (["--host", "http://nothing.invalid/"], "host name not found"),
        (["--cpes-per-user", "0"], "must be a whole number from 1"),
        (["--cpes-per-user", "1.5"], "must be a whole number"),
        (["--cr-rate", "fast"], "'fast' is not a number"),
        (["--cr-rate", "-1"], "must be a number from 0"),
        (["--cr-arrivals", "never"], "not one of constant, poisson"),
        (["--cr-limit", "5"], "not COUNT/SECONDS"),
        (["--cr-port", "99999"], "to 65000"),
        (["--reboot-seconds", "30-10"], "not LOW-HIGH"),
        (["--boot-delay", "soon"], "not LOW-HIGH"),
        (["--inform-jitter", "-1"], "must be a number from 0"),
        (["--transfers", "fast"], "not one of simulated, real"),
        (["--transfer-seconds", "soon"], "not LOW-HIGH"),
        (["--transfer-failures", "1.1"], "a number from 0 to 1"),
        (["--bandwidth", "-1"], "must be a number from 0"),
        (["--serial-prefix", "a b"], "is not 1 to 40 letters"),
        (["--summary-json", "/nothing/there/x.json"], "not a file in a folder that exists"),
        (["--slo", "sesions.failed < 1"], "did you mean sessions.failed"),
        (["--slo", "sessions.failed"], "is no service level"),
        (["--slo", "100 %"], "is no service level"),
        (["--slo-file", "/nothing"], "/nothing: No such file"),
        (["--slo-warm-up", "-1"], "must be a number from 0"),
        (["--junit", "/nothing/there/x.xml"], "not a file in a folder that exists"),
        (["--record", "/nothing/there"], "No such file or directory; give a folder that can be"),
        (["--record", "/etc/hostname"], "give a folder that can be written to"),
        (["--record-rate", "2"], "a number from 0 to 1"),
        (["--report", "/nothing/there/x.html"], "not a file in a folder that exists"),
        (["--tls-ca", "/nothing"], "no such file"),
        (["--cr-host", "nothing.invalid"], "not an address"),
        (["--nbi-url", "ftp://x"], "not an http or https address"),
        (["--start", "slowly"], "not one of factory, running"),
        (["--source-address", "10.0.0.0/8"], "more than 4096 addresses"),
        (["--source-address", "192.0.2.9"], "not an address of this machine; give it"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(*arguments)
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert complaint in error
    assert error.count("\n") == 1
    assert arguments[0] in error


def test_service_levels_of_both_options(tmp_path: Path) -> None:
    file = tmp_path / "levels"
    file.write_text("tasks.failed < 1\n")
    options = parse(
        "--slo", "sessions.failed<1", "--slo", "seconds < 1 min", "--slo-file", str(file)
    )
    levels = [str(level) for level in Settings.of(options).service_levels()]
    assert levels == ["sessions.failed < 1", "seconds < 60", "tasks.failed < 1"]


def test_an_abort_needs_a_level() -> None:
    with pytest.raises(InputError, match="--slo-abort: no service level to abort at; give --slo"):
        Settings.of(parse("--slo-abort")).service_levels()


def test_files_of_the_master_need_not_be_on_its_workers() -> None:
    options = parse("--worker")
    options.slo_file = options.junit = options.summary_json = options.report = "/nothing/there"
    assert Settings.of(options).summary_json == "/nothing/there"
    options.worker = False
    with pytest.raises(InputError, match="--slo-file: /nothing/there: No such file"):
        Settings.of(options)


def test_values_from_the_web_ui_are_checked_too() -> None:
    options = parse()
    options.cr_rate, options.inform_interval, options.nbi_url = "2.5", "", ""
    settings = Settings.of(options)
    assert (settings.cr_rate, settings.inform_interval, settings.nbi_url) == (2.5, None, "")
    options.cr_rate = "fast"
    with pytest.raises(InputError, match="--cr-rate: 'fast' is not a number"):
        Settings.of(options)


def test_the_environment_is_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARETAKER_CR_RATE", "7")
    monkeypatch.setenv("CARETAKER_ACS_PASSWORD", "secret")
    settings = Settings.of(parse())
    assert (settings.cr_rate, settings.acs_password) == (7, "secret")


def test_every_option_has_help_and_some_are_in_the_web_ui(tmp_path: Path) -> None:
    text = parser().format_help()
    for option in OPTIONS:
        assert option.flag in text
        assert option.help
    shown: dict[str, Any] = parser().args_included_in_web_ui
    assert {"cr_rate", "cr_driver", "seed"} <= set(shown)
    assert "acs_password" not in shown


@pytest.mark.parametrize("value", ["10-30", "5", "0-0"])
def test_a_range_of_seconds(value: str) -> None:
    settings = Settings.of(parse("--reboot-seconds", value))
    assert settings.reboot_seconds in {"10-30", "5-5", "0-0"}
