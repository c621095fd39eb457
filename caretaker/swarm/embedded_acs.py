"""The embedded ACS in a process of its own, for runs without ``--host``."""

from __future__ import annotations

import json
import sys
from subprocess import PIPE, Popen

from caretaker.errors import InputError


class EmbeddedACS:
    """
    Runs ``python -m caretaker acs`` until ``stop``, or until this process ends in any way.

    Args:
        port: of the ACS for CPEs; 0 for any free one.
        north_bound_port: of its north-bound API; 0 for any free one.

    Raises:
        InputError: the ACS could not start; the text is its own line of error.
    """

    def __init__(self, port: int = 0, north_bound_port: int = 0) -> None:
        command = [sys.executable, "-m", "caretaker", "acs", "--until-eof"]
        command += ["--port", str(port), "--north-bound-port", str(north_bound_port)]
        # The ACS ends with its standard input, which the system closes when this process ends.
        # In a group of its own, as Ctrl-C would end Python in it while that still starts.
        self._process = Popen(command, stdin=PIPE, stdout=PIPE, process_group=0)  # noqa: S603
        assert self._process.stdout is not None
        addresses = json.loads(self._process.stdout.readline() or '{"error": "it did not start"}')
        if "error" in addresses:
            raise InputError(f"embedded ACS: {addresses['error']}")
        self.url: str = addresses["url"]
        self.north_bound_url: str = addresses["north_bound_url"]

    def stop(self) -> None:
        """End the ACS, and wait until its process has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
