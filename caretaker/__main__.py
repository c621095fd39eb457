"""``python -m caretaker``: the parts of Caretaker that run by themselves."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from caretaker import __version__, console
from caretaker.acs import ACSServer
from caretaker.digest import Credentials
from caretaker.errors import InputError


def _acs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument("--port", type=int, default=7547, help="for CPEs; 0 for any free one")
    parser.add_argument(
        "--north-bound-port", type=int, default=7557, help="for operators; 0 for any free one"
    )
    parser.add_argument("--username", help="that CPEs must show, by Digest; none is asked without")
    parser.add_argument(
        "--password",
        default=os.environ.get("CARETAKER_ACS_PASSWORD", ""),
        help="to it; better given in the environment as CARETAKER_ACS_PASSWORD",
    )
    parser.add_argument(
        "--no-provisioning",
        action="store_true",
        help="do not set Connection Request credentials at first contact",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        help="a host Connection Requests may go to, beside loopback and where Informs come from",
    )
    parser.add_argument(
        "--until-eof",
        action="store_true",
        help="print the addresses as JSON and end when standard input does",
    )


def _acs(options: argparse.Namespace) -> int:
    """Run the embedded ACS until interrupted."""
    credentials = None
    if options.username is not None:
        credentials = Credentials(options.username, options.password)
    server = ACSServer(
        options.port,
        options.north_bound_port,
        host=options.host,
        credentials=credentials,
        provisioning=not options.no_provisioning,
        allowed_hosts=options.allow_host,
    )
    try:
        server.start()
    except InputError as error:
        if options.until_eof:
            print(json.dumps({"error": str(error)}), flush=True)
            return 2
        raise
    try:
        _serve(server, until_eof=options.until_eof)
    finally:
        server.stop()
    return 0


def _serve(server: ACSServer, *, until_eof: bool) -> None:
    addresses = {"url": server.url, "north_bound_url": server.north_bound_url}
    if until_eof:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
        print(json.dumps(addresses), flush=True)
        sys.stdin.read()
        return
    print(f"ACS for CPEs:    {server.url}\nNorth-bound API: {server.north_bound_url}", flush=True)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        stopped.wait()
    except KeyboardInterrupt:
        print()


Command = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]

COMMANDS: dict[str, Command] = {
    "acs": ("a small ACS with a north-bound API", _acs_arguments, _acs),
    "cpe": ("one CPE by hand, for debugging an ACS", console.add_arguments, console.run),
}
"""Every command: what it is, its arguments, and what runs it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 2 for bad input, which takes one line."""
    parser = argparse.ArgumentParser("caretaker", description="TR-069 load generator")
    parser.add_argument("--version", action="version", version=f"caretaker {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (about, add_arguments, run) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        add_arguments(command)
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except InputError as error:
        print(f"caretaker: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
