"""The commands that run without Locust."""

from __future__ import annotations

import argparse
import io
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from caretaker import build, certs, check, cleanup, console
from caretaker.acs import command as acs_command
from caretaker.closed_output import discard_output
from caretaker.connection_request import command as cr_command
from caretaker.errors import InputError, one_line
from caretaker.plain_numbers import is_digits
from caretaker.profiles import load_profile
from caretaker.profiles.dumped_identity import listed
from caretaker.profiles.importer import description, import_files, save
from caretaker.profiles.profile import BUILT_IN
from caretaker.reporting import compare_command, report, runs_command, trend_command
from caretaker.router import command as router_command

SHELLS = ("bash", "zsh", "fish")
"""Shells that complete commands and options."""


def _profile_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = "make a profile of a CSV or JSON export, XML dumps, or a Broadband Forum data model"
    importing = commands.add_parser("import", help=about, description=about)
    importing.add_argument("files", nargs="+", metavar="FILE")
    importing.add_argument("-o", "--output", required=True, metavar="NAME", help="for NAME.csv")
    importing.add_argument(
        "--profile",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        default=[],
        metavar="NAME:VERSION,...",
        help="of a data model: the profiles that the device claims, as Baseline:3,WiFiRadio:1",
    )
    importing.add_argument(
        "--rows",
        action="append",
        default=[],
        metavar="TABLE=N",
        help="of a data model: rows of a table, as Device.WiFi.SSID.=4; 1 in all others",
    )
    importing.set_defaults(act=_import_profile)
    about = "show what a profile is, and its odd values"
    _add_file_command(commands, "show", about, _show_profile)
    about = "list what of the exported device CPEs of a profile have no more"
    _add_file_command(commands, "check", about, _check_profile)


def _add_file_command(
    commands: Any, name: str, about: str, act: Callable[[argparse.Namespace], None]
) -> None:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("file", metavar="FILE", help=f"or {', '.join(BUILT_IN)}")
    parser.set_defaults(act=act)


def _import_profile(options: argparse.Namespace) -> None:
    rows = dict(map(_table_rows, options.rows))
    imported = import_files(options.files, options.profile, rows)
    saved = save(imported, options.output)
    paths = saved.paths
    print(f"wrote {' and '.join(map(str, paths))}; run it with --profile {paths[-1]}")
    print("\n".join([*description(saved.profile), *imported.notes]))


def _table_rows(text: str) -> tuple[str, int]:
    table, _, number = text.partition("=")
    if not (table and is_digits(number) and len(number) < 7):
        raise InputError(f"--rows {text}: write a table and a number, as Device.WiFi.SSID.=4")
    return table, int(number)


def _show_profile(options: argparse.Namespace) -> None:
    print("\n".join(description(load_profile(options.file))))


def _check_profile(options: argparse.Namespace) -> None:
    print("\n".join(listed(load_profile(options.file).replaced)))


def _profile(options: argparse.Namespace) -> int:
    """Import or show a device profile."""
    options.act(options)
    return 0


def _completion_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")


def _first(_: argparse.Namespace) -> NoReturn:
    """Refuse a command of ``__main__`` behind another argument."""
    raise InputError("give this command as the first argument")


Command = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]

COMMANDS: dict[str, Command] = {
    "run": ("the load test: a fleet of CPEs against an ACS", lambda _: None, _first),
    "acs": ("a small ACS with a north-bound API", acs_command.add_arguments, acs_command.run),
    "certs": ("certificates for tests of TLS", certs.add_arguments, certs.run),
    "check": ("does an ACS work with a CPE of ours", check.add_arguments, check.run),
    "cleanup": ("delete the fleet of a run from an ACS", cleanup.add_arguments, cleanup.run),
    "compare": ("two runs side by side", compare_command.add_arguments, compare_command.run),
    "cpe": ("one CPE by hand, for debugging an ACS", console.add_arguments, console.run),
    "cr": ("one Connection Request, step by step", cr_command.add_arguments, cr_command.run),
    "report": ("a page of an earlier run", report.add_arguments, report.run),
    "router": (
        "one address for the Connection Requests of a fleet",
        router_command.add_arguments,
        router_command.run,
    ),
    "runs": ("list the runs that --runs has kept", runs_command.add_arguments, runs_command.run),
    "trend": ("how figures develop over kept runs", trend_command.add_arguments, trend_command.run),
    "completion": ("completion of commands and options", _completion_arguments, _first),
    "profile": ("import device profiles, and show them", _profile_arguments, _profile),
}
"""All commands: help, a function that adds the arguments, and a function that runs it."""


class Parser(argparse.ArgumentParser):
    """A parser, of commands too, that refuses bad input in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, without the usage, which ``--help`` shows."""
        if message.endswith("required: COMMAND"):
            message = f"give a command; {self.prog} --help lists them"
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def command_parser(run_options: argparse.ArgumentParser | None = None) -> Parser:
    """
    The parser of all commands.

    Args:
        run_options: a parser with the options of ``caretaker run``, which is none of ours.
    """
    parser = Parser("caretaker", description="TR-069 load generator")
    parser.add_argument("--version", action="version", version=build.about())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (about, add_arguments, run) in COMMANDS.items():
        parents: list[Any] = [run_options] if name == "run" and run_options is not None else []
        command = commands.add_parser(
            name, help=about, description=about, parents=parents, add_help=not parents
        )
        add_arguments(command)
        command.set_defaults(run=run)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a command and return the exit code: 2 for bad input, which takes one line."""
    options = command_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal can't show ends no command
        sys.stdout.reconfigure(errors="replace")
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # head has seen enough; what a shell says of such a command
        discard_output()
        return 128 + signal.SIGPIPE
    except InputError as error:
        print(f"caretaker: {error}", file=sys.stderr)
        return 2
    return code
