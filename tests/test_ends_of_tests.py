"""What a test leaves behind fails that test, or its module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import socket
import gevent

def test_leaves_nothing():
    gevent.spawn(gevent.sleep, 60).kill(block=False)

def test_leaves_a_timer():
    gevent.spawn(gevent.sleep, 60)

def test_leaves_a_socket():
    opened = [socket.socket()]
    opened.append(opened)

def test_comes_last():
    pass
"""


@pytest.mark.processes
def test_what_is_left_over_is_an_error_where_it_was_left(tmp_path: Path, root: Path) -> None:
    (tmp_path / "test_left.py").write_text(TESTS)
    made = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider",
         "-c", root / "setup.cfg", "--rootdir", tmp_path, tmp_path],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root / "tests")}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "4 passed, 2 errors in" in made.stdout
    errors = [line.split()[1] for line in made.stdout.splitlines() if line.startswith("ERROR ")]
    names = [error.partition("::")[2] for error in errors]
    assert names == ["test_leaves_a_timer", "test_comes_last"]
