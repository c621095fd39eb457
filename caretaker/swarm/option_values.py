"""
What the text of an option may be, and the typed value that it stands for.

Each function takes the text of one option and returns its value. A text that can't be used raises
``InputError`` with the text and the cure; the caller adds the name of the option.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self, TypeVar

from locust.util.timespan import parse_timespan

from caretaker.errors import InputError
from caretaker.nearest_names import nearest_names
from caretaker.plain_numbers import MAX_SHOWN, decimal, shown, whole

MAX_USERS = 1_000_000_000
MAX_SPAWN_RATE = 1_000_000
"""Users per second."""
MAX_SECONDS = 366 * 86_400
"""A year."""
MAX_PROCESSES = 1_024
_DAY = 86_400
_LEAST_BINDING = 1
"""Seconds: keep-alives are whole seconds apart."""
_NEAREST, _LIKENESS = 3, 0.6
_LONGEST_LABEL = 200
_Choice = TypeVar("_Choice", bound=str)


def _digits(number: float) -> str:
    """A number as it can be read again: without an exponent, and to the millionth."""
    return f"{number:f}".rstrip("0").rstrip(".")


class ForgetfulNATs(NamedTuple):
    """NATs that forget bindings; the text is ``SHARE:SECONDS``."""

    share: float
    """Of the CPEs behind them, 0 to 1."""
    seconds: float
    """Without a datagram of the CPE, after which its binding is gone."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``SHARE:SECONDS``.

        Raises:
            InputError: the text is something else.
        """
        part, colon, seconds = text.partition(":")
        if not colon:
            raise InputError(f"{shown(text)} is not SHARE:SECONDS, like 0.1:25")
        made = cls(share(part), at_least(0, _DAY)(seconds))
        if made.share and made.seconds < _LEAST_BINDING:
            cure = f"give {_LEAST_BINDING} s or more, like 0.1:25"
            raise InputError(f"{shown(text)} is shorter than a binding can be kept; {cure}")
        return made

    def __str__(self) -> str:
        return f"{_digits(self.share)}:{_digits(self.seconds)}"


class Range(NamedTuple):
    """A range of durations, both ends included; its text is ``LOW-HIGH``, or one number."""

    low: float
    """Seconds."""
    high: float
    """Seconds."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``LOW-HIGH`` or one number for both, in seconds.

        Raises:
            InputError: the text is neither, or LOW is above HIGH.
        """
        match = re.fullmatch(r"([0-9.]+)(?:-([0-9.]+))?", text)
        low = at_least(0)(match[1]) if match else -1.0
        high = at_least(0)(match[2]) if match and match[2] else low
        if not 0 <= low <= high:
            raise InputError(f"{text!r} is not LOW-HIGH in seconds, like 10-30")
        return cls(low, high)

    def __str__(self) -> str:
        return f"{_digits(self.low)}-{_digits(self.high)}"


def keep_alive(text: str) -> Range:
    """
    Read a ``Range`` of whole seconds, as STUNMinimumKeepAlivePeriod has them: of 1 to a day.

    Raises:
        InputError: the text is something else.
    """
    read = whole(1, _DAY)
    low, dash, high = text.partition("-")
    made = Range(read(low), read(high if dash else low))
    if made.low > made.high:
        raise InputError(f"{shown(text)} is not LOW-HIGH in seconds, like 20-60")
    return made


class Timespan(NamedTuple):
    """A length of time; its text is that of Locust's ``--run-time``."""

    seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``30``, ``30s``, ``3m``, ``1h20m`` and the like.

        Raises:
            InputError: the text is none of these, or longer than a year.
        """
        try:
            seconds = parse_timespan(_time(text)) if len(text) <= MAX_SHOWN else math.inf
        except (ValueError, OverflowError):
            raise InputError(f"{shown(text)} is not a time like 30s, 3m or 1h20m") from None
        if seconds > MAX_SECONDS:
            raise InputError(f"{shown(text)} is longer than a year")
        return cls(seconds)

    def __str__(self) -> str:
        return f"{_digits(self.seconds)}s"


class Rate(NamedTuple):
    """The most of something in each period; its text is ``COUNT/SECONDS``."""

    most: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``COUNT/SECONDS``, two whole numbers.

        Raises:
            InputError: the text is something else, or the period is 0.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None or int(match[2]) == 0:
            raise InputError(f"{text!r} is not COUNT/SECONDS, like 50/5")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.most}/{self.seconds}"


def _time(text: str) -> str:
    """A text that Locust reads as a time, by patterns that take the digits of all scripts."""
    if not text.isascii():
        raise ValueError(text)
    return text


def proposed(name: str, names: Iterable[str]) -> str:
    """The names of options nearest to one that is none, for the end of a message."""
    near = nearest_names(name, names, _NEAREST, _LIKENESS)
    return f"nearest: {', '.join(near)}" if near else "caretaker run --help lists all"


def at_least(least: float, most: float = 1e9) -> Callable[[str], float]:
    """Numbers from ``least`` to ``most``."""
    return decimal(least, most)


def share(text: str) -> float:
    """A share of a whole, from 0 to 1."""
    return decimal(0, 1)(text)


users = whole(0, MAX_USERS)
"""Locust users, each with ``--cpes-per-user`` CPEs."""
spawn_rate = at_least(0.001, MAX_SPAWN_RATE)
"""Users that start per second."""
seconds = whole(0, MAX_SECONDS)
seconds_or_none = whole(-1, MAX_SECONDS)
"""-1 stands for none."""
exit_code = whole(0, 255)


def run_time(text: str) -> int:
    """
    Seconds that a run lasts; 0 for a run without an end.

    Raises:
        InputError: the text is no ``Timespan``.
    """
    return int(Timespan.parse(text).seconds)


def stop_timeout(text: str) -> float:
    """Seconds that a user may take to end; InputError if the text is no ``Timespan``."""
    return Timespan.parse(text).seconds


def run_time_or_empty(text: str) -> int | None:
    """As ``run_time``; the empty text stands for none."""
    return run_time(text) if text else None


def processes(text: str) -> int:
    """
    Workers to fork; -1 for one on each core.

    Raises:
        InputError: the text is no such number.
    """
    return whole(-1, MAX_PROCESSES)(text)


def label(text: str) -> str:
    """A name of up to 200 characters that can be printed."""
    if len(text) > _LONGEST_LABEL or not all(map(str.isprintable, text)):
        raise InputError(f"{shown(text)} is not a name of up to {_LONGEST_LABEL} characters")
    return text


def one_of(*choices: _Choice) -> Callable[[str], _Choice]:
    """One of these words."""

    def parse(text: str) -> _Choice:
        for choice in choices:
            if text == choice:
                return choice
        raise InputError(f"{text!r} is not one of {', '.join(choices)}")

    return parse
