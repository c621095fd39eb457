"""Servers of a run in processes of their own: the embedded ACS and the router."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from subprocess import PIPE, Popen

from caretaker.errors import InputError


class ServerProcess:
    """
    Runs ``python -m caretaker COMMAND --until-eof`` until ``stop``, or until this process ends.

    Args:
        what: it is, for the error.
        command: with its arguments.
        environment: variables beside those of this process.

    Raises:
        InputError: the server could not start; the text is its own line of error.
    """

    def __init__(
        self, what: str, *command: str, environment: Mapping[str, str] | None = None
    ) -> None:
        # The server ends with its standard input, which the system closes when this process ends;
        # an end that is meant has a line before it.
        # In a group of its own, as Ctrl-C would end Python in it while that still starts.
        self._process = Popen(  # noqa: S603
            [sys.executable, "-m", "caretaker", *command, "--until-eof"],
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **(environment or {})},
            process_group=0,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline() or '{"error": "it did not start"}'
        self.addresses: Mapping[str, str] = json.loads(line)
        """By the names that the command gives them."""
        if "error" in self.addresses:
            raise InputError(f"{what}: {self.addresses['error']}")

    def wait(self) -> int:
        """Wait until the process has ended, and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """End the server, and wait until its process has ended."""
        with suppress(OSError):  # it has ended before
            self._process.communicate(b"\n")
