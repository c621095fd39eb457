"""
The verdict of a run as JUnit XML, for CI systems.

Written in the shape that Jenkins, GitLab and the others have in common: one suite, a test case for
each criterion, service level and standard check, and what a person reads as its output. A skipped
test case leaves a CI system green, so what was not shown is an error, like what failed.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

from lxml import etree

from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_text import render
from caretaker.reporting.summary_types import Summary
from caretaker.reporting.verdict import Judgement, judgements

_ELEMENTS = {
    RunOutcome.HELD: None,
    RunOutcome.BROKEN: "failure",
    RunOutcome.FAILED: "error",
    RunOutcome.NOT_SHOWN: "error",
}
"""What a test case has in it, by its outcome."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(summary: Summary, ended: datetime) -> bytes:
    """
    A run's verdict as JUnit XML.

    Args:
        summary: of the run, with its verdicts.
        ended: when it did.
    """
    cases = judgements(summary)
    elements = Counter(_ELEMENTS[case.outcome] for case in cases)
    total = {"tests": str(len(cases))}
    total |= {f"{name}s": str(elements[name]) for name in ("failure", "error")}
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
    for case in cases:
        _add_case(suite, case)
    etree.SubElement(suite, "system-out").text = _clean(render(summary))
    etree.SubElement(suite, "system-err")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_case(suite: etree._Element, judged: Judgement) -> None:
    about = {"classname": f"caretaker.{judged.group}", "name": _clean(judged.name), "time": "0"}
    case = etree.SubElement(suite, "testcase", about)
    element = _ELEMENTS[judged.outcome]
    if element is not None:
        attributes = {"message": _clean(judged.text), "type": judged.outcome}
        etree.SubElement(case, element, attributes).text = _clean(judged.text)


def _clean(text: str) -> str:
    """Without what XML can't hold; a reason may have come from an ACS."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
