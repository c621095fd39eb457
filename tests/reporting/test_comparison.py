"""Two runs side by side: what got worse, what did not, and what can't be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import everything, summary
from lxml import html

from caretaker.__main__ import main
from caretaker.reporting.comparison import (
    BETTER,
    OTHER,
    SAME,
    WORSE,
    Change,
    as_html,
    as_text,
    compare,
    with_unit,
)
from caretaker.reporting.summary_types import Summary


def of(a: Summary, b: Summary, metric: str, threshold: float = 0.1) -> Change:
    return next(change for change in compare(a, b, threshold).changes if change.metric == metric)


def with_number(path: str, number: Any) -> Any:
    """A summary with one number changed."""
    found = summary()
    *sections, name = path.split(".")
    section = found
    for each in sections:
        section = section.setdefault(each, {})
    section[name] = number
    return found


@pytest.mark.parametrize(
    ("path", "a", "b", "verdict"),
    [
        ("tasks.latency_ms.p99", 10.0, 12.0, WORSE),
        ("tasks.latency_ms.p99", 12.0, 10.0, BETTER),
        ("tasks.latency_ms.p99", 10.0, 10.9, SAME),
        ("tasks.latency_ms.max", 10.0, 99.0, OTHER),
        ("generator.lateness_ms.p50", 0.02, 0.04, SAME),  # too little to matter
        ("generator.lateness_ms.p99", 1.0, 2.0, WORSE),
        ("generator.cpu_ms_per_session", 1.0, 2.0, WORSE),
        ("sessions.per_second", 100.0, 50.0, WORSE),
        ("sessions.per_second", 50.0, 100.0, BETTER),
        ("sessions.failed_ratio", 0.0, 0.001, WORSE),
        ("sessions.failed_ratio", 0.001, 0.0, BETTER),
        ("sessions.failed_ratio", None, 0.5, OTHER),
        ("sessions.failed_ratio", None, None, SAME),
        ("sessions.succeeded", 100, 50, OTHER),
        ("tasks.done_ratio", 1.0, 0.5, WORSE),
        ("fleet.workers_lost", 0, 1, WORSE),
        ("sessions.blame.ours", 0, 1, WORSE),
        ("scenario.kpis.recovery_s", 10.0, 20.0, WORSE),
        ("scenario.kpis.capacity_per_second", 10.0, 20.0, BETTER),
        ("scenario.kpis.something", 10.0, 20.0, OTHER),
        ("plugin.something", 10.0, 20.0, OTHER),
    ],
)
def test_what_a_change_is(path: str, a: Any, b: Any, verdict: str) -> None:
    assert of(with_number(path, a), with_number(path, b), path).verdict == verdict


def test_the_threshold_is_the_users() -> None:
    a, b = (with_number("tasks.latency_ms.p99", number) for number in (10.0, 12.0))
    assert of(a, b, "tasks.latency_ms.p99", 0.2).verdict == SAME
    assert of(a, b, "tasks.latency_ms.p99", 0.1999).verdict == WORSE


def test_a_count_that_only_one_run_has_was_none_in_the_other() -> None:
    change = of(summary(), summary(failed=3), "sessions.reasons.no answer in time")
    assert (change.a, change.b, change.absolute) == (0, 3, 3)


def test_a_run_is_as_good_as_itself() -> None:
    found = compare(everything(), everything(), 0)
    assert {change.verdict for change in found.changes} == {SAME}
    assert not found.got_worse


def test_what_got_worse_most_comes_first() -> None:
    b = with_number("tasks.latency_ms.p99", 500.0)
    b["sessions"]["per_second"] = 5.0
    b["sessions"]["failed_ratio"] = 0.1
    found = compare(summary(), b)
    assert [change.metric for change in found.changes[:3]] == [
        "sessions.failed_ratio",
        "tasks.latency_ms.p99",
        "sessions.per_second",
    ]
    verdicts = [change.verdict for change in found.changes]
    assert verdicts == sorted(verdicts, key=(WORSE, BETTER, OTHER, SAME).index)


def test_settings_that_differ_are_told() -> None:
    a = summary() | {"settings": {"--cr-rate": 5, "--seed": 0}}
    b = summary() | {"settings": {"--cr-rate": 9, "--seed": 0, "--profile": "x"}}
    assert compare(a, b).settings == {"--cr-rate": (5, 9), "--profile": (None, "x")}
    assert compare(a, summary()).settings is None
    assert "--cr-rate: 5 -> 9" in as_text(compare(a, b), ("A", "B"))


def test_a_level_that_is_broken_now_is_worse() -> None:
    a, b = summary(), summary()
    for found, outcome in ((a, "held"), (b, "broken")):
        found["service_levels"] = [{"level": "x < 5", "actual": 1, "outcome": outcome}]
    assert compare(a, b).broken == ("x < 5",)
    assert compare(a, b).got_worse
    assert compare(b, a).broken == ()
    assert "broken in B only: x < 5" in as_text(compare(a, b), ("A", "B"))


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "ms", "-"),
        (0.5, "ms", "0.5 ms"),
        (0.001, "ratio", "0.001"),
        (3, "", "3"),
        (12345678, "", "12345678"),
        (1.23456789, "/s", "1.23457 /s"),
    ],
)
def test_a_number_is_shown_with_its_unit(number: float | None, unit: str, text: str) -> None:
    assert with_unit(number, unit) == text


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


class TestCommand:
    """``python -m caretaker compare``."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str]:
        a, b = tmp_path / "a.json", tmp_path / "b.json"
        a.write_text(json.dumps(summary()))
        b.write_text(json.dumps(summary(failed=5)))
        return str(a), str(b)

    def test_it_prints_what_got_worse(
        self, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", *files]) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"A: {files[0]} (10 CPEs, 10.0 s)\nB: {files[1]} (")
        assert "Worse (2)\n  sessions.failed_ratio" in text

    def test_worse_can_be_a_failure(self, files: tuple[str, str]) -> None:
        assert main(["compare", "--fail-on-worse", *files]) == 3
        assert main(["compare", "--fail-on-worse", files[0], files[0]]) == 0

    def test_it_writes_a_page(self, files: tuple[str, str], tmp_path: Path) -> None:
        page = tmp_path / "c.html"
        assert main(["compare", *files, "--threshold", "20 %", "--report", str(page)]) == 0
        assert "sessions.failed_ratio" in page.read_text()
        assert "The same within 20 %" in page.read_text()

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            ("nonsense", "not JSON; give a file that --summary-json has written"),
            ("[]", "not the summary of a run; give a file that"),
            ('{"fleet": {}, "sessions": 5}', "not the summary of a run"),
            (None, "No such file or directory"),
        ],
    )
    def test_what_is_no_summary(
        self,
        files: tuple[str, str],
        content: str | None,
        complaint: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        Path(files[1]).unlink()
        if content is not None:
            Path(files[1]).write_text(content)
        assert main(["compare", *files]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"caretaker: {files[1]}: {complaint}")
        assert error.count("\n") == 1

    @pytest.mark.parametrize(("version", "code"), [("0.1.7", 0), ("0.2.0", 2), ("1.1.0", 2)])
    def test_other_versions(
        self, files: tuple[str, str], version: str, code: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for file, its in zip(files, ("0.1.0", version), strict=True):
            Path(file).write_text(json.dumps(summary() | {"version": its}))
        assert main(["compare", *files]) == code
        if code:
            assert f"of Caretaker 0.1.0 and {version}" in capsys.readouterr().err

    def test_a_page_that_cant_be_written(
        self, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", *files, "--report", "/nothing/there.html"]) == 2
        assert "--report /nothing/there.html: No such file" in capsys.readouterr().err

    def test_a_threshold_that_is_none(
        self, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(["compare", *files, "--threshold", "little"])
        assert exit_.value.code == 2
        assert "'little' is not a number from 0 to 1000; write percent" in capsys.readouterr().err
