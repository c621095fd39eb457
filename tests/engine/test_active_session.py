"""A session that runs: how it fails, and the record that it leaves."""

from __future__ import annotations

import pytest
from helpers.cpes import cpe

from caretaker.cwmp.outcome import Outcome
from caretaker.engine.active_session import ActiveSession
from caretaker.errors import Blame
from caretaker.stats.records import SessionRecord


def active() -> ActiveSession:
    """A session that was due at 1 and has begun at 2."""
    box = cpe()
    session = box.begin_session(2.0)
    assert session is not None
    return ActiveSession(box, session, 1.0, 2.0)


@pytest.mark.parametrize(
    ("blame", "outcome"), [(Blame.SHED, Outcome.SHED), (Blame.ACS, Outcome.FAILED)]
)
def test_a_503_is_load_shed_and_all_else_a_failure(blame: Blame, outcome: Outcome) -> None:
    session = active()
    session.fail("a reason", blame)
    assert (session.outcome, session.reason, session.blame) == (outcome, "a reason", blame)


def test_what_a_session_has_noted_is_its_record() -> None:
    session = active()
    session.fail("HTTP 500", Blame.ACS)
    session.accepted, session.inform_sent, session.informed = 1.0, 2.25, 2.5
    session.lateness, session.place_wait = 0.75, 0.25
    assert session.record(4.0) == SessionRecord(
        ("0 BOOTSTRAP", "1 BOOT"), 1.0, 2.0, seconds=2.0, outcome=Outcome.FAILED,
        reason="HTTP 500", blame=Blame.ACS, accepted=1.0, inform_sent=2.25, informed=2.5,
        lateness=0.75, place_wait=0.25,
    )  # fmt: skip


def test_a_session_without_an_end_is_abandoned() -> None:
    assert active().record(3.0).outcome is Outcome.ABANDONED
