"""A CPE that rests can be taken apart, and comes back as it was."""

from __future__ import annotations

import ast
from math import inf
from pathlib import Path

import pytest
from helpers.cpes import ask, cpe, fail, run
from helpers.random_walk import RandomWalk
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.data_model.overlay import Overlay
from caretaker.device.cpe import CPE
from caretaker.device.persistent_state import state_of
from caretaker.device.resting_state import OwnTimes, common_state, own_values, restore

GIVEN = {"index", "profile", "context"}
"""What a CPE is made with."""
IN_COMMON = {
    "changed", "down_until", "events", "failures", "management_cache", "powered", "session_due",
}  # fmt: skip
OWN = {"booted_at", "due", "ended_at", "overlay", "periodic_due"}
NEVER = {
    "after_session", "in_session", "jobs", "reported_changes", "requests", "session_events",
    "session_requests", "transfers",
}  # fmt: skip
"""What a CPE that rests does not have."""
SET_BY_EACH_SESSION = {"answers_connection_request"}


def slots(module: str, kind: str) -> set[str]:
    """The attributes of a class by its source; a compiled one does not tell."""
    source = (Path(__file__).parents[2] / "caretaker" / module).read_text()
    body = ast.parse(source).body
    (made,) = (node for node in body if isinstance(node, ast.ClassDef) and node.name == kind)
    (names,) = (
        node.value
        for node in made.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__"
    )
    return set(ast.literal_eval(names))


MS = "Device.ManagementServer."
ATTRIBUTES = slots("device/base.py", "CPEBase")


def rested(box: CPE) -> CPE | None:
    """The CPE as it is after it has rested; None if it does not rest."""
    state, values = common_state(box), own_values(box)
    if state is None or values is None:
        return None
    times = OwnTimes(box.due, box.periodic_due, box.booted_at, box.ended_at)
    back = CPE(box.index, box.profile, box.context)
    restore(back, state, times, values)
    return back


def assert_equal(back: CPE, box: CPE) -> None:
    for name in ATTRIBUTES - SET_BY_EACH_SESSION - {"overlay"}:
        assert getattr(back, name) == getattr(box, name), name
    assert (back.overlay is None) == (box.overlay is None)
    for name in slots("data_model/overlay.py", "Overlay"):
        own, old = (getattr(each.overlay or Overlay(), name) or None for each in (back, box))
        assert own == old, name
    assert list((back.overlay or Overlay()).values) == list((box.overlay or Overlay()).values)
    assert state_of(back) == state_of(box)


def test_each_attribute_is_kept_or_is_none_of_a_cpe_that_rests() -> None:
    parts = (GIVEN, IN_COMMON, OWN, NEVER, SET_BY_EACH_SESSION)
    assert set().union(*parts) == ATTRIBUTES
    assert sum(map(len, parts)) == len(ATTRIBUTES)


@given(st.integers(0, 2**32), st.integers(1, 25))
def test_a_cpe_comes_back_as_it_was_at_any_time_of_its_life(seed: int, steps: int) -> None:
    walk = RandomWalk(seed)
    for _ in range(steps):
        walk.chance.choice(walk.steps)()
        back = rested(walk.box)
        if back is not None:
            assert_equal(back, walk.box)


def test_a_cpe_rests_before_and_after_its_first_contact() -> None:
    box = cpe()
    for state in range(4):
        back = rested(box)
        assert back is not None
        assert_equal(back, box)
        if state == 0:
            run(box, 0.0)
        elif state == 1:
            value = m.ParameterValueStruct(f"{box.profile.management_server}Username", "me")
            ask(box, m.SetParameterValues((value,), "key"))
        else:
            fail(box, box.due)
    assert box.failures == 2


@pytest.mark.parametrize("kind", [1, 2])
def test_a_cpe_rests_with_notification_unless_it_plans_to_look(kind: int) -> None:
    """One that tells of a value that changes by itself at once, looks at it in time."""
    box, changing = cpe(), "Device.DeviceInfo.ProcessStatus.CPUUsage"
    run(box, 0.0)
    for path, notification in ((f"{MS}NATDetected", 2), (changing, kind)):
        struct = m.SetParameterAttributesStruct(path, True, notification, True, ("X_ME",))
        ask(box, m.SetParameterAttributes((struct,)))
    ask(box, m.SetParameterValues((m.ParameterValueStruct(f"{MS}Username", "me"),), "key"))
    assert box.overlay is not None
    assert list(box.overlay.last_reported or ()) == [changing]
    assert len(box.overlay.attributes or ()) == 2
    back = rested(box)
    assert (back is not None) == (kind == 1)
    if back is not None:
        assert_equal(back, box)


def test_a_cpe_that_goes_on_after_its_rest_does_the_same() -> None:
    box, other = cpe(), cpe()
    for _ in range(3):
        back = rested(other)
        assert back is not None
        other = back
        assert other.due == box.due < inf
        now = box.due
        assert run(box, now).events == run(other, now).events


def test_a_cpe_does_not_rest_in_a_session_or_with_what_few_have() -> None:
    box = cpe()
    assert box.begin_session(0.0) is not None
    assert rested(box) is None
    busy = cpe()
    busy.ask(m.Kicked("", "", "", ""), 1.0)
    assert rested(busy) is None


def test_a_value_with_the_separator_in_it_keeps_a_cpe_from_resting() -> None:
    box = cpe()
    path = f"{box.profile.management_server}Username"
    for text, rests in (("a\0b", False), ("", True), ("caf\xe9 \ud800", True)):
        box.ensure_overlay().values = {path: text, f"{path}2": "x"}
        back = rested(box)
        assert (back is not None) == rests
        if back is not None:
            assert_equal(back, box)
