"""The options of a run: defaults, typed values, and how bad input is refused."""

from __future__ import annotations

import os
import sys
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest
from helpers.options import parse, parser

from caretaker.errors import InputError
from caretaker.http.host_names import HostPort
from caretaker.http.ip_addresses import IPVersion
from caretaker.profiles.profile import Profile
from caretaker.reporting.run_flags import LOAD, PLACES
from caretaker.swarm.option_addresses import PortRange
from caretaker.swarm.option_values import Range, Rate, Timespan
from caretaker.swarm.options import GROUPS, OPTIONS, Settings


def test_every_option_says_what_it_is_what_it_may_be_and_what_holds_without_it() -> None:
    text = " ".join(parser().format_help().split())
    for option in OPTIONS.values():
        assert option.flag in text
        assert option.help.endswith(".")
        assert bool(option.unit) == bool(option.example) == (option.action != "store_true")
        assert option.default not in (None, "") or option.nothing
        assert callable(option.parse)
    assert len({option.flag for option in OPTIONS.values()}) == len(OPTIONS)


def test_every_option_is_in_one_group() -> None:
    assert Settings.__bases__ == tuple(GROUPS.values())
    assert OPTIONS.keys() == {field.name for field in fields(Settings)}


def test_what_locust_keeps_of_a_default_is_read_as_the_default() -> None:
    for name, option in OPTIONS.items():
        plain = getattr(parse(), name)
        assert option.read(plain) == option.default == getattr(Settings(), name)


@pytest.mark.parametrize(
    ("flag", "text", "value", "plain"),
    [
        ("--reboot-seconds", "10-30", Range(10, 30), "10-30"),
        ("--reboot-seconds", "5", Range(5, 5), "5-5"),
        ("--boot-delay", "0-0", Range(0, 0), "0-0"),
        ("--boot-delay", "0.5-30666660", Range(0.5, 30666660), "0.5-30666660"),
        ("--warm-up", "12345678s", Timespan(12345678), "12345678s"),
        ("--cr-limit", "7/60", Rate(7, 60), "7/60"),
        ("--cr-rate", "2.5", 2.5, 2.5),
        ("--cr-router", "[::1]:7548", HostPort("::1", 7548), "[::1]:7548"),
        ("--cr-routes", "0.0.0.0:0", HostPort("0.0.0.0", 0), "0.0.0.0:0"),
        ("--cr-port", "7600", PortRange(7600, 7600), "7600"),
        ("--cr-port", "7600-7699", PortRange(7600, 7699), "7600-7699"),
        ("--cr-advertise", "[2001:db8::5]", "2001:db8::5", "2001:db8::5"),
        ("--seed", "7", 7, 7),
        ("--transfers", "real", "real", "real"),
        ("--summary-json", "x.json", Path("x.json"), "x.json"),
        ("--any-id", None, True, True),
        ("--inform-interval", None, None, None),
        ("--source-address", "127.0.0.1", (ip_network("127.0.0.1"),), ("127.0.0.1",)),
        ("--source-address", "127.1.0.0/30", (ip_network("127.1.0.0/30"),), ("127.1.0.0/30",)),
        ("--allow-host", "files.example.com", ("files.example.com",), ("files.example.com",)),
        ("--allow-host", "[2001:DB8::0:5]", ("2001:db8::5",), ("2001:db8::5",)),
        ("--allow-host", "::ffff:10.0.0.5", ("10.0.0.5",), ("10.0.0.5",)),
        ("--ip-version", "6", IPVersion.V6, "6"),
    ],
)
def test_a_text_becomes_a_typed_value_and_a_summary_shows_its_text(
    flag: str, text: str | None, value: object, plain: object
) -> None:
    arguments = [] if value is None else [flag] if text is None else [flag, text]
    settings = Settings.of(parse(*arguments))
    (name,) = (name for name, option in OPTIONS.items() if option.flag == flag)
    assert getattr(settings, name) == value
    assert settings.public()[flag] == plain


def test_profiles_service_levels_and_scenarios_are_read_once_for_a_run(tmp_path: Path) -> None:
    levels = tmp_path / "levels"
    levels.write_text("tasks.failed < 1\n")
    settings = Settings.of(
        parse("--profile", "tr098:2", "--slo", "sessions.failed<1", "--slo-file", str(levels),
              "--scenario", "power-cut share=0.5, steady at=60")
    )  # fmt: skip
    (choice,) = settings.profiles
    assert isinstance(choice.profile, Profile)
    assert (choice.profile.name, choice.weight) == ("tr098", 2)
    assert settings.slos[0].bound == 1
    assert settings.slo_file is not None
    assert settings.slo_file.levels[0].metric == "tasks.failed"
    assert [step.at for step in settings.scenario.steps] == [None, 60]
    shown = settings.public()
    assert shown["--profile"] == ("tr098:2",)
    assert shown["--slo"] == ("sessions.failed < 1",)
    assert shown["--slo-file"] == str(levels)
    assert shown["--scenario"] == "power-cut share=0.5, steady at=60"


def test_the_summary_shows_neither_a_password_nor_a_login_in_a_url() -> None:
    settings = Settings(acs_password="secret", nbi_url="http://me:secret@127.0.0.1/")
    shown = settings.public()
    assert "--acs-password" not in shown
    assert shown["--nbi-url"] == "http://127.0.0.1/"


def test_defaults() -> None:
    settings = Settings.of(parse())
    assert settings.cpes_per_user == 1
    assert (settings.cr_rate, settings.cr_driver, settings.cr_host) == (0, "nbi", "127.0.0.1")
    assert settings.inform_interval is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "nothing.csv"], "profile nothing.csv: No such file or directory"),
        (["--profile", "tr098:0"], "weight 0 is not a number above 0"),
        (["--host", "acs"], "not an http or https address"),
        (["--host", f"http://{'x' * 64}.invalid/"], "host name not found"),  # asks no name server
        (["--cpes-per-user", "0"], "must be a whole number from 1"),
        (["--cpes-per-user", "1.5"], "must be a whole number"),
        (["--cpes-per-user", "0\x1f"], "must be a whole number"),
        (["--cr-rate", "fast"], "'fast' is not a number"),
        (["--cr-rate", "-1"], "must be a number from 0"),
        (["--cr-arrivals", "never"], "not one of constant, poisson"),
        (["--cr-limit", "5"], "not COUNT/SECONDS"),
        (["--cr-port", "99999"], "to 65000"),
        (["--cr-port", "0-9"], "'0-9' is not FIRST-LAST in ports, like 7600-7699"),
        (["--cr-port", "7699-7600"], "is not FIRST-LAST in ports"),
        (["--cr-port", "7600-99999"], "to 65535"),
        (["--cr-advertise", "0.0.0.0"], "is no address that an ACS can reach; name one"),
        (["--cr-advertise", "[::]"], "is no address that an ACS can reach; name one"),
        (["--cr-advertise", "a b"], "is not a host name or address"),
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
        (["--slo-warm-up", "5"], "there is no such option any more; give --warm-up, like 30s"),
        (["--warm-up", "soon"], "'soon' is not a time like 30s, 3m or 1h20m"),
        (["--warm-up", "-1"], "'-1' is not a time"),
        (["--warm-up", "\uff11\uff10s"], "is not a time"),
        (["--answer-timeout", "1_0"], "'1_0' is not a number"),
        (["--junit", "/nothing/there/x.xml"], "not a file in a folder that exists"),
        (["--record", "/nothing/there"], "No such file or directory; give a folder that can be"),
        (["--record", "/etc/hostname"], "give a folder that can be written to"),
        (["--runs", "/nothing/there"], "No such file or directory; give a folder that can be"),
        (["--runs", "/etc/hostname"], "give a folder that can be written to"),
        (["--runs", "n" * 300], "File name too long; give a folder that can be"),
        (["--record-rate", "2"], "a number from 0 to 1"),
        (["--report", "/nothing/there/x.html"], "not a file in a folder that exists"),
        (["--tls-ca", "/nothing"], "no such file"),
        (["--tls-ca", "/"], "/: a folder; give a file in PEM"),
        (["--client-cert", "/"], "/: a folder; give a file in PEM"),
        (["--cr-tls-key", "/"], "/: a folder; give a file in PEM"),
        (["--tls-ca", "x" * 5000], "no such file"),
        (["--cr-host", "nothing.invalid"], "not an address"),
        (["--cr-router", "nonsense"], "'nonsense' is not HOST:PORT, like 10.0.0.5:7548"),
        (["--cr-router", "::1"], "is not HOST:PORT"),
        (["--cr-router", "host:65536"], "must be a whole number from 0 to 65535"),
        (["--cr-router", "a b:1"], "is not a host name or address"),
        (["--cr-router", "0.0.0.0:7548"], "is no address that an ACS can reach; name one"),
        (["--cr-routes", ":7549"], "is not HOST:PORT"),
        (["--nbi-url", "ftp://x"], "not an http or https address"),
        (["--profile", "a\nb.csv"], "profile a\\nb.csv: No such file"),
        (["--devices", "x" * 3000], "x ... x"),
        (["--start", "slowly"], "not one of factory, running"),
        (["--source-address", "10.0.0.0/8"], "more than 4096 addresses"),
        (["--source-address", "192.0.2.9"], "not an address of this machine; give it"),
        (["--source-address", "0.0.0.0"], "no address of one machine; give 10.0.0.5"),
        (["--source-address", "2001:db8::/64"], "more than 4096 addresses"),
        (["--nbi-url", "http://224.0.0.1:7557"], "no address of one server; name the server's"),
        (["--nbi-url", "http://255.255.255.255"], "no address of one server"),
        (["--allow-host", "a..b"], "'a..b' is not a host name or address"),
        (["--cr-advertise", "ff02::1"], "is no address of one server"),
        (["--ip-version", "5"], "'5' is not one of any, 4, 6"),
        (["--cr-host", "2001:db8::1"], "is not an address of this machine"),
        (["--cr-host", "[::1"], "is not an address of this machine"),
        (["--cr-host", "224.0.0.1"], "is not an address of this machine"),
        (["--metrics-host", "255.255.255.255"], "is not an address of this machine"),
        (["--cr-host-ipv6", "127.0.0.1"], "'127.0.0.1' is no IPv6 address of one machine"),
        (["--cr-host-ipv6", "2001:db8::1"], "is not an address of this machine"),
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


def test_service_levels_of_both_options_stand_once_each(tmp_path: Path) -> None:
    file = tmp_path / "levels"
    file.write_text("tasks.failed < 1\nsessions.failed < 1\n")
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
    assert Settings.of(options) == Settings()
    options.worker = False
    with pytest.raises(InputError, match="--slo-file: /nothing/there: No such file"):
        Settings.of(options)


@pytest.mark.parametrize("flag", ["--runs", "--record"])
def test_a_folder_is_checked_without_making_it(flag: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    settings = Settings.of(parse(flag, str(folder)))
    assert folder in (settings.runs, settings.record)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file is without a name")
def test_a_file_is_checked_without_making_it_as_others_check_it_too(tmp_path: Path) -> None:
    os.utime(tmp_path, (0, 0))
    parse("--export", str(tmp_path / "run.csv"), "--report", str(tmp_path / "run.html"))
    assert tmp_path.stat().st_mtime == 0


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


def test_comparisons_know_which_options_name_ports_and_files() -> None:
    named = {
        option.flag for option in OPTIONS.values() if option.unit in ("port", "file", "folder")
    }
    assert named <= PLACES
    assert set(LOAD) - {"--run-time", "--spawn-rate", "--warm-up"} <= {
        option.flag for option in OPTIONS.values()
    }
