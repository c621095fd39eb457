"""``caretaker run``: its defaults, and what it checks before Locust does."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.errors import InputError
from caretaker.swarm.locustfile import PATH
from caretaker.swarm.main import DEFAULTS, ROLES, check_locustfiles, defaults, main


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ROLES.values():
        monkeypatch.delenv(variable, raising=False)


FREE = 6001


def test_a_port_that_no_other_run_has_is_that_of_both_ends() -> None:
    found = defaults([], FREE)
    assert DEFAULTS.items() <= found.items()
    assert (found["master_bind_port"], found["master_port"]) == (FREE, FREE)


@pytest.mark.parametrize("given", [["--master-bind-port", "6000"], ["--master-port=6000"]])
def test_a_port_that_is_given_is_that_of_both_ends(given: list[str]) -> None:
    found = defaults(given, FREE)
    assert (found["master_bind_port"], found["master_port"]) == (6000, 6000)


def test_a_master_starts_no_processes_and_a_worker_is_told_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master = defaults(["--master", "--expect-workers", "2"], FREE)
    assert (master.get("processes"), master.get("master_port")) == (None, None)
    assert master["num_users"] == 1000
    assert defaults(["--worker", "--processes", "4"], FREE) == {}
    monkeypatch.setenv("LOCUST_MODE_WORKER", "true")
    assert defaults([], FREE) == {}


@pytest.mark.parametrize("flag", ["--headful", "--autostart"])
def test_a_run_with_the_web_ui_ends_when_its_user_ends_it(
    monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    monkeypatch.setenv(ROLES["--master"], "false")
    assert {"headless", "run_time"} & set(defaults([flag], FREE)) == set()
    monkeypatch.setenv(ROLES[flag], "true")
    assert {"headless", "run_time"} & set(defaults([], FREE)) == set()


def test_a_locustfile_that_is_none_is_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"^/dev/null: no locustfile; give one whose name ends"):
        check_locustfiles(["-f", "/dev/null"])
    check_locustfiles(["-f", str(root)])


def test_a_locustfile_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"^/nowhere\.py: no such locustfile$"):
        check_locustfiles(["--users", "5", "-f", f"{PATH},/nowhere.py"])
    check_locustfiles(["-f", "-", "--locustfile=http://example.com/a.py"])


def test_the_locustfile_of_the_clone_is_that_of_the_package(root: Path) -> None:
    assert (root / "locustfile.py").resolve() == Path(PATH).resolve()


def test_the_help_lists_our_options_with_the_defaults_of_this_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "over the whole fleet. Default: 20." in text
