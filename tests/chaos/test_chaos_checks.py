"""The checks after a run under faults: each can fail, and says by what figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caretaker.build import build_name
from chaos.__main__ import judge
from chaos.checks import CHECKS, DESCRIPTORS_ALLOWED, GREENLETS_ALLOWED, Findings

SUMMARY: dict[str, Any] = {
    "connection_requests": {"accepted": 5, "delivered": 2, "coalesced": 1, "pending": 1,
                            "dropped": 1, "books_balance": True},
    "events": {"raised": 9, "delivered": 7, "pending": 1, "discarded": {"power off.1 BOOT": 1},
               "books_balance": True},
    "fleet": {"duplicate_serial_numbers": 0, "workers_lost": 0},
    "sessions": {"blame": {"acs": 3}, "started": 10},
    "engine": {"carried": 9, "handed_over": {"idle connection": 1}, "by_greenlet": {"TLS": 1}},
    "version": build_name(),
    "verdict": {"grounds": [{"outcome": "broken", "text": "3 of 9 sessions failed"}]},
}  # fmt: skip
GOOD = Findings(
    summary=SUMMARY,
    cpes=2,
    sessions=9,
    looks=4,
    powered=frozenset({"S1", "S2"}),
    recovered=frozenset({"S1", "S2"}),
    steady_after=31.0,
    bound=120.0,
    descriptors=({"worker 0": 15}, {"worker 0": 15}),
    greenlets=({"workers": 300}, {"workers": 300}),
    has_engine=True,
)
"""Of a run in which all is as before."""


def without(section: str, **changes: Any) -> Findings:
    return replace(GOOD, summary={**SUMMARY, section: {**SUMMARY[section], **changes}})


FAILED = {"outcome": "failed", "text": "2 CPEs were lost"}
BAD: list[tuple[str, Findings, str]] = [
    ("books balance", without("connection_requests", books_balance=False), "5 accepted = 2"),
    ("books balance", without("events", books_balance=False), "9 raised = 7 delivered + 1"),
    ("books balance", without("events", raised=10), "1 pending with 0 lost workers"),
    ("books balance", without("events", raised=8), "-1 pending with 0 lost workers"),
    ("books balance", replace(GOOD, summary={}), "no summary"),
    ("the run is not a failed one", without("verdict", grounds=[FAILED]), "2 CPEs were lost"),
    ("the run is not a failed one", without("sessions", blame={"ours": 1}), "1 sessions failed"),
    ("no serial number twice", without("fleet", duplicate_serial_numbers=1), "1 in 9"),
    ("no serial number twice", replace(GOOD, overlaps=["S1 from a and b"]), "S1 from a and b"),
    ("no serial number twice", replace(GOOD, twice=["S2"]), "S2"),
    ("no serial number twice", replace(GOOD, sessions=0), "0 in 0 sessions"),
    ("no serial number twice", replace(GOOD, looks=0), "0 looks"),
    ("no CPE stuck", replace(GOOD, recovered=frozenset({"S1"})), "1 of 2 CPEs had a good session"),
    ("no CPE stuck", replace(GOOD, powered=frozenset({"S1"}), recovered=frozenset({"S1"})), "1 of"),
    ("steady state", replace(GOOD, steady_after=None), "never (bound 120 s)"),
    ("steady state", replace(GOOD, steady_after=121.0), "after 121.0 s (bound 120 s)"),
    ("no descriptor left",
     replace(GOOD, descriptors=({"worker 0": 15}, {"worker 0": 16 + DESCRIPTORS_ALLOWED})),
     "worker 0 15 -> "),
    ("no descriptor left", replace(GOOD, descriptors=({}, {})), "not counted"),
    ("no greenlet left",
     replace(GOOD, greenlets=({"workers": 300}, {"workers": 301 + GREENLETS_ALLOWED})),
     "workers 300 -> "),
    ("no process left", replace(GOOD, processes=["python -m locust"]), "1; python -m locust"),
    ("no process ended by itself", replace(GOOD, surprises=["ACS: exit code 1"]), "ACS: exit"),
    ("carried by the engine", without("engine", carried=8), "8 of 10 sessions by"),
    ("carried by the engine", without("engine", carried=0, by_greenlet={"engine not built": 10}),
     "by greenlets: 10 engine not built"),
    ("carried by the engine", replace(GOOD, summary={**SUMMARY, "version": "0.0.9"}),
     f"9 of 10 sessions by 0.0.9; not by {build_name()}"),
    ("no traceback", replace(GOOD, tracebacks=["worker-0.log"]), "worker-0.log"),
]  # fmt: skip


def test_all_hold_when_all_is_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(GOOD, "again: this") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[8:36].strip() for line in lines[:-2]] == list(CHECKS)
    assert lines[-2:] == ["Result  all as before", "again: this"]


@pytest.mark.parametrize(("name", "findings", "figure"), BAD)
def test_each_fails_where_it_should_and_no_other(
    name: str, findings: Findings, figure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {check for check, judged in CHECKS.items() if not judged(findings).good}
    assert name in failed
    assert failed == {name} or not findings.summary
    assert figure in CHECKS[name](findings).figure
    assert judge(findings, "again: this") == 1
    assert f"Result  failed: {', '.join(each for each in CHECKS if each in failed)}" in (
        capsys.readouterr().out
    )


def test_what_was_pending_with_a_worker_that_was_killed_is_told_and_fails_nothing() -> None:
    fleet = {"duplicate_serial_numbers": 0, "workers_lost": 1}
    summary = {**SUMMARY, "fleet": fleet, "events": {**SUMMARY["events"], "raised": 12}}
    judged = CHECKS["books balance"](replace(GOOD, summary=summary))
    assert judged.good
    assert judged.figure.endswith("+ 3 pending with 1 lost workers")


def test_it_says_how_sessions_were_carried() -> None:
    assert CHECKS["carried by the engine"](GOOD).figure == (
        f"9 of 10 sessions by {build_name()}; handed over: 1 idle connection; by greenlets: 1 TLS"
    )


def test_without_a_compiler_none_has_to_be_carried() -> None:
    findings = replace(without("engine", carried=0), has_engine=False)
    assert CHECKS["carried by the engine"](findings).good


def test_each_check_fails_here() -> None:
    assert {name for name, _, _ in BAD} == set(CHECKS)
