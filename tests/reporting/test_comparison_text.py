"""A comparison as a person reads it: the first line, the sections, and what can break neither."""

from __future__ import annotations

import re
from typing import Any

from helpers.summaries import everything, summary
from lxml import html

from caretaker.reporting.comparison import Comparison, compare
from caretaker.reporting.comparison_text import as_html, as_markdown, as_text, headline

NAMES = ("a.json", "b.json")
HOSTILE = "a | b `c` <img src=x>\n# head **bold** [x](http://y) @all </details>"


def with_p99(number: float, **sections: Any) -> Any:
    made = summary() | sections
    made["tasks"] = {**made["tasks"], "latency_ms": {**made["tasks"]["latency_ms"], "p99": number}}
    return made


def with_tasks(done_ratio: float, p50: float, p99: float) -> Any:
    made = with_p99(p99)
    made["tasks"] |= {"done_ratio": done_ratio}
    made["tasks"]["latency_ms"] |= {"p50": p50}
    return made


def said(comparison: Comparison) -> str:
    """The first line without the number of all figures."""
    return re.sub(r" of \d+ figures", "", headline(comparison))


def test_the_first_line_counts_and_names_the_largest_changes() -> None:
    worse, better = with_p99(48.0), with_p99(12.0)
    assert said(compare(better, worse)) == "B is worse in 1: tasks.latency_ms.p99 12 -> 48 ms"
    assert said(compare(worse, better)) == "B is better in 1: tasks.latency_ms.p99 48 -> 12 ms"
    assert said(compare(summary(), summary())) == "B is as good as A"
    found = compare(better, worse)
    own = [change for change in found.changes if not change.of_generator]
    assert headline(found).startswith(f"B is worse in 1 of {len(own)} figures: ")


def test_what_got_better_is_counted_beside_what_got_worse() -> None:
    a, b = with_tasks(0.5, 5.0, 12.0), with_tasks(1.0, 4.0, 48.0)
    assert said(compare(a, b)) == (
        "B is worse in 1 and better in 2: tasks.latency_ms.p99 12 -> 48 ms"
    )
    assert said(compare(b, a)) == (
        "B is worse in 2 and better in 1: tasks.done_ratio 1 -> 0.5, tasks.latency_ms.p50 4 -> 5 ms"
    )


def test_a_level_that_broke_comes_before_any_figure() -> None:
    a, b = with_p99(12.0), with_p99(48.0)
    for found, outcome in ((a, "held"), (b, "broken")):
        found["service_levels"] = [{"level": "x < 5", "actual": 1, "outcome": outcome}]
    assert said(compare(a, b)).startswith("B breaks x < 5, and is worse in 1: tasks.")
    assert "Service level broken in B only: x < 5" in as_text(compare(a, b), NAMES)


def test_what_is_not_shown_is_said_with_its_reason() -> None:
    comparison = compare(summary(), summary() | {"interrupted": True})
    first, *lines = as_text(comparison, NAMES).splitlines()
    assert first == "not shown whether B is worse"
    assert "Warning: interrupted in B" in lines


def test_settings_that_differ_are_listed() -> None:
    a, b = (summary() | {"settings": {"--seed": seed}} for seed in (5, 9))
    assert "Settings that differ\n  --seed: 5 -> 9\n" in as_text(compare(a, b), NAMES)


def test_the_generator_has_a_section_of_its_own() -> None:
    b = summary()
    b["generator"] = {**b["generator"], "cpu_ms_per_session": 900.0}
    of_acs, of_generator = as_text(compare(summary(), b), NAMES).split("\nThe generator, ")
    assert "generator.cpu" not in of_acs
    assert "Worse (1)\n  generator.cpu_ms_per_session" in of_generator


def test_the_page_needs_no_network_and_shows_every_metric() -> None:
    b = everything()
    b["settings"] = {"--serial-prefix": "<script>alert(1)</script>"}
    a = summary() | {"settings": {}}
    found = compare(a, b)
    page = as_html(found, ("a <b>.json", "b.json"))
    assert "<script" not in page
    for outside in ("http:", "https:", "src=", "@import", "url("):
        assert outside not in page
    cells = {cell.text for cell in html.fromstring(page).iter("td")}
    assert {change.metric for change in found.changes} <= cells
    assert "a <b>.json" in "".join(map(str, html.fromstring(page).itertext()))


class TestMarkdown:
    """What a comment on a pull request is made of."""

    def made(self, **sections: Any) -> str:
        a, b = with_p99(12.0) | {"settings": {"--seed": "a"}}, with_p99(48.0, **sections)
        b["settings"] = {"--seed": HOSTILE}
        b["sessions"] = {**b["sessions"], "reasons": {HOSTILE: 3}}
        return as_markdown(compare(a, b), (HOSTILE, "b"))

    def test_what_is_worse_comes_first_and_the_rest_is_folded(self) -> None:
        seen, folded = self.made().split("<details>")
        assert seen.startswith("**B is worse in 1 of ")
        assert "| <code>tasks.latency\\_ms.p99</code> | 12 ms | 48 ms | +300.0 % |" in seen
        assert "neither worse nor better" in folded

    def test_no_text_of_a_run_is_markup(self) -> None:
        made = self.made()
        assert "<img" not in made
        assert made.count("</details>") == 1
        assert not any(line.startswith("# head") for line in made.splitlines())
        for mark in ("|", "`", "[", "@", "*"):
            at = made.index(f"\\{mark}")
            assert at > 0

    def test_each_row_has_as_many_cells_as_its_table(self) -> None:
        rows = [line for line in self.made().splitlines() if line.startswith("|")]
        widths = [line.replace("\\|", "").count("|") for line in rows]
        assert set(widths) == {4, 5}
