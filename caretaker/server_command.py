"""A server as a command: it serves until it is interrupted, or until the run that began it ends."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from caretaker.closed_output import say
from caretaker.errors import InputError
from caretaker.http.listener import raise_descriptors
from caretaker.parent_death import thaw_at_parent_death


class Server(Protocol):
    """What can be served."""

    def start(self) -> object:
        """Bind and serve; raises InputError where the address can't be bound."""

    def stop(self) -> None:
        """Stop serving."""


def serve(
    server: Server, addresses: Callable[[], Mapping[str, str]], lines: str, *, until_eof: bool
) -> int:
    """
    Serve, and return the exit code.

    Args:
        server: not started yet.
        addresses: of the started server, by name.
        lines: what is printed of them, in the form of ``str.format``.
        until_eof: whether a process of ours reads the addresses, or the error, as one line of JSON,
            and ends the server with its standard input; else signals end it. A line before the
            end of the input says that all is well.

    Raises:
        InputError: the address can't be bound.
    """
    raise_descriptors()
    if until_eof:
        thaw_at_parent_death()
    try:
        server.start()
    except InputError as error:
        if not until_eof:
            raise
        print(json.dumps({"error": str(error)}), flush=True)
        return 2
    try:
        if until_eof:
            # Ctrl-C is meant for the process that started this one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            say(json.dumps(addresses()))  # nobody reads, where the run has ended by now
            return _await_end_of_run()
        print(lines.format(**addresses()), flush=True)
        _await_signal()
    finally:
        server.stop()
    return 0


def _await_end_of_run() -> int:
    """Wait for the end of the standard input; the exit code tells whether all is well."""
    if sys.stdin.read():
        return 0
    with suppress(OSError):  # the terminal may be gone
        print("caretaker: a server ends: its run has ended", file=sys.stderr, flush=True)
    return 1


def _await_signal() -> None:
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        stopped.wait()
    except KeyboardInterrupt:
        print()
