"""Records of sessions: what a failure is called, and the times of the closed loop."""

from __future__ import annotations

import pytest
from helpers.records import changed

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.records import SessionRecord, loop_times

ANSWERING_CR = SessionRecord(
    ("6 CONNECTION REQUEST",), 10.0, 10.5, seconds=2.0, outcome=Outcome.SUCCEEDED, accepted=10.0,
    inform_sent=11.0, informed=11.5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("blame", "outcome"), [(Blame.SHED, Outcome.SHED), (Blame.ACS, Outcome.FAILED)]
)
def test_a_503_is_load_shed_and_all_else_a_failure(blame: Blame, outcome: Outcome) -> None:
    record = changed(ANSWERING_CR)
    record.fail("a reason", blame)
    assert (record.outcome, record.reason, record.blame) == (outcome, "a reason", blame)


def test_the_closed_loop_is_timed_from_the_accepted_request() -> None:
    assert dict(loop_times(ANSWERING_CR)) == {
        "to_inform": 1.0,
        "to_informresponse": 1.5,
        "to_session_end": 2.5,
    }


def test_a_stage_that_was_not_reached_has_no_time() -> None:
    cut_off = changed(ANSWERING_CR, outcome=Outcome.ABANDONED, informed=None)
    assert dict(loop_times(cut_off)) == {"to_inform": 1.0}
    assert not list(loop_times(changed(ANSWERING_CR, accepted=None)))
