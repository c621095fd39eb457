"""Dates as parameters and messages hold them, and times on a grid (TR-106 3.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor


def utc(wall: float) -> str:
    """A dateTime of seconds since 1970, in whole seconds and UTC; the year has four digits."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds_of(text: str) -> float | None:
    """A dateTime as seconds since 1970; None for the unknown time (TR-106 3.2) and what is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return None if moment.year == 1 else _in_utc(moment).timestamp()
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def next_on_grid(start: float, interval: float, now: float) -> float:
    """The first time after ``now`` that is whole intervals from the start, before or after it."""
    due = start + interval * (floor((now - start) / interval) + 1)
    return due if due > now else due + interval  # the quotient may be rounded down
