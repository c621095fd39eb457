from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caretaker.stun.timer_wheel import TimerWheel

times = st.floats(1.0, 50.0)


@given(st.lists(times, max_size=50), st.lists(times, max_size=10))
def test_each_is_due_once_at_its_time_or_a_step_later(due: list[float], looks: list[float]) -> None:
    wheel = TimerWheel(0.5, 0.0)
    for index, at in enumerate(due):
        wheel.add(index, at)
    seen: dict[int, float] = {}
    for now in [*sorted(looks), 60.0]:
        for _, indices in wheel.due(now):
            assert seen.keys().isdisjoint(indices)
            seen.update(dict.fromkeys(indices, now))
    assert sorted(seen) == list(range(len(due)))
    assert all(seen[index] >= at for index, at in enumerate(due))
    next_look = [min(now for now in [*looks, 60.0] if now >= at + 0.5) for at in due]
    assert all(seen[index] <= at for index, at in enumerate(next_look))


def test_what_is_overdue_is_due_in_the_next_step() -> None:
    wheel = TimerWheel(0.5, 10.0)
    list(wheel.due(10.0))
    wheel.add(7, 3.0)
    assert list(wheel.due(10.4)) == []
    assert [list(indices) for _, indices in wheel.due(10.5)] == [[7]]
