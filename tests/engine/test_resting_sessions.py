"""A session for the period alone changes a CPE that rests as it would its object."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from helpers.cpes import context, profile
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.plain_inform import InformTemplates
from caretaker.device.resting_state import (
    CommonState,
    Notification,
    OwnTimes,
    common_state,
    own_values,
    restore,
)
from caretaker.device.settings import Behaviors
from caretaker.engine.resting_sessions import PeriodicSessions, are_periodic
from caretaker.profiles.profile import BUILT_IN

INTERVAL = 60


def _resting(shared: FleetContext, name: str = "tr181", index: int = 3) -> CPE:
    """A CPE that has had its first contact, and is due again within the interval."""
    box = CPE(index, profile(name), shared)
    box.power_on(0.0)
    assert box.begin_session(1.0) is not None
    box.inform_delivered()
    box.end_session(Outcome.SUCCEEDED, 2.0)
    return box


def _sessions(box: CPE) -> PeriodicSessions:
    common = common_state(box)
    assert common is not None
    assert are_periodic(common, box.context)
    return PeriodicSessions(box.profile, common, box.context)


def _shared(**settings: object) -> FleetContext:
    return context(behaviors=Behaviors(inform_interval=INTERVAL), **settings)


def _state(box: CPE) -> tuple[CommonState | None, OwnTimes, bytes | None]:
    times = OwnTimes(box.due, box.periodic_due, box.booted_at, box.ended_at)
    return common_state(box), times, own_values(box)


@pytest.mark.parametrize("name", BUILT_IN)
@given(st.floats(0.0, 300.0), st.floats(0.0, 100.0))
def test_the_times_and_the_books_are_those_of_an_object(
    name: str, late: float, lasts: float
) -> None:
    one, other = _resting(_shared(), name), _resting(_shared(), name)
    sessions, planned = _sessions(one), one.periodic_due
    began = planned + late
    assert sessions.may_begin(planned, one.booted_at, began)
    assert other.open_session(began)
    other.inform_delivered()
    other.end_session(Outcome.SUCCEEDED, began + lasts)
    due = sessions.end(planned, began)
    one.due = one.periodic_due = due
    one.ended_at = began + lasts
    assert _state(one) == _state(other)
    assert one.context.books == other.context.books


def test_nothing_is_due_before_the_period_or_the_boot() -> None:
    box = _resting(_shared())
    sessions = _sessions(box)
    assert not sessions.may_begin(10.0, 0.0, 9.0)
    assert not sessions.may_begin(10.0, 12.0, 11.0)
    assert sessions.may_begin(10.0, 0.0, 10.0)


def _texts(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=least, max_size=most)


VALUES = {
    "DeviceInfo.Manufacturer": _texts(1, 64),
    "DeviceInfo.ManufacturerOUI": st.just("00AABB"),
    "DeviceInfo.ProductClass": _texts(1, 64),
    "DeviceInfo.SerialNumber": _texts(1, 64),
    "DeviceInfo.ProvisioningCode": _texts(1, 64),
    "DeviceInfo.SoftwareVersion": _texts(1, 64),
    "ManagementServer.ParameterKey": _texts(1, 32),
    "ManagementServer.ConnectionRequestURL": _texts(1, 256),
    "ManagementServer.ConnectionRequestUsername": _texts(1, 256),
    "ManagementServer.Username": _texts(1, 256),
}
"""Values of parameters that are in an Inform, or in others."""


@given(st.sampled_from(BUILT_IN), st.fixed_dictionaries({}, optional=VALUES), st.integers(0, 10**6))
def test_the_inform_is_that_of_an_object(name: str, values: dict[str, str], index: int) -> None:
    templates, shared = InformTemplates(), _shared()
    boxes = [_resting(shared, name, each) for each in (index + 1, index)]
    for box in boxes:
        box.set_values([(f"{box.model.root}{last}", text) for last, text in values.items()], 3.0)
        box.reschedule(3.0)
    sessions = _sessions(boxes[0])
    began = max(box.periodic_due for box in boxes)
    for box in boxes:  # the template is learnt of the first
        packed = own_values(box)
        assert packed is not None
        joined = templates.inform(sessions.likeness(box.index, box.booted_at, packed), began)
        assert box.open_session(began)
        assert joined == box.cwmp_session(began).next_post()


@given(st.sampled_from(BUILT_IN), st.fixed_dictionaries({}, optional=VALUES), st.integers(0, 10**6))
def test_all_values_of_a_row_are_those_of_its_object(
    name: str, values: dict[str, str], index: int
) -> None:
    shared = _shared()
    boxes = [_resting(shared, name, each) for each in (index + 1, index)]
    for box in boxes:
        box.set_values([(f"{box.model.root}{last}", text) for last, text in values.items()], 3.0)
    sessions = _sessions(boxes[0])
    assert set(sessions.own_names) == set(boxes[0].overlay.values if boxes[0].overlay else ())
    for box in boxes:
        packed = own_values(box)
        assert packed is not None
        like = sessions.whole_likeness(box.index, box.booted_at, packed)
        for path in box.model.parameters:
            assert like.read(path, 9.0) == box.read(path, 9.0)


NOT_ALIKE: dict[str, dict[str, Any]] = {
    "pending events": {"events": ("2 PERIODIC",)},
    "changes": {"changed": ("Device.X",)},
    "a failure": {"failures": 1},
    "no power": {"powered": False},
    "values that were not read yet": {"management_cache": None},
    "a session of another cause": {"session_when_due": True},
    "a boot that is still to be drawn": {"resumed": True},
    "observed values": {"notification": Notification((), ("Device.X",))},
}


@pytest.mark.parametrize("change", NOT_ALIKE.values(), ids=NOT_ALIKE)
def test_any_other_state_needs_an_object(change: dict[str, Any]) -> None:
    box = _resting(_shared())
    common = common_state(box)
    assert common is not None
    assert not are_periodic(common._replace(**change), box.context)


@pytest.mark.parametrize("change", [{"enabled": False}, {"periodic": False}, {"interval": inf}])
def test_a_cpe_that_does_not_inform_periodically_needs_an_object(change: dict[str, Any]) -> None:
    box = _resting(_shared())
    common = common_state(box)
    assert common is not None
    assert common.management_cache is not None
    steered = common.management_cache._replace(**change)
    assert not are_periodic(common._replace(management_cache=steered), box.context)


def test_jitter_needs_an_object() -> None:
    box = _resting(_shared())
    common = common_state(box)
    assert common is not None
    jittered = replace(box.context, behaviors=Behaviors(inform_jitter=5.0))
    assert not are_periodic(common, jittered)


def test_an_object_that_is_made_later_begins_the_session_anew() -> None:
    box = _resting(_shared())
    began, common, packed = box.periodic_due + 1.0, common_state(box), own_values(box)
    assert common is not None
    assert packed is not None
    made = CPE(box.index, box.profile, box.context)
    times = OwnTimes(inf, box.periodic_due, box.booted_at, box.ended_at)
    restore(made, common, times, packed)
    assert made.open_session(began)
    assert box.open_session(began)
    assert _attributes(made) == _attributes(box)


def _attributes(box: CPE) -> dict[str, object]:
    """All that a CPE has, and what it computes of that."""
    names = [name for name in dir(box) if name[0] != "_" and name != "overlay"]
    own = {name: getattr(box, name) for name in names}
    return {name: value for name, value in own.items() if not callable(value)}
