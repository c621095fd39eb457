"""The syntax of parameters in data-model definitions (TR-106): type, default, and limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from lxml import etree

from caretaker.cwmp.xml import local
from caretaker.data_model.types import TYPES, known_type
from caretaker.data_model.value_limits import Limits

ANY_INSTANCE = "{i}"
"""What stands for an instance number in the path of a definition, and in its value."""


def status(element: etree._Element) -> str:
    """``current``, ``deprecated``, ``obsoleted`` or ``deleted``."""
    return element.get("status") or "current"


def number(text: str | None) -> int | None:
    """The whole number of an attribute; None where it is absent or none."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


_FACETS = ("size", "range", "enumeration", "pattern")
_Facets: TypeAlias = dict[str, list[Any]]


class Syntaxes:
    """Reads the ``syntax`` of parameters; knows the data types that the document names."""

    def __init__(self, document: etree._Element) -> None:
        self._none: _Facets = {}
        self._named = {
            child.get("name") or "": child for child in document if local(child) == "dataType"
        }

    def of(self, parameter: etree._Element) -> tuple[str, str, Limits]:
        """The type, a value from the factory, and what can be set."""
        syntax = next((child for child in parameter if local(child) == "syntax"), None)
        parts = {} if syntax is None else {local(child): child for child in syntax}
        default, listed = parts.pop("default", None), parts.pop("list", None)
        kind, facets = "string", self._none
        for child in parts.values():
            kind, facets = self._resolve(child, set())
        if listed is not None:
            sizes = [child for child in listed if local(child) == "size"]
            kind, facets = "string", {"enumeration": facets.get("enumeration", []), "size": sizes}
        kind = known_type(kind)
        limits = _limits(facets, is_list=listed is not None)
        if default is not None:
            return kind, default.get("value") or "", limits._replace(default=default.get("value"))
        if any(part.get("ref") == "Alias" for part in parts.values()):
            return kind, f"cpe-{ANY_INSTANCE}", limits
        value = _first(kind, facets, limits)
        new = None if value == limits.default_of(TYPES[kind].default) else value
        return kind, value, limits._replace(default=new)

    def _resolve(self, element: etree._Element, seen: set[str]) -> tuple[str, _Facets]:
        """A type's own name and facets; those nearer to the parameter replace those of a base."""
        kind, facets = local(element), self._none
        if kind == "dataType":
            base = element.get("ref") or element.get("base") or ""
            inner = [child for child in element if local(child) in _PRIMITIVES]
            kind = "string"
            if inner:
                kind, facets = self._resolve(inner[0], seen)
            elif base in self._named and base not in seen:
                kind, facets = self._resolve(self._named[base], seen | {base})
        own: _Facets = {}
        for child in element:
            if local(child) in _FACETS:
                own.setdefault(local(child), []).append(child)
        return kind, {**facets, **own}


_PRIMITIVES = (
    "base64", "boolean", "dateTime", "decimal", "hexBinary", "int", "long", "string",
    "unsignedInt", "unsignedLong",
)  # fmt: skip


def _limits(facets: _Facets, *, is_list: bool) -> Limits:
    settable = [
        facet.get("value") or ""
        for facet in facets.get("enumeration", ())
        if facet.get("access") != "readOnly" and status(facet) in ("current", "deprecated")
    ]
    if settable and any(facet.get("value") == "" for facet in facets.get("pattern", ())):
        settable.append("")
    least, most = _bounds(facets.get("range", ()), "minInclusive", "maxInclusive")
    shortest, longest = _bounds(facets.get("size", ()), "minLength", "maxLength")
    return Limits(
        least=least,
        most=most,
        enumeration=tuple(settable),
        shortest=shortest or None,
        longest=longest,
        is_list=is_list,
    )


def _bounds(
    elements: Iterable[etree._Element], low: str, high: str
) -> tuple[int | None, int | None]:
    """The widest of several ranges; None where one is open."""
    lows = [number(element.get(low)) for element in elements]
    highs = [number(element.get(high)) for element in elements]
    least = [bound for bound in lows if bound is not None]
    most = [bound for bound in highs if bound is not None]
    return (
        min(least) if lows and len(least) == len(lows) else None,
        max(most) if highs and len(most) == len(highs) else None,
    )


def _first(kind: str, facets: _Facets, limits: Limits) -> str:
    """A value from the factory where the model has no default."""
    texts = [facet.get("value") or "" for facet in facets.get("enumeration", ())]
    if texts:
        return "" if limits.is_list else texts[0]
    return limits.default_of(TYPES[kind].default)
