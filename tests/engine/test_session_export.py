"""Every session is a row; what can't be written is counted, and the run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.engine import session_export
from caretaker.engine.row_files import Columns, Row
from caretaker.engine.session_export import COLUMNS, SessionExport, part
from caretaker.errors import Blame
from caretaker.stats.records import SessionRecord
from caretaker.stats.results import Results

PATH = Path("run-w0.csv")
TIMES = st.floats(0, 1e4)
RECORDS = st.builds(
    SessionRecord,
    st.lists(st.sampled_from(["2 PERIODIC", "6 CONNECTION REQUEST"]), max_size=2).map(tuple),
    TIMES,
    TIMES,
    seconds=TIMES,
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.text(max_size=5),
    blame=st.none() | st.sampled_from(Blame),
    accepted=st.none() | TIMES,
    inform_sent=st.none() | TIMES,
    informed=st.none() | TIMES,
)


class Kept:
    """A file in memory, with room for so many rows."""

    def __init__(self, room: int = 10**6) -> None:
        self.rows: list[dict[str, Any]] = []
        self.room = room
        self.is_closed = False

    def write(self, rows: Sequence[Row]) -> None:
        if len(self.rows) + len(rows) > self.room:
            raise OSError(28, "No space left on device")
        self.rows += [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def close(self) -> None:
        self.is_closed = True


def export(kept: Kept, start: float = 0.0) -> SessionExport:
    def opened(_: Path, columns: Columns) -> Kept:
        assert columns is COLUMNS
        return kept

    return SessionExport(PATH, start, "FLEET-{:06}".format, opened)


def counted(made: SessionExport) -> tuple[int, int]:
    results = Results()
    made.book(results)
    return results.counters["export.rows"], results.counters["export.unwritten"]


def good(started: float = 1.0) -> SessionRecord:
    return SessionRecord(("2 PERIODIC",), started, started, outcome=Outcome.SUCCEEDED)


@given(st.lists(st.tuples(st.integers(0, 99), RECORDS), max_size=20), TIMES)
def test_rows_are_the_records(sessions: list[tuple[int, SessionRecord]], start: float) -> None:
    kept = Kept()
    made = export(kept, start)
    for index, record in sessions:
        made.session(index, record)
    made.stop(())
    made.close(60)
    assert kept.is_closed
    assert counted(made) == (len(sessions), 0)
    for row, (index, record) in zip(kept.rows, sessions, strict=True):
        assert row["cpe"] == f"FLEET-{index:06}"
        assert row["events"] == ";".join(record.events)
        assert (row["outcome"], row["reason"]) == (record.outcome.value, record.reason)
        assert row["blame"] == (record.blame and record.blame.value)
        assert row["ended"] == pytest.approx(record.started + record.seconds - start, abs=1e-6)
        for name in ("planned", "started", "accepted", "inform_sent", "informed"):
            at = getattr(record, name)
            assert row[name] == (None if at is None else pytest.approx(at - start, abs=1e-6))


def test_a_session_that_still_runs_at_the_end_is_unfinished() -> None:
    kept = Kept()
    made = export(kept)
    running: Any = SimpleNamespace(
        index=3, started=1.0, record=lambda _: good(), note_inform=lambda: None
    )
    made.stop([running])
    made.session(3, good())  # it was cut after the books were closed
    made.close(60)
    (row,) = kept.rows
    assert (row["outcome"], row["ended"]) == ("unfinished", None)


def test_a_full_disk_is_told_once_and_what_is_lost_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_export, "BATCH", 2)
    kept = Kept(room=4)
    made = export(kept)
    for index in range(9):
        made.session(index, good())
    made.stop(())
    made.close(60)
    assert len(kept.rows) == 4
    assert counted(made) == (4, 5)
    assert caplog.text.count("No space left on device; the run goes on") == 1


def test_memory_is_bounded_where_the_disk_is_too_slow(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_export, "MOST_WAITING", 3)
    made = export(Kept())
    for index in range(5):
        made.session(index, good())
    made.stop(())
    made.close(60)
    written, unwritten = counted(made)
    assert (written + unwritten, unwritten >= 2) == (5, True)
    assert caplog.text.count("more than 3 sessions wait") == 1


def test_a_file_that_is_not_complete_holds_nothing() -> None:
    class Broken(Kept):
        def close(self) -> None:
            raise OSError(28, "No space left on device")

    made = export(Broken())
    made.session(1, good())
    made.stop(())
    made.close(60)
    assert counted(made) == (0, 1)


def test_parts_are_named_after_the_file() -> None:
    assert part(Path("a/run.csv"), "w12") == Path("a/run-w12.csv")
