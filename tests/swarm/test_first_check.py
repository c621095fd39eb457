"""The check before a load test: when it is due, and how it ends what can't work."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from helpers.options import parse, parser

from caretaker.swarm.command_line import after_parsing
from caretaker.swarm.first_check import check_first, is_due, reason_against
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions

ACS = ("--host", "http://127.0.0.1:1/")


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


@pytest.mark.parametrize(
    ("arguments", "is_checked"),
    [
        (("--users", "2"), True),
        (("--users", "2", "--state", "fleet.db"), False),
        (("--users", "1", "--state", "fleet.db"), True),
        (("--users", "1", "--state", "fleet.db", "--scenario", "provisioning cpes=1"), False),
    ],
)
def test_a_device_whose_state_is_kept_is_not_checked(
    tmp_path: Path, arguments: tuple[str, ...], *, is_checked: bool
) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("serial\nA1\nA2\n")
    options = parse(*ACS, "--devices", str(path), *arguments)
    why_not = reason_against(Settings.of(options), LocustOptions.of(options))
    assert (why_not == "") is is_checked


@pytest.fixture
def url() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def test_a_run_that_can_not_work_ends_before_it_begins(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = parser()
    after_parsing(made, check_first)
    with pytest.raises(SystemExit) as exit_:
        made.parse_args(["--headless", "--host", url])
    said = capsys.readouterr().err
    assert exit_.value.code == 1
    host = socket.gethostname()
    failed = "check failed: first contact: connection refused; "
    assert said.startswith(f"caretaker: host {host}: {failed}")
    assert said.endswith(" (--no-check: run all the same)\n")
    assert said.count("\n") == 1


def test_a_master_without_workers_of_its_own_does_not_check(url: str) -> None:
    made = parser()
    after_parsing(made, check_first)
    made.parse_args(["--headless", "--master", "--host", url])
