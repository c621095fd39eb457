"""What happens to connections on their way, drawn from the seed and each connection's number."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import NamedTuple


class Ending(Enum):
    """What becomes of a connection after the piece that a fault has hit."""

    GOES_ON = "goes on"
    SILENT = "silent"
    """It stays open, and nothing passes in this direction any more."""
    CLOSED = "closed"
    RESET = "reset"


class Treatment(NamedTuple):
    """
    What a fault does with the piece that it hits, and with the connection.

    Args:
        copies: how often the piece is passed on.
        share: which part of its bytes is.
        waits: whether it is held for a while before.
        ending: of the connection.
    """

    copies: int = 1
    share: float = 1.0
    waits: bool = False
    ending: Ending = Ending.GOES_ON


TREATMENTS = {
    "drop": Treatment(copies=0, ending=Ending.SILENT),
    "reset": Treatment(copies=0, ending=Ending.RESET),
    "delay": Treatment(waits=True),
    "cut": Treatment(copies=0, ending=Ending.CLOSED),
    "truncate": Treatment(share=0.5, ending=Ending.CLOSED),
    "duplicate": Treatment(copies=2),
}
"""The kinds of faults by their names."""
SHARE = 0.15
"""Of all connections that have a fault."""
MOST_PIECES = 3
"""A fault hits one of the first pieces of a direction; a short session has no more."""
DELAY_SECONDS = (0.1, 15.0)
"""How long a piece is held: also longer than a CPE waits for an answer."""


class ConnectionFault(NamedTuple):
    """
    The fault of one connection.

    Args:
        kind: a key of ``TREATMENTS``.
        to_server: whether it hits what the client sends; else what the server does.
        piece: which piece it hits, counted from 0.
        seconds: how long a delay takes.
    """

    kind: str
    to_server: bool
    piece: int
    seconds: float

    @property
    def treatment(self) -> Treatment:
        """What it does."""
        return TREATMENTS[self.kind]


def fault_of(seed: int, connection: int) -> ConnectionFault | None:
    """The fault of a connection; None for the many that have none."""
    rng = Random(f"{seed}/connection/{connection}")
    if rng.random() >= SHARE:
        return None
    return ConnectionFault(
        kind=rng.choice(list(TREATMENTS)),
        to_server=rng.random() < 0.5,
        piece=rng.randrange(MOST_PIECES),
        seconds=rng.uniform(*DELAY_SECONDS),
    )
