"""What a client of Connection Requests does, step by step, for who wants to look on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """
    One GET at the ConnectionRequestURL.

    Args:
        url: where to.
        is_new_connection: whether it went over a new connection.
        authorization: the Authorization header that was sent, empty without one.
        status: of the answer; 0 if there was none.
        challenges: the values of its ``WWW-Authenticate`` headers.
        error: why there was no answer, empty if there was one.
    """

    url: str
    is_new_connection: bool
    authorization: str
    status: int = 0
    challenges: tuple[str, ...] = ()
    error: str = ""


Observer = Callable[[Step], None]
"""Is told each step when it is over."""


def nobody(_: Step) -> None:
    """The observer where nobody looks on."""
