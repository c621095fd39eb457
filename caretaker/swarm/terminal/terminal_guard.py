"""
Gives a terminal back after a process that was killed while it drew on it.

Nobody can do that in a process that gets SIGKILL. So the guard is a process of its own, which reads
from a pipe: this ends with whatever has the other end. The guard runs this file alone, so the file
imports nothing of the package. It leaves the modes of the terminal to the shell, which sets its own
after a command that was killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress

LEAVE_SCREEN = b"\x1b[?25h\x1b[?1049l"
"""Shows the cursor, and leaves the alternate buffer."""
MOST_BYTES = 1 << 20
"""Of the output that was held back, the newest bytes that are printed."""
WAIT_SECONDS = 4.0
"""Workers end within ``PromptEnd.SECONDS`` after their master, and may print until then."""


class TerminalGuard:
    """
    Watches over a terminal from now on.

    Args:
        terminal: its descriptor.
        held: the descriptor of a file that has what is held back from the terminal.
        start: where in the file begins what has not been printed.
    """

    def __init__(self, terminal: int, held: int, start: int) -> None:
        reading, self._writing = os.pipe()
        try:
            # Isolated and without site-packages, it is there in 20 ms.
            started = subprocess.Popen(  # noqa: S603  # this file
                [sys.executable, "-IS", __file__, str(held), str(start)],
                stdin=reading,
                stdout=terminal,
                stderr=subprocess.DEVNULL,
                pass_fds=(held,),
                start_new_session=True,  # the terminal's Ctrl-C and hang-up are not for it
            )
        finally:
            os.close(reading)
        started.wait()

    def dismiss(self) -> None:
        """End it: the terminal has been given back."""
        with suppress(OSError):  # somebody has ended it
            os.write(self._writing, b".")
        os.close(self._writing)


def watch(held: int, start: int) -> None:
    """Wait for the end of the other process; unless it dismisses the guard, clear up after it."""
    if os.read(0, 1):
        return
    os.write(1, LEAVE_SCREEN)
    start = max(start, os.fstat(held).st_size - MOST_BYTES)
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        text = os.pread(held, MOST_BYTES, start)
        start += len(text)
        os.write(1, text.lstrip(b"\0"))  # what was read before is cleared
        time.sleep(0.1)


if __name__ == "__main__" and not os.fork():  # no child of the process, which ends its children
    watch(*map(int, sys.argv[1:]))
