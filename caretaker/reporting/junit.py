"""
The verdict of a run as JUnit XML, for CI systems.

Written in the shape that Jenkins, GitLab and the others have in common: one suite, a test case for
each service level and each standard check, and what a person reads as its output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from lxml import etree

from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_text import render
from caretaker.reporting.summary_types import Summary
from caretaker.reporting.verdict import checks, described

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(summary: Summary, ended: datetime) -> bytes:
    """
    A run's verdict as JUnit XML.

    Args:
        summary: of the run, with its verdicts.
        ended: when it did.
    """
    cases = list(_cases(summary))
    failed = sum(failure is not None for _, _, failure in cases)
    total = {"tests": str(len(cases)), "failures": str(failed), "errors": "0"}
    total["time"] = f"{summary['seconds']:.3f}"
    root = etree.Element("testsuites", {"name": "caretaker", **total})
    about = {
        "name": "caretaker",
        "package": "caretaker",
        "id": "0",
        "hostname": "localhost",
        "timestamp": ended.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }
    suite = etree.SubElement(root, "testsuite", {**about, **total, "skipped": "0"})
    etree.SubElement(suite, "properties")
    for group, name, failure in cases:
        _add_case(suite, group, name, failure)
    etree.SubElement(suite, "system-out").text = _clean(render(summary))
    etree.SubElement(suite, "system-err")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _cases(summary: Summary) -> Iterator[tuple[str, str, str | None]]:
    """Group, name, and what is wrong."""
    for verdict in summary.get("service_levels", ()):
        failure = None if verdict["outcome"] == RunOutcome.HELD else described(verdict)
        yield "service_levels", verdict["level"], failure
    for name, sentence in checks(summary).items():
        yield "checks", name, sentence


def _add_case(suite: etree._Element, group: str, name: str, failure: str | None) -> None:
    about = {"classname": f"caretaker.{group}", "name": _clean(name), "time": "0"}
    case = etree.SubElement(suite, "testcase", about)
    if failure is not None:
        attributes = {"message": _clean(failure), "type": group}
        etree.SubElement(case, "failure", attributes).text = _clean(failure)


def _clean(text: str) -> str:
    """Without what XML can't hold; a reason may have come from an ACS."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
