"""
The XMPP accounts of a fleet, for the server's own tools: ``./scripts/xmpp-accounts``.

Usernames and passwords follow from the seed and the prefix of serial numbers, as those of the CPEs
do. docs/xmpp.md has the commands that take what is written here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from string import ascii_lowercase, digits
from xml.sax.saxutils import quoteattr

from caretaker.argument_type import argument_type
from caretaker.closed_output import say
from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE
from caretaker.device.identity import LARGEST_SEED, Identities, serial_prefix
from caretaker.errors import InputError
from caretaker.http.credentials import login_text
from caretaker.plain_numbers import whole
from caretaker.xmpp.jid import account_domain

_Account = tuple[str, str]
_SEED, _PREFIX = argument_type(whole(0, LARGEST_SEED)), argument_type(serial_prefix)
_DOMAIN = argument_type(account_domain)
_POSITIVE = argument_type(whole(1, 10_000_000))
_OF_USERNAMES = frozenset(f"{ascii_lowercase}{digits}._-")


def accounts(identities: Identities, indices: Iterable[int]) -> Iterator[_Account]:
    """Username and password of the CPEs with these indices."""
    for index in indices:
        yield identities.xmpp_username(index), identities.secret(index, "XMPP")


def _csv(_: str, made: Iterable[_Account]) -> Iterator[str]:
    yield from (f"{username},{password}" for username, password in made)


def _prosody(domain: str, made: Iterable[_Account]) -> Iterator[str]:
    """Commands for ``prosodyctl shell``."""
    for username, password in made:
        quoted = password.replace("\\", r"\\").replace('"', r"\"")
        yield f'user:create("{username}@{domain}", "{quoted}")'


def _ejabberd(domain: str, made: Iterable[_Account]) -> Iterator[str]:
    """A file for ``ejabberdctl import_piefxis`` (XEP-0227)."""
    yield "<?xml version='1.0' encoding='UTF-8'?>"
    yield f"<server-data xmlns='urn:xmpp:pie:0'><host jid={quoteattr(domain)}>"
    for username, password in made:
        yield f"<user name={quoteattr(username)} password={quoteattr(password)}/>"
    yield "</host></server-data>"


FORMATS: dict[str, Callable[[str, Iterable[_Account]], Iterator[str]]] = {
    "csv": _csv,
    "prosody": _prosody,
    "ejabberd": _ejabberd,
}
"""What is written, by the names of ``--format``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the accounts; the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.acs:
        _check_password(parser, os.environ.get(PASSWORD_VARIABLE, ""))
    identities = Identities(given.seed, given.serial_prefix)
    made = accounts(identities, range(given.first - 1, given.first - 1 + given.count))
    if given.acs:
        made = chain([(given.acs, os.environ[PASSWORD_VARIABLE])], made)
    for line in FORMATS[given.format](given.domain, made):
        say(line)
    return 0


def _check_password(parser: argparse.ArgumentParser, password: str) -> None:
    if not password:
        parser.error(f"--acs: give {PASSWORD_VARIABLE} in the environment")
    try:
        login_text(password)
    except InputError as error:
        parser.error(f"{PASSWORD_VARIABLE} {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("xmpp-accounts", description="XMPP accounts of a fleet.")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="which tool takes them")
    parser.add_argument("--domain", type=_DOMAIN, required=True, help="that of --xmpp-domain")
    parser.add_argument("--count", type=_POSITIVE, required=True, help="number of CPEs")
    parser.add_argument("--first", type=_POSITIVE, default=1, help="number of the first CPE")
    parser.add_argument(
        "--seed", type=argument_type(whole(0, LARGEST_SEED)), default=0, help="that of the run"
    )
    parser.add_argument(
        "--serial-prefix",
        type=argument_type(serial_prefix),
        default="FLEET",
        help="that of the run",
    )
    parser.add_argument(
        "--acs",
        type=_username,
        metavar="USERNAME",
        help="also the account of --cr-xmpp-jid; its password is in the environment, as "
        f"{PASSWORD_VARIABLE}",
    )
    return parser


def _username(text: str) -> str:
    if not 0 < len(text) <= 64 or not set(text) <= _OF_USERNAMES:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no username like acs, without domain")
    return text


if __name__ == "__main__":
    sys.exit(main())
