"""The books of accepted Connection Requests by way."""

from __future__ import annotations

from helpers.cpes import NO_PERIODS, cpe, fail, run
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.messages import EventStruct
from caretaker.device.accepted_requests import (
    COALESCED,
    DELIVERED,
    DROPPED,
    ENDS,
    AcceptedRequests,
)
from caretaker.way import Way


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.one_of(st.sampled_from(Way), st.sampled_from((DELIVERED, DROPPED))),
        )
    )
)
def test_what_each_way_brought_has_come_to_one_end(steps: list[tuple[int, str]]) -> None:
    books = AcceptedRequests()
    brought = dict.fromkeys(Way, 0)
    for index, step in steps:
        if isinstance(step, Way):
            brought[step] += 1
            books.add(index, step, 1.0)
        else:
            books.end(index, step)
    for way, number in brought.items():
        pending = sum(request.way is way for request in books.pending.values())
        assert number == pending + sum(books.ends[way, end] for end in ENDS)


def test_a_request_that_joins_one_of_another_way_counts_for_its_own() -> None:
    box = cpe(behaviors=NO_PERIODS)
    run(box, 0.0)
    assert box.connection_request(1.0, Way.XMPP)
    assert not box.connection_request(1.1, Way.UDP)
    run(box, 1.2)
    assert box.context.accepted.ends == {(Way.XMPP, DELIVERED): 1, (Way.UDP, COALESCED): 1}


def test_the_failure_of_its_session_drops_it() -> None:
    box = cpe(behaviors=NO_PERIODS)
    run(box, 0.0)
    box.connection_request(1.0, Way.UDP)
    fail(box, 1.0)
    assert box.context.accepted.ends == {(Way.UDP, DROPPED): 1}
    assert box.context.accepted.pending == {}


def test_one_that_finds_no_place_among_the_events_is_dropped() -> None:
    box = cpe(behaviors=NO_PERIODS)
    run(box, 0.0)
    for number in range(64):
        box.raise_event(EventStruct("M Reboot", f"{number}"), 5.0)
    box.connection_request(1.0, Way.UDP)
    assert box.context.accepted.ends == {(Way.UDP, DROPPED): 1}
