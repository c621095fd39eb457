"""Values that change by themselves: pure functions of time, within their bounds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Any

import pytest
from helpers.cpes import codes, context, cpe, extended, profile, run, talk
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.data_model.dynamic_values import (
    DYNAMIC_KINDS,
    Dynamic,
    IndexedRandom,
    applied,
    parse_dynamic,
)
from caretaker.data_model.model import DataModel
from caretaker.data_model.types import TYPES, Row
from caretaker.device import notifications
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.errors import ProfileError

CPU = "Device.DeviceInfo.ProcessStatus.CPUUsage"
NO_PERIODS = Behaviors(periodic_inform=False)


def watch(path: str, notification: int) -> m.SetParameterAttributes:
    return m.SetParameterAttributes(
        (m.SetParameterAttributesStruct(path, True, notification, False),)
    )


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


class TestOfACPE:
    def test_our_own_profiles_change(self) -> None:
        for name in ("tr181", "tr098"):
            box = cpe(name)
            assert box.profile.dynamics
            paths = [p for p, each in box.model.parameters.items() if each.source == "dynamic"]
            first = {path: box.read(path, 100.0) for path in paths}
            later = {path: box.read(path, 50_000.0) for path in paths}
            assert all(struct.type != "xsd:string" for struct in first.values())
            assert sum(first[path] != later[path] for path in paths) > len(paths) / 2

    def test_it_can_be_switched_off(self) -> None:
        box = cpe(behaviors=Behaviors(dynamic_params=False))
        assert box.value(CPU, 1.0) == box.value(CPU, 1e6) == "7"

    def test_what_is_watched_passively_is_told_by_the_next_inform(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(CPU, 1))
        assert box.due == inf
        later = next(t for t in range(60, 6000, 30) if box.value(CPU, t) != box.value(CPU, 0.0))
        box.connection_request(float(later))
        inform = run(box, float(later)).last_inform
        assert codes(inform) == ["6 CONNECTION REQUEST", "4 VALUE CHANGE"]
        assert inform is not None
        assert CPU in [struct.name for struct in inform.parameter_list]
        box.connection_request(later + 0.001)
        assert run(box, later + 0.001).events == ["6 CONNECTION REQUEST"]

    def test_what_is_watched_actively_opens_a_session_when_it_changes(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(CPU, 2))
        for _ in range(5):
            assert box.overlay is not None
            assert box.overlay.last_reported is not None
            before, due = box.overlay.last_reported[CPU], box.due
            while (session := box.begin_session(due)) is None:  # a step to the same value
                due = box.due
            assert talk(box, session, due).events == ["4 VALUE CHANGE"]
            assert box.value(CPU, due) == box.overlay.last_reported[CPU] != before

    def test_after_a_reboot_it_is_still_watched(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(CPU, 2), m.Reboot())
        run(box, 60.0)
        assert [job.kind for job in box.jobs] == ["change"]

    def test_packets_are_of_a_size_that_fits_into_a_frame(self) -> None:
        stats = "Device.Ethernet.Interface.1.Stats."
        for index in range(20):
            box = cpe(index=index)
            size = int(box.value(f"{stats}BytesReceived", 9000.0)) / int(
                box.value(f"{stats}PacketsReceived", 9000.0)
            )
            assert 64 <= size <= 1518

    def test_without_attributes_nothing_is_planned(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        assert (box.jobs, box.due) == ((), inf)

    def test_steps_do_not_hurry_the_retry(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(CPU, 2))
        attempts = 0
        while box.due < 3600.0:
            now = box.due
            if (session := box.begin_session(now)) is not None:
                session.abort()
                box.end_session(Outcome.FAILED, now)
                attempts += 1
        assert attempts < 15

    def test_what_the_acs_sets_is_not_told_back_and_stays(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        path = "Device.DeviceInfo.ProcessStatus.CPUUsage"
        run(box, 0.0, watch(path, 2))
        box.set_values([(path, "99")], 1.0)
        notifications.acknowledge_set(box, [path], 1.0)
        while box.due < 1000.0:
            assert box.begin_session(box.due) is None
        assert box.value(path, 5000.0) == "99"

    def test_it_is_watched_for_another_acs_too(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        url = m.ParameterValueStruct("Device.ManagementServer.URL", "http://other/", "")
        run(box, 0.0, watch(CPU, 2), m.SetParameterValues((url,)))
        assert [job.kind for job in box.jobs] == ["change"]

    def test_what_changes_before_the_inform_is_answered_is_told_next(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(CPU, 2))
        now = box.due
        while (session := box.begin_session(now)) is None:
            now = box.due
        later = next(t for t in range(1, 9999) if box.value(CPU, now + t) != box.value(CPU, now))
        talk(box, session, now + later)
        assert box.overlay is not None
        assert (box.overlay.last_reported or {})[CPU] == box.value(CPU, now)
        assert box.reschedule(now + later) <= now + later
        session = box.begin_session(now + later)
        assert [event.event_code for event in box.session_events] == ["4 VALUE CHANGE"]

    def test_what_is_active_from_the_factory_is_told_without_attributes(self) -> None:
        code = "Device.DeviceInfo.ProvisioningCode"
        rule = Dynamic("enumeration", values=("a", "b", "c"), dwell=60)
        rows, specs = applied([Row(code, False, True, "a")], ((code, rule),))
        base = profile()
        others = [Row(path, False, each.writable, each.value, each.type, each.source, each.number)
                  for path, each in base.model.parameters.items() if path != code]  # fmt: skip
        model = DataModel(base.model.root, [*others, *rows])
        box = CPE(0, replace(base, model=model, dynamics=specs), context(behaviors=NO_PERIODS))
        box.power_on(0.0)
        run(box, 0.0)
        now = box.due
        while (session := box.begin_session(now)) is None:
            now = box.due
        assert talk(box, session, now).events == ["4 VALUE CHANGE"]


class TestPeriodicInformTime:
    @pytest.mark.rule("10-2")
    def test_a_time_that_the_acs_has_set_is_the_phase(self) -> None:
        for index in range(5):
            box = cpe(index=index, wall_offset=1_000_000.0)
            moment = m.ParameterValueStruct(
                "Device.ManagementServer.PeriodicInformTime", "2030-01-01T00:00:07Z", ""
            )
            run(box, 0.0, m.SetParameterValues((moment,)))
            assert (box.due + 1_000_000.0) % 300 == 7

    def test_the_unknown_time_leaves_the_phase_to_the_cpe(self) -> None:
        dues = set()
        for index in range(5):
            box = cpe(index=index)
            moment = m.ParameterValueStruct(
                "Device.ManagementServer.PeriodicInformTime", m.UNKNOWN_TIME, ""
            )
            run(box, 0.0, m.SetParameterValues((moment,)))
            dues.add(box.due)
        assert len(dues) == 5

    @pytest.mark.parametrize("time", ["1975-06-15T15:10:00Z", "2525-06-15T17:10:00+02:00"])
    def test_it_may_be_far_away_and_outlives_a_reboot(self, time: str) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=600))
        moment = m.ParameterValueStruct("Device.ManagementServer.PeriodicInformTime", time, "")
        run(box, 0.0, m.SetParameterValues((moment,)), m.Reboot())  # 0 is 2025-06-15T15:06:40Z
        run(box, 60.0)
        assert box.due == 200.0

    def test_a_time_of_the_profile_makes_no_burst_unless_it_is_to(self) -> None:
        path = "Device.ManagementServer.PeriodicInformTime"
        kind = extended(f"{path},false,true,2020-01-01T00:00:00Z,xsd:dateTime")
        dues: dict[bool, set[float]] = {True: set(), False: set()}
        for together, found in dues.items():
            behaviors = Behaviors(inform_interval=600, inform_together=together)
            for index in range(20):
                box = CPE(index, kind, context(behaviors=behaviors))
                box.power_on(0.0)
                run(box, 0.0)
                found.add(box.due)
        assert (dues[True], len(dues[False])) == ({200.0}, 20)

    def test_a_jitter_above_the_interval_loses_no_inform(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=10, inform_jitter=1000))
        run(box, 0.0)
        for _ in range(20):
            planned = box.periodic_due
            run(box, box.due)
            assert box.periodic_due == planned + 10

    def test_jitter_leaves_the_grid_alone(self) -> None:
        box = cpe(behaviors=Behaviors(inform_jitter=30.0))
        plain = cpe()
        for each in (box, plain):
            run(each, 0.0)
        offsets = []
        for _ in range(10):
            offsets.append(box.due - plain.due)
            run(box, box.due)
            run(plain, plain.due)
        assert all(0 <= offset <= 30 for offset in offsets)
        assert len(set(offsets)) == 10
