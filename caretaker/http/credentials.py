"""User names and passwords; their class says by which scheme a server checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from unicodedata import category

from mypy_extensions import mypyc_attr

from caretaker.errors import InputError


class Credentials(NamedTuple):
    """A user name and a password; ``repr`` leaves the password out, so that no log shows it."""

    username: str
    password: str

    def __repr__(self) -> str:
        """The user name without the password."""
        return f"Credentials({self.username!r}, ...)"


def login_text(text: str) -> str:
    """
    Read a username or a password, which the error does not show.

    Raises:
        InputError: it has control characters, which no header and no login over XMPP can have.
    """
    if any(category(character) in ("Cc", "Cs") for character in text):
        raise InputError("has control characters, as at the end of a line; leave them out")
    return text


@mypyc_attr(native_class=False)  # it can't compile what derives from a tuple; below, too
class BasicCredentials(Credentials):
    """To be checked with Basic alone: TR-069 3.2.2.2 forbids it, but some devices do it."""


@mypyc_attr(native_class=False)
class OldDigestCredentials(Credentials):
    """To be checked with Digest without qop (RFC 2069): some devices have nothing newer."""


CredentialsSource = Credentials | Callable[[], Credentials] | None
"""Credentials, or what makes them when a server asks for some; None where there are none."""
