"""A run with the I/O engine tells what a run without it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.processes import ended_well, run

from fuzz.extensions import NAME, SOURCE, made

pytestmark = [pytest.mark.processes]

CPES = 20
SWARM = (
    "--users", str(CPES), "--spawn-rate", str(CPES), "--processes", "1", "--run-time", "10s",
    "--inform-interval", "2", "--cr-rate", "4",
)  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the engine, made of its source."""
    file = made(NAME, SOURCE, tmp_path_factory.mktemp("engine"), headers="Python.h")
    if isinstance(file, str):
        pytest.skip(file)
    return file


def figures(folder: Path, engine: Path, use: str) -> dict[str, Any]:
    """The summary of a run with the embedded ACS, which asks its CPEs."""
    path = folder / f"{use}.json"
    swarm = (*SWARM, "--io-engine", use, "--summary-json", str(path))
    done = run("helpers.with_engine", str(engine), "run", *swarm, cwd=folder)
    summary: dict[str, Any] = json.loads(path.read_text())
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    return summary


def test_nearly_all_sessions_are_carried_and_the_figures_are_the_same(
    tmp_path: Path, engine: Path
) -> None:
    carried, by_greenlets = (figures(tmp_path, engine, use) for use in ("auto", "off"))
    assert by_greenlets["engine"]["carried"] == 0
    assert set(by_greenlets["engine"]["by_greenlet"]) == {"switched off"}
    reasons = (carried["engine"][kind] for kind in ("handed_over", "by_greenlet"))
    others = sum(sum(numbers.values()) for numbers in reasons)
    assert others <= 0.05 * carried["sessions"]["started"]
    for summary in (carried, by_greenlets):
        assert summary["sessions"]["failed"] == 0
        assert summary["events"]["books_balance"]
        assert summary["connection_requests"]["books_balance"]
        assert set(summary["exchanges"]) >= {"Inform", "(empty)", "GetParameterValuesResponse"}
        assert summary["informs"]["by_event"]["0 BOOTSTRAP"] == CPES
