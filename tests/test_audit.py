"""The audit of dependencies fails for a finding, and for nothing else."""

from __future__ import annotations

import json

import pytest
from helpers.audit import audit

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {
    "name": "bad", "version": "2.0",
    "vulns": [
        {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"], "aliases": [], "description": "..."},
        {"id": "PYSEC-2", "fix_versions": [], "aliases": [], "description": "..."},
    ],
}  # fmt: skip
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def printed(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_finding_fails_with_a_line() -> None:
    found = audit(printed(GOOD, BAD, UNKNOWN), "Found 2 known vulnerabilities in 1 package")
    assert found.lines == [
        "bad 2.0: PYSEC-1; mended in 2.1, 3.0",
        "bad 2.0: PYSEC-2; not mended yet",
        "2 packages, 2 known vulnerabilities, 1 packages it does not know",
    ]
    assert found.code == 1


def test_none_is_a_line() -> None:
    assert audit(printed(GOOD), "") == (
        ["1 packages, 0 known vulnerabilities, 0 packages it does not know"], 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("output", "error", "why"),
    [
        ("", "Traceback ...\nConnectionError: no route\n", "ConnectionError: no route"),
        ("", "", "it says nothing"),
        ("[]", "odd", "odd"),
        (printed(UNKNOWN), "", "it knows none of these packages"),
        (printed(), "", "it knows none of these packages"),
    ],
)
def test_without_its_data_nothing_fails_and_a_line_says_so(
    output: str, error: str, why: str
) -> None:
    assert audit(output, error) == ([f"not done, pip-audit can't reach its data: {why}"], 0)
