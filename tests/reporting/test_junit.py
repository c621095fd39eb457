"""JUnit XML: in the shape that CI systems take, with every verdict in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import scenario, summary
from lxml import etree

from caretaker.reporting.checks import CHECKS
from caretaker.reporting.junit import junit
from caretaker.reporting.outcomes import RunOutcome

ENDED = datetime(2024, 5, 6, 7, 8, 9, 123, tzinfo=UTC)


@pytest.fixture(scope="session")
def shape(root: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(root / "tests" / "data" / "junit.xsd"))


def level(text: str, *, holds: bool) -> dict[str, Any]:
    return {
        "level": text,
        "actual": 5 if holds else None,
        "outcome": "held" if holds else "not shown",
    }


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (summary(), {}),
        (
            summary(failed=2),
            {
                ("failure", "no session failed by the ACS"): "2 of 102 sessions failed: 2 x no "
                "answer in time (by the ACS or the way to it)",
            },
        ),
        (summary(0), {("error", "sessions came to an end"): "no session began, and none ended"}),
        (
            {
                **summary(),
                "other_failures": ["3 requests of other users failed"],
                "service_levels": [level("a < 5", holds=True), level("<&\x01 > 5", holds=False)],
            },
            {
                ("error", "<&\ufffd > 5"): "service level not shown: <&\ufffd > 5 (no data)",
                ("error", "nothing else failed"): "3 requests of other users failed",
            },
        ),
    ],
)
def test_levels_and_checks_are_test_cases(
    shape: etree.XMLSchema, found: Any, told: dict[tuple[str, str], str]
) -> None:
    suites = etree.fromstring(junit(found, ENDED))
    shape.assertValid(suites)
    suite = suites.find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert {(one.tag, c.get("name")): one.get("message") for c in cases for one in c} == told
    assert suite.get("tests") == suites.get("tests") == str(len(cases))
    for element in ("failure", "error"):
        number = str(sum(tag == element for tag, _ in told))
        assert suite.get(f"{element}s") == suites.get(f"{element}s") == number
    assert len(cases) == len(CHECKS) + len(found.get("service_levels", ()))
    assert suite.get("timestamp") == "2024-05-06T07:08:09"


@pytest.mark.parametrize("outcome", RunOutcome)
def test_only_what_held_is_green(outcome: RunOutcome) -> None:
    criterion = {"scenario": "power-cut", "outcome": outcome, "finding": "So."}
    found = summary() | {"scenario": scenario(criteria=[criterion])}
    (case, *_) = etree.fromstring(junit(found, ENDED)).iterfind(".//testcase")
    assert (case.get("classname"), case.get("name")) == ("caretaker.scenario", "power-cut")
    assert (len(case) == 0) is (outcome == RunOutcome.HELD)
    assert case.find("skipped") is None


def test_its_output_is_what_a_person_reads() -> None:
    text = etree.fromstring(junit(summary(), ENDED)).findtext("testsuite/system-out")
    assert text is not None
    assert text.startswith("Fleet")
    assert "held: All 100 sessions succeeded" in text
