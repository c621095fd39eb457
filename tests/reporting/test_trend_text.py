"""A trend as a person reads it: in a terminal, in a pull request, and as a page."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import with_latency
from lxml import html

from caretaker.reporting.kept_runs import KeptRun
from caretaker.reporting.trend import Trend, trend
from caretaker.reporting.trend_text import as_html, as_markdown, as_text, headline, sparkline

LATENCY = "tasks.latency_ms.p99"
HOSTILE = "a|`b`<img src=x>\n# head"


def made(*latencies: float | None, name: str = "run", **newest: Any) -> Trend:
    runs = []
    for number, latency in enumerate(latencies):
        found = with_latency(latency) | (newest if number == len(latencies) - 1 else {})
        runs.append(KeptRun(f"{name}-{number}", found))
    return trend(runs, [LATENCY], 20, 0.1)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            made(*[10.0] * 7, 48.0),
            "broken: tasks.latency_ms.p99 10 -> 48 ms, beyond noise (limit 11 ms)",
        ),
        (made(*[10.0] * 8), "held: nothing is worse than before in 8 runs"),
        (
            made(10.0),
            "not shown: fewer than 5 comparable runs before the newest have tasks.latency_ms.p99",
        ),
        (
            made(*[10.0] * 7, None),
            "not shown: the newest run has no data for tasks.latency_ms.p99",
        ),
        (
            made(*[10.0] * 8, interrupted=True),
            "not shown: the newest run can't be judged (interrupted)",
        ),
    ],
)
def test_the_first_line_has_outcome_and_reason(found: Trend, line: str) -> None:
    assert headline(found) == line
    assert as_text(found).splitlines()[0] == line


def test_a_terminal_shows_the_runs_as_blocks() -> None:
    _, newest, heads, row = as_text(made(*[10.0] * 7, 48.0)).splitlines()
    assert newest == "Newest: run-7"
    assert heads.split() == ["Figure", "Runs", "Newest", "Baseline", "Limit"]
    assert row.split("  ")[:2] == [LATENCY, "▁▁▁▁▁▁▁█"]
    assert row.endswith("  48 ms   10 ms     11 ms  worse")


@pytest.mark.parametrize(
    ("values", "line"), [([], ""), ([1.0], "▁"), ([0.0, None, 7.0], "▁ █"), ([3.0, 3.0], "▁▁")]
)
def test_numbers_as_blocks(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line


def test_a_comment_has_the_newest_first_and_the_runs_folded() -> None:
    found = made(*[10.0] * 7, 48.0, name=HOSTILE)
    seen, hidden = as_markdown(found).split("<details>")
    assert seen.startswith("**broken: ")
    assert "| <code>tasks.latency\\_ms.p99</code> | " in seen
    assert "| 48 ms (worse) |" in hidden
    assert "<img" not in seen + hidden
    assert "\n# head" not in hidden
    rows = [line for line in hidden.splitlines() if line.startswith("|")]
    assert len(rows) == 10
    assert {line.replace("\\|", "").count("|") for line in rows} == {3}


def test_the_page_needs_no_network_and_shows_every_run() -> None:
    page = as_html(made(*[10.0] * 7, 48.0, name=HOSTILE))
    cells = {cell.text for cell in html.fromstring(page).iter("td")}
    assert {"48 ms (worse)", LATENCY} <= cells
    assert "<img" not in page
    for outside in ("<script src=", '<link rel="stylesheet', "@import", "url("):
        assert outside not in page
