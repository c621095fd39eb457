"""The tables on how CPEs were reached, by way and by server."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from helpers.summaries import reached, results, summary, summary_of

from caretaker.reporting.reach_tables import (
    REQUESTS,
    STUN,
    TASKS,
    WAYS,
    XMPP,
    reach_tables,
    tried_ways,
)
from caretaker.reporting.summary_text import render
from caretaker.reporting.summary_types import (
    STUNSection,
    WaySection,
    WayTasksSection,
    XMPPSection,
)
from caretaker.way import Way


def rows(made: Any, title: str) -> dict[str, tuple[str, ...]]:
    """The cells behind the first of each row of a table, by that."""
    (table,) = (table for table in reach_tables(made) if table.title == title)
    assert all(len(row.cells) == len(table.head) for row in table.rows)
    return {row.cells[0]: row.cells[1:] for row in table.rows}


@pytest.mark.parametrize(
    ("labels", "section"),
    [
        (REQUESTS, WaySection),
        (TASKS, WayTasksSection),
        (STUN, STUNSection),
        (XMPP, XMPPSection),
    ],
)
def test_each_figure_of_the_summary_has_its_row(labels: dict[str, str], section: Any) -> None:
    assert set(labels) == {name for name in get_type_hints(section) if not name.endswith("_ms")}


def test_each_way_has_its_column() -> None:
    assert set(WAYS) == set(Way)


def test_a_run_over_http_alone_has_none_of_these_tables() -> None:
    assert reach_tables(summary()) == []
    assert reach_tables(summary_of(results(tasks__by_way__http__done=1))) == []


@pytest.mark.parametrize(
    ("tried", "way"),
    [("stun__sent", Way.UDP), ("stun__cpes", Way.UDP), ("stun__unsent__host not found", Way.UDP),
     ("xmpp__logins", Way.XMPP), ("xmpp__failed__connection refused", Way.XMPP)],
)  # fmt: skip
def test_a_way_by_which_nobody_could_be_reached_has_its_column_and_line(
    tried: str, way: Way
) -> None:
    made = summary_of(results(tasks__by_way__http__done=1, **{tried: 3}))
    assert tried_ways(made) == [Way.HTTP, way]
    table = rows(made, "Connection Requests by way")
    assert table["... accepted"][1] == "-"
    assert "... of no CPE" not in table
    assert f"  by {way}".ljust(20) + "none received" in render(made).splitlines()


def test_the_kinds_of_cpes_are_counted() -> None:
    made = reached()
    assert "CPEs by how they can be reached" not in [each.title for each in reach_tables(made)]
    made["fleet"]["by_reach"] = {"direct": 1200, "dark": 3}
    assert rows(made, "CPEs by how they can be reached") == {"direct": ("1,200",), "dark": ("3",)}
    assert "  reach             direct 1200, dark 3" in render(made).splitlines()


def test_counts_of_nothing_are_left_out_unless_that_tells_something() -> None:
    stun = rows(summary_of(results(stun__sent=3)), "NAT bindings (STUN)")
    assert stun == {
        "CPEs that use STUN": ("0",), "Binding Requests sent": ("3",), "... answered": ("0",),
    }  # fmt: skip


def test_the_ways_of_a_run_stand_side_by_side() -> None:
    made = rows(reached(), "Connection Requests by way")
    assert made["... accepted"] == ("100", "2", "1")
    assert made["... reason: Device is offline"] == ("0", "-", "4")
    assert made["Tasks posted, by the way that the device reports"] == ("7", "-", "5")
    assert made["From accepted to Inform, p50"][1:] == ("3 ms", "-")


def test_what_cpes_did_at_a_server_stands_by_its_reasons() -> None:
    stun = rows(reached(), "NAT bindings (STUN)")
    assert stun["Binding Requests sent"] == ("9",)
    assert stun["... without an answer to their last request: error 401"] == ("1",)
    xmpp = rows(reached(), "XMPP connections")
    assert xmpp["... and are not: login refused: not-authorized"] == ("2",)
