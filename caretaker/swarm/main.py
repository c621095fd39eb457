"""
``caretaker run``: Locust, with our locustfile and defaults for a headless run on one machine.

It takes all options of Locust and ours. The command line, the environment and configuration files
win over the defaults.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from caretaker.errors import InputError
from caretaker.plain_numbers import is_digits
from caretaker.reporting.outcomes import BAD_INPUT, EXIT_CODES, RunOutcome
from caretaker.swarm.locustfile import PATH
from caretaker.swarm.reserved_port import reserved_port
from caretaker.swarm.start_signals import end_at_signals, end_with_starter

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
ROLES: dict[str, str] = {
    "--worker": "LOCUST_MODE_WORKER",
    "--master": "LOCUST_MODE_MASTER",
    "--headful": "LOCUST_HEADFUL",
    "--autostart": "LOCUST_AUTOSTART",
}
"""Switches that other defaults go with, and the variables that Locust takes them from, too."""


def defaults(arguments: Sequence[str], free_port: int) -> dict[str, Any]:
    """
    The defaults for a command line.

    In a run over several machines, the master and the workers keep Locust's port, and fork
    processes only where ``--processes`` is given. A worker receives the options of the run from its
    master. A search for the capacity ends by itself, so its run time is only an upper limit. A run
    with the web UI ends when its user ends it.

    Args:
        arguments: the command line.
        free_port: for the master, as two runs on one machine must not share Locust's port 5557.
    """
    on = ("1", "true", "yes")
    roles = {
        flag
        for flag, variable in ROLES.items()
        if flag in arguments or os.environ.get(variable, "").lower() in on
    }
    if "--worker" in roles:
        return {}
    chosen = dict(DEFAULTS)
    if any("find-capacity" in argument for argument in arguments):
        chosen["run_time"] = "30m"
    if {"--headful", "--autostart"} & roles:
        del chosen["headless"], chosen["run_time"]
    if "--master" in roles:
        del chosen["processes"]
        return chosen
    port = _given_port(arguments) or free_port
    return {**chosen, "master_bind_port": port, "master_port": port}


def _given_port(arguments: Sequence[str]) -> int | None:
    """The port of the master on the command line; None where none or no number is given."""
    port = _given(arguments, "--master-bind-port", "--master-port") or ""
    return int(port) if is_digits(port) and len(port) <= 5 else None


def _given(arguments: Sequence[str], *options: str) -> str | None:
    """The last value of these options on the command line; None where none is given."""
    return _split(arguments, *options)[0]


def _split(arguments: Sequence[str], *options: str) -> tuple[str | None, Sequence[str]]:
    """The last value of these options on the command line, and the command line without them."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument(*options, dest="value")
    try:
        known, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError:
        return None, arguments  # Locust's own parser reports it
    return known.value, rest


def check_locustfiles(arguments: Sequence[str]) -> None:
    """
    Check that the locustfiles of ``--locustfile`` are there; Locust has another exit code for it.

    Raises:
        InputError: one is not, or is no Python file and no folder.
    """
    for name in (_given(arguments, "-f", "--locustfile") or "").split(","):
        path = name.strip()
        if name in ("", "-") or "://" in name or os.path.isdir(path):  # noqa: PTH112  # as above
            continue
        if not os.path.exists(path):  # noqa: PTH110  # as above
            raise InputError(f"{name}: no such locustfile")
        if not path.endswith(".py"):
            raise InputError(f"{name}: no locustfile; give one whose name ends with .py")


def run(arguments: Sequence[str]) -> int:
    """Run Locust from the first moment of a process on, and return its exit code."""
    end_at_signals()
    end_with_starter()
    return main(arguments)


def main(arguments: Sequence[str]) -> int:
    """
    Run Locust with these arguments of ``caretaker run``.

    Raises:
        SystemExit: with the exit code of the run, which is how Locust ends.
    """
    with reserved_port() as free_port:  # until the run has ended
        return _run(arguments, free_port)


def _with_config_file(arguments: Sequence[str], usual: Sequence[str]) -> Sequence[str]:
    """The arguments with those of the file of ``--config``, if it is one of ours, before them."""
    from caretaker.swarm.config_file import ConfigFile, check, given_names  # noqa: PLC0415
    from caretaker.swarm.run_parser import run_parser  # noqa: PLC0415

    path, rest = _split(arguments, "--config")
    check([*usual, *([path] if path else [])])
    file = ConfigFile.read(path) if path else None
    if file is None:
        return arguments
    parser = run_parser({})
    return [*file.arguments(parser, given_names(parser, rest, os.environ)), *rest]


def _run(arguments: Sequence[str], free_port: int) -> int:
    import locust.main  # noqa: PLC0415  # takes a second, in which Ctrl-C may come

    try:
        arguments = _with_config_file(arguments, locust.argument_parser.DEFAULT_CONFIG_FILES)
        check_locustfiles(arguments)
    except InputError as error:
        print(f"caretaker: {error}", file=sys.stderr)
        return BAD_INPUT

    if {"-h", "--help"} & set(arguments):
        from caretaker.swarm.run_parser import print_help  # noqa: PLC0415

        print_help(defaults(arguments, free_port))
        return 0

    def set_defaults(parser: Any, **_: Any) -> None:
        parser.set_defaults(**defaults(arguments, free_port))

    locust.events.init_command_line_parser.add_listener(set_defaults)  # type: ignore[no-untyped-call]
    own = [] if _given(arguments, "-f", "--locustfile") else ["-f", PATH]
    sys.argv = ["caretaker run", *own, *arguments]
    try:
        locust.main.main()  # type: ignore[no-untyped-call]
    except OSError as error:  # of a file that Locust writes at the end, as --html
        print(f"caretaker: {error.filename or 'Locust'}: {error.strerror}", file=sys.stderr)
        return EXIT_CODES[RunOutcome.FAILED]
    return 0
