"""
The XMPP accounts of a fleet, for the server's own tools: ``./scripts/xmpp-accounts``.

Usernames and passwords follow from the seed and the prefix of serial numbers, as those of the CPEs
do. docs/xmpp.md has the commands that take what is written here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

from caretaker.closed_output import say
from caretaker.device.identity import Identities

_Account = tuple[str, str]


def accounts(identities: Identities, indices: Iterable[int]) -> Iterator[_Account]:
    """Username and password of the CPEs with these indices."""
    for index in indices:
        yield identities.xmpp_username(index), identities.secret(index, "XMPP")


def _csv(_: str, made: Iterable[_Account]) -> Iterator[str]:
    yield from (f"{username},{password}" for username, password in made)


def _prosody(domain: str, made: Iterable[_Account]) -> Iterator[str]:
    """Commands for ``prosodyctl shell``."""
    for username, password in made:
        yield f'user:create("{username}@{domain}", "{password}")'


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
    given = _parser().parse_args(arguments)
    identities = Identities(given.seed, given.serial_prefix)
    made = accounts(identities, range(given.first - 1, given.first - 1 + given.count))
    for line in FORMATS[given.format](given.domain, made):
        say(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("xmpp-accounts", description="XMPP accounts of a fleet.")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="which tool takes them")
    parser.add_argument("--domain", required=True, help="that of --xmpp-domain")
    parser.add_argument("--count", type=_positive, required=True, help="number of CPEs")
    parser.add_argument("--first", type=_positive, default=1, help="number of the first CPE")
    parser.add_argument("--seed", type=int, default=0, help="that of the run")
    parser.add_argument("--serial-prefix", default="FLEET", help="that of the run")
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number <= 10**7:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 to 10 million")
    return number


if __name__ == "__main__":
    sys.exit(main())
