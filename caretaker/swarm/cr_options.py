"""The options of Connection Requests: where CPEs take them, and who sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from caretaker.http.host_names import HostPort
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_files as files
from caretaker.swarm import option_values as values
from caretaker.swarm.option import option, repeated, switch
from caretaker.swarm.option_addresses import PortRange
from caretaker.swarm.option_values import Rate
from caretaker.swarm.stages import MAX_RATE, Stage

Start = Literal["factory", "running"]
Arrivals = Literal["constant", "poisson"]
Driver = Literal["nbi", "direct", "off"]
CRClient = Literal["tolerant", "genieacs"]


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
