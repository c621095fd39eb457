"""The syntax of parameters in data-model definitions (TR-106 A.2.3): type, default, and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from lxml import etree

from caretaker.cwmp.xml import local
from caretaker.data_model.types import BINARY_TYPES, TYPES, known_type
from caretaker.data_model.value_limits import (
    Limits,
    ListLimits,
    Number,
    Range,
    Size,
    compiled_pattern,
    number_of,
)
from caretaker.plain_numbers import whole_number

ANY_INSTANCE = "{i}"
"""What stands for an instance number in the path of a definition, and in its value."""


def token(text: str | None) -> str:
    """A name or word without white space around it: it is none of it in the schema's types."""
    return " ".join((text or "").split())


def is_on(element: etree._Element, flag: str) -> bool:
    """Whether a flag, an attribute of the type ``xs:boolean``, says so."""
    return token(element.get(flag)) in ("true", "1")


def status(element: etree._Element) -> str:
    """``current``, ``deprecated``, ``obsoleted`` or ``deleted``."""
    return token(element.get("status")) or "current"


def number(text: str | None) -> int | None:
    """The number from 0 on of an attribute; None where it is absent or none."""
    found = whole_number(text or "")
    return None if found is None or found < 0 else found


def _bound(text: str | None) -> Number | None:
    return None if text is None else number_of(text.strip())


class Syntax(NamedTuple):
    """
    What the syntax of a parameter says.

    Args:
        type: of its values.
        value: from the factory.
        new: the value in a new row.
        limits: of what can be set.
        hidden: whether it reads as null: it is hidden, secured, or a command.
    """

    type: str
    value: str
    new: str
    limits: Limits
    hidden: bool


_Facets: TypeAlias = dict[str, list[Any]]


class _DataType(NamedTuple):
    """A primitive type with the facets of a chain of types, and the lists around it."""

    kind: str
    facets: _Facets
    lists: tuple[etree._Element, ...] = ()


_PRIMITIVES = (
    "base64", "boolean", "dateTime", "decimal", "hexBinary", "int", "long", "string",
    "unsignedInt", "unsignedLong",
)  # fmt: skip
_FACETS = ("size", "range", "enumeration", "pattern")
_WITHOUT_EFFECT = ("description", "default", "list", "dataType", *_PRIMITIVES, *_FACETS)
_IN_FORCE = ("current", "deprecated")
_READS_NULL = ("hidden", "secured", "command")
"""Flags of a syntax; no ACS has the role that may read what is secured (TR-106 A.2.3.5)."""
_OF_NEW_ROWS = ("object", "implementation")
"""The kinds of defaults that a new row has; ``factory`` is what the device had at first."""
_NOT_OURS = ("parameter",)
"""The kinds of defaults that CWMP does not know: of arguments of USP's commands."""


class Syntaxes:
    """
    Reads the ``syntax`` of parameters; knows the data types that the document names.

    ``not_read`` counts what says something of values that Caretaker does not keep, by name.
    """

    def __init__(self, document: etree._Element) -> None:
        self._named = {
            token(child.get("name")): child for child in document if local(child) == "dataType"
        }
        self.not_read: Counter[str] = Counter()

    def of(self, parameter: etree._Element, usual: str | None = None) -> Syntax:
        """
        The syntax of a parameter.

        Args:
            parameter: its element.
            usual: the value from the factory where the model has no default; the first value of
                the range where that has not this one.
        """
        syntax = _child(parameter, "syntax")
        if syntax is None:
            return Syntax("xsd:string", usual or "", usual or "", Limits(), hidden=False)
        data_type = self._resolve_content(syntax, set())
        limits, kind = _limits(data_type), _sent_type(data_type)
        default = _child(syntax, "default")
        if default is not None and (status(default) not in _IN_FORCE or _is_of(default, _NOT_OURS)):
            default = None
        if default is not None:
            value = default.get("value") or ""
        else:
            value = self._first(syntax, data_type, limits)
            if usual is not None:
                value = Limits(ranges=limits.ranges).default_of(usual)
        new = value
        if default is not None and not _is_of(default, _OF_NEW_ROWS):
            new = limits.default_of(TYPES[kind].default)
        hidden = any(is_on(syntax, flag) for flag in _READS_NULL)
        return Syntax(kind, value, new, limits, hidden)

    def _first(self, syntax: etree._Element, data_type: _DataType, limits: Limits) -> str:
        """A value from the factory where the model has no default."""
        named = _child(syntax, "dataType")
        if named is not None and token(named.get("ref")) == "Alias":
            return f"cpe-{ANY_INSTANCE}"
        texts = [facet.get("value") or "" for facet in data_type.facets.get("enumeration", ())]
        if texts and not data_type.lists:
            return texts[0]
        return limits.default_of(TYPES[_sent_type(data_type)].default)

    # -- data types

    def _resolve_content(self, element: etree._Element, seen: set[str]) -> _DataType:
        """The type of an element that holds one: a syntax, or a named data type."""
        inner = [child for child in element if local(child) in (*_PRIMITIVES, "dataType")]
        data_type = self._resolve(inner[0], seen) if inner else _DataType("string", {})
        return _in_list(data_type, element)

    def _resolve(self, element: etree._Element, seen: set[str]) -> _DataType:
        """A type with its facets; those nearer to the parameter replace those of a base."""
        if local(element) != "dataType":
            return _DataType(local(element), self._facets(element))
        base = token(element.get("ref") or element.get("base"))
        if any(local(child) in _PRIMITIVES for child in element):
            data_type = self._resolve_content(element, seen)
        elif base in self._named and base not in seen:
            data_type = _in_list(self._resolve(self._named[base], seen | {base}), element)
        else:
            self.not_read[f"dataType {base}"] += 1
            data_type = _DataType("string", {})
        return data_type._replace(facets={**data_type.facets, **self._facets(element)})

    def _facets(self, element: etree._Element) -> _Facets:
        facets: _Facets = {}
        for child in element:
            name = local(child)
            if not _is_readable(child) or name not in (*_FACETS, *_WITHOUT_EFFECT):
                self.not_read[name] += 1
            elif name in _FACETS and status(child) in _IN_FORCE:
                facets.setdefault(name, []).append(child)
        return facets


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if local(child) == name), None)


def _is_of(default: etree._Element, kinds: Iterable[str]) -> bool:
    return (token(default.get("type")) or "object") in kinds


def _sent_type(data_type: _DataType) -> str:
    """The type on the wire; a list is a string."""
    return known_type("string" if data_type.lists else data_type.kind)


def _in_list(data_type: _DataType, element: etree._Element) -> _DataType:
    """The type of an element: a list of this one if the element says so."""
    lists = tuple(child for child in element if local(child) == "list")
    return data_type._replace(lists=(*lists, *data_type.lists))


def _limits(data_type: _DataType) -> Limits:
    facets, kind = data_type.facets, known_type(data_type.kind)
    limits = Limits(
        ranges=_ranges(facets.get("range", ())),
        sizes=_sizes(facets.get("size", ())),
        enumeration=tuple(
            facet.get("value") or ""
            for facet in facets.get("enumeration", ())
            if token(facet.get("access")) != "readOnly"
        ),
        patterns=tuple(facet.get("value") or "" for facet in facets.get("pattern", ())),
        type=kind if data_type.lists or kind in BINARY_TYPES else "xsd:string",
    )
    for listed in reversed(data_type.lists):
        limits = _list_limits(listed, limits)
    return limits


def _list_limits(listed: etree._Element, item: Limits) -> Limits:
    sizes = [
        child
        for child in listed
        if local(child) == "size" and status(child) in _IN_FORCE and _is_readable(child)
    ]
    return Limits(
        sizes=_sizes(sizes),
        listed=ListLimits(
            item,
            fewest=number(listed.get("minItems")) or 0,
            most=number(listed.get("maxItems")),
            brackets=token(listed.get("nestedBrackets")) == "required",
        ),
    )


def _ranges(facets: Iterable[etree._Element]) -> tuple[Range, ...]:
    """Ranges are alternatives; an open one allows all."""
    ranges = tuple(map(_range, facets))
    return () if Range() in ranges else ranges


def _range(facet: etree._Element) -> Range:
    least, most = _bound(facet.get("minInclusive")), _bound(facet.get("maxInclusive"))
    if least is not None and most is not None and least > most:
        raise ValueError(f"{least} is above {most}")
    return Range(least, most, _bound(facet.get("step")) or 1)


def _sizes(facets: Iterable[etree._Element]) -> tuple[Size, ...]:
    """Sizes are alternatives; one without bounds allows all."""
    sizes = tuple(map(_size, facets))
    return () if Size() in sizes else sizes


def _size(facet: etree._Element) -> Size:
    shortest, longest = facet.get("minLength"), facet.get("maxLength")
    size = Size(number(shortest) or 0, number(longest))
    if size.longest is not None and size.shortest > size.longest:
        raise ValueError(f"{shortest} is above {longest}")
    return size


def _pattern(facet: etree._Element) -> object:
    return compiled_pattern(facet.get("value") or "")


_READERS: Mapping[str, Callable[[etree._Element], object]] = {
    "range": _range,
    "size": _size,
    "pattern": _pattern,
}
"""What reads a facet, or raises ValueError, by its name."""


def _is_readable(facet: etree._Element) -> bool:
    """Whether a facet can be kept: a pattern that Python's are like, bounds that are some."""
    try:
        _READERS.get(local(facet), str)(facet)
    except ValueError:
        return False
    return True
