"""
The options of a run: each is declared once, as a field of ``Settings``.

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
from pathlib import Path
from typing import Any, Literal, Self

from caretaker.errors import InputError
from caretaker.http.source_addresses import Network
from caretaker.profiles.loader import ProfileChoice
from caretaker.reporting.service_levels import ServiceLevel
from caretaker.scenarios import SCENARIOS, Schedule
from caretaker.swarm import option_values as values
from caretaker.swarm.option import Option, option, repeated, switch
from caretaker.swarm.option_values import LevelsFile, Range, Rate, Timespan

Start = Literal["factory", "running"]
Transfers = Literal["simulated", "real"]
Arrivals = Literal["constant", "poisson"]
Driver = Literal["nbi", "direct", "off"]
MAX_CR_RATE = 100_000
"""Connection Requests per second that the driver can plan."""


@dataclass(frozen=True)
class Settings:
    """The typed values of all options for one run, in the order of the help."""

    profiles: tuple[ProfileChoice, ...] = repeated(
        "--profile",
        ProfileChoice.parse,
        unit="FILE[:weight]",
        help="Device profile of the CPEs: a parameter export of GenieACS (CSV), a profile file "
        "(TOML), or a built-in one, tr181 or tr098. Repeatable; profiles are mixed by weight.",
        nothing="tr181 and tr098, in equal parts",
    )
    cpes_per_user: int = option(
        "--cpes-per-user",
        values.whole(1, 100_000),
        default=1,
        unit="int",
        help="Number of CPEs that each Locust user holds.",
        in_web_ui=True,
    )
    serial_prefix: str = option(
        "--serial-prefix",
        values.serial_prefix,
        default="FLEET",
        unit="text",
        help="Prefix of the serial numbers, which are <prefix>-000001 and so on.",
    )
    seed: int = option(
        "--seed",
        values.whole(0, 2**63),
        default=0,
        unit="int",
        help="Random seed; the same seed gives the same fleet.",
        in_web_ui=True,
    )
    inform_interval: float | None = option(
        "--inform-interval",
        values.at_least(0),
        default=None,
        unit="seconds",
        help="PeriodicInformInterval of all CPEs, in seconds (0: no periodic Informs).",
        nothing="the interval of each profile",
        in_web_ui=True,
    )
    inform_jitter: float = option(
        "--inform-jitter",
        values.at_least(0),
        default=0.0,
        unit="seconds",
        help="Each periodic Inform is delayed by a random time of up to so many seconds.",
    )
    inform_together: bool = switch(
        "--inform-together",
        help="All CPEs send their periodic Informs at the same moments, which follow from the "
        "PeriodicInformTime of their profile. Without it each CPE has a random phase until the "
        "ACS sets a time.",
    )
    start: Start = option(
        "--start",
        values.one_of("factory", "running"),
        default="factory",
        unit="factory|running",
        help="State of the CPEs at the start. factory: each CPE begins with the events "
        "0 BOOTSTRAP and 1 BOOT. running: each CPE has been up for days, and begins with its next "
        "periodic Inform.",
        in_web_ui=True,
    )
    boot_delay: Range = option(
        "--boot-delay",
        Range.parse,
        default=Range(0, 0),
        unit="low-high",
        help="Seconds from the boot of a CPE to its Inform.",
    )
    reboot_seconds: Range = option(
        "--reboot-seconds",
        Range.parse,
        default=Range(10, 30),
        unit="low-high",
        help="Seconds that a CPE is down when it reboots.",
    )
    transfers: Transfers = option(
        "--transfers",
        values.one_of("simulated", "real"),
        default="simulated",
        unit="simulated|real",
        help="Whether Download and Upload move bytes. real: they do, with the host of the ACS and "
        "those of --allow-host; transfers with other hosts are simulated.",
        in_web_ui=True,
    )
    transfer_seconds: Range = option(
        "--transfer-seconds",
        Range.parse,
        default=Range(5, 30),
        unit="low-high",
        help="Seconds that a simulated transfer takes.",
    )
    transfer_failures: float = option(
        "--transfer-failures",
        values.share,
        default=0.0,
        unit="0..1",
        help="Share of the simulated transfers that fail.",
        in_web_ui=True,
    )
    bandwidth: float = option(
        "--bandwidth",
        values.at_least(0),
        default=0.0,
        unit="bytes/s",
        help="Bytes per second per transfer (0: unlimited). A simulated transfer takes as long as "
        "its FileSize needs at this rate; without a FileSize, --transfer-seconds holds.",
        in_web_ui=True,
    )
    acs_username: str | None = option(
        "--acs-username",
        str,
        default=None,
        unit="text",
        help="Username of all CPEs towards the ACS.",
        nothing="OUI-ProductClass-SerialNumber of each CPE",
    )
    acs_password: str | None = option(
        "--acs-password",
        str,
        default=None,
        unit="text",
        help="Password of all CPEs towards the ACS; safer in the environment, as "
        "CARETAKER_ACS_PASSWORD.",
        nothing="a different one for each CPE",
        secret=True,
    )
    answer_timeout: float = option(
        "--answer-timeout",
        values.at_least(0.1),
        default=30.0,
        unit="seconds",
        help="Seconds that a CPE waits for each answer of the ACS.",
    )
    max_sessions: int = option(
        "--max-sessions",
        values.whole(1, 60_000),
        default=1000,
        unit="int",
        help="Sessions that each worker runs at the same time. Further ones wait for a place.",
    )
    source_addresses: tuple[Network, ...] = repeated(
        "--source-address",
        values.source_network,
        text=values.network_text,
        unit="address",
        help="Local address that CPEs connect to the ACS from, or a network of such addresses, "
        "like 10.0.0.0/28; each CPE keeps its own. Repeatable.",
        nothing="the operating system's choice",
    )
    allow_hosts: tuple[str, ...] = repeated(
        "--allow-host",
        str,
        unit="host",
        help="Another host that the ACS may redirect CPEs to, and that CPEs may exchange files "
        "with. Repeatable.",
        nothing="only the host of the ACS",
    )
    tls_ca: str | None = option(
        "--tls-ca",
        values.certificates,
        default=None,
        unit="file",
        help="Certificates to trust, in PEM.",
        nothing="those of the operating system",
    )
    tls_insecure: bool = switch("--tls-insecure", help="Do not verify the ACS's certificate.")
    any_id: bool = switch(
        "--any-id",
        help="Accept answers whose cwmp:ID differs from the request's (Magma's enodebd sends "
        "such answers).",
    )
    cr_host: str = option(
        "--cr-host",
        values.bound_address,
        default="127.0.0.1",
        unit="address",
        help="Address that the Connection Request servers bind; 0.0.0.0 for an ACS on another "
        "machine.",
    )
    cr_port: int = option(
        "--cr-port",
        values.whole(0, 65_000),
        default=0,
        unit="port",
        help="Port of worker 0's Connection Request server; worker 1 has the next one, and so on "
        "(0: any free ports).",
    )
    cr_advertise: str | None = option(
        "--cr-advertise",
        values.host,
        default=None,
        unit="host",
        help="Host in the ConnectionRequestURL, where the ACS does not reach the CPEs at the "
        "address of --cr-host (containers, NAT).",
        nothing="the address of --cr-host",
    )
    cr_allow_basic: bool = switch(
        "--cr-allow-basic",
        help="Accept HTTP Basic for Connection Requests, besides Digest.",
    )
    cr_limit: Rate = option(
        "--cr-limit",
        Rate.parse,
        default=Rate(50, 5),
        unit="count/seconds",
        help="Connection Requests that one CPE accepts in each period (0/1: no limit).",
    )
    cr_rate: float = option(
        "--cr-rate",
        values.at_least(0, MAX_CR_RATE),
        default=0.0,
        unit="number",
        help="Connection Requests per second that the driver causes, over the whole fleet.",
        in_web_ui=True,
        live=True,
    )
    cr_arrivals: Arrivals = option(
        "--cr-arrivals",
        values.one_of("constant", "poisson"),
        default="poisson",
        unit="constant|poisson",
        help="Spacing of the driver's Connection Requests: constant intervals, or a Poisson "
        "process.",
        in_web_ui=True,
    )
    cr_driver: Driver = option(
        "--cr-driver",
        values.one_of("nbi", "direct", "off"),
        default="nbi",
        unit="nbi|direct|off",
        help="How the driver causes Connection Requests. nbi: it posts tasks to the north-bound "
        "API of the ACS. direct: it sends the Connection Requests itself, for ACSs without such "
        "an API. off: no driver.",
        in_web_ui=True,
    )
    nbi_url: str = option(
        "--nbi-url",
        values.url_or_empty,
        default="",
        unit="url",
        help="North-bound API of the ACS, in GenieACS's form, like http://acs:7557.",
        nothing="the API of the embedded ACS",
        in_web_ui=True,
    )
    scenario: Schedule = option(
        "--scenario",
        Schedule.parse,
        default=Schedule(),
        unit="NAME [argument=value ...]",
        help=f"What happens to the fleet: {', '.join(SCENARIOS)}. Several scenarios, separated by "
        "commas, play one after the other, or at their time (at=60). See docs/scenarios.md.",
        nothing="nothing",
        in_web_ui=True,
    )
    acs_port: int = option(
        "--acs-port",
        values.whole(0, 65_535),
        default=0,
        unit="port",
        help="Port of the embedded ACS, which runs where no --host is given (0: any free port).",
    )
    acs_nbi_port: int = option(
        "--acs-nbi-port",
        values.whole(0, 65_535),
        default=0,
        unit="port",
        help="Port of the embedded ACS's north-bound API (0: any free port).",
    )
    warm_up: Timespan = option(
        "--warm-up",
        Timespan.parse,
        default=Timespan(0),
        unit="time",
        help="Begin of the run, like 30s or 2m, that is kept out of its figures and service "
        "levels. The timeline has all of the run, and so has the accounting.",
        in_web_ui=True,
    )
    slos: tuple[ServiceLevel, ...] = repeated(
        "--slo",
        ServiceLevel.parse,
        unit="level",
        help="Service level that the run must keep, like 'sessions.failed_ratio < 0.001': any "
        "number of the summary by its path. Repeatable. A broken level makes the exit code 3.",
        nothing="none",
    )
    slo_file: LevelsFile | None = option(
        "--slo-file",
        LevelsFile.parse,
        default=None,
        unit="file",
        help="File of service levels, one in each line; lines that begin with # are comments.",
        nothing="none",
        of_master=True,
    )
    slo_abort: bool = switch("--slo-abort", help="End the run when a service level breaks.")
    junit: Path | None = option(
        "--junit",
        values.output_file,
        default=None,
        unit="file",
        help="Write the service levels and the standard checks to this file, as JUnit XML for CI "
        "systems.",
        nothing="no file",
        of_master=True,
    )
    record: Path | None = option(
        "--record",
        values.output_folder,
        default=None,
        unit="folder",
        help="Keep whole sessions in this folder, without secrets: all that failed, and a share "
        "of the others.",
        nothing="none are kept",
    )
    record_rate: float = option(
        "--record-rate",
        values.share,
        default=0.01,
        unit="0..1",
        help="Share of all sessions that --record keeps besides the failed ones.",
    )
    exports: tuple[Path, ...] = repeated(
        "--export",
        values.export_file,
        unit="file.csv|.jsonl|.parquet",
        help="Write the raw data of the timeline and of every session into files beside this one, "
        "run-timeline.csv and run-w0.csv, run-w1.csv, ... of run.csv. Repeatable.",
        nothing="no files",
    )
    summary_json: Path | None = option(
        "--summary-json",
        values.output_file,
        default=None,
        unit="file",
        help="Write the summary to this file, as JSON.",
        nothing="no file",
        of_master=True,
    )
    report: Path | None = option(
        "--report",
        values.output_file,
        default=None,
        unit="file",
        help="Write a report of the run to this file, as an HTML page.",
        nothing="no file",
        of_master=True,
    )
    runs: Path | None = option(
        "--runs",
        values.output_folder,
        default=None,
        unit="folder",
        help="Keep each run in a folder of its own in this folder: summary, report, verdict as "
        "JUnit XML, and command. caretaker runs lists them, caretaker trend compares them.",
        nothing="none are kept",
        of_master=True,
    )
    metrics_port: int = option(
        "--metrics-port",
        values.whole(0, 65_535),
        default=0,
        unit="port",
        help="Serve /metrics for Prometheus on this port (0: do not). A run with the web UI "
        "serves it there in any case.",
    )
    metrics_host: str = option(
        "--metrics-host",
        values.bound_address,
        default="127.0.0.1",
        unit="address",
        help="Address that --metrics-port is bound to.",
        of_master=True,
    )
    web_allow_hosts: tuple[str, ...] = repeated(
        "--web-allow-host",
        values.host,
        unit="host",
        help="Another name of the web UI, as of a proxy in front of it. Repeatable.",
        nothing="its address, localhost, and the name of this machine",
        of_master=True,
    )
    live_interval: float = option(
        "--live-interval",
        values.at_least(0),
        default=5.0,
        unit="seconds",
        help="Seconds between two lines of live figures (0: no such lines).",
    )

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

    def check_driver(self) -> None:
        """
        Check that the driver has an API to post to.

        Raises:
            InputError: the driver needs an API, and none is given.
        """
        if self.cr_rate and self.cr_driver == "nbi" and not self.nbi_url:
            cure = "give --nbi-url (GenieACS's port is 7557) or --cr-driver direct"
            raise InputError(f"--cr-rate: no north-bound API to post tasks to; {cure}")

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


OPTIONS: Mapping[str, Option] = {
    declared.name: declared.metadata["option"] for declared in fields(Settings)
}
"""The declaration of each field of ``Settings``, which is also its name in Locust's namespace."""


def without_login(value: Any) -> Any:
    """A URL without the username and password that it may contain; anything else as it is."""
    return re.sub(r"//[^/@]*@", "//", value) if isinstance(value, str) else value
