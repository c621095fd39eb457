"""CPEs are objects while something happens to them, and rows while they rest."""

from __future__ import annotations

from collections import Counter
from math import inf
from random import Random

import gevent
import pytest
from helpers.cpes import context, profile, run
from helpers.shards import ShardBench, serving, settle
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.engine import cpe_store
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.errors import ConnectError, DeviceBusy, DeviceNotFound
from caretaker.http.transport import Answer
from caretaker.stats.results import Results


def keep_objects(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """In a fleet of any size, keep so many objects that could be rows."""
    monkeypatch.setattr(cpe_store, "SMALL_FLEET", 0)
    monkeypatch.setattr(cpe_store, "SPARE", number)


@pytest.fixture
def without_spare_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each CPE becomes a row as soon as it can."""
    keep_objects(monkeypatch, 0)


def store_of(count: int) -> CPEStore:
    """CPEs that are powered on."""
    shared = context()
    store = CPEStore(shared)
    for index in range(count):
        box = CPE(index, profile(), shared)
        box.power_on(float(index))
        store.add(box)
    return store


@pytest.mark.usefixtures("without_spare_objects")
def test_a_cpe_that_somebody_holds_is_the_same_object_for_all() -> None:
    store = store_of(3)
    held = store[0]
    for _ in range(5):
        assert all(store[index].index == index for index in (1, 2))
    assert store[0] is held
    run(held, 0.0)
    held.raise_event(EventStruct(ev.PERIODIC), 7.0)
    held.reschedule(1.0)
    assert store.due_of(0) == 7.0
    del held
    for _ in range(5):
        assert [store[index].due for index in (1, 2)] == [1.0, 2.0]
    assert [box.index for box in store.objects] == [2]
    assert store.due_of(0) == 7.0
    assert store[0].events == (EventStruct(ev.PERIODIC),)


@pytest.mark.usefixtures("without_spare_objects")
def test_a_cpe_in_a_session_or_with_jobs_stays_an_object() -> None:
    store = store_of(4)
    assert store[0].begin_session(0.0) is not None
    store[1].ask(m.GetRPCMethods(), inf)
    for index in (2, 3, 2, 3):
        assert store.get(index) is not None
    assert {box.index for box in store.objects} >= {0, 1}
    assert len(store.objects) <= 3


def test_young_objects_are_kept_and_old_ones_become_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_objects(monkeypatch, 10)
    store = store_of(100)
    assert [box.index for box in store.objects] == list(range(90, 100))
    boxes = list(store.values())
    assert len(store.objects) == 100
    del boxes
    for index in range(100, 200):
        store.add(CPE(index, profile(), store[0].context))
    assert len(store.objects) <= 12


def test_a_small_fleet_stays_objects_until_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpe_store, "SMALL_FLEET", 50)
    monkeypatch.setattr(cpe_store, "SPARE", 10)
    store = store_of(50)
    for _ in range(3):
        assert all(store[index].index == index for index in range(50))
    assert len(store.objects) == 50
    for index in range(50, 100):
        store.add(CPE(index, profile(), store[0].context))
    assert len(store.objects) <= 12


def test_cpes_that_come_and_go_leave_nothing_in_a_small_fleet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpe_store, "SMALL_FLEET", 50)
    store = store_of(10)
    for step in range(1000):
        gone = store.pop(step % 10)
        assert gone is not None
        store.add(gone)
    assert len(store._queue) <= 51


@pytest.mark.usefixtures("without_spare_objects")
def test_cpes_that_never_rest_can_come_and_go() -> None:
    store = CPEStore(context())
    for step in range(3000):
        box = CPE(step % 3, profile(), context())
        box.ask(m.GetRPCMethods(), inf)
        store.add(box)
        assert len(store._queue) <= 2 * len(store.objects) + cpe_store.SPARE
        del box
    assert {box.index for box in store.objects} == {0, 1, 2}


def test_it_is_like_a_dict_of_cpes() -> None:
    store = store_of(3)
    assert (len(store), list(store), bool(store)) == (3, [0, 1, 2], True)
    assert (1 in store, 7 in store, "1" in store) == (True, False, False)
    assert (store.get(7), store.pop(7), store.due_of(7)) == (None, None, inf)
    with pytest.raises(KeyError):
        store[7]
    gone = store.pop(1)
    assert gone is not None
    assert (gone.index, list(store), store.ranges) == (1, [0, 2], [(0, 1), (2, 3)])
    store.clear()
    assert (len(store), store.objects, store.due_of(0)) == (0, [], inf)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3) | st.integers(1023, 1025))))
def test_any_cpes_can_come_and_go(steps: list[tuple[bool, int]]) -> None:
    shared, indices = context(), set()
    store = CPEStore(shared)
    for comes, index in steps:
        if comes:
            store.add(CPE(index, profile(), shared))
            indices.add(index)
        else:
            assert (store.pop(index) is not None) == (index in indices)
            indices.discard(index)
        assert (len(store), set(store)) == (len(indices), indices)
        assert all((each in store) == (each in indices) for each in (0, 1, 1023, 1024))


def test_a_row_tells_as_its_object_from_when_the_cpe_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = store_of(6)
    store[1].power_cut(5.0, 90.0)
    store[2].power_off(5.0)
    run(store[3], 3.0, m.Reboot("key"))
    store[4].resume(7.0)
    told = [store.up_from(index) for index in range(7)]
    assert told == [0.0, 90.0, inf, 63.0, 4.0, 5.0, inf]
    keep_objects(monkeypatch, 0)
    for index in range(6):
        store.add(store[index])
    objects = len(store.objects)
    assert objects < 6
    assert [store.up_from(index) for index in range(7)] == told
    assert len(store.objects) == objects


@pytest.mark.usefixtures("without_spare_objects")
def test_pending_events_are_counted_without_a_look_at_each_cpe() -> None:
    store = store_of(50)
    for index in range(10):
        run(store[index], 100.0)
    assert store[0].begin_session(100.0) is None
    store[20].begin_session(100.0)
    found: Counter[str] = Counter()
    for events, count in store.pending():
        for event in events:
            found[event.event_code] += count
    assert found == {"0 BOOTSTRAP": 40, "1 BOOT": 40}


def summary_of_a_life(seed: int) -> tuple[object, ...]:
    """What a fleet has done that met all kinds of trouble."""
    rng = Random(seed)
    requests = (m.GetRPCMethods(), m.Reboot("key"), m.ScheduleInform(30, "key"),
                m.Download("key", "1 Firmware Upgrade Image", "http://acs/image"))  # fmt: skip

    def breaking() -> object:
        good = serving(rng.choice(requests))()

        def post(body: bytes) -> bytes | Answer:
            if rng.random() < 0.15:
                raise ConnectError("broken")
            return Answer(503, b"") if rng.random() < 0.1 else good(body)

        return post

    bench = ShardBench(
        breaking,  # type: ignore[arg-type]
        behaviors=Behaviors(inform_interval=7),
        rate_limit=RateLimit(0),
    )
    bench.boot(20)
    for second in range(200):
        for _ in range(2):
            try:
                bench.shard.connection_request(f"FLEET-{rng.randrange(1, 20):06d}")
            except (DeviceBusy, DeviceNotFound):
                pass
        if second == 50:
            bench.shard.power_cut({index: 160.0 + index for index in range(5)})
        if second == 100:
            bench.shard.power_off(range(15, 18))
        bench.at(100.0 + second)
    results = Results()
    bench.shard.close_books(results)
    states = [(box.index, box.due, box.events, box.failures) for box in bench.shard.cpes.values()]
    sessions = [(each.events, each.planned, each.outcome) for each in bench.sink.sessions]
    bench.shard.stop()
    settle()
    return results.counters, states, sessions


@pytest.mark.parametrize("seed", range(3))
def test_a_fleet_that_rests_does_what_one_of_objects_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_objects(monkeypatch, 1_000_000)
    usual = summary_of_a_life(seed)
    keep_objects(monkeypatch, 0)
    assert summary_of_a_life(seed) == usual
    gevent.sleep(0)
