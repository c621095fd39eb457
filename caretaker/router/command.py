"""The command ``caretaker router``."""

from __future__ import annotations

import argparse
import os

from caretaker.argument_type import argument_type
from caretaker.errors import InputError
from caretaker.http.ip_addresses import LOOPBACK, without_brackets
from caretaker.http.server_tls import add_server_arguments, given_tls
from caretaker.http.tls_settings import trusting
from caretaker.plain_numbers import port
from caretaker.router.routes_client import RoutesClient
from caretaker.router.server import RouterServer
from caretaker.run_token import FLAG, VARIABLE, RunToken
from caretaker.server_command import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--host",
        type=without_brackets,
        default=LOOPBACK,
        help=f"address to bind, of IPv4 or IPv6; :: for all (default: {LOOPBACK})",
    )
    parser.add_argument(
        "--port",
        type=argument_type(port),
        default=7548,
        help="for the ACS; 0 for any free one (default: 7548)",
    )
    parser.add_argument(
        "--routes",
        required=True,
        metavar="URL",
        help="of the master, where it says which worker holds which CPE (--cr-routes there)",
    )
    add_server_arguments(parser, "the ACS")
    parser.add_argument(
        "--tls-ca",
        metavar="FILE",
        help="certificates to trust where workers speak TLS, in PEM (default: those of the "
        "operating system)",
    )
    parser.add_argument(
        FLAG,
        metavar="FILE",
        help=f"file of the master's run token; the token itself is also read from {VARIABLE}",
    )
    parser.add_argument(
        "--until-eof",
        action="store_true",
        help="print the address as JSON, and end with the standard input",
    )


def run(options: argparse.Namespace) -> int:
    """Run a router until interrupted."""
    token = RunToken.given(options.run_token_file, os.environ)
    try:
        routes = RoutesClient(options.routes, token.bearer if token is not None else "")
    except InputError as error:
        raise InputError(f"--routes: {error}") from error
    server = RouterServer(
        options.port,
        host=options.host,
        routes=routes,
        tls=given_tls(options.tls_cert, options.tls_key, None),
        worker_tls=trusting(options.tls_ca),
    )
    line = "Connection Requests: {url}"
    return serve(server, lambda: {"url": server.url}, line, until_eof=options.until_eof)
