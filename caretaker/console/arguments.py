"""The command line of ``python -m caretaker cpe``."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from contextlib import suppress
from typing import Any

from caretaker.argument_type import argument_type
from caretaker.console.console import Console, seconds_of
from caretaker.console.trace import Trace
from caretaker.device.identity import LARGEST_SEED
from caretaker.errors import InputError
from caretaker.http.client_certificates import (
    PASSWORD_VARIABLE,
    ClientCertificates,
    check_template,
)
from caretaker.http.credentials import Credentials, login_text
from caretaker.http.ip_addresses import IPVersion, without_brackets
from caretaker.http.server_tls import PASSWORD_VARIABLE as KEY_PASSWORD
from caretaker.http.server_tls import ServerTLS, given_tls
from caretaker.http.tls_settings import TLSSettings
from caretaker.masking import masked
from caretaker.plain_numbers import port, whole
from caretaker.profiles.profile import BUILT_IN

_seconds = argument_type(seconds_of)


def own_serial_number(text: str) -> dict[str, Any]:
    """
    The arguments of ``Fleet`` that make the CPE with a serial number like ``FLEET-000001``.

    Raises:
        InputError: it is none.
    """
    match = re.fullmatch(r"([A-Za-z0-9._-]{1,40})-([0-9]{6,12})", text, re.ASCII)
    index = int(match[2]) - 1 if match else -1
    if match is None or index < 0 or f"{index + 1:06d}" != match[2]:
        raise InputError(f"--serial: {text!r} is not like FLEET-000001")
    return {"oui_prefix": match[1], "first_index": index}


# fmt: off
_OPTIONS: dict[str, dict[str, Any]] = {
    "--profile": {"default": "tr181", "metavar": "FILE",
                  "help": "device profile: a CSV export of GenieACS, a profile file (TOML), or a "
                          f"built-in one: {', '.join(BUILT_IN)} (default: tr181)"},
    "--seed": {"default": 0, "type": argument_type(whole(0, LARGEST_SEED)), "metavar": "INT",
               "help": "random seed; the same seed gives the same CPE (default: 0)"},
    "--acs-username": {"metavar": "TEXT", "type": argument_type(login_text),
                       "help": "username towards the ACS "
                               "(default: the CPE's OUI-ProductClass-SerialNumber)"},
    "--acs-password": {"default": os.environ.get("CARETAKER_ACS_PASSWORD"),
                       "type": argument_type(login_text),
                       "metavar": "TEXT",
                       "help": "password towards the ACS; safer in the environment, as "
                               "CARETAKER_ACS_PASSWORD"},
    "--answer-timeout": {"default": 30.0, "type": _seconds, "metavar": "SECONDS",
                         "help": "seconds that the CPE waits for each answer (default: 30)"},
    "--reboot-seconds": {"default": 10.0, "type": _seconds, "metavar": "SECONDS",
                         "help": "seconds that the CPE is down when it reboots (default: 10)"},
    "--any-id": {"action": "store_true",
                 "help": "accept answers whose cwmp:ID differs from the request's"},
    "--allow-host": {"action": "append", "default": [], "metavar": "HOST",
                     "help": "another host that the ACS may redirect the CPE to; repeatable"},
    "--ip-version": {"default": IPVersion.ANY, "choices": list(map(str, IPVersion)),
                     "help": "version of IP that the CPE reaches the ACS by; any tries the "
                             "addresses of a name in the order of the system's resolver "
                             "(default: any)"},
    "--tls-ca": {"metavar": "FILE", "help": "certificates to trust, in PEM"},
    "--tls-insecure": {"action": "store_true", "help": "do not verify the ACS's certificate"},
    "--client-cert": {"metavar": "FILE", "help": "certificate that the CPE shows to the ACS, in "
                      "PEM; {serial} in the name is its serial number"},
    "--client-key": {"metavar": "FILE", "help": "private key of --client-cert (default: in the "
                     f"same file); its password is in the environment, as {PASSWORD_VARIABLE}"},
    "--cr-host": {"metavar": "ADDRESS", "type": without_brackets,
                  "help": "address to bind for Connection Requests (default: 127.0.0.1; ::1 with "
                          "--ip-version 6)"},
    "--cr-port": {"default": 0, "type": argument_type(port), "metavar": "PORT",
                  "help": "port for Connection Requests (default: 0, any free port)"},
    "--cr-advertise": {"metavar": "HOST", "type": without_brackets,
                       "help": "host in the ConnectionRequestURL (default: the bound address)"},
    "--cr-tls-cert": {"metavar": "FILE",
                      "help": "take Connection Requests over https, with this certificate, in PEM"},
    "--cr-tls-key": {"metavar": "FILE", "help": "private key of --cr-tls-cert (default: in the "
                     f"same file); its password is in the environment, as {KEY_PASSWORD}"},
    "--trace": {"action": "store_true", "help": "show whole envelopes"},
}
# fmt: on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``python -m caretaker cpe``."""
    parser.add_argument("--acs-url", required=True, metavar="URL", help="URL of the ACS")
    add_cpe_arguments(parser)
    parser.add_argument(
        "--serial",
        default="FLEET-000001",
        metavar="NUMBER",
        help="serial number of the CPE (default: FLEET-000001)",
    )


def add_cpe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of one CPE, for all commands that play one."""
    for flag, settings in _OPTIONS.items():
        parser.add_argument(flag, **settings)


def run(options: argparse.Namespace) -> int:
    """
    Run a CPE until standard input ends, or Ctrl-C.

    Raises:
        InputError: an option can't be used.
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # a character that the locale lacks is no error
            stream.reconfigure(errors="replace")
    trace = Trace(_write, whole=options.trace)
    try:
        who = own_serial_number(options.serial)
        console = Console(trace, options.acs_url, **fleet_settings(options), **who)
        console.run(sys.stdin or ())
    except InputError as error:
        raise InputError(masked(str(error))) from None
    return 0


def _write(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()


def fleet_settings(options: argparse.Namespace) -> dict[str, Any]:
    """
    The arguments of ``Fleet`` that the options of one CPE stand for, beside its serial number.

    Raises:
        InputError: an option can't be used.
    """
    return {
        "profiles": [options.profile],
        "seed": options.seed,
        "credentials": _credentials(options),
        "timeout": options.answer_timeout,
        "reboot_seconds": (options.reboot_seconds, options.reboot_seconds),
        "check_id": not options.any_id,
        "allowed_hosts": options.allow_host,
        "tls": _tls(options),
        "certificates": _certificates(options),
        "connection_request_host": options.cr_host or IPVersion(options.ip_version).loopback,
        "ip_version": IPVersion(options.ip_version),
        "connection_request_port": options.cr_port,
        "advertise": options.cr_advertise,
        "connection_request_tls": _cr_tls(options),
    }


def _cr_tls(options: argparse.Namespace) -> ServerTLS | None:
    if options.cr_tls_cert is None and options.cr_tls_key:
        raise InputError("--cr-tls-key: give --cr-tls-cert, too")
    return given_tls(options.cr_tls_cert, options.cr_tls_key, None)


def _tls(options: argparse.Namespace) -> TLSSettings:
    tls = TLSSettings(options.tls_ca, verify=not options.tls_insecure)
    if options.tls_ca is not None:
        tls.new_context()  # to hear now what can't be used
    return tls


def _certificates(options: argparse.Namespace) -> ClientCertificates:
    given = ClientCertificates(options.client_cert or "", options.client_key or "")
    for text in filter(None, given):
        check_template(text)
    return given


def _credentials(options: argparse.Namespace) -> Credentials | None:
    """The credentials towards the ACS; None for the CPE's own."""
    username, password = options.acs_username, options.acs_password
    if username is None and password is not None:
        raise InputError("--acs-password (or CARETAKER_ACS_PASSWORD): give --acs-username too")
    return None if username is None else Credentials(username, password or "")
