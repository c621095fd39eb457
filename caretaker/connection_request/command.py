"""``python -m caretaker cr URL``: one Connection Request, step by step."""

from __future__ import annotations

import argparse
import os

from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.steps import Step
from caretaker.errors import LimitError
from caretaker.http.credentials import Credentials
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.tls_settings import TLSSettings

SHOWN_CHARACTERS = 200
"""Characters of what a device said that are shown."""

_STATUSES = {
    200: "accepted: the device begins a session with 6 CONNECTION REQUEST",
    204: "accepted: the device begins a session with 6 CONNECTION REQUEST",
    401: "the device asks who is there",
    403: "the device refuses this machine; it may let its ACS only",
    404: "the device does not know this path; the URL may be of an earlier start",
    503: "the device is busy, or was asked too often",
}
"""What each status means; of a second 401 see ``_meaning``."""

_CURES = {
    "connection refused": "nothing listens there: is the device up, and its port forwarded?",
    "connection timed out": "a firewall or NAT is in between, or the device is off",
    "host unreachable": "there is no way to that address from here",
    "network unreachable": "there is no way to that address from here",
    "host name not found": "the name in the URL is not known here",
    "name server does not answer": "this machine can look up no names: is its DNS reachable?",
    "connection reset": "the device closed the connection",
    "connection closed without an answer": "the device closed the connection",
    "TLS: certificate of an unknown CA": "--tls-ca FILE with the CA's certificate, or "
    "--tls-insecure",
    "TLS: certificate of another host": "use a name of the certificate in the URL, or "
    "--tls-insecure",
    "no answer in time": "the device said nothing for 2 s",
    "socket hang up": "the device closed the connection, or said nothing for 2 s",
    "Parse Error": "the answer is not HTTP as GenieACS reads it: lines must end with CR LF",
}
"""What may help, by the reason why there was no answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("url", metavar="URL", help="the ConnectionRequestURL of the device")
    parser.add_argument(
        "--username", default="", help="its ConnectionRequestUsername (default: none)"
    )
    parser.add_argument(
        "--password",
        default=os.environ.get("CARETAKER_CR_PASSWORD", ""),
        help="its ConnectionRequestPassword; safer in the environment, as CARETAKER_CR_PASSWORD",
    )
    parser.add_argument(
        "--client",
        choices=list(CLIENTS),
        default="tolerant",
        help="send it as TR-069 has it, or as GenieACS does (default: tolerant)",
    )
    parser.add_argument("--tls-ca", metavar="FILE", help="certificates to trust, in PEM")
    parser.add_argument(
        "--tls-insecure", action="store_true", help="do not verify the device's certificate"
    )
    parser.add_argument(
        "--ip-version",
        choices=list(map(str, IPVersion)),
        default=IPVersion.ANY,
        help="version of IP that the device is reached by (default: any)",
    )


def run(options: argparse.Namespace) -> int:
    """Send it and show each step; 0 if it was accepted, 1 if not."""
    steps: list[Step] = []

    def show(step: Step) -> None:
        steps.append(step)
        print(f"{len(steps)}. " + "\n   ".join(step_lines(step)), flush=True)

    credentials = Credentials(options.username, options.password) if options.username else None
    tls = TLSSettings(options.tls_ca, verify=not options.tls_insecure)
    if options.tls_ca is not None:
        tls.new_context()  # to hear now what can't be used
    try:
        reason = CLIENTS[options.client](
            options.url, credentials, show, tls, IPVersion(options.ip_version)
        )  # fmt: skip
    except LimitError as error:
        reason = str(error)
    print("Accepted." if reason is None else f"Not accepted. GenieACS's words: {reason}")
    return 0 if reason is None else 1


def step_lines(step: Step) -> list[str]:
    """A step for people, with what it means."""
    connection = "a new connection" if step.is_new_connection else "the same connection"
    scheme = step.authorization.partition(" ")[0]
    shown = f"with {scheme}" if scheme else "without credentials"
    lines = [f"GET {_one_line(step.url)} over {connection}, {shown}"]
    if step.error:
        return [*lines, f"no answer: {_one_line(step.error)}", *_cure(step.error)]
    challenges = [f"WWW-Authenticate: {_one_line(challenge)}" for challenge in step.challenges]
    return [*lines, f"HTTP {step.status}: {_meaning(step)}", *challenges]


def _one_line(text: str) -> str:
    """What a device said, without what a terminal would obey."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[: SHOWN_CHARACTERS - 3]}..."


def _cure(error: str) -> list[str]:
    # A quotation may follow a reason, after a colon.
    return [cure for reason, cure in _CURES.items() if f"{error}:".startswith(f"{reason}:")]


def _meaning(step: Step) -> str:
    if step.status == 401 and step.authorization:
        return "the device refuses these credentials"
    if step.status == 401 and not step.challenges:
        return "the device asks for credentials, and does not say how: no ACS can answer"
    return _STATUSES.get(step.status, "TR-069 knows no such answer to a Connection Request")
