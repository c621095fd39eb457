"""Commands in a terminal of their own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.text import Text

from helpers.processes import ROOT, environment
from helpers.waiting import PATIENCE, wait_until


class TerminalProcess:
    """``python -m`` these arguments in a terminal, as its foreground process."""

    def __init__(
        self, *arguments: str, rows: int = 24, columns: int = 80, **variables: str
    ) -> None:
        self._terminal, own = pty.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(own)
        self._own = own
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_FOREGROUND, *arguments],
            stdin=own,
            stdout=own,
            stderr=own,
            env={**environment(), "TERM": "xterm-256color", **variables},
            cwd=ROOT,
            start_new_session=True,
        )
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> str:
        """Wait until it shows something new, and return what it has shown since the last wait."""

        def found() -> str | None:
            self._read()
            text = Text.from_ansi(self.text.replace("\r", "")).plain
            has_ended = self.process.poll() is not None
            match = re.search(pattern, text)
            assert match or not has_ended, f"it ended: {text}"
            return text if match else None

        text = wait_until(found, lambda: f"no {pattern!r} in: {self.text}", seconds)
        self.text = ""
        return text

    def wait_for_text(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until it has written this since the last wait, be its process there or not."""

        def written() -> bool:
            self._read()
            return text in self.text

        wait_until(written, lambda: f"no {text!r} in: {self.text}", seconds)

    def end(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """Wait for its end; its exit code, and all that it has written since the last wait."""

        def ended() -> bool:
            self._read()
            return self.process.poll() is not None

        wait_until(ended, lambda: f"it goes on: {self.text}", seconds)
        self._read()
        return self.process.returncode, self.text.replace("\r", "")

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal has the modes that it had before the process."""
        return termios.tcgetattr(self._own) == self.modes

    def _read(self) -> None:
        while select.select([self._terminal], [], [], 0)[0]:
            self.text += os.read(self._terminal, 1 << 16).decode(errors="replace")

    def close(self) -> None:
        """End the process, and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self._terminal, self._own):
            with suppress(OSError):
                os.close(descriptor)


_IN_FOREGROUND = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@contextmanager
def terminal(
    *arguments: str, rows: int = 24, columns: int = 80, **variables: str
) -> Iterator[TerminalProcess]:
    """``python -m`` these arguments in a terminal, ended in any case."""
    started = TerminalProcess(*arguments, rows=rows, columns=columns, **variables)
    try:
        yield started
    finally:
        started.close()
