"""Values that change by themselves: pure functions of time, within their bounds."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.data_model.dynamic_values import (
    DYNAMIC_KINDS,
    Dynamic,
    IndexedRandom,
    applied,
    parse_dynamic,
)
from caretaker.data_model.parameter import Row
from caretaker.data_model.types import TYPES
from caretaker.errors import ProfileError

CPU = "Device.DeviceInfo.ProcessStatus.CPUUsage"


TIMES = st.floats(0, 4e9)
WALK = Dynamic("walk", least=-80, most=-40, step=60)
DRIFT = Dynamic("drift", least=10, most=20, step=300, decimals=2)
STATES = Dynamic("enumeration", values=("Up", "Down", "Dormant"), dwell=900)


@given(st.integers(0, 10**6), TIMES)
def test_walks_and_drifts_stay_within_their_bounds(index: int, wall: float) -> None:
    rng = IndexedRandom(0, index, 1)
    assert -80 <= int(WALK.value(rng, 0.0, wall)) <= -40
    assert 10 <= float(DRIFT.value(rng, 0.0, wall)) <= 20
    assert STATES.value(rng, 0.0, wall) in STATES.values


@pytest.mark.parametrize("spec", [WALK, DRIFT, STATES])
@given(st.integers(0, 1000), TIMES, st.floats(0, 0.999))
def test_a_value_is_the_same_until_its_next_change(
    spec: Dynamic, index: int, wall: float, share: float
) -> None:
    rng = IndexedRandom(7, index, 3)
    change = spec.next_change(rng, wall)
    assert wall < change <= wall + max(spec.step, spec.dwell)
    between = wall + (change - wall) * share
    assert spec.value(rng, 0.0, wall) == spec.value(rng, 0.0, between)


@given(st.floats(0, 1e8), st.floats(0, 1e6))
def test_counters_only_go_up(booted: float, later: float) -> None:
    spec = Dynamic("counter", rate=10.0, wrap=2**64)
    rng = IndexedRandom(0, 1, 2)
    assert int(spec.value(rng, booted, 0.0)) <= int(spec.value(rng, booted + later, 0.0))


def test_counters_wrap_where_their_type_ends() -> None:
    spec = Dynamic("counter", rate=1e9)
    assert 0 <= int(spec.value(IndexedRandom(0, 0, 0), 1e6, 0.0)) < 2**32


def test_walks_move_by_small_steps() -> None:
    rng = IndexedRandom(0, 4, 0)
    values = [int(WALK.value(rng, 0.0, 60.0 * n)) for n in range(500)]
    assert max(abs(a - b) for a, b in pairwise(values)) <= 3
    assert max(values) - min(values) > 20


def test_cpes_and_parameters_differ_and_runs_do_not() -> None:
    def told(*who: Any) -> list[str]:
        return [WALK.value(IndexedRandom(*who), 0.0, 1000.0 * n) for n in range(20)]

    assert told(0, 1, 2) == told(0, 1, 2)
    assert len({tuple(told(*who)) for who in ((0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3))}) == 4


def test_what_moves_all_the_time_has_no_next_change() -> None:
    assert Dynamic("counter").next_change(IndexedRandom(0, 0, 0), 5.0) == inf
    assert Dynamic("clock").value(IndexedRandom(0, 0, 0), 0.0, 0.5) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("kind", sorted(DYNAMIC_KINDS))
def test_every_kind_can_be_declared(kind: str) -> None:
    path, spec = parse_dynamic({"path": "Device.A.*.B", "kind": kind, "values": ["a"]})
    assert (path, spec.kind) == ("Device.A.*.B", kind)
    assert spec.value(IndexedRandom(0, 0, 0), 100.0, 1e9)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"kind": "walk"}, "'path' must be"),
        ({"path": "Device.A.", "kind": "walk"}, "'path' must be"),
        ({"path": "Device.A", "kind": "jump"}, "'kind' must be one of counter"),
        ({"path": "Device.A", "kind": "walk", "speed": 1}, "no 'speed' here"),
        ({"path": "Device.A", "kind": "walk", "least": "a"}, "'least' must be a number"),
        ({"path": "Device.A", "kind": "walk", "least": 2, "most": 1}, "least above most"),
        ({"path": "Device.A", "kind": "walk", "step": 0}, "at least 0.1 s"),
        ({"path": "Device.A", "kind": "walk", "step": float("nan")}, "'step' must be a number"),
        ({"path": "Device.A", "kind": "walk", "decimals": -1}, "'decimals' from 0 to 9"),
        ({"path": "Device.A", "kind": "walk", "decimals": 1.5}, "must be a whole number"),
        ({"path": "Device.A", "kind": "counter", "rate": float("inf")}, "'rate' must be a number"),
        ({"path": "Device.A", "kind": []}, "'kind' must be one of counter"),
        ({"path": "Device.A", "kind": "counter", "rate": 1e300}, "'rate' must be a number, 1e"),
        ({"path": "Device.A", "kind": "enumeration"}, "'values' is missing"),
        ({"path": "Device.A", "kind": "enumeration", "values": [1]}, "list of texts"),
    ],
)
def test_bad_tables_are_one_line(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint):
        parse_dynamic(table)


_ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
)
_KEYS = ("rate", "spread", "least", "most", "step", "decimals", "dwell", "values")


@given(
    st.sampled_from(sorted(DYNAMIC_KINDS)) | _ANYTHING,
    st.dictionaries(st.sampled_from(_KEYS), _ANYTHING),
)
def test_any_table_is_refused_or_has_values(kind: object, settings: dict[str, Any]) -> None:
    try:
        _, spec = parse_dynamic({"path": "Device.A", "kind": kind, **settings})
    except ProfileError:
        return
    assert isinstance(spec.value(IndexedRandom(0, 1, 2), 5000.0, 1.75e9), str)
    assert spec.next_change(IndexedRandom(0, 1, 2), 1.75e9) > 1.75e9 - 1e-3


def test_counters_of_interfaces_count_without_being_told() -> None:
    path = "Device.Ethernet.Interface.1.Stats.BytesSent"
    row = Row(path, False, False, "97", "xsd:unsignedLong")
    rows, specs = applied([row, row._replace(value="0"), row._replace(type="xsd:string")], ())
    assert [each.source for each in rows] == ["dynamic", "", ""]
    assert (specs[0].kind, specs[0].wrap) == ("counter", 2**64)


@pytest.mark.parametrize(
    "path",
    [
        "Device.IP.Diagnostics.DownloadDiagnostics.TotalBytesReceived",
        "Device.IP.Diagnostics.UDPEchoConfig.BytesReceived",
    ],
)
def test_results_of_diagnostics_stay_as_they_are(path: str) -> None:
    rows, specs = applied([Row(path, False, False, "900", "xsd:unsignedInt")], ())
    assert (rows[0].source, specs) == ("", ())


@pytest.mark.parametrize(
    ("kind", "wrap"),
    [
        ("xsd:int", 2**31),
        ("xsd:unsignedInt", 2**32),
        ("xsd:long", 2**63),
        ("xsd:unsignedLong", 2**64),
    ],
)
def test_counters_wrap_at_the_largest_number_of_their_type(kind: str, wrap: int) -> None:
    rule = ("Device.A", Dynamic("counter", rate=1e9))
    _, (spec,) = applied([Row("Device.A", False, False, "1", kind)], (rule,))
    assert spec.wrap == wrap
    values = [spec.value(IndexedRandom(0, 1, 2), float(booted), 0.0) for booted in range(9)]
    assert all(TYPES[kind].fits(value) for value in values)


@pytest.mark.parametrize(
    ("spec", "kind", "complaint"),
    [
        (WALK, "xsd:unsignedInt", "Device.A: '-80' is no unsignedInt"),
        (DRIFT, "xsd:int", "Device.A: '10.00' is no int"),
        (STATES, "xsd:boolean", "Device.A: 'Up' is no boolean"),
        (Dynamic("clock"), "xsd:int", "is no int"),
    ],
)
def test_values_are_of_the_type_of_their_parameter(
    spec: Dynamic, kind: str, complaint: str
) -> None:
    with pytest.raises(ProfileError, match=complaint):
        applied([Row("Device.A", False, False, "1", kind)], (("Device.A", spec),))


def test_the_first_rule_that_names_a_parameter_holds() -> None:
    rows = [Row(f"Device.A.{n}.B", False, False, "5") for n in (1, 2)]
    rules = (("Device.A.2.B", WALK), ("Device.A.*.B", STATES))
    found, specs = applied(rows, rules)
    assert [specs[row.number].kind for row in found] == ["enumeration", "walk"]
