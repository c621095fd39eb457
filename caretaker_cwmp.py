"""
The command ``caretaker`` of the distribution caretaker-cwmp.

It stands outside of the package ``caretaker``: another project's distribution has that name and a
package of the same name. Where both are installed, each has replaced files of the other.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions

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
