"""What the CPEs of a worker share."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from helpers.cpes import context

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile


def test_current_time_is_the_wall_clock_in_whole_seconds() -> None:
    text = context(wall_offset=1_000_000.0).date(234.9)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", text)
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(1_000_234, UTC)


def test_the_counters_of_two_workers_are_apart() -> None:
    one, other = FleetContext(), FleetContext()
    one.transfer_counts["requested"] += 1
    one.books.raised["1 BOOT"] += 1
    assert not other.transfer_counts
    assert not other.books.raised


def test_who_watches_the_ways_no_more_leaves_the_others_theirs() -> None:
    shared = FleetContext()
    first, second = shared.watch_reach(), shared.watch_reach()
    for _ in range(2):
        shared.unwatch_reach(second)  # equal to the first, as both are empty
    CPE(0, load_profile("tr181"), shared).mark_reach()
    assert first == {0}
    assert second == set()
