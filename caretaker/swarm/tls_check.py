"""What a command line says of TLS: bad certificates, no verification, and TLS that is slower."""

from __future__ import annotations

import argparse
import sys

from caretaker.build import damaged
from caretaker.c_parts import TLS
from caretaker.errors import InputError
from caretaker.http.compiled_tls import tls_module
from caretaker.http.server_tls import ServerTLS
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions

NOT_VERIFIED = "--tls-insecure: nobody verifies that the ACS is the one that it says it is"
NOT_COMPILED = (
    "TLS is by Python's ssl module here, and costs more CPU than compiled; how to have it compiled:"
    " docs/tls.md#what-it-costs"
)


def check_tls(options: argparse.Namespace) -> None:
    """
    Check the certificates of the CPEs that run on this machine, and say what users should know.

    Args:
        options: of the command line. Workers on other machines look at their files themselves.

    Raises:
        InputError: a certificate can't be used.
    """
    if options.tls_insecure and not options.worker:
        _say(NOT_VERIFIED)
    if _has_cpes_with_tls(options) and tls_module() is None:
        for text in [*damaged(TLS)] or [NOT_COMPILED]:
            _say(text)
    if not options.worker:
        _check_servers(options)
    if (options.client_cert or options.client_key) and not (options.worker or options.master):
        settings = Settings.of(options)
        settings.check_client_certificates(LocustOptions.of(options).num_users)


def _say(text: str) -> None:
    print(f"caretaker: {text}", file=sys.stderr, flush=True)


def _has_cpes_with_tls(options: argparse.Namespace) -> bool:
    """Whether CPEs of this machine speak TLS; a worker that its master tells the ACS counts not."""
    is_https = (options.host or "").lower().startswith("https:")
    return (is_https or options.acs_tls_cert is not None) and not options.master


def _check_servers(options: argparse.Namespace) -> None:
    """Check that the certificates of the run's own servers can be used."""
    for certificate, key, ca in (
        ("--cr-tls-cert", "--cr-tls-key", ""),
        ("--acs-tls-cert", "--acs-tls-key", "--acs-client-ca"),
    ):
        given = [vars(options).get(flag[2:].replace("-", "_")) for flag in (certificate, key, ca)]
        if given[0] is not None:
            try:
                ServerTLS(given[0], given[1] or "").context()
            except InputError as error:
                raise InputError(f"{certificate}, {key}: {error}") from error
        elif any(given):
            raise InputError(f"{key if given[1] else ca}: give {certificate}, too")
    if options.acs_client_names and not options.acs_client_ca:
        raise InputError("--acs-client-names: give --acs-client-ca, too")
