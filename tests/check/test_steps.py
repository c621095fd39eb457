"""The steps of a check, and the verdict over what they have found."""

from __future__ import annotations

import pytest

from caretaker.check import steps
from caretaker.check.checked_cpe import MANAGEMENT
from caretaker.check.command import verdict
from caretaker.check.steps import SETTINGS, STEPS, Finding, Step
from caretaker.reporting.outcomes import RunOutcome

HELD = Finding(RunOutcome.HELD, "it is well")
UNKNOWN = Finding(RunOutcome.NOT_SHOWN, "it could not be tried")
FAILED = Finding(RunOutcome.FAILED, "HTTP 404", "another path")


def test_a_step_needs_only_what_comes_before_it() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    for number, step in enumerate(STEPS):
        assert step.needs in ("", *names[:number])


def test_each_setting_of_the_acs_has_a_meaning() -> None:
    assert SETTINGS.keys() == set(MANAGEMENT)


def test_no_meaning_shows_a_secret() -> None:
    for name in ("ConnectionRequestUsername", "ConnectionRequestPassword"):
        meaning = SETTINGS[name].meaning
        assert meaning.format(before="s3cret", after="s3cret") == meaning


@pytest.mark.parametrize(
    ("findings", "outcome", "line"),
    [
        ([HELD, HELD], RunOutcome.HELD, "check held: the ACS works with a CPE of Caretaker"),
        ([HELD, UNKNOWN], RunOutcome.HELD, "check held: the ACS works with a CPE of Caretaker"),
        ([HELD, FAILED, FAILED], RunOutcome.FAILED,
         "check failed: what the ACS has set: HTTP 404; another path"),
        ([FAILED._replace(cure=""), UNKNOWN], RunOutcome.FAILED,
         "check failed: first contact: HTTP 404"),
    ],
)  # fmt: skip
def test_the_last_line_is_the_first_failure_with_what_helps(
    findings: list[Finding], outcome: RunOutcome, line: str
) -> None:
    made: dict[Step, Finding] = dict(zip(STEPS, findings, strict=False))
    assert verdict(made) == (outcome, line)


@pytest.mark.parametrize(
    ("url", "acs", "is_only_here"),
    [
        ("http://127.0.0.1:7600/cr/X-1", "http://192.0.2.1:7547/", True),
        ("http://[::1]:7600/cr/X-1", "http://192.0.2.1:7547/", True),
        ("http://localhost:7600/cr/X-1", "http://192.0.2.1:7547/", True),
        ("http://127.0.0.1:7600/cr/X-1", "http://127.0.0.1:7547/", False),
        ("http://192.0.2.7:7600/cr/X-1", "http://192.0.2.1:7547/", False),
        ("http://loadgen.example.com:7600/cr/X-1", "http://192.0.2.1:7547/", False),
    ],
)
def test_loopback_can_not_be_reached_by_an_acs_elsewhere(
    url: str, acs: str, *, is_only_here: bool
) -> None:
    assert steps._is_only_here(url, acs) is is_only_here


@pytest.mark.parametrize(
    ("why", "option"),
    [
        ("connection refused", "--cr-host"),
        ("TLS: certificate of another host: localhost", "--cr-tls-cert"),
        ("TLS: certificate of an unknown CA", "--cr-tls-ca"),
    ],
)
def test_what_helps_fits_the_reason_why_a_cpe_is_not_reached(why: str, option: str) -> None:
    assert option in steps._way_to_reach(why)
