"""CPEs that are switched on together are what each would be by itself."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest
from helpers.cpes import context, extended, profile
from hypothesis import given
from hypothesis import strategies as st

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.reachability import Reach, Reachability, ReachMix
from caretaker.device.resting_state import OwnTimes, common_state, restore
from caretaker.device.settings import Behaviors
from caretaker.device.starting_together import (
    StartedCPEs,
    note_started,
    powered_on_like,
    resumed_like,
)
from caretaker.profiles.profile import Profile

NOW = 1234.5
STARTS: dict[str, tuple[Callable[..., StartedCPEs | None], Callable[[CPE], float]]] = {
    "running": (resumed_like, lambda box: box.resume(NOW)),
    "factory": (powered_on_like, lambda box: box.power_on(NOW)),
}
BEHAVIORS = st.builds(
    Behaviors,
    periodic_inform=st.booleans(),
    inform_interval=st.sampled_from([None, 0, 1, 3600]),
    inform_together=st.booleans(),
    inform_jitter=st.sampled_from([0.0, 5.0, 10_000.0]),
    boot_delay=st.sampled_from([(0.0, 0.0), (2.0, 2.0), (1.0, 60.0)]),
)


def together(
    start: str, shared: FleetContext, indices: range, kind: Profile
) -> tuple[StartedCPEs | None, CPE]:
    """All but the first, which is the sample, and the sample."""
    make, switch_on = STARTS[start]
    sample = CPE(indices[0], kind, shared)
    switch_on(sample)
    started = make(sample, indices[1:], NOW)
    if started is not None:
        note_started(sample, indices[1:], started)
    return started, sample


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", ["tr181", "tr098"])
@given(behaviors=BEHAVIORS, first=st.integers(0, 5_000_000))
def test_each_is_as_if_it_were_switched_on_by_itself(
    start: str, name: str, behaviors: Behaviors, first: int
) -> None:
    indices, kind = range(first, first + 5), profile(name)
    shared, usual = (context(behaviors=behaviors, unsaved=set()) for _ in range(2))
    started, _ = together(start, shared, indices, kind)
    boxes = [CPE(index, kind, usual) for index in indices]
    for box in boxes:
        STARTS[start][1](box)
    assert started is not None
    for box, due, periodic in zip(boxes[1:], started.due, started.periodic_due, strict=True):
        back = CPE(box.index, kind, shared)
        restore(back, started.state, OwnTimes(due, periodic, started.booted_at, -inf), b"")
        for slot in ("booted_at", "down_until", "due", "ended_at", "periodic_due", "session_due"):
            assert getattr(back, slot) == getattr(box, slot), slot
        assert common_state(back) == common_state(box)
    assert shared.books == usual.books
    assert shared.unsaved == usual.unsaved


@pytest.mark.parametrize("start", STARTS)
def test_cpes_that_may_differ_by_more_are_switched_on_by_themselves(start: str) -> None:
    indices = range(4)
    for column, are_alike in (("acs_username", True), ("Device.DeviceInfo.X", False)):
        devices = ListedDevices(("serial", column), [(0, ("a", "b"))] * 4)
        started, _ = together(start, context(devices=devices), indices, profile())
        assert (started is not None) == are_alike
    beating = extended(
        "Device.ManagementServer.HeartbeatPolicy.Enable,false,true,true,xsd:boolean",
        "Device.ManagementServer.HeartbeatPolicy.ReportingInterval,false,true,60,xsd:unsignedInt",
    )
    assert together(start, context(), indices, beating)[0] is None


@pytest.mark.parametrize("start", STARTS)
def test_those_that_use_a_server_are_looked_at_one_by_one(start: str) -> None:
    changed: set[int] = set()
    together(start, context(reach_watchers=[changed]), range(4), profile())
    assert changed == {0}  # the sample marks itself
    reach = Reachability(ReachMix(((Reach.STUN, 1.0),)))
    together(start, context(reach_watchers=[changed], reach=reach), range(4), profile())
    assert changed == {0, 1, 2, 3}
