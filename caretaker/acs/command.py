"""``python -m caretaker acs``: the embedded ACS by itself."""

from __future__ import annotations

import argparse
import os
from typing import Any

from caretaker.acs.server import ACSServer
from caretaker.argument_type import argument_type
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE, PORT, XMPPAccount
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials
from caretaker.http.ip_addresses import LOOPBACK, without_brackets
from caretaker.http.server_tls import add_server_arguments, given_tls
from caretaker.http.tls_settings import trusting
from caretaker.plain_numbers import port
from caretaker.server_command import serve

# fmt: off
_ADDRESS: dict[str, dict[str, Any]] = {
    "--host": {"type": without_brackets, "default": LOOPBACK,
               "help": f"address to bind, of IPv4 or IPv6; :: for all (default: {LOOPBACK})"},
    "--port": {"type": argument_type(port), "default": 7547,
               "help": "for CPEs; 0 for any free one (default: 7547)"},
    "--north-bound-port": {"type": argument_type(port), "default": 7557,
                           "help": "of the north-bound API; 0 for any free one (default: 7557)"},
    "--north-bound-allow-host": {"action": "append", "default": [],
                                 "help": "another name of the north-bound API than this "
                                         "machine's; repeatable"},
    "--username": {"help": "that CPEs must give, by Digest (default: no authentication)"},
    "--password": {"default": os.environ.get("CARETAKER_ACS_PASSWORD", ""),
                   "help": "of --username; safer in the environment, as CARETAKER_ACS_PASSWORD"},
}
"""Where the ACS is, and who may come; the options of its certificate follow."""
_BEHAVIOR: dict[str, dict[str, Any]] = {
    "--client-ca": {"metavar": "FILE",
                    "help": "with --tls-cert: CAs of which each CPE must show a certificate, in "
                            "PEM; no other authentication is asked for then"},
    "--client-names": {"action": "store_true",
                       "help": "with --client-ca: refuse a CPE (HTTP 403) whose certificate does "
                               "not name the serial number, OUI-SerialNumber or "
                               "OUI-ProductClass-SerialNumber of its Inform"},
    "--no-provisioning": {"action": "store_true",
                          "help": "do not set Connection Request credentials at first contact"},
    "--allow-host": {"action": "append", "default": [],
                     "help": "another host for Connection Requests, besides the address that an "
                             "Inform comes from; repeatable"},
    "--cr-client": {"choices": list(CLIENTS), "default": "tolerant",
                    "help": "how Connection Requests are sent: as TR-069 has it, or as GenieACS "
                            "does (default: tolerant)"},
    "--watch-ways": {"action": "store_true",
                     "help": "ask each device at first contact whether it can be reached by UDP "
                             "or XMPP, and have it report changes of that"},
    "--cr-tls-ca": {"metavar": "FILE",
                    "help": "certificates to trust for Connection Requests to https URLs or by an "
                            "XMPP server, in PEM (default: those of the operating system)"},
    "--cr-xmpp-jid": {"metavar": "USER@DOMAIN",
                      "help": "XMPP account to send Connection Requests from, to devices whose "
                              "ConnReqJabberID is of its domain or of that of an --allow-host; "
                              "always with TLS (see --cr-tls-ca) and SCRAM-SHA-1 (default: none, "
                              "and a ConnReqJabberID is passed over)"},
    "--cr-xmpp-password": {"default": os.environ.get(PASSWORD_VARIABLE, ""),
                           "help": "of --cr-xmpp-jid; safer in the environment, as "
                                   f"{PASSWORD_VARIABLE}"},
    "--cr-xmpp-server": {"default": "", "metavar": "HOST[:PORT]",
                         "help": "XMPP server of --cr-xmpp-jid (default: its domain, port "
                                 f"{PORT})"},
    "--until-eof": {"action": "store_true",
                    "help": "print the addresses as JSON, and end with the standard input"},
}
"""What the ACS does."""
# fmt: on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    for flag, settings in _ADDRESS.items():
        parser.add_argument(flag, **settings)
    add_server_arguments(parser, "CPEs")
    for flag, settings in _BEHAVIOR.items():
        parser.add_argument(flag, **settings)


def run(options: argparse.Namespace) -> int:
    """
    Run the embedded ACS until interrupted.

    Raises:
        InputError: an option can't be used.
    """
    credentials = None
    if options.client_names and not options.client_ca:
        raise InputError("--client-names: give --client-ca, too")
    if options.username is not None:
        credentials = Credentials(options.username, options.password)
    server = ACSServer(
        options.port,
        options.north_bound_port,
        host=options.host,
        credentials=credentials,
        north_bound_names=options.north_bound_allow_host,
        provisioning=not options.no_provisioning,
        allowed_hosts=options.allow_host,
        cr_client=options.cr_client,
        tls=given_tls(options.tls_cert, options.tls_key, options.client_ca),
        check_names=options.client_names,
        cr_tls=trusting(options.cr_tls_ca),
        watches_ways=options.watch_ways,
        cr_xmpp=_cr_xmpp(options),
    )
    return serve(
        server,
        lambda: {"url": server.url, "north_bound_url": server.north_bound_url},
        "ACS for CPEs:    {url}\nNorth-bound API: {north_bound_url}",
        until_eof=options.until_eof,
    )


def _cr_xmpp(options: argparse.Namespace) -> XMPPAccount | None:
    """The account that Connection Requests are sent from; InputError if a part of it is missing."""
    if options.cr_xmpp_jid is None:
        if options.cr_xmpp_server:
            raise InputError("--cr-xmpp-server: of no account; give --cr-xmpp-jid, too")
        return None
    return XMPPAccount.given(options.cr_xmpp_jid, options.cr_xmpp_password, options.cr_xmpp_server)
