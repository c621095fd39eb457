"""What is said at the start about who reaches the servers of a run."""

from __future__ import annotations

import socket

import pytest
from helpers.options import parse

from caretaker.run_token import RunToken
from caretaker.swarm.open_ports import joining_lines, server_lines
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions


def lines(*arguments: str, web_ui: bool = True) -> list[str]:
    options = parse(*arguments)
    return list(server_lines(LocustOptions.of(options), Settings.of(options), web_ui=web_ui))


def test_without_an_option_all_is_for_this_machine_only() -> None:
    options = LocustOptions.of(parse("--metrics-port", "9646"))
    settings = Settings.of(parse())
    assert (options.web_host, options.master_bind_host) == ("127.0.0.1", "127.0.0.1")
    assert settings.metrics_host == "127.0.0.1"


LOCAL, OPEN = "for this machine only; {} 0.0.0.0 opens it", "open to other machines without a login"
UI, JOIN = "Web UI: http://", "Workers join at "


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), f"{UI}127.0.0.1:8089/, {LOCAL.format('--web-host')}, without a login: --web-login"),
        (("--web-login",), f"{LOCAL.format('--web-host')}, with its login"),
        (("--web-host", "::"), f"{UI}[::]:8089/, {OPEN}"),
        (("--web-host", "*"), f"{UI}0.0.0.0:8089/, {OPEN}: --web-login asks for one"),
        (("--web-host", "", "--web-login"), "open to other machines with its login"),
        (("--tls-cert", "c", "--tls-key", "k"), "https://127.0.0.1:8089/"),
    ],
)
def test_the_web_ui_says_how_to_open_it_and_how_to_protect_it(
    arguments: tuple[str, ...], shown: str
) -> None:
    (line,) = lines(*arguments)
    assert shown in line


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--master",), f"{JOIN}127.0.0.1:5557, {LOCAL.format('--master-bind-host')}"),
        (
            ("--master", "--master-bind-host", "*"),
            f"{JOIN}0.0.0.0:5557, open to other machines with",
        ),
        (
            ("--metrics-port", "9646"),
            f"Metrics: http://127.0.0.1:9646/metrics, {LOCAL.format('--metrics-host')}",
        ),
    ],
)
def test_so_do_the_master_and_the_metrics(arguments: tuple[str, ...], shown: str) -> None:
    (line,) = lines(*arguments, web_ui=False)
    assert line.startswith(shown)


@pytest.mark.parametrize("arguments", [(), ("--processes", "2")])
def test_nothing_is_said_where_nothing_of_the_user_is_served(arguments: tuple[str, ...]) -> None:
    assert lines(*arguments, web_ui=False) == []


TOKEN = RunToken("of-the-whole-run")
SAME = "A worker joins with the same run token (CARETAKER_RUN_TOKEN or --run-token-file) and:"
START = "caretaker run --worker --master-host"


@pytest.mark.parametrize(
    ("arguments", "token", "shown"),
    [
        ((), TOKEN, []),
        (("--processes", "2"), RunToken.made(), []),
        (("--master",), RunToken(TOKEN.text, is_made=True),
         [f"A worker joins with: CARETAKER_RUN_TOKEN={TOKEN.text} {START} 127.0.0.1"]),
        (("--master", "--master-bind-host", "*", "--master-bind-port", "7001"), TOKEN,
         [f"{SAME} {START} {socket.gethostname()} --master-port 7001"]),
    ],
)  # fmt: skip
def test_a_master_of_other_machines_shows_how_to_join_and_only_a_token_that_it_has_made(
    arguments: tuple[str, ...], token: RunToken, shown: list[str]
) -> None:
    assert list(joining_lines(LocustOptions.of(parse(*arguments)), token)) == shown
