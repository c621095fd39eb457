"""The command line of ./scripts/loadtest."""

from __future__ import annotations

import pytest

from caretaker.swarm.loadtest import DEFAULTS, arguments


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, _, variable in DEFAULTS:
        monkeypatch.delenv(variable, raising=False)


def test_defaults_come_first_so_that_what_is_given_wins() -> None:
    command = arguments("lf.py", ["--users", "5", "-t", "1s"])
    assert command[:2] == ["-f", "lf.py"]
    assert command.index("1000") < command.index("5")
    assert command[-4:] == ["--users", "5", "-t", "1s"]


def test_what_the_environment_says_is_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUST_USERS", "7")
    assert "--users" not in arguments("lf.py", [])


@pytest.mark.parametrize(
    ("given", "chosen"),
    [([], True), (["--master-bind-port", "6000"], False), (["--master-port=6000"], False)],
)
def test_a_free_port_is_chosen_unless_one_is_given(given: list[str], chosen: bool) -> None:
    command = arguments("lf.py", given)
    ports = [
        command[i + 1]
        for i, each in enumerate(command)
        if each.startswith("--master") and "=" not in each
    ]
    assert (len(ports) == 2 and ports[0] == ports[1]) == chosen
