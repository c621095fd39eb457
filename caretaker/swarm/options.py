"""
Options of a run: what they are called, what they may be, and their values.

Checks happen while the command line is parsed: bad input is one line and exit code 2, before any
process is forked. Values typed into the web UI come as text and go through the same checks.
"""

from __future__ import annotations

import argparse
import re
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from caretaker.errors import InputError, TransportError
from caretaker.http.endpoint import Address, tls_context
from caretaker.http.source_addresses import check_local, expand
from caretaker.profiles.loader import load_profile, parse_choice
from caretaker.reporting.service_levels import ServiceLevel, read_levels, service_levels
from caretaker.scenarios import SCENARIOS, parse


def _number(text: Any, *, least: float, most: float = 1e9, whole: bool = False) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        raise InputError(f"{text!r} is not a number") from None
    if not least <= value <= most or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{text} must be {kind} from {least:g} to {most:g}")
    return value


def _whole(least: int, most: int) -> Callable[[Any], int]:
    return lambda text: int(_number(text, least=least, most=most, whole=True))


def _at_least(least: float) -> Callable[[Any], float]:
    return lambda text: _number(text, least=least)


def _share(text: Any) -> float:
    return _number(text, least=0, most=1)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(text: Any) -> str:
        if text not in choices:
            raise InputError(f"{text!r} is not one of {', '.join(choices)}")
        return str(text)

    return check


def check_url(text: Any) -> str:
    """An http URL whose host is known here."""
    try:
        Address.of(str(text)).resolve()
    except TransportError as error:
        raise InputError(f"URL {text!r}: {error}; check its spelling") from error
    return str(text)


def without_login(value: Any) -> Any:
    """The value; a URL without the user and password that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", value) if isinstance(value, str) else value


def _profile(text: Any) -> str:
    name, _ = parse_choice(str(text))
    load_profile(name)
    return str(text)


def _range(text: Any) -> str:
    """``LOW-HIGH`` in seconds, or one number for both."""
    found = re.fullmatch(r"([0-9.]+)(?:-([0-9.]+))?", str(text))
    low = _number(found[1], least=0) if found else -1.0
    high = _number(found[2], least=0) if found and found[2] else low
    if not 0 <= low <= high:
        raise InputError(f"{text!r} is not LOW-HIGH in seconds, like 10-30")
    return f"{low:g}-{high:g}"


def _bind_host(text: Any) -> str:
    try:
        family, *_, where = socket.getaddrinfo(str(text), 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(where)
    except (OSError, UnicodeError):
        raise InputError(f"{text!r} is not an address of this machine; try 127.0.0.1") from None
    return str(text)


def _host(text: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", str(text)):
        raise InputError(f"{text!r} is not a host name or address")
    return str(text)


def _source(text: Any) -> str:
    check_local(expand(str(text)))
    return str(text)


def _certificates(text: Any) -> str:
    _readable(text)
    tls_context(str(text))
    return str(text)


def _prefix(text: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", str(text)):
        raise InputError(f"{text!r} is not 1 to 40 letters, digits, '.', '_' or '-'")
    return str(text)


def _limit(text: Any) -> str:
    if not re.fullmatch(r"[0-9]{1,6}/[0-9]{1,6}", str(text)) or str(text).endswith("/0"):
        raise InputError(f"{text!r} is not COUNT/SECONDS, like 50/5")
    return str(text)


def _readable(text: Any) -> str:
    if not Path(str(text)).is_file():
        raise InputError(f"{text}: no such file")
    return str(text)


def _writable(text: Any) -> str:
    path = Path(str(text))
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"{text}: not a file in a folder that exists")
    return str(text)


def _folder(text: Any) -> str:
    """A folder that files can be made in; it is made itself, where its parent is there."""
    try:
        Path(str(text)).mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=str(text)):
            pass
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: {why}; give a folder that can be written to") from error
    return str(text)


def _level(text: Any) -> str:
    return str(ServiceLevel.parse(str(text)))


def _levels(text: Any) -> str:
    read_levels(str(text))
    return str(text)


def _scenario(text: Any) -> str:
    parse(str(text))
    return str(text)


def _text(text: Any) -> str:
    return str(text)


class _Option(NamedTuple):
    """
    One option.

    ``in_web_ui``: it can be changed between runs in the web UI. ``kind``: how argparse takes it.
    ``of_master``: a file of the master's machine; its workers are told of it, and may have no such.
    """

    flag: str
    default: Any
    check: Callable[[Any], Any]
    metavar: str
    help: str
    kind: str = "store"
    in_web_ui: bool = False
    secret: bool = False
    of_master: bool = False


# fmt: off
OPTIONS: tuple[_Option, ...] = (
    _Option("--profile", None, _profile, "<FILE[:weight]>",
            "What kind of device the CPEs are: a parameter export of GenieACS (CSV), a profile "
            "file (TOML), or tr098 or tr181 for our own. Repeatable; mixed by weight. "
            "Default: tr181 and tr098", "append"),
    _Option("--cpes-per-user", 1, _whole(1, 100_000), "<int>",
            "CPEs that each Locust user holds", in_web_ui=True),
    _Option("--serial-prefix", "FLEET", _prefix, "<text>",
            "Serial numbers are <prefix>-000001 ..."),
    _Option("--seed", 0, _whole(0, 2**63), "<int>",
            "Of all that is left to chance; the same seed gives the same fleet", in_web_ui=True),
    _Option("--inform-interval", None, _at_least(0), "<seconds>",
            "PeriodicInformInterval of all CPEs, 0 for none. Default: the profile's",
            in_web_ui=True),
    _Option("--inform-jitter", 0.0, _at_least(0), "<seconds>",
            "Each periodic Inform is late by up to this, by chance"),
    _Option("--inform-together", False, bool, "",
            "CPEs follow the PeriodicInformTime of their profile, all at once; otherwise each has "
            "a phase of its own until the ACS sets a time", "store_true"),
    _Option("--start", "factory", _one_of("factory", "running"), "<factory|running>",
            "factory: each CPE begins with 0 BOOTSTRAP and 1 BOOT; running: as if it had been "
            "running for days, with its next periodic Inform", in_web_ui=True),
    _Option("--boot-delay", "0-0", _range, "<low-high>", "Seconds from a boot to its Inform"),
    _Option("--reboot-seconds", "10-30", _range, "<low-high>", "How long a reboot takes"),
    _Option("--transfers", "simulated", _one_of("simulated", "real"), "<simulated|real>",
            "Whether Download and Upload really move bytes, with the ACS's host and those of "
            "--allow-host; with all others they are simulated", in_web_ui=True),
    _Option("--transfer-seconds", "5-30", _range, "<low-high>",
            "How long a simulated transfer takes"),
    _Option("--transfer-failures", 0.0, _share, "<0..1>",
            "The share of simulated transfers that fail", in_web_ui=True),
    _Option("--bandwidth", 0.0, _at_least(0), "<bytes/s>",
            "Of each transfer; a simulated one takes its time from it when its FileSize is told. "
            "0 for no limit", in_web_ui=True),
    _Option("--acs-username", None, _text, "<text>",
            "What all CPEs show the ACS. Default: each its OUI-ProductClass-SerialNumber"),
    _Option("--acs-password", None, _text, "<text>",
            "The password to it; better given in the environment as CARETAKER_ACS_PASSWORD. "
            "Default: each its own", secret=True),
    _Option("--answer-timeout", 30.0, _at_least(0.1), "<seconds>",
            "How long a CPE waits for each answer of the ACS"),
    _Option("--max-sessions", 1000, _whole(1, 60_000), "<int>",
            "Sessions that each worker runs at once; more wait, which shows as lateness"),
    _Option("--source-address", None, _source, "<address>",
            "Local address that CPEs connect to the ACS from, or a network of such like "
            "10.0.0.0/28; each CPE keeps its own. Repeatable. Default: the system's choice",
            "append"),
    _Option("--allow-host", None, _text, "<host>",
            "Another host that the ACS may redirect CPEs to or have them get files from. "
            "Repeatable", "append"),
    _Option("--tls-ca", None, _certificates, "<file>", "Certificates to trust, in PEM"),
    _Option("--tls-insecure", False, bool, "", "Do not verify the ACS's certificate", "store_true"),
    _Option("--any-id", False, bool, "",
            "Take answers whose cwmp:ID is not the request's (Magma's enodebd sends such)",
            "store_true"),
    _Option("--cr-host", "127.0.0.1", _bind_host, "<address>",
            "Address that the Connection Request servers bind; 0.0.0.0 for an ACS elsewhere"),
    _Option("--cr-port", 0, _whole(0, 65_000), "<port>",
            "Port of worker 0's Connection Request server, worker 1 has the next ...; "
            "0 for any free ones"),
    _Option("--cr-advertise", None, _host, "<host>",
            "Host in ConnectionRequestURL, where it is not the one bound (containers, NAT)"),
    _Option("--cr-allow-basic", False, bool, "",
            "Take Basic for Connection Requests, beside Digest", "store_true"),
    _Option("--cr-limit", "50/5", _limit, "<count/seconds>",
            "Connection Requests that one CPE accepts in a period; 0/1 for no limit"),
    _Option("--cr-rate", 0.0, _at_least(0), "<number>",
            "Connection Requests per second that the driver causes, over the whole fleet",
            in_web_ui=True),
    _Option("--cr-arrivals", "poisson", _one_of("constant", "poisson"), "<constant|poisson>",
            "How the driver's arrivals are spaced", in_web_ui=True),
    _Option("--cr-driver", "nbi", _one_of("nbi", "direct", "off"), "<nbi|direct|off>",
            "nbi: post tasks to the ACS's north-bound API; direct: send the Connection Requests "
            "ourselves, for ACSs without such an API", in_web_ui=True),
    _Option("--nbi-url", "", lambda text: check_url(text) if text else "", "<url>",
            "The ACS's north-bound API in GenieACS's form, like http://acs:7557. Default: that of "
            "the embedded ACS", in_web_ui=True),
    _Option("--scenario", "", _scenario, "<NAME [argument=value ...]>",
            "What happens to the fleet: "
            f"{', '.join(SCENARIOS)}; several, separated by commas, play one after the other, or "
            "where they say so (at=60). See docs/scenarios.md", in_web_ui=True),
    _Option("--acs-port", 0, _whole(0, 65_535), "<port>",
            "Port of the embedded ACS, which runs when no --host is given; 0 for any free one"),
    _Option("--acs-nbi-port", 0, _whole(0, 65_535), "<port>",
            "Port of its north-bound API; 0 for any free one"),
    _Option("--slo", None, _level, "<level>",
            "A service level that the run must keep to, like 'sessions.failed_ratio < 0.001': any "
            "number of the summary by its path. Repeatable; when one is broken the exit code is 3",
            "append"),
    _Option("--slo-file", None, _levels, "<file>",
            "Service levels, one a line; # begins a comment", of_master=True),
    _Option("--slo-abort", False, bool, "",
            "End the run at the first breach of a service level", "store_true"),
    _Option("--slo-warm-up", 10.0, _at_least(0), "<seconds>",
            "How long after the start of the run --slo-abort begins to look"),
    _Option("--junit", None, _writable, "<file>",
            "Write service levels and standard checks here as JUnit XML, for CI systems",
            of_master=True),
    _Option("--record", None, _folder, "<folder>",
            "Keep whole sessions here, without secrets: those that failed, and some of the others"),
    _Option("--record-rate", 0.01, _share, "<0..1>",
            "The share of all sessions that --record keeps beside those that failed"),
    _Option("--summary-json", None, _writable, "<file>", "Write the summary here",
            of_master=True),
    _Option("--report", None, _writable, "<file>",
            "Write a page about the run here (HTML), for people who were not there",
            of_master=True),
    _Option("--metrics-port", 0, _whole(0, 65_535), "<port>",
            "Serve /metrics for Prometheus here too, for runs without the web UI, which has it "
            "anyway; 0 for not"),
    _Option("--metrics-host", "127.0.0.1", _bind_host, "<address>",
            "Address that --metrics-port binds", of_master=True),
    _Option("--live-interval", 5.0, _at_least(0), "<seconds>",
            "How often a line of live figures is printed; 0 for never"),
)
# fmt: on
"""All options of ours, in the order of the help; ``--host`` is Locust's own with our check."""


LIVE = ("cr_rate",)
"""What the web UI can change while a test runs."""


def add_arguments(parser: Any) -> None:
    """
    Add our options to Locust's parser.

    Locust has a ``--profile`` (a label for test runs) and takes anything for ``--host``; both are
    replaced in this run's parser.
    """
    group = parser.add_argument_group("Caretaker", conflict_handler="resolve")
    group.add_argument(
        "-H", "--host", type=_typed(check_url), env_var="LOCUST_HOST", metavar="<url>",
        help="The ACS, like http://acs.example.com:7547/. Default: the embedded ACS",
    )  # fmt: skip
    for option in OPTIONS:
        told = parser.get_default(dest(option))  # scripts/loadtest has defaults of its own
        action = _add(group, option, option.default if told is None else told)
        action.include_in_web_ui = option.in_web_ui
    parser.set_defaults(profile=None)


def dest(option: _Option) -> str:
    """The name of an option's value."""
    return _PLURAL.get(option.flag) or option.flag.lstrip("-").replace("-", "_")


_PLURAL = {
    "--profile": "profiles",
    "--allow-host": "allow_hosts",
    "--slo": "slos",
    "--source-address": "source_addresses",
}


def _add(group: Any, option: _Option, default: Any) -> Any:
    environment = f"CARETAKER_{option.flag.lstrip('-').replace('-', '_').upper()}"
    shared = {"dest": dest(option), "help": option.help, "env_var": environment}
    if option.kind == "store_true":
        return group.add_argument(option.flag, action="store_true", default=False, **shared)
    return group.add_argument(
        option.flag, action=option.kind, default=default, metavar=option.metavar,
        type=_typed(option.check), **shared,
    )  # fmt: skip


def _typed(check: Callable[[Any], Any]) -> Callable[[str], Any]:
    """A check as argparse wants it: its complaint becomes the one line of the parser."""

    def convert(text: str) -> Any:
        try:
            return check(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error).replace("%", "%%")) from error

    return convert


@dataclass(frozen=True)
class Settings:
    """The values of our options for one run; names are those of the flags."""

    profiles: tuple[str, ...]
    cpes_per_user: int
    serial_prefix: str
    seed: int
    inform_interval: float | None
    inform_jitter: float
    inform_together: bool
    start: str
    boot_delay: str
    reboot_seconds: str
    transfers: str
    transfer_seconds: str
    transfer_failures: float
    bandwidth: float
    acs_username: str | None
    acs_password: str | None
    answer_timeout: float
    max_sessions: int
    source_addresses: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    tls_ca: str | None
    tls_insecure: bool
    any_id: bool
    cr_host: str
    cr_port: int
    cr_advertise: str | None
    cr_allow_basic: bool
    cr_limit: str
    cr_rate: float
    cr_arrivals: str
    cr_driver: str
    nbi_url: str
    scenario: str
    acs_port: int
    acs_nbi_port: int
    slos: tuple[str, ...]
    slo_file: str | None
    slo_abort: bool
    slo_warm_up: float
    junit: str | None
    record: str | None
    record_rate: float
    summary_json: str | None
    report: str | None
    metrics_port: int
    metrics_host: str
    live_interval: float

    @classmethod
    def of(cls, options: argparse.Namespace) -> Settings:
        """
        The settings of parsed options, checked once more.

        Raises:
            InputError: a value (typed into the web UI) can't be used.
        """
        return cls(**{dest(option): _value(option, options) for option in OPTIONS})

    def public(self) -> dict[str, Any]:
        """The values by flag, without what is secret: with them a run can be repeated."""
        shown = (option for option in OPTIONS if not option.secret)
        return {option.flag: without_login(getattr(self, dest(option))) for option in shown}

    def check_driver(self, nbi_url: str) -> None:
        """
        See that the driver has an API to post to.

        Raises:
            InputError: it needs one, and there is none.
        """
        if self.cr_rate and self.cr_driver == "nbi" and not nbi_url:
            cure = "give --nbi-url (GenieACS's port is 7557) or --cr-driver direct"
            raise InputError(f"--cr-rate: no north-bound API to post tasks to; {cure}")

    def service_levels(self) -> tuple[ServiceLevel, ...]:
        """
        The service levels of the run, of both options.

        Raises:
            InputError: one can't be used, or there is none to abort at.
        """
        levels = service_levels(self.slos, self.slo_file)
        if self.slo_abort and not levels:
            raise InputError("--slo-abort: no service level to abort at; give --slo or --slo-file")
        return levels


def _value(option: _Option, options: argparse.Namespace) -> Any:
    value = getattr(options, dest(option), option.default)
    if option.kind == "append":
        return tuple(value or ())
    if value is None or (value == "" and option.default is None):
        return option.default
    if value == option.default or (option.of_master and getattr(options, "worker", False)):
        return value
    try:
        return option.check(value)
    except InputError as error:
        raise InputError(f"{option.flag}: {error}") from error
