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
from typing import Any

import locust
import locust.main

DEFAULTS: dict[str, Any] = {
    "headless": True,
    "only_summary": True,
    "num_users": 1000,
    "spawn_rate": 500,
    "run_time": "60s",
    "processes": 2,
    "cr_rate": 20.0,
    "summary_json": "summary.json",
}
"""What stands in place of Locust's own defaults, by the names of the parsed options."""


def defaults(given: Sequence[str]) -> dict[str, Any]:
    """
    The defaults for a command line; configuration file, environment and command line win.

    Two runs on one machine must not meet on Locust's port 5557: without a port given, a free one
    is used. A master or worker of a run over several machines keeps Locust's port, and starts no
    processes unless told; a worker is told the rest by its master. A search for the capacity ends
    by itself, long before its run time.
    """
    roles = {"--worker", "--master"} & set(given)
    for role in ("worker", "master"):
        if os.environ.get(f"LOCUST_MODE_{role.upper()}", "").lower() in ("1", "true", "yes"):
            roles.add(f"--{role}")
    if "--worker" in roles:
        return {}
    if "--master" in roles:
        return {name: value for name, value in DEFAULTS.items() if name != "processes"}
    port = _given_port(given) or _free_port()
    run_time = {"run_time": "30m"} if any("find-capacity" in each for each in given) else {}
    return {**DEFAULTS, **run_time, "master_bind_port": port, "master_port": port}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _given_port(given: Sequence[str]) -> int | None:
    """The port that master and workers are told to meet at; None if none, or no number."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for option in ("--master-bind-port", "--master-port"):
        parser.add_argument(option, type=int, dest="port")
    try:
        port: int | None = parser.parse_known_args(given)[0].port
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
    if port is not None and "--worker" not in given and not _is_free(port):
        print(f"caretaker: --master-bind-port {port}: in use; choose another", file=sys.stderr)
        sys.exit(2)

    def set_defaults(parser: Any, **_: Any) -> None:
        parser.set_defaults(**defaults(given))

    locust.events.init_command_line_parser.add_listener(set_defaults)  # type: ignore[no-untyped-call]
    sys.argv = ["loadtest", "-f", locustfile, *given]
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
