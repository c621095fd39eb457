"""``caretaker``, also as ``python -m caretaker``: the load test, or one of ``commands``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from caretaker.c_parts import library_error


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command and return its exit code: 2 for bad input, which takes one line.

    What a command does not need is not imported for it. A run needs that most: Locust replaces
    Python's sockets, which nothing may have used before, and a signal may come from the first
    moment on.
    """
    error = library_error()
    if error:
        print(f"caretaker: can't be used, install Caretaker anew: {error}", file=sys.stderr)  # noqa: T201
        return 2
    given = sys.argv[1:] if arguments is None else [*arguments]
    if given[:1] == ["run"]:
        from caretaker.swarm.main import run  # noqa: PLC0415

        return run(given[1:])
    if given[:1] == ["completion"]:
        from caretaker.completion import main as complete  # noqa: PLC0415

        return complete(given[1:])
    from caretaker.commands import main as run_command  # noqa: PLC0415

    return run_command(given)


if __name__ == "__main__":
    sys.exit(main())
