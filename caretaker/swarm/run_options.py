"""The options that say what happens in a run, how it is judged and what is written, in groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from caretaker.http.host_names import host
from caretaker.plain_numbers import whole
from caretaker.reporting.service_levels import ServiceLevel
from caretaker.scenarios import SCENARIOS, Schedule
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm.option import option, repeated, switch
from caretaker.swarm.option_files import LevelsFile
from caretaker.swarm.option_values import Timespan
from caretaker.swarm.stages import Stage


@dataclass(frozen=True)
class RunOptions:
    """How large the run is, and how it begins."""

    stages: tuple[Stage, ...] = repeated(
        "--stage",
        Stage.users,
        unit="time:users",
        example="2m:1000 --stage 10m:1000 --stage 1m:0",
        help="Go to so many users in this time, at an even pace. Repeatable: each stage goes on "
        "from the one before, the first one from 0. The run ends with the last stage; --users, "
        "--spawn-rate and --run-time follow from the stages.",
        nothing="none; all --users start at --spawn-rate",
        of_master=True,
    )
    dry_run: bool = switch(
        "--dry-run",
        help="Print the plan of the run: its fleet, rates and length, what it needs and what it "
        "will touch. Begin nothing.",
    )
    yes: bool = switch(
        "--yes",
        help="Do not ask before a run against an ACS on another machine.",
    )


@dataclass(frozen=True)
class ScenarioOptions:
    """What happens in the run."""

    scenario: Schedule = option(
        "--scenario",
        Schedule.parse,
        default=Schedule(),
        unit="NAME [argument=value ...]",
        example="'power-cut share=0.5, cr-sweep rate=50'",
        help=f"What happens to the fleet: {', '.join(SCENARIOS)}. Several scenarios, separated by "
        "commas, play one after the other, or at their time (at=60). See docs/scenarios.md.",
        nothing="nothing",
        in_web_ui=True,
    )


@dataclass(frozen=True)
class VerdictOptions:
    """What the run is judged by."""

    warm_up: Timespan = option(
        "--warm-up",
        Timespan.parse,
        default=Timespan(0),
        unit="time",
        example="30s",
        help="Begin of the run, like 30s or 2m, that is kept out of its figures and service "
        "levels. The timeline has all of the run, and so has the accounting.",
        in_web_ui=True,
    )
    slos: tuple[ServiceLevel, ...] = repeated(
        "--slo",
        ServiceLevel.parse,
        unit="level",
        example="'sessions.failed_ratio < 0.1 %'",
        help="Service level that the run must keep, like 'sessions.failed_ratio < 0.001': any "
        "number of the summary by its path. Repeatable. A broken level makes the exit code 3.",
        nothing="none",
        in_web_ui=True,
    )
    slo_file: LevelsFile | None = option(
        "--slo-file",
        LevelsFile.parse,
        default=None,
        unit="file",
        example="levels.txt",
        help="File of service levels, one in each line; lines that begin with # are comments.",
        nothing="none",
        of_master=True,
    )
    slo_abort: bool = switch("--slo-abort", help="End the run when a service level breaks.")
    junit: Path | None = option(
        "--junit",
        files.output_file,
        default=None,
        unit="file",
        example="run.xml",
        help="Write the service levels and the standard checks to this file, as JUnit XML for CI "
        "systems.",
        nothing="no file",
        of_master=True,
    )


@dataclass(frozen=True)
class OutputOptions:
    """What is written of the run."""

    summary_json: Path | None = option(
        "--summary-json",
        files.output_file,
        default=None,
        unit="file",
        example="run.json",
        help="Write the summary to this file, as JSON.",
        nothing="no file",
        of_master=True,
    )
    report: Path | None = option(
        "--report",
        files.output_file,
        default=None,
        unit="file",
        example="run.html",
        help="Write a report of the run to this file, as an HTML page.",
        nothing="no file",
        of_master=True,
    )
    runs: Path | None = option(
        "--runs",
        files.output_folder,
        default=None,
        unit="folder",
        example="runs",
        help="Keep each run in a folder of its own in this folder: summary, report, verdict as "
        "JUnit XML, and command. caretaker runs lists them, caretaker trend compares them.",
        nothing="none are kept",
        of_master=True,
    )
    record: Path | None = option(
        "--record",
        files.output_folder,
        default=None,
        unit="folder",
        example="kept",
        help="Keep whole sessions in this folder, without secrets: all that failed, and a share "
        "of the others.",
        nothing="none are kept",
    )
    record_rate: float = option(
        "--record-rate",
        values.share,
        default=0.01,
        unit="0..1",
        example="0.1",
        help="Share of all sessions that --record keeps besides the failed ones.",
    )
    exports: tuple[Path, ...] = repeated(
        "--export",
        files.export_file,
        unit="file.csv|.jsonl|.parquet",
        example="run.parquet",
        help="Write the raw data of the timeline and of every session into files beside this one, "
        "run-timeline.csv and run-w0.csv, run-w1.csv, ... of run.csv. Repeatable.",
        nothing="no files",
    )
    metrics_port: int = option(
        "--metrics-port",
        whole(0, 65_535),
        default=0,
        unit="port",
        example="9646",
        help="Serve /metrics for Prometheus on this port (0: do not). A run with the web UI "
        "serves it there in any case.",
    )
    metrics_host: str = option(
        "--metrics-host",
        addresses.bound_address,
        default="127.0.0.1",
        unit="address",
        example="10.0.0.7",
        help="Address that --metrics-port is bound to.",
        of_master=True,
    )
    live_interval: float = option(
        "--live-interval",
        values.at_least(0),
        default=5.0,
        unit="seconds",
        example="10",
        help="Seconds between two lines of live figures, where standard output is no terminal (0: "
        "neither lines nor, in a terminal, the screen).",
    )
    quiet: bool = switch(
        "--quiet",
        help="Print no live figures, and no notes or tables of Locust: only warnings and, at the "
        "end, the summary.",
    )
    json_summary: bool = switch(
        "--json",
        help="Print the summary as JSON on standard output, and all else on standard error. In "
        "place of Locust's --json, whose statistics --json-file writes.",
    )


@dataclass(frozen=True)
class WebOptions:
    """The web UI."""

    web_allow_hosts: tuple[str, ...] = repeated(
        "--web-allow-host",
        host,
        unit="host",
        example="loadtest.example.com",
        help="Another name of the web UI, as of a proxy in front of it. Repeatable.",
        nothing="its address, localhost, and the name of this machine",
        of_master=True,
    )


@dataclass(frozen=True)
class WorkerOptions:
    """The workers of the fleet."""

    run_token_file: Path | None = option(
        "--run-token-file",
        files.run_token_file,
        default=None,
        unit="file",
        example="/etc/caretaker/token",
        help="File of the run token, which master and workers share: a word of 16 or more "
        "characters. Also given, itself, as CARETAKER_RUN_TOKEN.",
        nothing="the master makes one",
        of_master=True,
    )

    fence_after: float = option(
        "--fence-after",
        values.at_least(2, 60),
        default=5.0,
        unit="seconds",
        example="10",
        help="Seconds after its last word from the master at which a worker stops its CPEs. One "
        "second later other workers may have them.",
        of_master=True,
    )


@dataclass(frozen=True)
class EmbeddedACSOptions:
    """The embedded ACS."""

    acs_port: int = option(
        "--acs-port",
        whole(0, 65_535),
        default=0,
        unit="port",
        example="7547",
        help="Port of the embedded ACS, which runs where no --host is given (0: any free port).",
    )
    acs_nbi_port: int = option(
        "--acs-nbi-port",
        whole(0, 65_535),
        default=0,
        unit="port",
        example="7557",
        help="Port of the embedded ACS's north-bound API (0: any free port).",
    )
    acs_tls_cert: str | None = option(
        "--acs-tls-cert",
        files.server_certificate,
        default=None,
        unit="file",
        example="certs/server.pem",
        help="Certificate of the embedded ACS, in PEM; it speaks TLS to CPEs then, which trust it "
        "with --tls-ca.",
        nothing="none; it speaks plain HTTP",
        of_master=True,
    )
    acs_tls_key: str | None = option(
        "--acs-tls-key",
        files.server_certificate,
        default=None,
        unit="file",
        example="certs/server.key",
        help="Private key of --acs-tls-cert. Its password is in the environment, as "
        "CARETAKER_TLS_KEY_PASSWORD.",
        nothing="in the file of the certificate",
        of_master=True,
    )
    acs_client_ca: str | None = option(
        "--acs-client-ca",
        files.certificates,
        default=None,
        unit="file",
        example="certs/ca.pem",
        help="CAs of which the embedded ACS asks each CPE for a certificate, in PEM.",
        nothing="it asks for none",
        of_master=True,
    )
    acs_client_names: bool = switch(
        "--acs-client-names",
        help="Have the embedded ACS refuse CPEs whose certificate does not name them.",
    )
