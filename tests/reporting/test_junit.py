"""JUnit XML: in the shape that CI systems take, with every verdict in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import summary
from lxml import etree

from caretaker.reporting.junit import junit

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
    ("found", "failed"),
    [
        (summary(), {}),
        (summary(failed=2), {"no session failed": "2 sessions failed"}),
        (
            summary(0),
            {
                "sessions succeeded": "no session succeeded",
            },
        ),
        (
            {
                **summary(),
                "other_failures": ["3 requests of other users failed"],
                "service_levels": [level("a < 5", holds=True), level("<&\x01 > 5", holds=False)],
            },
            {
                "<&\ufffd > 5": "<&\ufffd > 5 (no data)",
                "nothing else failed": "3 requests of other users failed",
            },
        ),
    ],
)
def test_levels_and_checks_are_test_cases(
    shape: etree.XMLSchema, found: Any, failed: dict[str, str]
) -> None:
    suites = etree.fromstring(junit(found, ENDED))
    shape.assertValid(suites)
    suite = suites.find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    told = {c.get("name"): f.get("message") for c in cases if (f := c.find("failure")) is not None}
    assert told == failed
    assert suite.get("tests") == suites.get("tests") == str(len(cases))
    assert suite.get("failures") == suites.get("failures") == str(len(failed))
    assert len(cases) == 11 + len(found.get("service_levels", ()))
    assert suite.get("timestamp") == "2024-05-06T07:08:09"


def test_its_output_is_what_a_person_reads() -> None:
    text = etree.fromstring(junit(summary(), ENDED)).findtext("testsuite/system-out")
    assert text is not None
    assert text.startswith("Fleet")
    assert text.endswith("passed")
