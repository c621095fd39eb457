"""The command ``caretaker router``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from caretaker.__main__ import main


def test_routes_that_are_no_address_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["router", "--routes", "nonsense"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("caretaker: --routes: URL 'nonsense': not an http or https address")
    assert error.count("\n") == 1


@pytest.mark.processes
@pytest.mark.parametrize(("told", "code"), [("\n", 0), ("", 1)])
def test_with_a_run_it_says_where_it_is_and_ends_with_its_input(told: str, code: int) -> None:
    command = ("-m", "caretaker", "router", "--until-eof", "--port", "0")
    routes = ("--routes", "http://127.0.0.1:9/")
    done = subprocess.run(
        [sys.executable, *command, *routes], input=told, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert ("its run has ended" in done.stderr) is (code == 1)
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["url"].startswith("http://127.0.0.1:")
