"""A forked worker does not outlive its master, though its loop never turns."""

from __future__ import annotations

import subprocess
import sys

import pytest

MASTER = """
import os
from caretaker.swarm import parent_watch
parent_watch.INTERVAL = parent_watch.PATIENCE = 0.01
reading, writing = os.pipe()
if os.fork() == 0:
    parent_watch.end_with_parent()
    os.write(writing, b"watching")
    while True:  # busy for ever
        pass
os.read(reading, 8)
"""


@pytest.mark.processes
def test_it_ends_by_itself() -> None:
    # The pipe is open as long as one of the two is there.
    done = subprocess.run(
        [sys.executable, "-c", MASTER], capture_output=True, text=True, timeout=120, check=True
    )
    assert "Traceback" not in done.stderr
