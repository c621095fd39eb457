"""The raw data of real runs says what their summaries say, and a warm-up is in it alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.processes import ended_well, loadtest, loadtest_until

pytestmark = [pytest.mark.processes]

SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def both(folder: Path) -> list[dict[str, Any]]:
    """The sessions of two workers."""
    return [row for worker in (0, 1) for row in rows(folder, f"run-w{worker}.jsonl")]


def test_rows_are_as_many_as_the_summary_says(tmp_path: Path) -> None:
    done, summary = loadtest_until(
        tmp_path, {SUCCEEDED: 60}, "--users", "20", "--inform-interval", "1", "--processes", "2",
        "--cr-rate", "10", "--export", str(tmp_path / "run.jsonl"),
    )  # fmt: skip
    assert ended_well(done.returncode, summary), done.stdout
    sessions = both(tmp_path)
    outcomes = Counter(row["outcome"] for row in sessions)
    told = summary["sessions"]
    assert len(sessions) == told["started"] == summary["export"]["rows"]
    names = ("succeeded", "failed", "shed", "abandoned", "unfinished")
    assert {name: outcomes[name] for name in names} == {name: told[name] for name in names}
    assert sum(row["inform_sent"] is not None for row in sessions) == summary["informs"]["total"]
    assert len({row["cpe"] for row in sessions}) == 20
    steps = rows(tmp_path, "run-timeline.jsonl")
    assert [step["informs"] for step in steps] == summary["timeline"]["informs"]


def test_first_contacts_of_the_warm_up_are_in_the_rows_and_not_in_the_figures(
    tmp_path: Path,
) -> None:
    done, summary = loadtest(
        tmp_path, "--users", "20", "--spawn-rate", "20", "--inform-interval", "1",
        "--processes", "2", "--cr-rate", "0", "--warm-up", "10s", "--run-time", "20s",
        "--export", str(tmp_path / "run.jsonl"),
    )  # fmt: skip
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    sessions = both(tmp_path)
    ended = [row["ended"] for row in sessions if row["events"] == "0 BOOTSTRAP;1 BOOT"]
    late = sum(at >= 10 for at in ended)  # on a machine that has much else to do
    assert len(ended) == 20
    assert summary["informs"]["by_event"].get("0 BOOTSTRAP", 0) <= late
    assert 0 < summary["sessions"]["started"] < len(sessions) == summary["export"]["rows"]
    assert summary["events"]["books_balance"]
    (mark,) = summary["timeline"]["marks"]
    assert mark["at"] >= 10
    assert mark["text"].startswith("end of the warm-up")


def test_a_name_without_a_format_is_refused(tmp_path: Path) -> None:
    done, summary = loadtest(tmp_path, "--export", "run.xlsx")
    assert (done.returncode, summary, done.stderr.count("\n")) == (2, {}, 1)
    assert "run.xlsx: the name ends with none of .csv, .jsonl, .parquet" in done.stderr
