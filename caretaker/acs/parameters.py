"""
The parameters of a device that the ACS has seen, at a few bytes for each.

Devices of one model have the same paths and types: these are held once, in a layout that the
devices share. Each device has only its values, and when they were seen, for itself.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, MutableMapping
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from caretaker.cwmp.messages import ParameterInfoStruct, ParameterValueStruct

_log = logging.getLogger(__name__)

MAX_KNOWN_BYTES = 4 * 1024 * 1024 * 1024
"""What all devices of an ACS may take with their parameters."""
_LEFT_BYTES = 64 * 1024
"""With less than this left there is no room for another device."""
_ENTRY_BYTES = 100
"""What a parameter takes besides its name and value, about."""
_NAME = re.compile(r"[A-Za-z]\w*\.")
"""How the path of a parameter or object begins; anything else has no place in the tree."""


class KnownParameter(NamedTuple):
    """
    One parameter or object; the path of an object ends with a dot.

    Args:
        value: as text; None if only the name was seen.
        type: such as ``xsd:string``; empty if only the name was seen.
        writable: None if only the value was seen.
        seen: seconds since 1970.
    """

    value: str | None
    type: str
    writable: bool | None
    seen: float


class _Kind(NamedTuple):
    """The part of a parameter that all devices of a model share."""

    type: str
    writable: bool | None


class _Layout(NamedTuple):
    """The place of each path in a device's lists, and the kinds by place."""

    places: dict[str, int]
    kinds: tuple[_Kind, ...]


@lru_cache(64)  # of the layouts in use; a layout that drops out is only not shared any more
def _layout(paths: tuple[str, ...], kinds: tuple[_Kind, ...]) -> _Layout:
    return _Layout({intern(path): place for place, path in enumerate(paths)}, kinds)


@lru_cache(1024)
def _kind(type_: str, writable: bool | None) -> _Kind:  # noqa: FBT001
    return _Kind(intern(type_), writable)


def text_bytes(text: str) -> int:
    """What the characters of a text take at most."""
    return len(text) if text.isascii() else 4 * len(text)


class KnownBytes:
    """
    What all devices take with their parameters, about.

    Args:
        most: bytes; values that need more are not kept.
    """

    __slots__ = ("_is_full", "_most", "used")

    def __init__(self, most: int = MAX_KNOWN_BYTES) -> None:
        self._most = most
        self._is_full = False
        self.used = 0

    def take(self, more: int) -> bool:
        """Whether there is room for so many more bytes, which are taken then; logs the first no."""
        if more > 0 and self.used + more > self._most:
            if not self._is_full:
                self._is_full = True
                _log.warning("what is known of all devices takes %d MB: no more is kept",
                             self._most >> 20)  # fmt: skip
            return False
        self.used += more
        return True

    @property
    def has_room(self) -> bool:
        """Whether another device fits."""
        return self._most - self.used >= _LEFT_BYTES


class Parameters(MutableMapping[str, KnownParameter]):
    """
    The parameters and objects of one device, by path.

    Args:
        known: what all devices take; this one alone if None.
    """

    __slots__ = ("_known", "_layout", "_seen", "_values")

    def __init__(self, known: KnownBytes | None = None) -> None:
        self._known = known or KnownBytes()
        self._layout = _layout((), ())
        self._values: list[str | None] = []
        self._seen: list[float] = []

    def learn_values(self, values: Iterable[ParameterValueStruct], now: float) -> None:
        """Take values that the device sent; most are of parameters that are known already."""
        places, kinds = self._layout
        own, seen = self._values, self._seen
        new: dict[str, KnownParameter] = {}
        for name, value, type_ in values:
            at = places.get(name)
            if at is not None and kinds[at].type == type_:
                old = own[at]
                if old == value:
                    seen[at] = now
                elif self._known.take(text_bytes(value) - text_bytes(old or "")):
                    own[at] = value
                    seen[at] = now
            elif _NAME.match(name) is not None:
                writable = None if at is None else kinds[at].writable
                new[name] = KnownParameter(value, type_, writable, now)
        if new:
            self._take(new)

    def learn_names(self, names: Iterable[ParameterInfoStruct], now: float) -> None:
        """Take names that the device sent."""
        new: dict[str, KnownParameter] = {}
        for name, writable in names:
            if _NAME.match(name) is not None:
                old = self.get(name)
                value, type_ = (old.value, old.type) if old else (None, "")
                new[name] = KnownParameter(value, type_, writable, now)
        self._take(new)

    def forget(self, prefix: str) -> None:
        """Drop an object and all below it."""
        self._keep([path for path in self if not path.startswith(prefix)])

    def _keep(self, paths: list[str]) -> None:
        places, kinds = self._layout
        kept = [places[path] for path in paths]
        before = self._size(self)
        self._layout = _layout(tuple(paths), tuple([kinds[at] for at in kept]))
        self._values = [self._values[at] for at in kept]
        self._seen = [self._seen[at] for at in kept]
        self._known.take(self._size(self) - before)

    def _size(self, paths: Iterable[str]) -> int:
        """What these parameters take; nothing for those that are not known."""
        places, values = self._layout.places, self._values
        known = [path for path in paths if path in places]
        return sum(_bytes(path, values[places[path]]) for path in known)

    def _take(self, new: dict[str, KnownParameter]) -> None:
        """Take parameters that are new, or of another kind than before, in one new layout."""
        size = sum(_bytes(path, known.value) for path, known in new.items())
        if not self._known.take(size - self._size(new)):
            return
        places, kinds = self._layout.places.copy(), list(self._layout.kinds)
        values, seen = self._values, self._seen
        for path, known in new.items():
            at = places.setdefault(path, len(places))
            if at == len(values):
                values.append(None)
                seen.append(0.0)
                kinds.append(_kind("", None))
            kinds[at] = _kind(known.type, known.writable)
            values[at], seen[at] = known.value, known.seen
        self._layout = _layout(tuple(places), tuple(kinds))
        self._values, self._seen = (
            values[:],
            seen[:],
        )  # copies have no spare room

    def __getitem__(self, path: str) -> KnownParameter:
        at = self._layout.places[path]
        return KnownParameter(self._values[at], *self._layout.kinds[at], self._seen[at])

    def __setitem__(self, path: str, known: KnownParameter) -> None:
        self._take({path: known})

    def __delitem__(self, path: str) -> None:
        self[path]
        self._keep([other for other in self if other != path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.places)

    def __len__(self) -> int:
        return len(self._values)


def _bytes(path: str, value: str | None) -> int:
    return _ENTRY_BYTES + text_bytes(path) + text_bytes(value or "")
