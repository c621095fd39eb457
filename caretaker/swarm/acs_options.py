"""The options that say how CPEs reach their ACS, and what they prove to it."""

from __future__ import annotations

from dataclasses import dataclass

from caretaker.http.credentials import login_text
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.source_addresses import Network
from caretaker.plain_numbers import whole
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm import tls_values
from caretaker.swarm.option import option, repeated, switch
from caretaker.swarm.tls_values import TLSVersions


@dataclass(frozen=True)
class ACSOptions:
    """How CPEs reach the ACS and prove who they are."""

    acs_username: str | None = option(
        "--acs-username",
        login_text,
        default=None,
        unit="text",
        example="cpe",
        help="Username of all CPEs towards the ACS.",
        nothing="OUI-ProductClass-SerialNumber of each CPE",
    )
    acs_password: str | None = option(
        "--acs-password",
        login_text,
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
        whole(1, 60_000),
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
