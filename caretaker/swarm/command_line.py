"""
What no single option can tell of a command line: options that exclude each other, ports in use.

Locust finds these after it has forked its workers, and some with a traceback only. Here they are
one line and exit code 2, as any option that can't be used.
"""

from __future__ import annotations

import argparse
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from locust import User

from caretaker.device.reachability import Reach
from caretaker.errors import InputError, TransportError, one_line
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import NO_IPV6, IPVersion, has_ipv6
from caretaker.nearest_names import nearest_names
from caretaker.plain_numbers import MAX_SHOWN, shown
from caretaker.reasons import cure
from caretaker.swarm.host_limits import too_few_descriptors
from caretaker.swarm.option_addresses import ALL_ADDRESSES
from caretaker.swarm.option_values import proposed
from caretaker.swarm.options import OPTIONS
from caretaker.swarm.parsed_options import put_loopback, put_run_token, put_stages

_LIKENESS_OF_VARIABLES = 0.88
"""Behind the prefix. Others are of this machine, or of other programs."""
_PLACES = {"environment_variables": "the environment"}
"""Of options, by the names that Locust's parser has for them; a file's is behind a ``|``."""


def after_parsing(parser: Any, *steps: Callable[[argparse.Namespace], None]) -> None:
    """
    Make a parser give what it has parsed to functions, one after the other.

    Args:
        parser: Locust's for the command line, of which no process has been forked yet. Those that
            Locust makes later, for its pages, are not for this: the ports are in use then.
        steps: the functions. An InputError of theirs refuses the command line.
    """
    parse = parser.parse_args

    def parse_and_go_on(*arguments: Any, **named: Any) -> argparse.Namespace:
        options: argparse.Namespace = parse(*arguments, **named)
        try:
            for step in steps:
                step(options)
        except InputError as error:
            parser.error(str(error))
        return options

    parser.parse_args = parse_and_go_on


def check_together(parser: Any, options: argparse.Namespace) -> None:
    """
    Check that options fit together, and their ports.

    It puts the run token among the options, and what follows from stages.

    Args:
        parser: of the options.
        options: of the command line.

    Raises:
        InputError: they can't be used.
    """
    put_stages(options)
    put_loopback(options)
    for line in odd_variables(parser, os.environ):
        print(f"caretaker: {line}", file=sys.stderr, flush=True)
    for complaint in complaints(options):
        raise InputError(complaint)
    put_run_token(options)


def name_nearest(parser: Any) -> None:
    """
    Make a parser propose the nearest options for one that is none, in one line.

    Of a value that can't be used it names the variable or the file that has it, too.
    """
    refuse = parser.error
    flags = [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001

    def error(message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2]
        line = _no_option(unknown.split(), flags) if unknown else message
        raise refuse(one_line(line + _given_in(parser, message)))

    parser.error = error


def _given_in(parser: Any, message: str) -> str:
    """Where the argument that a message begins with was given, if not on the command line."""
    argument = message.removeprefix("argument ").partition(": ")[0]
    for source, settings in getattr(parser, "_source_to_settings", {}).items():
        place = _PLACES.get(source) or source.partition("|")[2]
        for name, (action, _) in settings.items() if place else ():
            if action is not None and "/".join(action.option_strings) == argument:
                return f" ({name} in {place})"
    return ""


def _no_option(unknown: Sequence[str], flags: Iterable[str]) -> str:
    """A line on what is no option; a value behind it may be a secret, and is not repeated."""
    word = next((word for word in unknown if word.startswith("-")), unknown[0])
    flag = word.partition("=")[0]
    return f"{flag[:MAX_SHOWN]}: no such option; {proposed(flag, flags)}"


def odd_variables(parser: Any, environment: Iterable[str]) -> Iterator[str]:
    """A line on each variable that seems to be meant for an option, and is none."""
    variables = (getattr(action, "env_var", None) or "" for action in parser._actions)  # noqa: SLF001
    known = {tuple(variable.split("_", 1)) for variable in variables if variable}
    for name in environment:
        prefix, _, rest = name.partition("_")
        ours = [other[1] for other in known if other[0] == prefix]
        near = [] if rest in ours else nearest_names(rest, ours, 1, _LIKENESS_OF_VARIABLES)
        for other in near:
            yield f"{name}: no option has this variable, so it is not used; {prefix}_{other} is one"


def complaints(options: argparse.Namespace) -> Iterator[str]:
    """What can't be used of parsed options, one line each."""
    if options.master and options.worker:
        yield "--master and --worker: a process is one of them"
    if options.master and options.processes:
        yield "--master and --processes: --processes alone forks workers of a master"
    if options.autoquit != -1 and not options.autostart:
        yield "--autoquit: give --autostart, too"
    if options.cr_routes and (options.cr_router or ":0").endswith(":0"):
        yield "--cr-routes: give --cr-router, too, with the port that the router has there"
    if (options.cr_routes or "").endswith(":0"):
        yield f"--cr-routes {options.cr_routes}: name the port; the router asks the master there"
    if few := too_few_descriptors():
        yield few
    yield from _unknown_users(options.user_classes)
    yield from _without_version(options)
    if not options.worker and not options.master:  # else CPEs are on other machines
        yield from _without_ipv6(options)
    if not options.worker:
        yield from _ports_in_use(options)
        if not options.headless:
            yield from _unusable_certificate(options.tls_cert, options.tls_key)


def _unknown_users(names: Iterable[str]) -> Iterator[str]:
    """
    Words without a flag that name no user, as a value whose flag was forgotten does.

    The locustfile has been loaded, and may have a user under another name than its own.
    """
    kinds = list(_below(User))
    modules = [sys.modules.get(name) for name in {kind.__module__ for kind in kinds}]
    for name in names:
        if not any(hasattr(module, name) for module in modules):
            known = sorted(kind.__name__ for kind in kinds if not kind.abstract)
            yield f"{shown(name)}: no option and no user; users are {', '.join(known) or 'none'}"


def _below(kind: type[User]) -> Iterator[type[User]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _ports_in_use(options: argparse.Namespace) -> Iterator[str]:
    loopback = OPTIONS["ip_version"].read(options.ip_version).loopback
    servers = [
        ("--master-bind-port", options.master_bind_host, options.master_bind_port,
         bool(options.master or options.processes)),
        ("--web-port", options.web_host, options.web_port, not options.headless),
        ("--metrics-port", options.metrics_host, options.metrics_port, True),
        ("--acs-port", loopback, options.acs_port, not options.host),
        ("--acs-nbi-port", loopback, options.acs_nbi_port, not options.host),
    ]  # fmt: skip
    for flag, host, port, is_served in servers:
        if is_served and port and not is_free(host, port):
            yield f"{flag} {port}: in use; choose another"


def _without_version(options: argparse.Namespace) -> Iterator[str]:
    """Why the version of IP that was given can't be used here, or not for the ACS."""
    version: IPVersion = OPTIONS["ip_version"].read(options.ip_version)
    if version is IPVersion.V6 and not has_ipv6():
        yield f"--ip-version 6: {NO_IPV6}; {cure(NO_IPV6)}"
    elif options.host and version is not IPVersion.ANY:
        try:
            Address.of(options.host).resolve(version)
        except TransportError as error:
            yield f"--ip-version {version}: {options.host}: {error}; {cure(error.reason)}"


def _without_ipv6(options: argparse.Namespace) -> Iterator[str]:
    """Why CPEs of this machine can't be reached over IPv6, if some are to be."""
    reach = OPTIONS["reach"].read(options.reach)
    if reach is not None and Reach.IPV6 in reach and not has_ipv6():
        helps = "leave ipv6 out, or sysctl -w net.ipv6.conf.all.disable_ipv6=0"
        yield f"--reach {reach}: {NO_IPV6}; {helps}"


def _unusable_certificate(cert: str | None, key: str | None) -> Iterator[str]:
    """What is wrong with the certificate of the web UI, which Locust would wait for without end."""
    if bool(cert) != bool(key):
        yield "--tls-cert and --tls-key: the web UI needs both"
    elif cert and key:
        try:
            # Without a passphrase, which OpenSSL would ask the terminal for.
            ssl.create_default_context().load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            yield f"--tls-cert {shown(cert)}, --tls-key {shown(key)}: {why}; give both in PEM"


def is_free(host: str, port: int) -> bool:
    """Whether a port of this machine can be bound; 0 always can."""
    name = None if host in ALL_ADDRESSES else host
    flags = socket.AI_PASSIVE
    try:
        family, *_, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)[
            0
        ]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True
