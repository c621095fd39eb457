"""The embedded ACS in a process of its own, for runs without ``--host``."""

from __future__ import annotations

import json
import sys
from subprocess import PIPE, Popen

from caretaker.errors import InputError


class EmbeddedACS:
    """
    Runs ``python -m caretaker acs`` until it is stopped, or this process ends however it may.

    Args:
        port: for CPEs, 0 for any free one.
        north_bound_port: for operators, 0 for any free one.

    Raises:
        InputError: it could not start; the text is its own one line.
    """

    def __init__(self, port: int = 0, north_bound_port: int = 0) -> None:
        command = [sys.executable, "-m", "caretaker", "acs", "--until-eof"]
        command += ["--port", str(port), "--north-bound-port", str(north_bound_port)]
        # It ends when its standard input does, which is when we do, however that may be.
        self._process = Popen(command, stdin=PIPE, stdout=PIPE)  # noqa: S603
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline() or '{"error": "it did not start"}')
        if "error" in said:
            raise InputError(f"embedded ACS: {said['error']}")
        self.url: str = said["url"]
        self.north_bound_url: str = said["north_bound_url"]

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
