"""Records of sessions and exchanges, their columns, and the times of the closed loop."""

from __future__ import annotations

from caretaker.cwmp.outcome import Outcome
from caretaker.stats.records import (
    ExchangeColumns,
    ExchangeRecord,
    SessionColumns,
    SessionRecord,
    exchange_columns,
    loop_times,
    session_columns,
)
from caretaker.way import Way

ANSWERING_CR = SessionRecord(
    ("6 CONNECTION REQUEST",), 10.0, 10.5, seconds=2.0, outcome=Outcome.SUCCEEDED, accepted=10.0,
    inform_sent=11.0, informed=11.5,
)  # fmt: skip


def test_the_closed_loop_is_timed_from_the_accepted_request() -> None:
    assert loop_times(session_columns([ANSWERING_CR])) == {
        ("to_inform", Way.HTTP): [1.0],
        ("to_informresponse", Way.HTTP): [1.5],
        ("to_session_end", Way.HTTP): [2.5],
    }


def test_a_stage_that_was_not_reached_has_no_time() -> None:
    cut_off = ANSWERING_CR._replace(outcome=Outcome.ABANDONED, informed=None)
    without = ANSWERING_CR._replace(accepted=None)
    assert loop_times(session_columns([without, cut_off])) == {("to_inform", Way.HTTP): [1.0]}
    assert not loop_times(session_columns([without]))


def test_exchanges_are_apart_by_the_name_of_their_message() -> None:
    inform, empty = (
        ExchangeRecord("Inform", 0.0, 0.5, 9, 7),
        ExchangeRecord("(empty)", 1.0, 2.0, 0, 0),
    )
    columns = exchange_columns([inform, empty, inform._replace(seconds=0.25)])
    assert {name: own.seconds for name, own in columns.items()} == {
        "Inform": (0.5, 0.25),
        "(empty)": (2.0,),
    }


def test_columns_have_the_fields_of_their_records_in_the_same_order() -> None:
    assert SessionColumns._fields == SessionRecord._fields
    assert ExchangeColumns._fields == ExchangeRecord._fields
