"""What the log of an ACS says of a fleet over several hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.witness import BEGIN, END, LATE_SECONDS, POST, SessionEvent, Witness, overlaps

HERE, THERE = "198.18.3.2", "198.18.4.2"


def begin(at: float, session: str, peer: str = HERE, *codes: str) -> SessionEvent:
    """An Inform of one CPE."""
    return SessionEvent(at, BEGIN, session, "FLEET-000001", codes or ("2 PERIODIC",), peer)


def of(at: float, session: str, kind: str = POST, peer: str = HERE) -> SessionEvent:
    """Any other event of a session."""
    return SessionEvent(at, kind, session, "", (), peer)


def test_sessions_one_after_the_other_are_not_at_once() -> None:
    whole = [begin(1, "a"), of(2, "a"), of(3, "a", END), begin(4, "b"), of(5, "b"), of(6, "b", END)]
    assert overlaps(whole) == []
    assert overlaps([begin(1, "a"), begin(4, "b"), of(5, "b")]) == []  # the first was cut


@pytest.mark.parametrize("kind", [POST, END])
def test_a_session_that_goes_on_after_a_newer_one_began_is_found(kind: str) -> None:
    late = [begin(1, "a"), begin(4, "b", THERE), of(4 + LATE_SECONDS, "a")]
    assert overlaps(late) == []  # it may have come before the Inform, and was read after it
    late += [begin(7, "c", THERE), of(7.1, "a", kind)]
    assert overlaps(late) == [f"FLEET-000001 from {HERE} at 7.100, and from {THERE}"]


def test_a_log_is_read_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "acs.jsonl"
    witness = Witness(log)
    assert witness.look() == []
    first, second = begin(1, "a", HERE, "0 BOOTSTRAP", "1 BOOT"), begin(4, "b", THERE, "1 BOOT")
    text = "".join(json.dumps(event) + "\n" for event in (first, second))
    for size in (10, len(text) - 5, len(text)):
        log.write_text(text[:size])
        witness.look()
    assert [event.session for event in witness.events] == ["a", "b"]
    assert witness.first_contacts() == 1
    assert witness.first_informs(2.0, "1 BOOT").keys() == {"FLEET-000001"}
    assert (witness.peers(2.0), witness.peers(4.0)) == (
        {"FLEET-000001": HERE},
        {"FLEET-000001": THERE},
    )
