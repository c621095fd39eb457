"""What no single option can tell of a command line."""

from __future__ import annotations

import argparse
import resource
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers.options import parse, parser
from helpers.wire import needs_ipv6

from caretaker.errors import InputError
from caretaker.swarm.command_line import (
    after_parsing,
    check_together,
    complaints,
    name_nearest,
    odd_variables,
)
from caretaker.swarm.host_limits import LEAST_DESCRIPTORS
from caretaker.swarm.option_addresses import acs_url


@pytest.fixture
def used_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--master", "--worker"), "--master and --worker: a process is one of them"),
        (("--master", "--processes", "2"), "--master and --processes"),
        (("--headless", "--autoquit", "3"), "--autoquit: give --autostart, too"),
        (("--cr-routes", "127.0.0.1:7549"), "--cr-routes: give --cr-router, too"),
        (("--cr-routes", "127.0.0.1:7549", "--cr-router", "a:0"), "give --cr-router, too, with"),
        (("--cr-routes", "127.0.0.1:0", "--cr-router", "a:7548"), "name the port; the router"),
        (("--web-port", "{used}"), "--web-port {used}: in use; choose another"),
        (("--headless", "--processes", "2", "--master-bind-port", "{used}"),
         "--master-bind-port {used}: in use; choose another"),
        (("--headless", "--metrics-port", "{used}"), "--metrics-port {used}: in use"),
        (("--headless", "--acs-port", "{used}"), "--acs-port {used}: in use"),
        (("--headless", "--acs-nbi-port", "{used}"), "--acs-nbi-port {used}: in use"),
        (("500",), "'500': no option and no user; users are "),
        (("Portl", "--headless"), "'Portl': no option and no user; users are "),
        (("--tls-cert", "/a.pem"), "--tls-cert and --tls-key: the web UI needs both"),
        (("--tls-cert", "/a.pem", "--tls-key", "/b.pem"),
         "--tls-cert '/a.pem', --tls-key '/b.pem': No such file or directory; give both in PEM"),
        (("--tls-cert", "/dev/null", "--tls-key", "/dev/null"), "/dev/null': "),
    ],
)  # fmt: skip
def test_it_is_refused_with_one_line(
    used_port: str,
    arguments: tuple[str, ...],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = parser()
    after_parsing(made, partial(check_together, made))
    with pytest.raises(SystemExit) as exit_:
        made.parse_args([argument.format(used=used_port) for argument in arguments])
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert complaint.format(used=used_port) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--usrs", "--usrs: no such option; nearest: --users"),
        ("--acs-pasword=secret", "--acs-pasword: no such option; nearest: --acs-password"),
        ("--zzzzzzzz", "--zzzzzzzz: no such option; caretaker run --help lists all"),
        (f"--{'u' * 500}", "no such option; caretaker run --help lists all"),
    ],
)
def test_the_nearest_options_are_proposed_in_one_line(
    argument: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = parser()
    name_nearest(made)
    with pytest.raises(SystemExit) as exit_:
        made.parse_args([argument, "5"])
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert complaint in error
    assert "secret" not in error
    assert error.count("\n") == 1
    assert len(error) < 200


def test_a_value_that_cannot_be_used_is_named_with_the_variable_or_file_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = parser()
    name_nearest(made)
    config = tmp_path / "own.conf"
    config.write_text("cr-rate = 7 a second\n")

    def refused(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            made.parse_args([*arguments])
        return capsys.readouterr().err

    assert "--cr-rate: '7 a second' is not a number (cr-rate in own.conf)\n" in refused(
        "--config", str(config)
    ).replace(str(config), config.name)
    monkeypatch.setenv("CARETAKER_CR_RATE", "lots")
    assert refused().endswith("'lots' is not a number (CARETAKER_CR_RATE in the environment)\n")
    assert refused("--cr-rate", "few").endswith("--cr-rate: 'few' is not a number\n")


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("CARETAKER_CR_RAT", "CARETAKER_CR_RATE"),
        ("LOCUST_USER", "LOCUST_USERS"),
        ("CARETAKER_ACS_PASWORD", "CARETAKER_ACS_PASSWORD"),
    ],
)
def test_a_variable_that_is_nearly_that_of_an_option_is_named(variable: str, near: str) -> None:
    (line,) = odd_variables(parser(), [variable, "PATH", near])
    assert line.startswith(f"{variable}: no option has this variable")
    assert line.endswith(f"{near} is one")


@pytest.mark.parametrize(
    "variable",
    ["CARETAKER_RUN_TOKEN", "CARETAKER_STARTER", "CARETAKER_PURE", "CARETAKER_MYPYC",
     "CARETAKER_SHARED", "CARETAKER_SETUP_LOCKED", "CARETAKER_CR_PASSWORD", "LOCUST_USERS"],
)  # fmt: skip
def test_other_variables_are_none_of_our_business(variable: str) -> None:
    assert list(odd_variables(parser(), [variable])) == []


@pytest.mark.parametrize("most", [16, LEAST_DESCRIPTORS - 1])
def test_a_run_does_not_begin_where_it_may_hardly_open_a_file(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (most, most))
    (line,) = complaints(parse("--headless"))
    assert line.startswith(f"a process may open {most} files here")
    for enough in (LEAST_DESCRIPTORS, resource.RLIM_INFINITY):
        monkeypatch.setattr("resource.getrlimit", lambda _, hard=enough: (16, hard))
        assert list(complaints(parse("--headless"))) == []


def test_ports_that_nobody_of_this_process_serves_may_be_in_use(used_port: str) -> None:
    for arguments in (
        ("--headless", "--web-port", used_port, "--master-bind-port", used_port),
        ("--worker", "--master-port", used_port, "--metrics-port", used_port),
        ("--headless", "--host", "http://127.0.0.1:1/", "--acs-port", used_port),
    ):
        assert list(complaints(parse(*arguments))) == []


def checked(*arguments: str) -> argparse.Namespace:
    options = parse("--headless", *arguments)
    check_together(parser(), options)
    return options


SERVERS = ("web_host", "master_bind_host", "cr_host", "metrics_host")


@needs_ipv6
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["127.0.0.1"] * 4),
        (("--ip-version", "4"), ["127.0.0.1"] * 4),
        (("--ip-version", "6"), ["::1"] * 4),
        (("--ip-version", "6", "--cr-host", "::"), ["::1", "::1", "::", "::1"]),
        (("--web-host", "[::1]"), ["::1", "127.0.0.1", "127.0.0.1", "127.0.0.1"]),
    ],
)
def test_servers_bind_the_loopback_of_the_version(
    arguments: tuple[str, ...], expected: list[str]
) -> None:
    options = checked(*arguments)
    assert [getattr(options, name) for name in SERVERS] == expected


@needs_ipv6
@pytest.mark.parametrize(
    ("arguments", "joined"),
    [
        (("--processes", "2", "--ip-version", "6"), "::1"),
        (("--processes", "2", "--master-bind-host", "::1"), "::1"),
        (("--processes", "2", "--master-bind-host", "*"), "127.0.0.1"),
        (("--processes", "2"), "127.0.0.1"),
        (("--worker", "--master-host", "[2001:db8::1]"), "2001:db8::1"),
        (("--worker", "--master-host", "fe80::1%eth0"), "fe80::1%eth0"),
    ],
)
def test_workers_join_the_master_where_it_is_bound(
    arguments: tuple[str, ...], joined: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARETAKER_RUN_TOKEN", "a-token-that-is-long-enough")
    assert checked(*arguments).master_host == joined


def test_an_acs_without_an_address_of_the_version_is_refused() -> None:
    with pytest.raises(InputError, match=r"--ip-version 6: .*: host has no IPv6"):
        checked("--host", "http://127.0.0.1:1/", "--ip-version", "6")


def test_ipv6_that_is_wanted_and_switched_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.swarm.command_line.has_ipv6", lambda: False)
    with pytest.raises(InputError, match="--ip-version 6: this machine has no IPv6; sysctl"):
        checked("--ip-version", "6")


def test_cpes_are_not_reached_by_ipv6_that_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caretaker.swarm.command_line.has_ipv6", lambda: False)
    with pytest.raises(
        InputError, match="--reach direct:1,ipv6:2: this machine has no IPv6; leave"
    ):
        checked("--reach", "direct:1,ipv6:2")
    checked("--reach", "direct:1,dark:2")
    checked("--reach", "ipv6:1", "--master")  # the CPEs are on other machines


def test_an_acs_of_ipv6_is_refused_where_that_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caretaker.http.ip_addresses.has_ipv6", lambda: False)
    with pytest.raises(InputError, match=r"::1.*this machine has no IPv6; sysctl -w net.ipv6"):
        acs_url("http://[::1]:1/")
