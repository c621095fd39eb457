"""Addresses of XMPP (RFC 7622), and who may send a Connection Request by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_JID = 3071
"""Characters: three parts of 1023 and what is between them."""
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
