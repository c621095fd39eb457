"""What the processes of a run print while a screen is shown: held back, to tear nothing."""

from __future__ import annotations

import fcntl
import mmap
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

MAX_LINES = 1000
"""Lines that are kept; older ones are dropped."""
MAX_BYTES = 1 << 20
"""Bytes of the file that are kept after they were read."""


class HeldOutput:
    """
    A file without a name in the place of the descriptors of a terminal.

    It is made before workers are forked, and each process puts it there for itself: by its
    descriptor, so that no library and no log gets past it. Writing to a file blocks nobody.

    Args:
        file: without a buffer, open as long as this is used.
        descriptors: which of standard output and standard error are the terminal.
    """

    def __init__(self, file: IO[bytes], descriptors: Sequence[int] = (1, 2)) -> None:
        self.file = file
        self._descriptors = descriptors
        flags = fcntl.fcntl(file, fcntl.F_GETFL)
        fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_APPEND)  # also after it was emptied
        self.read = 0
        """Bytes of the file that have been read."""
        self._cleared = 0
        self._rest = b""
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._own: dict[int, int] = {}
        """Where each descriptor leads when it is not held back."""

    @property
    def terminal(self) -> int:
        """A descriptor of the terminal, also while output is held back."""
        first = self._descriptors[0]
        return self._own.get(first, first)

    def hold(self) -> None:
        """Hold back what this process prints from now on."""
        if self._own:
            return
        _flush()
        for descriptor in self._descriptors:
            self._own[descriptor] = os.dup(descriptor)
            os.dup2(self.file.fileno(), descriptor)

    def let_go(self) -> None:
        """Print what is held, and what this process prints from now on."""
        _flush()
        for descriptor, own in self._own.items():
            os.dup2(own, descriptor)
            os.close(own)
        self._own.clear()
        self._print()

    def end(self, process: int) -> None:
        """
        Print what others have printed since it was let go, in the process that has this number.

        That has made it; those that it has forked print into the file to their end.
        """
        if os.getpid() == process and not self.file.closed:
            self.lines()
            if self._rest:
                self._lines.append(self._rest.decode(errors="replace"))
            self._print()

    def _print(self) -> None:
        held = "".join(f"{line}\n" for line in self.lines()).encode()
        self._lines.clear()
        with suppress(OSError), os.fdopen(self.terminal, "wb", closefd=False) as terminal:
            terminal.write(held)  # it may be gone

    def lines(self) -> Sequence[str]:
        """The newest lines that are held, in their order."""
        descriptor = self.file.fileno()
        while new := os.pread(descriptor, 1 << 16, self.read):
            self.read += len(new)
            *whole, self._rest = (self._rest + new).split(b"\n")
            self._lines.extend(line.decode(errors="replace") for line in whole)
            self._rest = self._rest[-MAX_BYTES:]
        if self.read - self._cleared > MAX_BYTES:
            self._clear()
        return self._lines

    def _clear(self) -> None:
        """
        Give back the room of what was read.

        The file keeps its length where the system can do that, as others may be writing now: what
        came after the last look would be lost with a file that is cut.
        """
        end = self.read - self.read % mmap.ALLOCATIONGRANULARITY
        try:
            with mmap.mmap(self.file.fileno(), end - self._cleared, offset=self._cleared) as part:
                part.madvise(mmap.MADV_REMOVE)
            self._cleared = end
        except (AttributeError, OSError):  # of another system, or of a file system without holes
            os.ftruncate(self.file.fileno(), 0)
            self.read = self._cleared = 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
