"""
The check before a load test: whether its ACS works with one CPE, before any worker is forked.

It runs as ``caretaker check`` in a process of its own, from the machine of the master.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from caretaker.closed_output import say
from caretaker.swarm.command_line import is_free
from caretaker.swarm.option_values import PortRange
from caretaker.swarm.options import OPTIONS

SHARED = (
    "seed",
    "acs_username",
    "answer_timeout",
    "allow_hosts",
    "tls_ca",
    "tls_insecure",
    "any_id",
    "cr_host",
    "cr_advertise",
)
"""The options that the command takes as the run does, by their names in Locust's namespace."""


def check_first(parser: Any) -> None:
    """
    Make a parser check the ACS of a command line, and end the process where it does not work.

    Args:
        parser: Locust's for the command line, of which no process has been forked yet.
    """
    parse = parser.parse_args

    def parse_and_check(*arguments: Any, **named: Any) -> argparse.Namespace:
        options: argparse.Namespace = parse(*arguments, **named)
        if is_due(options):
            _check(options)
        return options

    parser.parse_args = parse_and_check


def is_due(options: argparse.Namespace) -> bool:
    """
    Whether a run begins at once, and with an ACS of the user: the embedded one does work.

    The command can't give a CPE one of username and password without the other, as a run can. Where
    the fleet is a list of devices, the ACS may know no others.
    """
    begins = options.headless or options.autostart
    is_one_login = bool(options.acs_username) == bool(options.acs_password)
    is_wanted = options.host and not (options.no_check or options.worker)
    has_list = vars(options).get("devices") is not None
    return bool(is_wanted and begins and is_one_login and not has_list)


def _check(options: argparse.Namespace) -> None:
    password = options.acs_password
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "caretaker", "check", "--brief", *check_arguments(options)],
        env={**os.environ, **({"CARETAKER_ACS_PASSWORD": password} if password else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    line = ((done.stderr if done.returncode else "") or done.stdout).strip().splitlines()[-1:]
    if done.returncode:
        said = "".join(line).removeprefix("caretaker: ") or "the check has ended"
        print(f"caretaker: {said} (--no-check: run all the same)", file=sys.stderr, flush=True)
        raise SystemExit(done.returncode)
    say("".join(line))


def check_arguments(options: argparse.Namespace) -> Iterator[str]:
    """
    The arguments of the command for a run.

    Connection Requests and tasks are checked where the run's driver posts tasks, and where they
    come to this machine itself, not to a router or to workers of other machines.
    """
    given = vars(options)
    yield f"--host={options.host}"
    for name in SHARED:
        yield from _argument(OPTIONS[name].flag, given.get(name))
    yield from _argument("--profile", (options.profiles or [None])[0])
    yield from _argument("--nbi-url", options.nbi_url)
    posts_tasks = options.cr_driver == "nbi" and options.nbi_url
    if posts_tasks and not (options.cr_router or options.master):
        yield f"--cr-port={_free_port(options)}"
    else:
        yield "--first-contact"


def _argument(flag: str, value: Any) -> Iterator[str]:
    if value is True:
        yield flag
    elif isinstance(value, list):
        yield from (f"{flag}={one}" for one in value)
    elif value not in (None, "", False):
        yield f"{flag}={value}"


def _free_port(options: argparse.Namespace) -> int:
    """The first free one of the run's ports for Connection Requests, as worker 0 takes it."""
    ports = PortRange.parse(str(options.cr_port)).of_worker(0)
    return next((port for port in ports if is_free(options.cr_host, port)), ports[0])
