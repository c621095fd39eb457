"""What a client stream tells who drives it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class EndKind(StrEnum):
    """What follows from the end of a stream."""

    AUTHENTICATION = "authentication"
    """The server refuses the credentials: more of the same may have it ban this host."""
    CONFLICT = "conflict"
    """Another client has bound the same address: connecting at once would throw that one out."""
    OTHER = "other"
    """Trying again later may help."""


class StartTLS(NamedTuple):
    """TLS is to begin on the connection; then ``ClientStream.secured`` is to be called."""


class Bound(NamedTuple):
    """The stream can be used; ``jid`` is the address that the server has given."""

    jid: str


class ConnectionRequest(NamedTuple):
    """
    A Connection Request, which ``ClientStream.answer`` answers.

    Args:
        id, sender: of its iq.
        username, password: of its payload.
    """

    id: str
    sender: str
    username: str
    password: str

    def __repr__(self) -> str:
        """Who has sent which iq."""
        return f"ConnectionRequest({self.id!r}, {self.sender!r})"


class Answered(NamedTuple):
    """
    The answer to a request of ours.

    Args:
        id: of the request.
        sender: whose answer it is.
        condition: why it was refused, one of ``STANZA_CONDITIONS``; None if it was not.
    """

    id: str
    sender: str
    condition: str | None


class Ended(NamedTuple):
    """The stream is over; the connection is to be closed once what is to be sent is sent."""

    kind: EndKind
    reason: str


Event = StartTLS | Bound | ConnectionRequest | Answered | Ended
