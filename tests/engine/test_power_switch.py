"""A fleet that is switched on in lots is what it would be if each CPE were by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from helpers.cpes import context, extended, profile
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.device.cpe import CPE
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.listed_mix import ListedMix
from caretaker.device.nat_traversal import stun_settings
from caretaker.device.reachability import Reach, Reachability, ReachMix
from caretaker.device.resting_state import common_state
from caretaker.device.settings import Behaviors
from caretaker.device.xmpp_connection import wanted_connection
from caretaker.engine.due_times import NOBODY
from caretaker.engine.shard import Shard
from caretaker.http.transport import Transport
from caretaker.profiles import ProfileMix
from caretaker.profiles.profile import Profile
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.stats.results import Results
from caretaker.testing import Clock

BEATING = extended(
    "Device.ManagementServer.HeartbeatPolicy.Enable,false,true,true,xsd:boolean",
    "Device.ManagementServer.HeartbeatPolicy.ReportingInterval,false,true,60,xsd:unsignedInt",
)
KINDS = (profile("tr181"), profile("tr098"), profile("gpon"), BEATING)
COLUMNS = (
    None,
    ("acs_username", "acs_password"),
    ("Device.DeviceInfo.ProvisioningCode",),
    ("Device.ManagementServer.PeriodicInformInterval",),
)
"""Of a list of devices, beside their serial numbers; None: there is no list."""
FIRST, MOST = 100, 700
MIXES = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), min_size=1, max_size=4)
WAYS = st.none() | st.dictionaries(st.sampled_from(Reach), st.floats(0.1, 9.0), min_size=1)
BEHAVIORS = st.builds(
    Behaviors,
    inform_interval=st.sampled_from([None, 0, 60, 3600]),
    inform_jitter=st.sampled_from([0.0, 7.0]),
    inform_together=st.booleans(),
    boot_delay=st.sampled_from([(0.0, 0.0), (1.0, 60.0)]),
)


START = 10_000.0


class Fleet:
    """A shard without any CPE yet, none of whose sessions begins; the state of each is kept."""

    def __init__(
        self,
        mix: ProfileMix,
        behaviors: Behaviors,
        ways: dict[Reach, float] | None,
        columns: Sequence[str] | None,
    ) -> None:
        self.marked: set[int] = set()
        self.context = context(behaviors=behaviors, unsaved=set(), reach_watchers=[self.marked])
        if columns is not None:
            texts = tuple("90" for _ in columns)
            rows = [(number % 2, (f"S{number}", *texts)) for number in range(FIRST + MOST)]
            self.context.devices = ListedDevices(("serial", *columns), rows, ("dsl",))
            mix = ListedMix(mix, self.context.devices, [profile("dsl")])
        if ways is not None:
            self.context.reach = Reachability(ReachMix(tuple(ways.items())))
            mix = mix.prepared(with_reach_parameters)
        self.mix = mix
        clock = Clock(START)
        self.shard = Shard(mix, self.context, _no_transport, Results(), clock=clock)

    def life(self, indices: range) -> tuple[object, ...]:
        """What is known of the fleet, with each of its CPEs."""
        books, due_times = Results(), self.shard.scheduler._due_times
        self.shard.close_books(books)
        coming = list[int]()
        while due_times.next < START + 10_000:
            coming.append(due_times.pop(START + 10_000))
        boxes = [self.shard.cpes[index] for index in indices]
        return (
            [_state(box) for box in boxes],
            sorted(index for index in coming if index != NOBODY),
            self.context.books,
            books.counters,
            self.context.unsaved,
            self.shard.cpes.ranges,
        )


def _no_transport(cpe: CPE, now: float) -> Transport:
    raise AssertionError(cpe, now)


def _state(box: CPE) -> tuple[object, ...]:
    """What is a CPE's own, but for the order of its jobs' functions."""
    times = box.due, box.periodic_due, box.session_due, box.booted_at, box.ended_at, box.down_until
    jobs = [(job.at, job.kind) for job in box.jobs]
    return box.index, box.profile.name, times, jobs, common_state(box)


@pytest.mark.parametrize("is_running", [True, False])
@given(
    choices=MIXES,
    behaviors=BEHAVIORS,
    ways=WAYS,
    columns=st.sampled_from(COLUMNS),
    lots=st.lists(st.integers(1, MOST // 2), min_size=1, max_size=4),
)
@settings(max_examples=30)
def test_each_cpe_is_as_if_it_were_switched_on_by_itself(
    *,
    is_running: bool,
    choices: list[tuple[Profile, float]],
    behaviors: Behaviors,
    ways: dict[Reach, float] | None,
    columns: Sequence[str] | None,
    lots: list[int],
) -> None:
    together, alone = (Fleet(ProfileMix(choices), behaviors, ways, columns) for _ in range(2))
    ends = [min(end, FIRST + MOST) for end in accumulate(lots, initial=FIRST)]
    names = Counter[str]()
    for start, end in pairwise(ends):
        names += together.shard.switch_on(range(start, end), is_running=is_running)
    indices = range(FIRST, ends[-1])
    for index in indices:
        (alone.shard.resume if is_running else alone.shard.power_on)(index)
    assert names == Counter(alone.mix[index].name for index in indices)
    asking = {index for index in indices if _asks(alone.shard.cpes[index])}
    assert asking <= together.marked <= alone.marked
    assert together.life(indices) == alone.life(indices)


def _asks(box: CPE) -> bool:
    """Whether a CPE asks servers by which it can be reached."""
    return bool(stun_settings(box, START) or wanted_connection(box, START))


@pytest.mark.parametrize("is_running", [True, False])
def test_only_the_first_cpe_of_a_kind_is_an_object(*, is_running: bool) -> None:
    fleet = Fleet(ProfileMix([(kind, 1.0) for kind in KINDS[:2]]), Behaviors(), None, None)
    for start in range(0, 1000, 100):
        fleet.shard.switch_on(range(start, start + 100), is_running=is_running)
    fleet.shard.switch_on(range(1000, 1001), is_running=is_running)
    assert len(fleet.shard.cpes) == 1001
    assert len(fleet.shard.cpes.objects) == 2


def test_a_cpe_that_is_there_already_begins_anew() -> None:
    fleet = Fleet(ProfileMix([(KINDS[0], 1.0)]), Behaviors(), None, None)
    fleet.shard.switch_on(range(10), is_running=False)
    fleet.shard.switch_on(range(5, 15), is_running=True)
    assert [len(fleet.shard.cpes[index].events) for index in range(15)] == [2] * 5 + [0] * 10
    assert fleet.shard.cpes.ranges == [(0, 15)]
