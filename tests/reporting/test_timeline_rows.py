"""The timeline as rows."""

from __future__ import annotations

from caretaker.reporting.timeline_rows import TIMELINE_COLUMNS, timeline_rows
from caretaker.stats.timeline import Timeline


def test_a_row_has_all_of_its_step_and_the_marks_in_it() -> None:
    line = Timeline()
    line.planned(0.5)
    line.sample(1.5, 7, 1)
    summary = line.summary([{"at": 1.2, "text": "power cut"}, {"at": 1.9, "text": "outage"}])
    first, second = (
        dict(zip(TIMELINE_COLUMNS, row, strict=True)) for row in timeline_rows(summary)
    )
    assert (first["at"], first["informs_planned"], first["cpes_on"]) == (0, 1, None)
    assert (second["at"], second["cpes_on"], second["retrying"]) == (1, 7, 1)
    assert second["marks"] == "power cut; outage"
    assert second["from_plan_ms_p99"] is None
    assert first["failed_by_acs"] == 0


def test_the_columns_have_the_types_of_their_values() -> None:
    assert TIMELINE_COLUMNS["at"] is TIMELINE_COLUMNS["to_inform_ms_max"] is float
    assert TIMELINE_COLUMNS["informs"] is TIMELINE_COLUMNS["failed_by_ours"] is int


def test_a_timeline_of_nothing_has_no_rows() -> None:
    assert timeline_rows(Timeline().summary()) == []
