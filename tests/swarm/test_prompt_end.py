"""A process ends in order if its loop can, and in any case."""

from __future__ import annotations

import subprocess
import sys

import pytest

from caretaker.swarm.prompt_end import EXIT_CODE

START = """
import os, subprocess, sys, time
import gevent
from caretaker.swarm import prompt_end
end = prompt_end.PromptEnd()
"""
pytestmark = pytest.mark.processes


def ended(program: str) -> tuple[int, str, str]:
    """The exit code and the outputs of a program, and of what it has started."""
    done = subprocess.run(
        [sys.executable, "-c", START + program],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_it_ends_in_order_and_says_why_once() -> None:
    program = """
end.in_order(lambda: (gevent.sleep(0), print("in order"), os._exit(7)))
end.begin("first")
end.begin("second")
gevent.sleep(3600)
"""
    code, out, error = ended(program)
    assert (code, out) == (7, "in order\n")
    assert error.startswith("caretaker: process ")
    assert error.endswith(" ends: first\n")
    assert error.count("\n") == 1


def test_it_ends_though_the_loop_does_not_turn() -> None:
    program = """
prompt_end.SECONDS = 0.01
end.in_order(lambda: print("in order"))
end.begin("stuck")
while True:
    pass
"""
    code, out, _ = ended(program)
    assert (code, out) == (EXIT_CODE, "")


def test_before_there_is_a_loop_it_ends_at_once_with_its_children() -> None:
    # The output is open as long as the child is there.
    program = """
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
end.begin("too early")
"""
    assert ended(program)[0] == EXIT_CODE


def test_a_terminal_that_is_gone_is_no_error() -> None:
    assert ended("os.close(2); end.begin('unheard')")[0] == EXIT_CODE
