"""Networks of their own for processes of tests: network namespaces of Linux."""

from __future__ import annotations

from helpers.processes import run


class NoNetworkError(Exception):
    """There can be no such network here; the text says why."""


def own_network(set_up: str) -> tuple[str, ...]:
    """
    What stands before a command that is to run in a network of its own.

    Args:
        set_up: a line of shell that makes the network what it is to be.

    Raises:
        NoNetworkError: this machine or its user can have none, or the line has failed.
    """
    prefix = ("unshare", "--net", "sh", "-c", f'{set_up} && exec "$@"', "sh")
    try:
        probe = run("json.tool", "--help", prefix=prefix)
    except OSError as error:
        raise NoNetworkError(f"unshare: {error.strerror}") from error
    if probe.returncode:
        raise NoNetworkError(probe.stderr.strip()[-200:])
    return prefix
