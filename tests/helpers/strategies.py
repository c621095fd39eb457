"""Hypothesis strategies for CWMP messages, made from the message classes themselves."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from caretaker.cwmp import Envelope
from caretaker.cwmp import messages as m

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r <>&\"'"),
    max_size=20,
)
"""Whatever XML 1.0 can carry."""
NAMES = TEXT.map(str.strip)
"""Parameter names: white space around them means nothing."""


@cache
def of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    origin = get_origin(hint)
    if origin is Annotated:
        return of(get_args(hint)[0])
    if origin is tuple:
        return st.lists(of(get_args(hint)[0]), max_size=3).map(tuple)
    if hint is m.ParameterValueStruct:
        kinds = st.sampled_from(["", "xsd:string", "xsd:unsignedInt", "xsd:dateTime"])
        return st.builds(m.ParameterValueStruct, NAMES, TEXT, kinds)
    if hint == (str | None):
        return st.none() | TEXT
    if get_args(hint):  # a union of structs
        return st.one_of([of(each) for each in get_args(hint)])
    if hint in _SCALARS:
        return _SCALARS[hint]
    return instances(hint)


def instances(cls: type) -> st.SearchStrategy[Any]:
    """Instances of a message or struct."""
    hints = get_type_hints(cls, include_extras=True)
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else list(cls._fields)  # type: ignore[attr-defined]
    return st.builds(cls, **{name: of(hints[name]) for name in names})


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(0, 2**32 - 1),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
}

FAULTS = st.builds(
    m.Fault,
    st.integers(8000, 9899),
    TEXT.filter(bool),
    of(tuple[m.SetParameterValuesFault, ...]),
    st.sampled_from(["Client", "Server"]),
)
MESSAGES = st.one_of(
    [instances(cls) for cls in (*m.REQUESTS.values(), *m.RESPONSES.values())]
    + [FAULTS, st.just(m.UnknownRequest("X_VENDOR_Do")), st.just(m.UnknownResponse("DoResponse"))]
)
ENVELOPES = st.builds(
    Envelope,
    MESSAGES,
    st.none() | TEXT,
    st.sampled_from(["urn:dslforum-org:cwmp-1-0", "urn:dslforum-org:cwmp-1-2"]),
    st.booleans(),
    st.none() | st.integers(0, 86400),
    st.lists(st.sampled_from(["1.0", "1.2", "1.4"]), max_size=3).map(tuple),
    st.none() | st.sampled_from(["1.0", "1.4"]),
)


INDEX_RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=10)
"""Ranges of indices, some empty and some overlapping."""


def indices_of(ranges: list[tuple[int, int]]) -> set[int]:
    """The indices in ranges, one by one."""
    return {index for start, stop in ranges for index in range(start, stop)}
