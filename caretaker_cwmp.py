"""
What starts by itself of the distribution caretaker-cwmp: its command, and a line for Locust's help.

It stands outside of the package ``caretaker``: another project's distribution has that name and a
package of the same name. Where both are installed, each has replaced files of the other.
"""

from __future__ import annotations

import atexit
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

COMMAND = ("console_scripts", "caretaker")
"""The group and the name of an entry point that only the distributions of this project have."""


def main() -> int:
    """Run the command and return its exit code: 2 where the other distribution is here, too."""
    other = other_distribution()
    if other is not None:
        print(  # noqa: T201
            f"caretaker: {other.name} {other.version}, another project, is installed here, too, "
            "and has replaced files of ours; give caretaker-cwmp a virtual environment of its own",
            file=sys.stderr,
        )
        return 2
    from caretaker.__main__ import main as run_command  # noqa: PLC0415

    return run_command()


def other_distribution() -> Distribution | None:
    """The installed distribution ``caretaker`` that is not of this project; None without it."""
    for found in distributions(name="caretaker"):
        if COMMAND not in {(point.group, point.name) for point in found.entry_points}:
            return found
    return None


def after_patching(_: object) -> None:
    """
    Have ``locust --help`` with a locustfile of ours end with where its options are.

    Locust prints its help before it reads a locustfile, and has nothing else that it would call
    then. gevent calls this function (as a plugin) when a program has it replace Python's sockets,
    which Locust does first of all.
    """
    command = [Path(word).name for word in sys.orig_argv]
    is_help = "locust" in command[:3] and {"-h", "--help"} & set(command)
    if is_help and any(map(_is_ours, _locustfiles(sys.orig_argv))):
        atexit.register(print, "\nThe options of this locustfile: caretaker run --help")


def _locustfiles(command: Sequence[str]) -> list[str]:
    parser = ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("-f", "--locustfile", default="locustfile.py")
    try:
        named: str = parser.parse_known_args(command)[0].locustfile
    except Exception:  # noqa: BLE001  # Locust says what is wrong
        return []
    return named.split(",")


def _is_ours(locustfile: str) -> bool:
    try:
        return "caretaker" in Path(locustfile).read_text(errors="replace")
    except (OSError, ValueError):
        return False
