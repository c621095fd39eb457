"""
What the text of an option may be, and the typed value that it stands for.

Each function takes the text of one option and returns its value. A text that can't be used raises
``InputError`` with the text and the cure; the caller adds the name of the option.
"""

from __future__ import annotations

import errno
import math
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from locust.util.timespan import parse_timespan

from caretaker.device.identity import SERIAL_PREFIX
from caretaker.engine.row_files import check_format
from caretaker.errors import InputError, TransportError
from caretaker.http.endpoint import Address
from caretaker.http.source_addresses import Network, check_local, hosts, parse_network
from caretaker.http.tls_settings import TLSSettings
from caretaker.nearest_names import nearest_names
from caretaker.reporting.service_levels import ServiceLevel, read_levels
from caretaker.run_token import RunToken

MAX_USERS = 1_000_000_000
MAX_SPAWN_RATE = 1_000_000
"""Users per second."""
MAX_SECONDS = 366 * 86_400
"""A year."""
MAX_PROCESSES = 1_024
ALL_ADDRESSES = ("", "*", "0.0.0.0", "::")  # noqa: S104  # to recognise them
MAX_SHOWN = 80
"""Characters of what was given that a message shows."""
_NEAREST, _LIKENESS = 3, 0.6
_LONGEST_LABEL = 200
_LONGEST_NAME = 255
"""Bytes of a name in a folder."""
_HOST = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|[0-9A-Fa-f:.]{2,45}")
_Choice = TypeVar("_Choice", bound=str)


def _digits(number: float) -> str:
    """A number as it can be read again: without an exponent, and to the millionth."""
    return f"{number:f}".rstrip("0").rstrip(".")


class Range(NamedTuple):
    """A range of durations, both ends included; its text is ``LOW-HIGH``, or one number."""

    low: float
    """Seconds."""
    high: float
    """Seconds."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``LOW-HIGH`` or one number for both, in seconds.

        Raises:
            InputError: the text is neither, or LOW is above HIGH.
        """
        match = re.fullmatch(r"([0-9.]+)(?:-([0-9.]+))?", text)
        low = at_least(0)(match[1]) if match else -1.0
        high = at_least(0)(match[2]) if match and match[2] else low
        if not 0 <= low <= high:
            raise InputError(f"{text!r} is not LOW-HIGH in seconds, like 10-30")
        return cls(low, high)

    def __str__(self) -> str:
        return f"{_digits(self.low)}-{_digits(self.high)}"


class Timespan(NamedTuple):
    """A length of time; its text is that of Locust's ``--run-time``."""

    seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``30``, ``30s``, ``3m``, ``1h20m`` and the like.

        Raises:
            InputError: the text is none of these, or longer than a year.
        """
        try:
            seconds = parse_timespan(text) if len(text) <= MAX_SHOWN else math.inf
        except (ValueError, OverflowError):
            raise InputError(f"{shown(text)} is not a time like 30s, 3m or 1h20m") from None
        if seconds > MAX_SECONDS:
            raise InputError(f"{shown(text)} is longer than a year")
        return cls(seconds)

    def __str__(self) -> str:
        return f"{_digits(self.seconds)}s"


class Rate(NamedTuple):
    """The most of something in each period; its text is ``COUNT/SECONDS``."""

    most: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``COUNT/SECONDS``, two whole numbers.

        Raises:
            InputError: the text is something else, or the period is 0.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None or int(match[2]) == 0:
            raise InputError(f"{text!r} is not COUNT/SECONDS, like 50/5")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.most}/{self.seconds}"


class HostPort(NamedTuple):
    """A host and a port; its text is ``HOST:PORT``, with an IPv6 address in brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``HOST:PORT``; port 0 stands for any free one.

        Raises:
            InputError: the text is something else.
        """
        name, _, number = text.rpartition(":")
        name = name[1:-1] if name[:1] == "[" and name[-1:] == "]" else name
        if not name or (":" in name and text[:1] != "["):
            raise InputError(f"{shown(text)} is not HOST:PORT, like 10.0.0.5:7548")
        return cls(host(name), port(number))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def host_and_port(usual: int) -> Callable[[str], HostPort]:
    """What reads ``HOST[:PORT]``, where a port is usual; it raises InputError."""

    def parse(text: str) -> HostPort:
        has_port = re.search(r"(^[^:]*|\]):[0-9]+$", text)
        return HostPort.parse(text) if has_port else HostPort(host(text.strip("[]")), usual)

    return parse


class PortRange(NamedTuple):
    """Ports, both ends included; its text is ``FIRST-LAST``, or one number."""

    first: int
    """0 stands for any free one."""
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``FIRST-LAST``, or one number.

        Raises:
            InputError: the text is neither, FIRST is above LAST, or a range begins with 0.
        """
        first, dash, last = text.partition("-")
        if not dash:
            return cls(*[whole(0, 65_000)(text)] * 2)
        ports = cls(port(first), port(last))
        if not 0 < ports.first < ports.last:
            raise InputError(f"{shown(text)} is not FIRST-LAST in ports, like 7600-7699")
        return ports

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.is_range else f"{self.first}"

    @property
    def is_range(self) -> bool:
        """Whether there are several ports."""
        return self.first < self.last

    def of_worker(self, index: int) -> Sequence[int]:
        """The ports that the worker with this index may take, in order."""
        if self.is_range:
            return range(self.first, self.last + 1)
        return [self.first + index if self.first else 0]


def advertised_host(text: str) -> str:
    """As ``host``, by which others reach this machine: no wildcard; IPv6 in brackets, too."""
    name = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    if name in ALL_ADDRESSES:
        raise InputError(f"{shown(text)} is no address that an ACS can reach; name one")
    return host(name)


def advertised_address(text: str) -> HostPort:
    """As ``HostPort.parse``, of an address by which others reach it: no wildcard."""
    parsed = HostPort.parse(text)
    advertised_host(parsed.host)
    return parsed


class LevelsFile(NamedTuple):
    """A file of service levels, with what is in it."""

    path: str
    levels: tuple[ServiceLevel, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read the file of this name.

        Raises:
            InputError: the file can't be read, or a line is no service level.
        """
        return cls(text, tuple(read_levels(text)))

    def __str__(self) -> str:
        return self.path


def run_token_file(text: str) -> Path:
    """A file of a run token, which is read where it is needed."""
    RunToken.of_file(text)
    return Path(text)


def shown(text: str) -> str:
    """A text that was given, for a message of one line, however long it is."""
    return repr(text) if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]!r}..."


def proposed(name: str, names: Iterable[str]) -> str:
    """The names of options nearest to one that is none, for the end of a message."""
    near = nearest_names(name, names, _NEAREST, _LIKENESS)
    return f"nearest: {', '.join(near)}" if near else "caretaker run --help lists all"


def _number(text: str, *, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{shown(text)} is not a number") from None
    if not least <= value <= most:
        raise InputError(f"{text[:MAX_SHOWN]} must be a number from {least:g} to {most:g}")
    return value


def whole(least: int, most: int) -> Callable[[str], int]:
    """Whole numbers from ``least`` to ``most``, in decimal digits."""

    def parse(text: str) -> int:
        digits = text.strip()  # of more characters than int() strips
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", digits) or not least <= int(digits) <= most:
            raise InputError(f"{shown(text)} must be a whole number from {least} to {most}")
        return int(digits)

    return parse


def at_least(least: float, most: float = 1e9) -> Callable[[str], float]:
    """Numbers from ``least`` to ``most``."""
    return lambda text: _number(text, least=least, most=most)


def share(text: str) -> float:
    """A share of a whole, from 0 to 1."""
    return _number(text, least=0, most=1)


users = whole(0, MAX_USERS)
"""Locust users, each with ``--cpes-per-user`` CPEs."""
spawn_rate = at_least(0.001, MAX_SPAWN_RATE)
"""Users that start per second."""
seconds = whole(0, MAX_SECONDS)
seconds_or_none = whole(-1, MAX_SECONDS)
"""-1 stands for none."""
exit_code = whole(0, 255)
port = whole(0, 65_535)
"""A TCP port of this machine; 0 stands for any free one."""


def run_time(text: str) -> int:
    """
    Seconds that a run lasts; 0 for a run without an end.

    Raises:
        InputError: the text is no ``Timespan``.
    """
    return int(Timespan.parse(text).seconds)


def stop_timeout(text: str) -> float:
    """Seconds that a user may take to end; InputError if the text is no ``Timespan``."""
    return Timespan.parse(text).seconds


def run_time_or_empty(text: str) -> int | None:
    """As ``run_time``; the empty text stands for none."""
    return run_time(text) if text else None


def processes(text: str) -> int:
    """
    Workers to fork; -1 for one on each core.

    Raises:
        InputError: the text is no such number.
    """
    return whole(-1, MAX_PROCESSES)(text)


def label(text: str) -> str:
    """A name of up to 200 characters that can be printed."""
    if len(text) > _LONGEST_LABEL or not all(map(str.isprintable, text)):
        raise InputError(f"{shown(text)} is not a name of up to {_LONGEST_LABEL} characters")
    return text


def one_of(*choices: _Choice) -> Callable[[str], _Choice]:
    """One of these words."""

    def parse(text: str) -> _Choice:
        for choice in choices:
            if text == choice:
                return choice
        raise InputError(f"{text!r} is not one of {', '.join(choices)}")

    return parse


def url(text: str) -> str:
    """An http or https URL whose host name resolves on this machine."""
    try:
        Address.of(text).resolve()
    except TransportError as error:
        raise InputError(f"URL {shown(text)}: {error}; check its spelling") from error
    return text


def acs_url(text: str) -> str:
    """As ``url``, without a login, which Locust's own report would show."""
    if "@" in text:
        cure = "give --acs-username, and CARETAKER_ACS_PASSWORD in the environment"
        raise InputError(f"the URL of an ACS has no login; {cure}")
    return url(text)


def acs_url_or_empty(text: str) -> str:
    """As ``acs_url``; the empty text stands for none."""
    return acs_url(text) if text else ""


def url_or_empty(text: str) -> str:
    """As ``url``; the empty text stands for none."""
    return url(text) if text else ""


def bound_address(text: str) -> str:
    """An address or host name that a server on this machine can bind."""
    try:
        host(text.partition("%")[0])  # what can't be encoded makes gevent print a traceback
        family, *_, address = socket.getaddrinfo(text, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
    except (OSError, InputError):
        raise InputError(
            f"{shown(text)} is not an address of this machine; try 127.0.0.1"
        ) from None
    return text


def server_address(text: str) -> str:
    """As ``bound_address``; Locust takes ``*`` and the empty text for all addresses."""
    return text if text in ALL_ADDRESSES else bound_address(text)


def host(text: str) -> str:
    """A host name or address, which need not be known on this machine."""
    if len(text) > 253 or not _HOST.fullmatch(text):
        raise InputError(f"{shown(text)} is not a host name or address")
    return text


def master_host(text: str) -> str:
    """As ``host``; an IPv6 address in brackets, too."""
    host(text[1:-1] if text[:1] == "[" else text)
    return text


def web_path(text: str) -> str:
    """The path that the web UI is below; the empty text stands for none."""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", text):
        raise InputError(f"{shown(text)} is not a path like /loadtest")
    return text


def source_network(text: str) -> Network:
    """A network, or one address, whose addresses are all of this machine."""
    network = parse_network(text)
    check_local(hosts(network))
    return network


def network_text(network: Network) -> str:
    """A network as an option names it: one address without its prefix length."""
    return str(network.network_address if network.num_addresses == 1 else network)


def certificates(text: str) -> str:
    """The name of a file of certificates in PEM."""
    if not os.path.isfile(text):  # noqa: PTH113  # Path's fails for a name that is too long
        raise InputError(f"{text}: no such file")
    TLSSettings(text).new_context()
    return text


def serial_prefix(text: str) -> str:
    """The beginning of serial numbers: up to 40 characters that need no escaping."""
    if not SERIAL_PREFIX.fullmatch(text):
        raise InputError(f"{text!r} is not 1 to 40 letters, digits, '.', '_' or '-'")
    return text


def output_file(text: str) -> Path:
    """A file to write, in a folder that exists."""
    path = Path(text)
    try:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{shown(text)}: not a file in a folder that exists")
        _check_writable(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give a file that can be written") from error
    return path


def _check_writable(path: Path) -> None:
    """
    OSError, or ValueError for no name at all, where a file can't be written.

    A run's processes check at the same time, so nothing of this name is made.
    """
    try:
        path.stat()  # it may be a pipe, which is not to be opened now
    except FileNotFoundError:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            return
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _check_name(path: Path) -> None:
    """OSError where this is a folder, or has a name that no folder takes."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if max(map(len, map(os.fsencode, path.parts))) > _LONGEST_NAME:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def state_file(text: str) -> Path:
    """A file for the state of a fleet, in a folder that exists."""
    path = Path(text)
    try:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{shown(text)}: not a file in a folder that exists")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give a file that can be written") from error
    return path


def output_of_locust(text: str) -> str:
    """
    A file that Locust writes; it makes its folder.

    Raises:
        InputError: it can't.
    """
    path = Path(text).absolute()
    try:
        _check_name(path)
        if path.parent.exists():
            _check_writable(path)
        while not path.parent.exists():
            path = path.parent
        with tempfile.TemporaryFile(dir=path.parent):
            return text
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(text)}: {why}; give one that can be written") from error


def csv_prefix(text: str) -> str:
    """The beginning of the names of files that Locust writes, as ``output_of_locust``."""
    output_of_locust(f"{text}_.csv")
    return text


def export_file(text: str) -> Path:
    """A file of rows to write, whose name says its format."""
    path = output_file(text)
    check_format(path)
    output_folder(str(path.parent))
    return path


def output_folder(text: str) -> Path:
    """A folder to write files into; it is made if its parent exists."""
    path = Path(text)
    try:
        path.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=text):
            pass
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: {why}; give a folder that can be written to") from error
    return path
