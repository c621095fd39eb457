"""``python -m caretaker certs FOLDER``: certificates for tests of TLS."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from caretaker.argument_type import argument_type
from caretaker.closed_output import say
from caretaker.device.device_csv import read_devices
from caretaker.device.identity import CHECK_SERIAL, Identities, serial_prefix
from caretaker.errors import InputError
from caretaker.input_file import read_input
from caretaker.plain_numbers import whole

SERVER = "server.pem"
CLIENTS = "clients"
"""The file and the folder beside those of the CA."""
MAX_COUNT = 10_000_000
MAX_DAYS = 36_500
_MAX_DEVICES_BYTES = 1 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="where they go; its CA is used if it has one"
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="host name or address of the servers, repeatable (default: localhost, 127.0.0.1, ::1)",
    )
    parser.add_argument(
        "--count",
        type=argument_type(whole(0, MAX_COUNT)),
        default=0,
        metavar="NUMBER",
        help="CPEs that get a certificate, by the serial numbers of a run (default: 0)",
    )
    parser.add_argument(
        "--serial-prefix",
        default="FLEET",
        metavar="TEXT",
        help="beginning of these serial numbers, as of the run (default: FLEET)",
    )
    parser.add_argument(
        "--devices", metavar="FILE", help="list of the devices that get one, as of the run"
    )
    parser.add_argument(
        "--days",
        type=argument_type(whole(0, MAX_DAYS)),
        default=365,
        metavar="NUMBER",
        help="days that certificates are valid (default: 365)",
    )


def run(options: argparse.Namespace) -> int:
    """
    Make what is not there yet, and say what a run needs of it.

    Raises:
        InputError: an option can't be used, or a file can't be written.
    """
    if find_spec("cryptography") is None:
        raise InputError("certs: needs cryptography; pip install 'caretaker-cwmp[certs]'")
    from caretaker.certs.authority import Authority, write_secret  # noqa: PLC0415  # optional

    serials = _serials(options)
    folder: Path = options.folder
    clients = folder / CLIENTS
    try:
        clients.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from error
    authority = Authority.of(folder)
    if not (folder / SERVER).exists():
        names = options.name or ["localhost", "127.0.0.1", "::1"]
        write_secret(folder / SERVER, authority.server(names, options.days))
    made = there = 0
    for serial in serials:
        path = clients / f"{serial}.pem"
        if path.exists():
            there += 1
        else:
            write_secret(path, authority.client(serial, options.days))
            made += 1
    say("\n".join(_lines(folder, made, there)))
    return 0


def _serials(options: argparse.Namespace) -> Iterator[str]:
    """The serial numbers of the CPEs, and that of a check of their ACS."""
    if options.devices is not None:
        if options.count:
            raise InputError("--count and --devices: the file says how many there are")
        devices = read_devices(options.devices, read_input(options.devices, _MAX_DEVICES_BYTES))
        number_of, count = devices.serial_number, len(devices)
    else:
        try:
            prefix = serial_prefix(options.serial_prefix)
        except InputError as error:
            raise InputError(f"--serial-prefix {error}") from error
        number_of = Identities(prefix=prefix).serial_number
        count = options.count
    return _named(number_of, count)


def _named(number_of: Callable[[int], str], count: int) -> Iterator[str]:
    if count:
        yield CHECK_SERIAL
    for index in range(count):
        serial = number_of(index)
        if "/" in serial or serial.startswith("."):
            raise InputError(f"{serial!r}: no name of a file")
        yield serial


def _lines(folder: Path, made: int, there: int) -> Iterator[str]:
    kept = f", {there} were there" if there else ""
    ca, template = folder / "ca.pem", folder / CLIENTS / "{serial}.pem"
    yield f"made {made} certificates of CPEs{kept}; the CA of all is {ca}"
    yield f"servers:  --tls-cert {folder / SERVER} --client-ca {ca}"
    yield f"the run:  --tls-ca {ca} --client-cert '{template}'"
