"""The options that say what the fleet is, and how its CPEs behave, in groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from caretaker.http.ip_addresses import IPVersion
from caretaker.http.source_addresses import Network
from caretaker.profiles.loader import ProfileChoice
from caretaker.profiles.profile import BUILT_IN, DEFAULT_MIX
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm import tls_values
from caretaker.swarm.devices_file import DevicesFile
from caretaker.swarm.option import option, repeated, switch
from caretaker.swarm.option_addresses import HostPort, PortRange
from caretaker.swarm.option_values import Range, Rate
from caretaker.swarm.stages import MAX_RATE, Stage
from caretaker.swarm.tls_values import TLSVersions

Start = Literal["factory", "running"]
Transfers = Literal["simulated", "real"]
Arrivals = Literal["constant", "poisson"]
Driver = Literal["nbi", "direct", "off"]
CRClient = Literal["tolerant", "genieacs"]


@dataclass(frozen=True)
class DeviceOptions:
    """What the devices are."""

    profiles: tuple[ProfileChoice, ...] = repeated(
        "--profile",
        ProfileChoice.parse,
        unit="FILE[:weight]",
        example="router.csv:3",
        help="Device profile of the CPEs: a parameter export of GenieACS (CSV), a profile file "
        f"(TOML), or a built-in one: {', '.join(BUILT_IN)}. Repeatable; profiles are mixed by "
        "weight.",
        nothing=f"{' and '.join(DEFAULT_MIX)}, in equal parts",
        of_master=True,
    )
    cpes_per_user: int = option(
        "--cpes-per-user",
        values.whole(1, 100_000),
        default=1,
        unit="int",
        example="100",
        help="Number of CPEs that each Locust user holds.",
        in_web_ui=True,
    )
    serial_prefix: str = option(
        "--serial-prefix",
        values.serial_prefix,
        default="FLEET",
        unit="text",
        example="LAB",
        help="Prefix of the serial numbers, which are <prefix>-000001 and so on.",
    )
    devices: DevicesFile | None = option(
        "--devices",
        DevicesFile.parse,
        default=None,
        unit="FILE.csv",
        example="fleet.csv",
        help="The devices that the fleet is, a row for each: serial number, OUI, product class, "
        "credentials, MAC address, profile, and values of parameters.",
        nothing="serial numbers of --serial-prefix",
        of_master=True,
    )
    seed: int = option(
        "--seed",
        values.whole(0, 2**63),
        default=0,
        unit="int",
        example="7",
        help="Random seed; the same seed gives the same fleet.",
        in_web_ui=True,
    )
    state: Path | None = option(
        "--state",
        files.state_file,
        default=None,
        unit="file",
        example="fleet.db",
        help="Keep what the ACS writes to each CPE in this file, and take the fleet up as the file "
        "has it. A file is of one fleet: the same seed, profiles and number of CPEs.",
        nothing="nothing is kept",
        of_master=True,
    )


@dataclass(frozen=True)
class InformOptions:
    """When CPEs inform."""

    start: Start = option(
        "--start",
        values.one_of("factory", "running"),
        default="factory",
        unit="factory|running",
        example="running",
        help="State of the CPEs at the start. factory: each CPE begins with the events "
        "0 BOOTSTRAP and 1 BOOT. running: each CPE has been up for days, and begins with its next "
        "periodic Inform.",
        in_web_ui=True,
    )
    inform_interval: float | None = option(
        "--inform-interval",
        values.at_least(0),
        default=None,
        unit="seconds",
        example="300",
        help="PeriodicInformInterval of all CPEs, in seconds (0: no periodic Informs).",
        nothing="the interval of each profile",
        in_web_ui=True,
    )
    inform_jitter: float = option(
        "--inform-jitter",
        values.at_least(0),
        default=0.0,
        unit="seconds",
        example="10",
        help="Each periodic Inform is delayed by a random time of up to so many seconds.",
    )
    inform_together: bool = switch(
        "--inform-together",
        help="All CPEs send their periodic Informs at the same moments, which follow from the "
        "PeriodicInformTime of their profile. Without it each CPE has a random phase until the "
        "ACS sets a time.",
    )
    boot_delay: Range = option(
        "--boot-delay",
        Range.parse,
        default=Range(0, 0),
        unit="low-high",
        example="0-3600",
        help="Seconds from the boot of a CPE to its Inform.",
    )
    reboot_seconds: Range = option(
        "--reboot-seconds",
        Range.parse,
        default=Range(10, 30),
        unit="low-high",
        example="20-60",
        help="Seconds that a CPE is down when it reboots.",
    )


@dataclass(frozen=True)
class ACSOptions:
    """How CPEs reach the ACS and prove who they are."""

    acs_username: str | None = option(
        "--acs-username",
        str,
        default=None,
        unit="text",
        example="cpe",
        help="Username of all CPEs towards the ACS.",
        nothing="OUI-ProductClass-SerialNumber of each CPE",
    )
    acs_password: str | None = option(
        "--acs-password",
        str,
        default=None,
        unit="text",
        example="secret",
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
        example="60",
        help="Seconds that a CPE waits for each answer of the ACS.",
    )
    max_sessions: int = option(
        "--max-sessions",
        values.whole(1, 60_000),
        default=1000,
        unit="int",
        example="2000",
        help="Sessions that each worker runs at the same time. Further ones wait for a place.",
    )
    io_engine: str = option(
        "--io-engine",
        values.one_of("auto", "off"),
        default="auto",
        unit="auto|off",
        example="off",
        help="What carries sessions. With auto, an I/O engine in C where it was built, and "
        "greenlets for what it does not carry; with off, greenlets alone. Both give the same "
        "figures but for time. See docs/performance.md.",
    )
    source_addresses: tuple[Network, ...] = repeated(
        "--source-address",
        addresses.source_network,
        text=addresses.network_text,
        unit="address",
        example="10.0.0.0/28",
        help="Local address that CPEs connect to the ACS from, or a network of such addresses, "
        "like 10.0.0.0/28; each CPE keeps its own. Repeatable.",
        nothing="the operating system's choice",
    )
    ip_version: IPVersion = option(
        "--ip-version",
        IPVersion.parse,
        default=IPVersion.ANY,
        unit="any|4|6",
        example="6",
        help="Version of IP that CPEs reach the ACS by. With any, all addresses of its name are "
        "tried, in the order of the system's resolver (RFC 6724). With 6, the servers of a run "
        "bind ::1 in place of 127.0.0.1.",
    )
    allow_hosts: tuple[str, ...] = repeated(
        "--allow-host",
        addresses.allowed_host,
        unit="host",
        example="files.example.com",
        help="Another host that the ACS may redirect CPEs to, and that CPEs may exchange files "
        "with. Repeatable.",
        nothing="only the host of the ACS",
    )
    tls_ca: str | None = option(
        "--tls-ca",
        files.certificates,
        default=None,
        unit="file",
        example="ca.pem",
        help="Certificates to trust, in PEM.",
        nothing="those of the operating system",
    )
    tls_insecure: bool = switch("--tls-insecure", help="Do not verify the ACS's certificate.")
    tls_versions: TLSVersions = option(
        "--tls-versions",
        TLSVersions.parse,
        default=TLSVersions.parse("1.2-1.3"),
        unit="oldest-newest",
        example="1.2",
        help="Versions of TLS that CPEs speak: 1.2, 1.3 or 1.2-1.3.",
    )
    tls_ciphers: str | None = option(
        "--tls-ciphers",
        tls_values.ciphers,
        default=None,
        unit="list",
        example="ECDHE+AESGCM",
        help="Ciphers that CPEs offer for TLS 1.2, in OpenSSL's form.",
        nothing="those of OpenSSL",
    )
    client_cert: str | None = option(
        "--client-cert",
        files.client_certificate,
        default=None,
        unit="file",
        example="certs/{serial}.pem",
        help="Certificate that CPEs show to the ACS, in PEM. {serial} or {index} in the name gives "
        "each CPE its own; caretaker certs makes such files.",
        nothing="none",
    )
    client_key: str | None = option(
        "--client-key",
        files.client_certificate,
        default=None,
        unit="file",
        example="certs/{serial}.key",
        help="Private key of --client-cert, likewise. Its password is in the environment, as "
        "CARETAKER_CLIENT_KEY_PASSWORD.",
        nothing="in the file of the certificate",
    )
    any_id: bool = switch(
        "--any-id",
        help="Accept answers whose cwmp:ID differs from the request's (Magma's enodebd sends "
        "such answers).",
    )
    no_check: bool = switch(
        "--no-check",
        help="Do not check, before the run, whether the ACS of --host works with one CPE.",
    )


@dataclass(frozen=True)
class ConnectionRequestOptions:
    """How CPEs are asked to inform, and who asks them."""

    cr_host: str = option(
        "--cr-host",
        addresses.bound_address,
        default="127.0.0.1",
        unit="address",
        example="10.0.0.7",
        help="Address that the Connection Request servers bind: this machine's own, for an ACS on "
        "another machine, or 0.0.0.0 or :: for all of them, with --cr-advertise.",
    )
    cr_port: PortRange = option(
        "--cr-port",
        PortRange.parse,
        default=PortRange(0, 0),
        unit="port or first-last",
        example="7600-7699",
        help="Ports of the Connection Request servers, like 7600-7699; each worker takes the first "
        "free one. One port is that of worker 0, worker 1 has the next one, and so on (0: any "
        "free ports).",
    )
    cr_advertise: str | None = option(
        "--cr-advertise",
        addresses.advertised_host,
        default=None,
        unit="host",
        example="loadgen.example.com",
        help="Host name, IPv4 or IPv6 address in the ConnectionRequestURL, where the ACS does not "
        "reach the CPEs at the address of --cr-host (containers, NAT).",
        nothing="the address of --cr-host",
    )
    cr_router: HostPort | None = option(
        "--cr-router",
        addresses.advertised_address,
        default=None,
        unit="host:port",
        example="10.0.0.5:7548",
        help="Start a router at this address of the master's machine. It takes the Connection "
        "Requests for all CPEs, and hands each to the worker that holds the CPE, so a "
        "ConnectionRequestURL stays the same wherever its CPE goes.",
        nothing="none; each worker takes those of its CPEs",
    )
    cr_routes: HostPort | None = option(
        "--cr-routes",
        HostPort.parse,
        default=None,
        unit="host:port",
        example="0.0.0.0:7549",
        help="Start no router, as `caretaker router` runs elsewhere, at the address of "
        "--cr-router; it asks the master at this address which worker holds which CPE.",
        nothing="the run starts the router of --cr-router",
        of_master=True,
    )
    cr_tls_cert: str | None = option(
        "--cr-tls-cert",
        files.server_certificate,
        default=None,
        unit="file",
        example="certs/server.pem",
        help="Certificate of the Connection Request servers, and of the run's router, in PEM: the "
        "ConnectionRequestURL is an https one then.",
        nothing="none; they speak plain HTTP",
    )
    cr_tls_key: str | None = option(
        "--cr-tls-key",
        files.server_certificate,
        default=None,
        unit="file",
        example="certs/server.key",
        help="Private key of --cr-tls-cert. Its password is in the environment, as "
        "CARETAKER_TLS_KEY_PASSWORD.",
        nothing="in the file of the certificate",
    )
    cr_tls_ca: str | None = option(
        "--cr-tls-ca",
        files.certificates,
        default=None,
        unit="file",
        example="certs/ca.pem",
        help="Certificates that the driver, the embedded ACS and the router trust when they send "
        "Connection Requests to https URLs or by the XMPP server, in PEM.",
        nothing="those of the operating system",
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
        example="10/60",
        help="Connection Requests that one CPE accepts in each period (0/1: no limit).",
    )
    cr_rate: float = option(
        "--cr-rate",
        values.at_least(0, MAX_RATE),
        default=0.0,
        unit="number",
        example="50",
        help="Connection Requests per second that the driver causes, over the whole fleet.",
        in_web_ui=True,
        live=True,
    )
    cr_stages: tuple[Stage, ...] = repeated(
        "--cr-stage",
        Stage.rate,
        unit="time:rate",
        example="2m:50 --cr-stage 10m:50",
        help="Bring the rate of Connection Requests to this one in this time, on a straight line. "
        "Repeatable, as --stage; after the last stage its rate stays. It takes the place of "
        "--cr-rate.",
        nothing="none; --cr-rate from the beginning",
    )
    cr_arrivals: Arrivals = option(
        "--cr-arrivals",
        values.one_of("constant", "poisson"),
        default="poisson",
        unit="constant|poisson",
        example="constant",
        help="Spacing of the driver's Connection Requests: constant intervals, or a Poisson "
        "process.",
        in_web_ui=True,
    )
    cr_driver: Driver = option(
        "--cr-driver",
        values.one_of("nbi", "direct", "off"),
        default="nbi",
        unit="nbi|direct|off",
        example="direct",
        help="How the driver causes Connection Requests. nbi: it posts tasks to the north-bound "
        "API of the ACS. direct: it sends the Connection Requests itself, for ACSs without such "
        "an API. off: no driver.",
        in_web_ui=True,
    )
    cr_client: CRClient = option(
        "--cr-client",
        values.one_of("tolerant", "genieacs"),
        default="tolerant",
        unit="tolerant|genieacs",
        example="genieacs",
        help="How the embedded ACS, and --cr-driver direct, send Connection Requests. tolerant: "
        "as TR-069 has it. genieacs: as GenieACS does, so that a CPE that it would not reach is "
        "not reached here either.",
    )
    nbi_url: str = option(
        "--nbi-url",
        addresses.url_or_empty,
        default="",
        unit="url",
        example="http://acs.example.com:7557",
        help="North-bound API of the ACS, in GenieACS's form, like http://acs:7557.",
        nothing="the API of the embedded ACS",
        in_web_ui=True,
    )


@dataclass(frozen=True)
class TransferOptions:
    """How CPEs exchange files."""

    transfers: Transfers = option(
        "--transfers",
        values.one_of("simulated", "real"),
        default="simulated",
        unit="simulated|real",
        example="real",
        help="Whether Download and Upload move bytes. real: they do, with the host of the ACS and "
        "those of --allow-host; transfers with other hosts are simulated.",
        in_web_ui=True,
    )
    transfer_seconds: Range = option(
        "--transfer-seconds",
        Range.parse,
        default=Range(5, 30),
        unit="low-high",
        example="30-120",
        help="Seconds that a simulated transfer takes.",
    )
    transfer_failures: float = option(
        "--transfer-failures",
        values.share,
        default=0.0,
        unit="0..1",
        example="0.05",
        help="Share of the simulated transfers that fail.",
        in_web_ui=True,
    )
    bandwidth: float = option(
        "--bandwidth",
        values.at_least(0),
        default=0.0,
        unit="bytes/s",
        example="125000",
        help="Bytes per second per transfer (0: unlimited). A simulated transfer takes as long as "
        "its FileSize needs at this rate; without a FileSize, --transfer-seconds holds.",
        in_web_ui=True,
    )
