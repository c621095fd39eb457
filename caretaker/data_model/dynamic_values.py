"""
Values that change by themselves (TR-106 types; profiles declare them).

A value is a pure function of the fleet's seed, the CPE, the parameter and the time, computed when
it is read: an idle CPE needs no timer for it (decision D2). For values that change in steps the
time of the next step is known, so that an active notification has a due time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from math import floor, inf, pi, sin
from typing import Any, NamedTuple

from caretaker.data_model.dates import next_on_grid, utc
from caretaker.data_model.parameter import Row
from caretaker.data_model.paths import pattern, shape
from caretaker.data_model.types import TYPES, known_type
from caretaker.errors import ProfileError

_DAY = 86_400.0
_SHORTEST = 0.1
_MOST_DECIMALS = 9
_LARGEST = 1e15
_LATTICE = 16
"""Steps between the points that a walk goes through."""


class Dynamic(NamedTuple):
    """
    How a parameter changes.

    Args:
        kind: one of ``DYNAMIC_KINDS``.
        rate: what a counter adds per second.
        spread: how far the rates of CPEs differ from that: 0.5 for half to one and a half times.
        least, most: the bounds of a walk or drift.
        step: the seconds that a walk or drift stays at a value.
        decimals: the digits of a walk or drift after the point.
        values: of an enumeration.
        dwell: the seconds that an enumeration stays at a value.
        wrap: the number at which a counter begins again at 0, by its type.
    """

    kind: str
    rate: float = 1.0
    spread: float = 0.5
    least: float = 0.0
    most: float = 100.0
    step: float = 60.0
    decimals: int = 0
    values: tuple[str, ...] = ()
    dwell: float = 3600.0
    wrap: int = 2**32

    def value(self, rng: IndexedRandom, booted: float, wall: float) -> str:
        """
        The value at a time.

        Args:
            rng: the random numbers of this parameter of this CPE.
            booted: seconds since the CPE has booted.
            wall: seconds since 1970.
        """
        return DYNAMIC_KINDS[self.kind].value(self, rng, booted, wall)

    def next_change(self, rng: IndexedRandom, wall: float) -> float:
        """When the value may change next, in seconds since 1970; ``inf`` without steps."""
        step = DYNAMIC_KINDS[self.kind].step(self)
        if step == inf:
            return inf
        return next_on_grid(-rng(-1) * step, step, wall)


class IndexedRandom:
    """Random numbers in [0, 1) by an index: equal for equal seed, CPE, parameter and index."""

    __slots__ = ("_seed",)

    def __init__(self, seed: object, index: int, number: int) -> None:
        self._seed = hashlib.blake2b(f"{seed}/{index}/{number}".encode(), digest_size=16)

    def __call__(self, n: int) -> float:
        """The number of this index."""
        digest = self._seed.copy()
        digest.update(n.to_bytes(12, "big", signed=True))
        return int.from_bytes(digest.digest()[:6], "big") / (1 << 48)


def _count(spec: Dynamic, rng: IndexedRandom, booted: float, _: float) -> str:
    rate = spec.rate * (1 + spec.spread * (2 * rng(0) - 1))
    return str(int(max(0.0, booted) * rate) % spec.wrap)


def _step_number(spec: Dynamic, rng: IndexedRandom, wall: float) -> int:
    """The number of the current step; each CPE has a phase of its own."""
    step = DYNAMIC_KINDS[spec.kind].step(spec)
    return floor((wall + rng(-1) * step) / step)


def _within(spec: Dynamic, share: float) -> str:
    number = spec.least + (spec.most - spec.least) * min(1.0, max(0.0, share))
    return f"{number:.{spec.decimals}f}" if spec.decimals else str(round(number))


def _bounds(spec: Dynamic) -> tuple[str, str]:
    return _within(spec, 0.0), _within(spec, 1.0)


def _walk(spec: Dynamic, rng: IndexedRandom, _: float, wall: float) -> str:
    """In straight lines from one random point to the next, ``_LATTICE`` steps each."""
    cell, inside = divmod(_step_number(spec, rng, wall), _LATTICE)
    here, there = rng(cell), rng(cell + 1)
    return _within(spec, here + (there - here) * inside / _LATTICE)


def _drift(spec: Dynamic, rng: IndexedRandom, _: float, wall: float) -> str:
    """A wave with the period of a day, and a little noise."""
    number = _step_number(spec, rng, wall)
    wave = sin(2 * pi * (number * spec.step / _DAY + rng(-2)))
    return _within(spec, 0.5 + 0.4 * wave + 0.1 * (2 * rng(number) - 1))


def _choose(spec: Dynamic, rng: IndexedRandom, _: float, wall: float) -> str:
    return spec.values[int(rng(_step_number(spec, rng, wall)) * len(spec.values))]


def _clock(_: Dynamic, __: IndexedRandom, ___: float, wall: float) -> str:
    return utc(wall)


class _Kind(NamedTuple):
    value: Callable[[Dynamic, IndexedRandom, float, float], str]
    step: Callable[[Dynamic], float]
    """The seconds that a value stays the same; ``inf`` without steps."""
    examples: Callable[[Dynamic], Sequence[str]]
    """Values that must fit the parameter's type: the extremes."""


DYNAMIC_KINDS: dict[str, _Kind] = {
    "counter": _Kind(_count, lambda _: inf, lambda spec: ("0", str(spec.wrap - 1))),
    "walk": _Kind(_walk, lambda spec: spec.step, _bounds),
    "drift": _Kind(_drift, lambda spec: spec.step, _bounds),
    "enumeration": _Kind(_choose, lambda spec: spec.dwell, lambda spec: spec.values),
    "clock": _Kind(_clock, lambda _: inf, lambda _: (utc(0.0),)),
}
"""The kinds by their name in a profile."""

_NUMBERS = ("rate", "spread", "least", "most", "step", "decimals", "dwell")


Rules = tuple[tuple[str, Dynamic], ...]
"""Paths, with ``*`` for instance numbers, and how their parameters change."""


def parse_dynamic(given: Mapping[str, Any]) -> tuple[str, Dynamic]:
    """
    The path and the rule of a ``[[dynamic]]`` table.

    Args:
        given: the table.

    Raises:
        ProfileError: it can't be used; the text does not name the profile.
    """
    path, kind = given.get("path"), given.get("kind")
    where = f"[[dynamic]] {path or '?'}"
    if not isinstance(path, str) or not path or path.endswith("."):
        raise ProfileError(f"{where}: 'path' must be that of a parameter")
    if not isinstance(kind, str) or kind not in DYNAMIC_KINDS:
        raise ProfileError(f"{where}: 'kind' must be one of {', '.join(DYNAMIC_KINDS)}")
    unknown = sorted(set(given) - {"path", "kind", "values", *_NUMBERS})
    if unknown:
        raise ProfileError(f"{where}: no {unknown[0]!r} here")
    spec = Dynamic(kind, **_settings(where, given))
    if spec.least > spec.most or spec.rate < 0:
        raise ProfileError(f"{where}: least above most, or a rate below zero")
    if min(spec.step, spec.dwell) < _SHORTEST:
        raise ProfileError(f"{where}: step and dwell must be at least {_SHORTEST:g} s")
    if not 0 <= spec.spread <= 1 or not 0 <= spec.decimals <= _MOST_DECIMALS:
        raise ProfileError(f"{where}: 'spread' is from 0 to 1, 'decimals' from 0 to 9")
    if kind == "enumeration" and not spec.values:
        raise ProfileError(f"{where}: 'values' is missing")
    return path, spec


def _number(where: str, key: str, value: Any) -> float:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_one or not abs(value) <= _LARGEST:  # TOML has infinities and what is no number, too
        raise ProfileError(f"{where}: {key!r} must be a number, {_LARGEST:g} at most")
    if key == "decimals" and value != int(value):
        raise ProfileError(f"{where}: 'decimals' must be a whole number")
    return int(value) if key == "decimals" else float(value)


def _settings(where: str, given: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key in _NUMBERS:
        if key in given:
            settings[key] = _number(where, key, given[key])
    values = given.get("values", [])
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise ProfileError(f"{where}: 'values' must be a list of texts")
    return {**settings, "values": tuple(values)}


_COUNTED = re.compile(
    r".*\.(Stats\.(Ethernet)?|(WANCommonInterfaceConfig|WLANConfiguration\.[0-9]+)\.Total)"
    r"(?P<what>(Unicast)?(Bytes|Packets)(Sent|Received))"
)
"""Counters of interfaces; not the results of diagnostics, which have names like theirs."""
_STATISTICS = {
    "BytesSent": 20_000.0,
    "BytesReceived": 120_000.0,
    "PacketsSent": 40.0,
    "PacketsReceived": 100.0,
    "UnicastPacketsSent": 38.0,
    "UnicastPacketsReceived": 98.0,
}


def applied(rows: Sequence[Row], rules: Rules) -> tuple[list[Row], tuple[Dynamic, ...]]:
    """
    The rows with the source of those that change by themselves, and the rules by number.

    The first rule that names a row holds; rows without one have their usual rule, if any.

    Raises:
        ProfileError: a rule names no row; the text does not name the profile.
    """
    declared = _by_path(rows, rules)
    changed: list[Row] = []
    specs: list[Dynamic] = []
    for row in rows:
        if row.path in declared and (row.is_object or row.source not in _GIVE_WAY):
            raise ProfileError(f"[[dynamic]] {row.path} is an object, or computed by the run")
        spec = declared.get(row.path) or (None if row.source or row.is_object else usual(row))
        if spec is not None:
            changed.append(row._replace(source=DYNAMIC, number=len(specs)))
            specs.append(_fitted(spec, row))
        else:
            changed.append(row)
    return changed, tuple(specs)


_WRAPS = {"xsd:int": 2**31, "xsd:long": 2**63, "xsd:unsignedLong": 2**64}


def _fitted(spec: Dynamic, row: Row) -> Dynamic:
    """The rule with the bounds of the row's type, which its values must fit."""
    kind = known_type(row.type)
    spec = spec._replace(wrap=_WRAPS.get(kind, 2**32))
    for text in DYNAMIC_KINDS[spec.kind].examples(spec):
        if not TYPES[kind].fits(text):
            raise ProfileError(f"[[dynamic]] {row.path}: {text!r} is no {kind.partition(':')[2]}")
    return spec


def _by_path(rows: Sequence[Row], rules: Rules) -> dict[str, Dynamic]:
    """The first rule that names each path."""
    if not rules:
        return {}
    by_shape: dict[str, list[str]] = {}
    for row in rows:
        by_shape.setdefault(shape(row.path), []).append(row.path)
    by_path: dict[str, Dynamic] = {}
    for path, spec in rules:
        named = list(filter(pattern(path).fullmatch, by_shape.get(shape(path), ())))
        if not named:
            raise ProfileError(f"[[dynamic]] {path} names no parameter of the base; mend it")
        for name in named:
            by_path.setdefault(name, spec)
    return by_path


_GIVE_WAY = ("", "template", "wan_ip", "mac", "up_time")
"""Sources of values that a rule may replace."""
DYNAMIC = "dynamic"
"""The source of values that change by themselves; the number of the row is that of its rule."""


def usual(row: Row) -> Dynamic | None:
    """The rule of a row that none is declared for: interface counters that are not at 0 count."""
    counts = row.type in ("xsd:unsignedInt", "xsd:unsignedLong") and row.value.strip("0") != ""
    match = None if row.writable or not counts else _COUNTED.fullmatch(row.path)
    if match is None:
        return None
    return Dynamic("counter", rate=_STATISTICS[match["what"]])
