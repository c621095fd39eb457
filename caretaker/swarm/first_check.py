"""
The check before a load test: whether its ACS works with one CPE, before CPEs are powered on.

Here it is for a machine whose own command line starts the run, before any worker is forked; hosts
whose workers join a master check then (``host_checks``).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from caretaker.closed_output import say
from caretaker.device.identity import CHECK_SERIAL
from caretaker.swarm.acs_check import CheckOutcome, CheckPlace, acs_check
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions


def is_due(options: argparse.Namespace) -> bool:
    """
    Whether a run begins at once, and with an ACS of the user: the embedded one does work.

    The command can't give a CPE one of username and password without the other, as a run can.
    """
    begins = LocustOptions.of(options).begins_at_once
    is_one_login = bool(options.acs_username) == bool(options.acs_password)
    is_wanted = options.host and not (options.no_check or options.worker)
    return bool(is_wanted and begins and is_one_login)


def check_first(options: argparse.Namespace) -> None:
    """
    Check the ACS of a command line where that is due, and end the process where it does not work.

    Raises:
        InputError: the check can't use an option.
    """
    if not is_due(options):
        return
    settings = Settings.of(options)
    why_not = reason_against(settings, LocustOptions.of(options))
    if why_not:
        say(f"The ACS is not checked: {why_not}")
    elif not options.master:  # else the machines of its workers check
        check = acs_check(settings, options.host, by_workers=False)
        outcome = CheckPlace(settings).run(check)
        if outcome.exit_code:
            print(f"caretaker: {failure(socket.gethostname(), outcome)}", file=sys.stderr)
            raise SystemExit(outcome.exit_code)
        say(outcome.line)


def reason_against(settings: Settings, locust: LocustOptions) -> str:
    """
    Why no device of ``--devices`` can be checked; empty if one can, or the check has its own.

    What a check has the ACS set in a device is not in the file of ``--state``.
    """
    certificates = settings.client_certificates
    if certificates.is_one_each and settings.devices is None:
        path = certificates.of(0, CHECK_SERIAL).certificate
        if not os.path.isfile(path):  # noqa: PTH113  # of any length
            return f"its CPE has no certificate, {path}"
    if settings.devices is None or settings.state is None:
        return ""
    if cpes_planned(settings, locust) < len(settings.devices.devices):
        return ""
    return (
        "each device of --devices is in the fleet, and --state has what the ACS knows of it; "
        "one more row at the end of the file is checked"
    )


def cpes_planned(settings: Settings, locust: LocustOptions) -> int:
    """How many CPEs the run will have, those that scenarios add among them."""
    return (locust.num_users or 1) * settings.cpes_per_user + settings.scenario.new_cpes


def failure(host: str, outcome: CheckOutcome) -> str:
    """The line that says where a check has failed, and why."""
    return f"host {host}: {outcome.line} (--no-check: run all the same)"
