"""
The options of a run: each is declared once, as a field of its group.

``parsed_options`` fills Locust's parser from these fields. It checks the command line before any
process is forked: bad input is one line and exit code 2. Each process then makes its typed values
once for each run (``Settings.of``), from what Locust has kept, sent to it, or taken from the web
UI.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from caretaker.device.identity import Identities
from caretaker.device.reachability import Reach
from caretaker.errors import InputError
from caretaker.http.client_certificates import ClientCertificates
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.server_tls import ServerTLS
from caretaker.reporting.service_levels import ServiceLevel
from caretaker.swarm.acs_options import ACSOptions
from caretaker.swarm.cr_options import ConnectionRequestOptions
from caretaker.swarm.fleet_options import DeviceOptions, InformOptions, TransferOptions
from caretaker.swarm.option import Option
from caretaker.swarm.reach_options import ReachOptions
from caretaker.swarm.run_options import (
    EmbeddedACSOptions,
    OutputOptions,
    RunOptions,
    ScenarioOptions,
    VerdictOptions,
    WebOptions,
    WorkerOptions,
)
from caretaker.swarm.stages import most_of

GROUPS: Mapping[str, type] = {
    "the run": RunOptions,
    "devices": DeviceOptions,
    "when CPEs inform": InformOptions,
    "towards the ACS": ACSOptions,
    "Connection Requests": ConnectionRequestOptions,
    "how CPEs are reached": ReachOptions,
    "file transfers": TransferOptions,
    "what happens in the run": ScenarioOptions,
    "verdicts": VerdictOptions,
    "what is written": OutputOptions,
    "web UI": WebOptions,
    "workers": WorkerOptions,
    "embedded ACS": EmbeddedACSOptions,
}
"""The groups by their names, in the order of the help and of ``docs/options.md``."""

OPTIONS: Mapping[str, Option] = {
    declared.name: declared.metadata["option"]
    for group in GROUPS.values()
    for declared in fields(group)
}
"""The declaration of each field of ``Settings``, which is also its name in Locust's namespace."""


@dataclass(frozen=True)
class Settings(
    RunOptions,
    DeviceOptions,
    InformOptions,
    ACSOptions,
    ConnectionRequestOptions,
    ReachOptions,
    TransferOptions,
    ScenarioOptions,
    VerdictOptions,
    OutputOptions,
    WebOptions,
    WorkerOptions,
    EmbeddedACSOptions,
):
    """The typed values of all options for one run."""

    @classmethod
    def of(cls, parsed_options: argparse.Namespace) -> Self:
        """
        The typed values of Locust's parsed options.

        Raises:
            InputError: a value can't be used: one of the web UI, or a file that has changed.
        """
        given, is_worker = vars(parsed_options), getattr(parsed_options, "worker", False)
        return cls(
            **{
                name: declared.read(given.get(name))
                for name, declared in OPTIONS.items()
                if not (declared.of_master and is_worker)
            }
        )

    def public(self) -> dict[str, Any]:
        """The values by flag, without secrets; with them the run can be repeated."""
        return {
            declared.flag: without_login(declared.public(getattr(self, name)))
            for name, declared in OPTIONS.items()
            if not declared.secret
        }

    @property
    def highest_cr_rate(self) -> float:
        """The most Connection Requests per second that the driver plans."""
        return most_of(self.cr_stages) if self.cr_stages else self.cr_rate

    def check_driver(self) -> None:
        """
        Check that the driver has an API to post to.

        Raises:
            InputError: the driver needs an API, and none is given.
        """
        if self.highest_cr_rate and self.cr_driver == "nbi" and not self.nbi_url:
            cure = "give --nbi-url (GenieACS's port is 7557) or --cr-driver direct"
            raise InputError(f"--cr-rate: no north-bound API to post tasks to; {cure}")

    def check_reach(self) -> None:
        """As in ``ReachOptions``; also that CPEs over IPv6 may use it."""
        super().check_reach()
        if self.has(Reach.IPV6) and self.ip_version is IPVersion.V4:
            cure = "leave one of the two out"
            raise InputError(f"--reach {self.reach}: ipv6 with --ip-version 4; {cure}")

    def check_sender(self, *, is_embedded: bool) -> None:
        """
        Check that the run sends from the account of ``--cr-xmpp-jid``.

        Args:
            is_embedded: whether the ACS is the embedded one, which sends from it.

        Raises:
            InputError: the ACS sends Connection Requests itself, from an account of its own.
        """
        if self.cr_xmpp_jid is not None and not is_embedded and self.cr_driver != "direct":
            cure = "leave it out, or give --cr-driver direct"
            raise InputError(
                f"--cr-xmpp-jid {self.cr_xmpp_jid}: the ACS of --host sends from an account of its "
                f"own; {cure}"
            )

    def check_devices(self, users: int | None) -> None:
        """
        Check that the fleet can be the devices of its file.

        Args:
            users: of the run; None where nobody has said how many there will be.

        Raises:
            InputError: the file has too few, or other options contradict it.
        """
        if self.devices is None:
            return
        if self.serial_prefix != OPTIONS["serial_prefix"].default:
            cure = "the file has the serial numbers; leave one of the two out"
            raise InputError(f"--serial-prefix {self.serial_prefix}: with --devices {cure}")
        cpes = None if users is None else users * self.cpes_per_user + self.scenario.new_cpes
        self.devices.check(self.profiles, cpes)

    @property
    def client_certificates(self) -> ClientCertificates:
        """Where the certificates of CPEs are."""
        return ClientCertificates(self.client_cert or "", self.client_key or "")

    def check_client_certificates(self, users: int | None) -> None:
        """
        Check that this machine has the certificates of the fleet.

        Args:
            users: of the run; None where nobody has said how many there will be.

        Raises:
            InputError: one can't be used.
        """
        cpes = (users or 1) * self.cpes_per_user
        try:
            self.client_certificates.check(range(cpes), self.serial_number)
        except InputError as error:
            raise InputError(f"--client-cert, --client-key: {error}") from error

    @property
    def cr_tls(self) -> ServerTLS | None:
        """TLS of the Connection Request servers and of the run's router; None: plain HTTP."""
        if self.cr_tls_cert is None:
            return None
        return ServerTLS(self.cr_tls_cert, self.cr_tls_key or "")

    @property
    def cr_scheme(self) -> str:
        """The scheme of ConnectionRequestURLs."""
        return "http" if self.cr_tls is None else "https"

    def serial_number(self, index: int) -> str:
        """The serial number of the CPE with an index."""
        named = self.devices.devices if self.devices else None
        return (named or Identities(self.seed, self.serial_prefix)).serial_number(index)

    def check_users(self, users: int) -> None:
        """
        Check that a fleet can have so many users from now on.

        Raises:
            InputError: the file of its devices has too few for them.
        """
        if self.devices is not None:
            self.devices.check_size(users * self.cpes_per_user)

    def check_warm_up(self, run_time: float | None) -> None:
        """
        Check that something is left of the run after its warm-up.

        Args:
            run_time: seconds; None or 0 for a run that ends when someone ends it.

        Raises:
            InputError: the run ends within its warm-up.
        """
        if run_time and self.warm_up.seconds >= run_time:
            cure = "make the run longer, or the warm-up shorter"
            raise InputError(
                f"--warm-up {self.warm_up}: --run-time {run_time:g}s ends within it; {cure}"
            )

    def service_levels(self) -> tuple[ServiceLevel, ...]:
        """
        The service levels of ``--slo`` and ``--slo-file``, without repetitions.

        Raises:
            InputError: the run is to end at a broken level, and there is no level.
        """
        of_file = self.slo_file.levels if self.slo_file is not None else ()
        levels = tuple(dict.fromkeys((*self.slos, *of_file)))
        if self.slo_abort and not levels:
            raise InputError("--slo-abort: no service level to abort at; give --slo or --slo-file")
        return levels


def without_login(value: Any) -> Any:
    """A URL without the username and password that it may contain; anything else as it is."""
    return re.sub(r"//[^/@]*@", "//", value) if isinstance(value, str) else value
