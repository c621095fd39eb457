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
)
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
