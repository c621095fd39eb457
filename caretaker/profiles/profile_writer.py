"""Writing profile files: what a data model says of parameters beyond an export."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tomli_w

from caretaker.data_model.types import BINARY_TYPES
from caretaker.data_model.value_limits import Limits, ListLimits, Range, Size
from caretaker.profiles.profile_file import Entry

_NO_BOUND = 2**31 - 1
"""Stands for a size without an upper bound."""


def write_profile_file(base: str, entries: Iterable[Entry]) -> bytes:
    """A profile file of that base, with one ``[[parameter]]`` for all paths of which it is true."""
    paths: dict[Entry, list[str]] = {}
    for entry in entries:
        paths.setdefault(entry._replace(path=""), []).append(entry.path)
    tables = [_table(entry, named) for entry, named in paths.items()]
    return tomli_w.dumps({"base": base, "parameter": tables}).encode()


def _table(entry: Entry, paths: list[str]) -> dict[str, Any]:
    limits = entry.limits or Limits()
    keys = {
        "path": paths if len(paths) > 1 else paths[0],
        **_facets(limits),
        "default": limits.default,
        "deny_active": limits.deny_active or None,
        "write_once": limits.write_once or None,
        "hidden": entry.hidden,
        "inform": entry.inform or None,
    }
    return {key: value for key, value in keys.items() if value is not None}


def _facets(limits: Limits) -> dict[str, Any]:
    keys = {
        "type": limits.type if limits.type in BINARY_TYPES else None,
        **_ranges(limits.ranges),
        **_sizes(limits.sizes),
        "enumeration": list(limits.enumeration) or None,
        "pattern": list(limits.patterns) or None,
        "list": None if limits.listed is None else _listed(limits.listed),
    }
    return {key: value for key, value in keys.items() if value is not None}


def _listed(listed: ListLimits) -> dict[str, Any]:
    items = Size(listed.fewest, listed.most)
    keys = {
        "type": listed.item.type,
        "items": None if items == Size() else _size(items),
        "brackets": listed.brackets or None,
    }
    return {key: value for key, value in keys.items() if value is not None} | _facets(listed.item)


def _ranges(ranges: tuple[Range, ...]) -> dict[str, Any]:
    tables = [
        {
            key: value
            for key, value in allowed._asdict().items()
            if value is not None and (key, value) != ("step", 1)
        }
        for allowed in ranges
    ]
    return tables[0] if len(tables) == 1 else {"ranges": tables or None}


def _sizes(sizes: tuple[Size, ...]) -> dict[str, Any]:
    written = [_size(size) for size in sizes]
    return {"size": written[0]} if len(written) == 1 else {"sizes": written or None}


def _size(size: Size) -> int | list[int]:
    longest = _NO_BOUND if size.longest is None else size.longest
    return [size.shortest, longest] if size.shortest else longest
