"""The report of a run: all sections, whatever the summary holds, and nothing from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import (
    everything,
    results,
    scenario,
    summary,
    summary_of,
    told,
    with_timeline,
)
from lxml import html

from caretaker.__main__ import main
from caretaker.errors import Blame
from caretaker.reasons import cure
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.report import KPI_NAMES, key_figures, kpis, page
from caretaker.reporting.summary import summarize
from caretaker.reporting.tables import BLAMES, TABLES
from caretaker.stats.results import Results

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}\u2028"


def text(made: str) -> str:
    """What a page shows, without its scripts and styles."""
    parts = xpath(made, "//body//text()[not(ancestor::script or ancestor::noscript)]")
    return " ".join(" ".join(map(str, parts)).split())


def xpath(made: str, path: str) -> list[Any]:
    """What lxml finds in a page."""
    found: Any = html.fromstring(made).xpath(path)
    return list(found)


def chart_data(made: str) -> Any:
    (data,) = xpath(made, "//script[@id='charts']")
    return json.loads(data.text)


class TestVerdict:
    """What a person who was not there sees first."""

    @pytest.mark.parametrize("outcome", RunOutcome)
    def test_the_outcome_is_a_word_and_a_colour(self, outcome: RunOutcome) -> None:
        criterion = {"scenario": "soak", "outcome": outcome, "finding": "So it was."}
        written = page(summary() | {"scenario": scenario(criteria=[criterion])})
        (card,) = xpath(written, "//section[@id='verdict']")
        assert outcome.replace(" ", "-") in card.get("class").split()
        (word,) = card.find_class("outcome")
        assert word.text_content().lower() == outcome
        assert "So it was" in card.find_class("finding")[0].text_content()

    def test_the_grounds_and_the_exit_code_stand_below(self) -> None:
        (card,) = xpath(page(told()), "//section[@id='verdict']")
        said = " ".join(card.text_content().split())
        assert "Failed 3 exceptions in users; first at" in said  # and not once more below
        assert said.count("3 exceptions in users") == 1
        assert "broken service level broken: tasks.failed < 1 (1, since 7 s)" in said
        assert "not shown service level not shown: transfers.failed_ratio < 1 (no data)" in said
        assert "Exit code 1" in said

    def test_what_broke_first_has_its_time_and_its_mark(self) -> None:
        found = text(page(told()))
        assert "What broke first at 7.0 s (mark 3): service level tasks.failed < 1" in found

    def test_the_tightest_levels_have_bars(self) -> None:
        bars = xpath(page(told()), "//*[@class='bar']/i/@style")
        assert bars == ["width: 100%", "width: 9.9%"]


def test_the_page_shows_every_section() -> None:
    found = text(page(told()))
    for wanted in (
        "power-cut: 10 CPEs for 10 s",
        "http://acs:7547/",
        "2026-01-02 03:04:05 UTC",
        "Steady state 5.9 s after the power was back.",
        "time to steady state 5.9 s",
        f"{KPI_NAMES['peak_over_before']} -",
        "sessions.per_second > 1 10.1 held",
        "tasks.failed < 1 1 broken since 7 s",
        "transfers.failed_ratio < 1 - not shown",
        "The run begins with the fleet being powered on: 10 CPEs at 5 per second",
        "1 s: power cut: half of the fleet",
        "2 s: steady state",
        "Informs per second",
        "CPEs that have told the new version",
        f"Session no answer in time {cure('no answer in time')} {BLAMES['acs']} 1",
        f"Task HTTP 404 {cure('HTTP 404')} 1",
        "Transfer FaultCode 9010 1",
        "Other 3 exceptions in users",
        "Inform 101 1 1 ms 1 ms 1 ms 1 ms",
        "101 started = 100 succeeded + 1 failed",
        "worker 0 10 50 % 90 % 50 MB",
        "./scripts/loadtest --seed 7",
        "--profile a, b",
        "Caretaker 9.8.7",
    ):
        assert wanted in found, wanted
    for table in TABLES:
        assert table(told()).title in found


def test_an_empty_run_has_a_page_too() -> None:
    found = text(page(summarize([], 0.0)))
    assert "No session began" in found
    assert "No data." in found
    assert "None was asked for" in found
    assert "Its settings were not recorded." in found
    assert "NaN" not in found


def test_every_blame_is_said_in_words() -> None:
    assert set(BLAMES) == {blame.value for blame in Blame}


def test_the_figures_are_those_of_the_summary() -> None:
    made = summary_of(results(1234, failed=5))
    found = {own.label: own for own in key_figures(made)}
    assert found["Sessions succeeded"].figure == "1,234"
    assert (found["Sessions failed"].figure, found["Sessions failed"].state) == ("5", "broken")
    assert found["Connection Request to Inform"].figure == "1 ms"
    assert found["Tasks done"].beside == "of 1,239 posted"
    unreachable = summary_of(results(tasks__done=357, tasks__unreachable=253, tasks__posted=610))
    (tile,) = (own for own in key_figures(unreachable) if own.label == "Tasks done")
    assert tile.beside.endswith(" posted, 253 unreachable")
    assert "Tasks done" not in {own.label for own in key_figures(summary_of(Results()))}


def test_kpis_have_units_and_plain_names() -> None:
    given = {"power_cut_peak_after_s": 2.5, "first_contact_p99_ms": 1500.0, "trials": 3,
             "coverage": None, "odd_thing_ratio": 0.5}  # fmt: skip
    assert kpis(told() | {"scenario": {**told()["scenario"], "kpis": given}}) == [
        ("power cut the peak came after", "2.5 s"),
        ("first contact p99", "1.5 s"),
        ("trials", "3"),
        ("coverage", "-"),
        ("odd thing", "50 %"),
    ]
    assert kpis(summary()) == []


def test_a_generator_at_its_limits_is_named_on_top() -> None:
    made = summary()
    assert "The generator was not the limit" in text(page(made))
    made["generator"]["loop_lag_ms"]["p99"] = 300.0
    made["generator"]["cpu_percent"]["mean"]["0"] = 97.0
    found = text(page(made))
    assert (
        "The generator was the limit, and the ACS may be better than it looks: the p99 of its loop "
        "lag was 300 ms and worker 0 used 97 % of its core (more workers)" in found
    )
    assert "not the limit" not in found


def test_books_that_do_not_balance_stand_out() -> None:
    made = summary()
    made["sessions"]["succeeded"] -= 1
    (row,) = xpath(page(made), "//tr[@class='failed']")
    assert row.text_content().startswith("Sessions100 started = 99 succeeded")


def everywhere(value: Any, hostile: str) -> Any:
    """A summary whose every string is hostile."""
    if isinstance(value, dict):
        return {key: everywhere(inner, hostile) for key, inner in value.items()}
    if isinstance(value, list):
        return [everywhere(inner, hostile) for inner in value]
    return hostile if isinstance(value, str) else value


def test_nothing_of_a_run_becomes_markup() -> None:
    made = everywhere(told(), HOSTILE)
    for section, name in (("fleet", "profiles"), ("sessions", "reasons"), ("tasks", "reasons"),
                          ("informs", "by_event"), ("transfers", "faults"),
                          ("scenario", "kpis")):  # fmt: skip
        made[section][name][HOSTILE] = 1
    made["exchanges"][HOSTILE] = made["exchanges"]["Inform"]
    made["settings"][HOSTILE] = [HOSTILE]
    written = page(made)
    assert len(xpath(written, "//script")) == 2
    assert xpath(written, "//img") == []
    assert "alert(1)</script>" not in written.replace(HOSTILE, "")
    assert HOSTILE.split("\u2028", maxsplit=1)[0] in text(written).replace("\u2028", "")
    assert "49" not in text(written)
    assert chart_data(written)[0]["marks"][0]["text"] == HOSTILE


def test_the_page_needs_no_network() -> None:
    written = page(told())
    assert xpath(written, "//@src") == []
    assert xpath(written, "//link/@href") == ["data:,"]
    for style in xpath(written, "//style"):
        assert not re.search(r"@import|url\(", style.text)
    (policy,) = xpath(written, "//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none';")


def test_the_page_of_an_hour_is_small() -> None:
    """A run of an hour has 450 points of 8 s (``timeline.MAX_POINTS``)."""
    size = 600
    count, time = [12345 + n for n in range(size)], [123.456 + n for n in range(size)]
    columns: dict[str, Any] = {
        name: column if not isinstance(column, dict)
        else {key: time if name.endswith("_ms") else count for key in column}
        for name, column in with_timeline()["timeline"].items() if name != "step"
    }  # fmt: skip
    for name, column in columns.items():
        if isinstance(column, list) and name not in ("at", "marks"):
            columns[name] = count
    columns.pop("at")
    made = told() | {"timeline": with_timeline(step=8.0, **columns)["timeline"]}
    assert len(page(made).encode()) < 400_000


class TestCommand:
    """``python -m caretaker report``."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "run.json"
        path.write_text(json.dumps(told()))
        return path

    def test_it_writes_beside_the_summary(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["report", str(file)]) == 0
        written = file.with_suffix(".html")
        assert capsys.readouterr().out == f"wrote {written}\n"
        assert written.read_text() == page(told())

    def test_the_folder_of_a_run_is_as_good(self, file: Path, tmp_path: Path) -> None:
        file.rename(tmp_path / "summary.json")
        assert main(["report", str(tmp_path)]) == 0
        assert (tmp_path / "summary.html").read_text() == page(told())

    def test_or_where_it_is_told(self, file: Path, tmp_path: Path) -> None:
        assert main(["report", str(file), "--output", str(tmp_path / "x.html")]) == 0
        assert "power-cut" in (tmp_path / "x.html").read_text()

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            ("nonsense", "not JSON; give a file that --summary-json has written"),
            ("{}", "not the summary of a run"),
            (
                '{"fleet": {}, "sessions": {}, "connection_requests": {}, "generator": {}}',
                "lacks what a summary has ('fleet.cpes'); give a file that --summary-json of this",
            ),
        ],
    )
    def test_what_is_no_summary(
        self, file: Path, content: str, complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_text(content)
        assert main(["report", str(file)]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"caretaker: {file}: {complaint}")
        assert error.count("\n") == 1

    def test_a_place_that_can_not_be_written(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["report", str(file), "-o", "/nothing/there.html"]) == 2
        error = capsys.readouterr().err
        assert error == "caretaker: --output /nothing/there.html: No such file or directory\n"


def test_a_summary_that_was_written_as_json_makes_the_same_page() -> None:
    assert page(json.loads(json.dumps(everything()))) == page(everything())
