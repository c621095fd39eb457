"""
Records as plain data and back: lists, mappings, texts and numbers, which any serializer can write.

The types of the fields say how a record is written and read, so a record has no code of its own
for that. What is read is checked against the types.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from caretaker.cwmp import messages as m


class PlainCodec(NamedTuple):
    """
    How values of one type are written and read.

    Args:
        write: makes plain data of a value.
        read: makes the value of plain data; ValueError, TypeError or LookupError if it can't be.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@cache
def plain_codec(hint: Any) -> PlainCodec:
    """
    The codec of a type.

    Args:
        hint: a scalar, an enumeration, a record (NamedTuple or dataclass), a message of CWMP, or a
            tuple, mapping or union of these.

    Raises:
        TypeError: values of this type have no plain form.
    """
    arguments = get_args(hint)
    if arguments:
        return _GENERIC[get_origin(hint)](*arguments)
    if hint is m.Request:
        return _tagged(m.REQUESTS)
    if hint in _SCALARS:
        return _scalar(_SCALARS[hint])
    if issubclass(hint, enum.Enum):
        return PlainCodec(lambda member: member.value, hint)
    return _record(hint)


_SCALARS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    bytes: (bytes,),
    bool: (bool,),
    int: (int,),
    float: (float, int),
}
"""The types of plain data that a value of each scalar type may be read from."""


def _scalar(kinds: tuple[type, ...]) -> PlainCodec:
    def read(plain: Any) -> Any:
        if type(plain) not in kinds:
            raise TypeError(f"{type(plain).__name__} in the place of {kinds[0].__name__}")
        return plain

    return PlainCodec(_same, read)


def _same(value: Any) -> Any:
    return value


def _tuple(kind: Any, _: Any) -> PlainCodec:
    item = plain_codec(kind)
    return PlainCodec(
        lambda values: [item.write(value) for value in values],
        lambda plain: tuple([item.read(each) for each in _checked(plain, list)]),
    )


def _mapping(key_kind: Any, value_kind: Any) -> PlainCodec:
    key, value = plain_codec(key_kind), plain_codec(value_kind)
    if key.write is _same and value.write is _same:
        write: Callable[[Any], Any] = dict
    else:
        write = lambda values: {key.write(k): value.write(v) for k, v in values.items()}  # noqa: E731
    return PlainCodec(
        write,
        lambda plain: {
            key.read(k): value.read(v) for k, v in _checked(plain, dict).items()
        },
    )  # fmt: skip


def _checked(plain: Any, kind: type) -> Any:
    if type(plain) is not kind:
        raise TypeError(f"{type(plain).__name__} in the place of {kind.__name__}")
    return plain


def _union(*arguments: Any) -> PlainCodec:
    kinds = [kind for kind in arguments if kind is not NoneType]
    if len(kinds) == 1:
        codec = plain_codec(kinds[0])
    else:
        codec = _tagged({kind.__name__: kind for kind in kinds})
    if NoneType not in arguments:
        return codec
    return PlainCodec(
        lambda value: None if value is None else codec.write(value),
        lambda plain: None if plain is None else codec.read(plain),
    )


def _annotated(kind: Any, *_: Any) -> PlainCodec:
    return plain_codec(kind)


_GENERIC: dict[Any, Callable[..., PlainCodec]] = {
    Annotated: _annotated,
    Mapping: _mapping,
    Union: _union,
    UnionType: _union,
    tuple: _tuple,
}
"""What makes the codec of a generic type, by the arguments of the type."""


def _tagged(kinds: Mapping[str, type]) -> PlainCodec:
    """Records of several classes, with the name of the class before the fields."""

    def write(record: Any) -> list[Any]:
        kind: Any = type(record)
        return [kind.__name__, *_record(kind).write(record)]

    return PlainCodec(
        write,
        lambda plain: _record(kinds[_checked(plain, list)[0]]).read(plain[1:]),
    )


@cache
def _record(cls: Any) -> PlainCodec:
    """A list of the fields, without those at its end that have their defaults."""
    hints = get_type_hints(cls, include_extras=True)
    defaults = _defaults(cls)
    fields = [(name, plain_codec(hints[name])) for name in defaults]
    missing = list(defaults.values())

    def write(record: Any) -> list[Any]:
        values = [getattr(record, name) for name, _ in fields]
        while values and values[-1] == missing[len(values) - 1]:
            values.pop()
        return [codec.write(value) for (_, codec), value in zip(fields, values, strict=False)]

    def read(plain: Any) -> Any:
        if len(_checked(plain, list)) > len(fields):
            raise TypeError(f"more fields than {cls.__name__} has")
        return cls(
            *[codec.read(value) for (_, codec), value in zip(fields, plain, strict=False)]
        )  # fmt: skip

    return PlainCodec(write, read)


_REQUIRED = object()
"""The default of a field without one."""


def _defaults(cls: Any) -> dict[str, Any]:
    """The fields of a record in their order, with their defaults."""
    if not dataclasses.is_dataclass(cls):
        return {name: cls._field_defaults.get(name, _REQUIRED) for name in cls._fields}
    return {
        field.name: _REQUIRED if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(cls)
    }
