"""
The load test from the command line: Locust, with defaults for a headless run on one machine.

``./scripts/loadtest [any Locust option]`` runs this module. The command line, the environment and
Locust's configuration files win over the defaults.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from caretaker.reporting.outcomes import BAD_INPUT
from caretaker.swarm.start_signals import end_at_signals

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
"""Defaults that replace Locust's and the plugin's own, by the names of the parsed options."""


def defaults(arguments: Sequence[str]) -> dict[str, Any]:
    """
    The defaults for a command line.

    Two runs on one machine must not share Locust's port 5557, so a free port is the default. In a
    run over several machines, the master and the workers keep Locust's port, and fork processes
    only where ``--processes`` is given. A worker receives the options of the run from its master.
    A search for the capacity ends by itself, so its run time is only an upper limit.
    """
    roles = {"--worker", "--master"} & set(arguments)
    for role in ("worker", "master"):
        if os.environ.get(f"LOCUST_MODE_{role.upper()}", "").lower() in ("1", "true", "yes"):
            roles.add(f"--{role}")
    if "--worker" in roles:
        return {}
    if "--master" in roles:
        return {name: value for name, value in DEFAULTS.items() if name != "processes"}
    port = _given_port(arguments) or _free_port()
    is_search = any("find-capacity" in argument for argument in arguments)
    run_time = {"run_time": "30m"} if is_search else {}
    return {**DEFAULTS, **run_time, "master_bind_port": port, "master_port": port}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _given_port(arguments: Sequence[str]) -> int | None:
    """The port of the master on the command line; None where none or no number is given."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for option in ("--master-bind-port", "--master-port"):
        parser.add_argument(option, type=int, dest="port")
    try:
        port: int | None = parser.parse_known_args(arguments)[0].port
    except argparse.ArgumentError:
        return None  # Locust's own parser reports it
    return port


def main() -> None:
    """Run Locust: ``python -m caretaker.swarm.main LOCUSTFILE [option ...]``."""
    locustfile, *arguments = sys.argv[1:]
    if not os.path.isfile(locustfile):  # noqa: PTH113  # Path's fails for a name that is too long
        print(f"caretaker: {locustfile}: no such locustfile", file=sys.stderr)
        sys.exit(BAD_INPUT)

    import locust.main  # noqa: PLC0415  # takes a second, in which Ctrl-C may come

    from caretaker.swarm.parsed_options import add_arguments  # noqa: PLC0415

    def set_defaults(parser: Any, **_: Any) -> None:
        parser.set_defaults(**defaults(arguments))

    hook = locust.events.init_command_line_parser
    hook.add_listener(set_defaults)  # type: ignore[no-untyped-call]
    if {"-h", "--help"} & set(arguments):  # which Locust answers before it reads the locustfile
        hook.add_listener(lambda parser, **_: add_arguments(parser))  # type: ignore[no-untyped-call]
    sys.argv = ["loadtest", "-f", locustfile, *arguments]
    locust.main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    end_at_signals()
    main()
