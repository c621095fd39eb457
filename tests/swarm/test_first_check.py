"""The check before a load test: when it is due, and what it is asked to do."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator

import pytest
from helpers.options import parse, parser

from caretaker import check
from caretaker.swarm.first_check import SHARED, check_arguments, check_first, is_due
from caretaker.swarm.options import OPTIONS

ACS = ("--host", "http://127.0.0.1:1/")
NBI = ("--nbi-url", "http://127.0.0.1:2")


def command_line(*arguments: str) -> list[str]:
    """What the command is given for a run with these arguments."""
    return list(check_arguments(parse(*ACS, *arguments)))


@pytest.mark.parametrize(
    ("arguments", "due"),
    [
        ((*ACS, "--headless"), True),
        ((*ACS, "--autostart"), True),
        ((*ACS, "--headless", "--acs-username", "a", "--acs-password", "b"), True),
        (("--headless",), False),  # with the embedded ACS
        (ACS, False),  # the web UI begins runs
        ((*ACS, "--headless", "--no-check"), False),
        ((*ACS, "--headless", "--worker"), False),
        ((*ACS, "--headless", "--acs-password", "b"), False),
    ],
)
def test_it_is_due_before_a_run_with_an_acs_of_the_user(
    arguments: tuple[str, ...], *, due: bool
) -> None:
    assert is_due(parse(*arguments)) is due


def test_an_acs_may_know_only_the_devices_of_a_list() -> None:
    options = parse(*ACS, "--headless")
    vars(options)["devices"] = "mine.csv"
    assert not is_due(options)


def test_the_command_has_all_options_that_it_is_given() -> None:
    made = argparse.ArgumentParser()
    check.add_arguments(made)
    known = {flag for action in made._actions for flag in action.option_strings}
    assert {OPTIONS[name].flag for name in SHARED} <= known


def test_it_is_given_what_the_run_is_given() -> None:
    made = argparse.ArgumentParser()
    check.add_arguments(made)
    given = ("--allow-host", "a", "--allow-host", "b", "--any-id", "--cr-advertise", "c")
    options = made.parse_args(command_line(*given, "--profile", "tr098:2", "--profile", "tr181"))
    assert (options.allow_host, options.any_id, options.cr_advertise) == (["a", "b"], True, "c")
    assert (options.acs_url, options.profile) == ("http://127.0.0.1:1/", "tr098:2")


def test_no_password_is_an_argument() -> None:
    given = command_line("--acs-username", "fleet", "--acs-password", "s3cret")
    assert "--acs-username=fleet" in given
    assert "s3cret" not in " ".join(given)


@pytest.mark.parametrize(
    ("arguments", "only_first_contact"),
    [
        (NBI, False),
        ((), True),
        ((*NBI, "--cr-driver", "off"), True),
        ((*NBI, "--cr-driver", "direct"), True),
        ((*NBI, "--cr-router", "127.0.0.1:7548"), True),
        ((*NBI, "--master"), True),
    ],
)
def test_connection_requests_are_checked_where_they_come_here(
    arguments: tuple[str, ...], *, only_first_contact: bool
) -> None:
    assert ("--first-contact" in command_line(*arguments)) is only_first_contact


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_the_first_port_that_is_free_is_taken(used_port: int) -> None:
    ports = f"{used_port}-{used_port + 20}"
    (given,) = (word for word in command_line(*NBI, "--cr-port", ports) if "--cr-port" in word)
    assert used_port < int(given.partition("=")[2]) <= used_port + 20


def test_a_run_that_can_not_work_ends_before_it_begins(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = parser()
    check_first(made)
    with socket.socket() as probe:  # bound, and nothing listens
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(SystemExit) as exit_:
            made.parse_args(["--headless", "--host", url])
    said = capsys.readouterr().err
    assert exit_.value.code == 1
    assert said.startswith("caretaker: check failed: first contact: connection refused; ")
    assert said.endswith(" (--no-check: run all the same)\n")
    assert said.count("\n") == 1
