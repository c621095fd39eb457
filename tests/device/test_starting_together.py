"""CPEs that are switched on together are what each would be by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from caretaker.device.starting_together import Neighbours, Start, start_like
from caretaker.profiles.profile import Profile
from caretaker.profiles.reach_parameters import with_reach_parameters

NOW = 1234.5
STARTS: dict[str, Callable[[CPE], float]] = {
    "running": lambda box: box.resume(NOW),
    "factory": lambda box: box.power_on(NOW),
}
BEHAVIORS = st.builds(
    Behaviors,
    periodic_inform=st.booleans(),
    inform_interval=st.sampled_from([None, 0, 1, 3600]),
    inform_together=st.booleans(),
    inform_jitter=st.sampled_from([0.0, 5.0, 10_000.0]),
    boot_delay=st.sampled_from([(0.0, 0.0), (2.0, 2.0), (1.0, 60.0)]),
)


def learnt(start: str, shared: FleetContext, index: int, kind: Profile) -> Start | None:
    """How CPEs start, of one that is switched on."""
    sample = CPE(index, kind, shared)
    STARTS[start](sample)
    return start_like(sample, is_running=start == "running", now=NOW)


def switched_on(
    start: str, shared: FleetContext, own: Sequence[int], kind: Profile
) -> list[CPE]:  # fmt: skip
    """Each of the CPEs, by itself."""
    boxes = [CPE(index, kind, shared) for index in own]
    for box in boxes:
        STARTS[start](box)
    return boxes


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", ["tr181", "tr098"])
@given(
    behaviors=BEHAVIORS,
    first=st.integers(0, 5_000_000),
    sample=st.integers(0, 5_000_000),
    places=st.sets(st.integers(0, 19), min_size=1).map(sorted),
)
def test_each_is_as_if_it_were_switched_on_by_itself(
    *, start: str, name: str, behaviors: Behaviors, first: int, sample: int, places: list[int]
) -> None:
    neighbours, kind = range(first, first + 20), profile(name)
    own = [neighbours[place] for place in places]
    shared, usual = (context(behaviors=behaviors, unsaved=set()) for _ in range(2))
    like = learnt(start, shared, sample, kind)
    assert like is not None
    due, periodic_due = like.times(own, Neighbours(shared.identities, neighbours, NOW))
    like.note(own)
    for box, *dues in zip(switched_on(start, usual, own, kind), due, periodic_due, strict=True):
        back = CPE(box.index, kind, shared)
        restore(back, like.state, OwnTimes(dues[0], dues[1], NOW, -inf), b"")
        for slot in ("booted_at", "down_until", "due", "ended_at", "periodic_due", "session_due"):
            assert getattr(back, slot) == getattr(box, slot), slot
        assert common_state(back) == common_state(box)
    switched_on(start, usual, [sample], kind)
    assert shared.books == usual.books
    assert shared.unsaved == usual.unsaved


@pytest.mark.parametrize("start", STARTS)
def test_cpes_that_may_differ_by_more_are_switched_on_by_themselves(start: str) -> None:
    for column, are_alike in (
        ("acs_username", True),
        ("Device.DeviceInfo.X", True),
        ("Device.ManagementServer.PeriodicInformInterval", False),
        ("InternetGatewayDevice.ManagementServer.STUNEnable", False),
        ("Device.XMPP.Connection.1.Enable", False),
    ):
        devices = ListedDevices(("serial", column), [(0, ("a", "b"))] * 4)
        started = learnt(start, context(devices=devices), 0, profile())
        assert (started is not None) == are_alike
    beating = extended(
        "Device.ManagementServer.HeartbeatPolicy.Enable,false,true,true,xsd:boolean",
        "Device.ManagementServer.HeartbeatPolicy.ReportingInterval,false,true,60,xsd:unsignedInt",
    )
    assert learnt(start, context(), 0, beating) is None


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("way", Reach)
def test_those_that_use_a_server_are_looked_at_one_by_one(start: str, way: Reach) -> None:
    changed: set[int] = set()
    reach = Reachability(ReachMix(((way, 1.0),)))
    shared = context(reach_watchers=[changed], reach=reach)
    like = learnt(start, shared, 0, with_reach_parameters(profile()))
    assert like is not None
    like.note(range(1, 4))
    marked = {0, 1, 2, 3} if way in (Reach.STUN, Reach.XMPP) else {0}  # the sample marks itself
    assert changed == marked
