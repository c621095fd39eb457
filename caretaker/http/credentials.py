"""User names and passwords; the class of a pair says which scheme asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mypy_extensions import mypyc_attr


class Credentials(NamedTuple):
    """A user name and password; the password does not show in logs."""

    username: str
    password: str

    def __repr__(self) -> str:
        """The name only."""
        return f"Credentials({self.username!r}, ...)"


@mypyc_attr(native_class=False)  # it can't compile what derives from a tuple; below, too
class BasicCredentials(Credentials):
    """Asked for with Basic, and no Digest taken: against TR-069 3.2.2.2, but devices do it."""


@mypyc_attr(native_class=False)
class OldDigestCredentials(Credentials):
    """Asked for with Digest without qop, as before RFC 2617: some devices have nothing better."""


CredentialsSource = Credentials | Callable[[], Credentials] | None
"""Credentials, or what makes them when a server asks for some; None where there are none."""
