"""The files of a worker's sessions are named by options, and its index tells them apart."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from helpers.cpes import cpe

from caretaker.engine.active_session import ActiveSession
from caretaker.errors import InputError
from caretaker.stats.results import Results
from caretaker.swarm.kept_sessions import KeptSessions
from caretaker.swarm.options import Settings


def kept(**settings: Any) -> KeptSessions:
    return KeptSessions(Settings(**settings), 3, 0.0, "FLEET-{:06d}".format)


@pytest.mark.parametrize("option", ["record", "exports"])
def test_a_file_that_cant_be_written_is_bad_input(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run.csv"
    name = "--export" if option == "exports" else "--record"
    with pytest.raises(InputError, match=f"^{name}: {tmp_path}/file.*: Not a directory$"):
        kept(**{option: (path,) if option == "exports" else path})


def test_without_options_nothing_is_kept_and_nothing_counted() -> None:
    nothing, results = kept(), Results()
    nothing.close_recordings(is_hasty=False)
    nothing.stop_exports([])
    nothing.close_exports(is_hasty=False)
    nothing.book(results)
    assert nothing.recorder is None
    assert not results.counters


def test_a_session_that_runs_at_the_end_is_in_the_file_of_the_worker(tmp_path: Path) -> None:
    file = kept(exports=(tmp_path / "run.csv",))
    file.stop_exports([ActiveSession(cpe(), 1.0, 2.0)])
    file.close_exports(is_hasty=False)
    file.book(results := Results())
    rows = list(csv.DictReader((tmp_path / "run-w3.csv").read_text().splitlines()))
    assert [row["outcome"] for row in rows] == ["unfinished"]
    assert results.counters["export.rows"] == 1
