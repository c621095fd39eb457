"""Addresses of XMPP (RFC 7622), and who may send a Connection Request by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caretaker.errors import InputError
from caretaker.http.host_names import is_name
from caretaker.http.ip_addresses import parsed_address
from caretaker.plain_numbers import shown

MAX_JID = 3071
"""Characters: three parts of 1023 and what is between them."""
MAX_LOCAL = 1023
"""Octets of a local part (RFC 7622 3.3)."""
_NOT_IN_LOCAL = frozenset(" \"&'/:<>@")
MAX_ALLOWED = 32
"""Entries of ConnReqAllowedJabberIDs (TR-181)."""


class JID(NamedTuple):
    """An address ``local@domain/resource``; parts that it lacks are empty."""

    local: str
    domain: str
    resource: str = ""

    @classmethod
    def of(cls, text: str) -> JID:
        """The parts of an address; local part and domain don't tell upper from lower case."""
        bare, _, resource = text[:MAX_JID].strip().partition("/")
        local, at, domain = bare.partition("@")
        if not at:
            local, domain = "", bare
        return cls(local.lower(), domain.lower().rstrip("."), resource)

    @property
    def bare(self) -> str:
        """The address without its resource."""
        return f"{self.local}@{self.domain}" if self.local else self.domain

    def __str__(self) -> str:
        """The address as it is written."""
        return f"{self.bare}/{self.resource}" if self.resource else self.bare


def account_domain(text: str) -> str:
    """
    Read the domain of accounts: a name, or an IPv4 address.

    Raises:
        InputError: the text is neither.
    """
    if not _is_domain(text):
        raise InputError(f"{shown(text)} is no domain of accounts, like example.com")
    return text


def _is_domain(text: str) -> bool:
    return is_name(text) or (":" not in text and parsed_address(text) is not None)


def account_jid(text: str) -> str:
    """
    Read the bare address of an account: each stream has a resource of its own, from the server.

    Raises:
        InputError: the text is none, or has a resource.
    """
    jid = JID.of(text)
    if jid.resource or not (_is_local(jid.local) and _is_domain(jid.domain)):
        raise InputError(f"{shown(text)} is not the address of an account, like acs@example.com")
    return str(jid)


def _is_local(text: str) -> bool:
    is_text = text.isprintable() and _NOT_IN_LOCAL.isdisjoint(text)
    return is_text and 0 < len(text.encode()) <= MAX_LOCAL


def allowed_jids(text: str) -> tuple[JID, ...]:
    """The entries of ConnReqAllowedJabberIDs, 32 at most; an entry that is empty is none."""
    return tuple([JID.of(entry) for entry in text.split(",") if entry.strip()][:MAX_ALLOWED])


def is_allowed(sender: JID, allowed: Iterable[JID]) -> bool:
    """
    Whether who sent a Connection Request is among the allowed; anybody is where none is named.

    An entry without a resource stands for any resource, one with it for itself (TR-181).
    """
    entries = tuple(allowed)
    return not entries or any(entry in (sender, sender._replace(resource="")) for entry in entries)
