"""A terminal whose process is killed gets its own screen back, and what was held."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.waiting import wait_until

from caretaker.swarm.terminal.terminal_guard import LEAVE_SCREEN

PROCESS = """
import os, signal, sys
from caretaker.swarm.terminal.terminal_guard import TerminalGuard

file = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
guard = TerminalGuard(1, file, 7)
if sys.argv[2] == "dismissed":
    guard.dismiss()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["killed", "dismissed"])
def test_what_a_killed_process_leaves_is_cleared_up(tmp_path: Path, end: str) -> None:
    held = tmp_path / "held"
    held.write_text("before\nheld back\n")
    shown, own = pty.openpty()
    command = [sys.executable, "-c", PROCESS, str(held), end]
    killed = subprocess.run(command, stdout=own, check=False)
    assert killed.returncode == -signal.SIGKILL
    os.set_blocking(shown, False)
    text = b""

    def read() -> bool:
        nonlocal text
        try:
            text += os.read(shown, 1 << 16)
        except BlockingIOError:
            return False
        except OSError:  # nobody has it open any more
            return True
        return False

    os.close(own)
    wait_until(lambda: read() or None, lambda: repr(text))
    os.close(shown)
    assert text == (LEAVE_SCREEN + b"held back\r\n" if end == "killed" else b"")
