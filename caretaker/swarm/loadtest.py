"""
The main job: Locust with defaults for a headless run, and ports that are free.

``./scripts/loadtest [any Locust option]`` calls it; what is given on the command line or in the
environment wins over the defaults.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence

import locust.main

DEFAULTS: tuple[tuple[str, str | None, str], ...] = (
    ("--headless", None, "LOCUST_HEADLESS"),
    ("--only-summary", None, "LOCUST_ONLY_SUMMARY"),
    ("--users", "1000", "LOCUST_USERS"),
    ("--spawn-rate", "500", "LOCUST_SPAWN_RATE"),
    ("--run-time", "60s", "LOCUST_RUN_TIME"),
    ("--processes", "2", "LOCUST_PROCESSES"),
    ("--cr-rate", "20", "CARETAKER_CR_RATE"),
    ("--summary-json", "summary.json", "CARETAKER_SUMMARY_JSON"),
)
"""Each option with its value, and the environment variable that stands for it."""

_MASTER_PORTS = ("--master-bind-port", "--master-port")


def arguments(locustfile: str, given: Sequence[str]) -> list[str]:
    """
    The command line for Locust.

    Locust's parser takes the last of an option's values, so the defaults come first. Two runs on
    one machine must not meet on Locust's port 5557: without a port given, a free one is used.
    """
    command = ["-f", locustfile]
    for option, value, variable in DEFAULTS:
        if variable not in os.environ:
            command += [option] if value is None else [option, value]
    if not any(each.partition("=")[0] in _MASTER_PORTS for each in given):
        port = str(_free_port())
        for option in _MASTER_PORTS:
            command += [option, port]
    return [*command, *given]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _given_port(given: Sequence[str]) -> int | None:
    """The port that the master is told to listen on; None if none, or no number."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--master-bind-port", type=int)
    try:
        port: int | None = parser.parse_known_args(given)[0].master_bind_port
    except argparse.ArgumentError:
        return None  # Locust complains of it
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except (OSError, OverflowError):
            return False
    return True


def main() -> None:
    """Run Locust: ``python -m caretaker.swarm.loadtest LOCUSTFILE [option ...]``."""
    locustfile, *given = sys.argv[1:]
    port = _given_port(given)
    if port is not None and not _is_free(port):
        print(f"caretaker: --master-bind-port {port}: in use; choose another", file=sys.stderr)
        sys.exit(2)
    sys.argv = ["loadtest", *arguments(locustfile, given)]
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
