"""Events: the table and its rules, and that none is lost."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import EventStruct
from caretaker.device.events import EVENTS, MAX_EVENTS, EventAccounting, Events, is_later, rule

CODES = sorted(EVENTS)
REQUESTS: dict[type[m.Request], m.Request] = {
    m.GetRPCMethods: m.GetRPCMethods(),
    m.Inform: m.Inform(m.DeviceIdStruct("", "", "", ""), ()),
    m.TransferComplete: m.TransferComplete(""),
    m.AutonomousTransferComplete: m.AutonomousTransferComplete("", "", True, ""),
    m.Kicked: m.Kicked("", "", "", ""),
    m.RequestDownload: m.RequestDownload(""),
    m.DUStateChangeComplete: m.DUStateChangeComplete(()),
    m.AutonomousDUStateChangeComplete: m.AutonomousDUStateChangeComplete(()),
}
"""One of each that a CPE sends."""


@pytest.mark.rule("6-2")
def test_the_table_has_every_code_of_the_standard() -> None:
    numbers = {int(code.split()[0]) for code in EVENTS if code[0].isdigit()}
    assert numbers == set(range(15))
    methods = {code[2:] for code in EVENTS if code.startswith("M ")}
    expected = "Reboot ScheduleInform Download ScheduleDownload Upload ChangeDUState"
    assert methods == set(expected.split())
    assert all(re.fullmatch(r"\d+( \S+)+|M \S+", code) for code in EVENTS)


@pytest.mark.rule("6-3", "6-25")
def test_methods_are_multiple_and_numbers_single() -> None:
    assert all(rule(code).multiple == code.startswith("M ") for code in EVENTS)
    assert rule("M X_ACME_Blink").multiple
    assert not rule("X 00AABB Blink").multiple


@pytest.mark.rule("6-5", "6-12", "6-14", "6-16", "6-17", "6-19", "6-20", "6-21")
@pytest.mark.parametrize(
    ("code", "request_class"),
    [
        ("0 BOOTSTRAP", m.Inform),
        ("7 TRANSFER COMPLETE", m.TransferComplete),
        ("M Download", m.TransferComplete),
        ("M ChangeDUState", m.DUStateChangeComplete),
        ("M Reboot", m.Inform),
        ("5 KICKED", m.Kicked),
        ("9 REQUEST DOWNLOAD", m.RequestDownload),
        ("10 AUTONOMOUS TRANSFER COMPLETE", m.AutonomousTransferComplete),
        ("11 DU STATE CHANGE COMPLETE", m.DUStateChangeComplete),
        ("12 AUTONOMOUS DU STATE CHANGE COMPLETE", m.AutonomousDUStateChangeComplete),
        ("13 WAKEUP", m.Inform),
        ("14 HEARTBEAT", m.Inform),
    ],
)
def test_events_are_delivered_by_their_own_request(
    code: str, request_class: type[m.Request]
) -> None:
    books = EventAccounting()
    sent = books.add((), EventStruct(code))
    for other in m.ACS_METHODS:
        if other is not request_class:
            assert sent == books.deliver(sent, REQUESTS[other], ())
    assert books.deliver(sent, REQUESTS[request_class], ()) == ()
    assert books.delivered == Counter({code: 1})


@pytest.mark.rule("6-14", "6-24")
def test_each_transfer_complete_delivers_its_own_and_the_last_the_number() -> None:
    books = EventAccounting()
    sent: Events = ()
    for code, key in (("7 TRANSFER COMPLETE", ""), ("M Download", "a"), ("M Upload", "b")):
        sent = books.add(sent, EventStruct(code, key))
    first, second = m.TransferComplete("a"), m.TransferComplete("b")
    sent = books.deliver(sent, first, (second,))
    assert [event.event_code for event in sent] == ["7 TRANSFER COMPLETE", "M Upload"]
    assert books.deliver(sent, second, ()) == ()


@pytest.mark.rule("6-24")
def test_transfers_with_the_same_key_are_told_one_by_one() -> None:
    books = EventAccounting()
    sent: Events = ()
    for _ in range(2):
        sent = books.add(sent, EventStruct("M Download", "k"))
    twin = m.TransferComplete("k")
    sent = books.deliver(sent, twin, (m.TransferComplete("k"),))
    assert len(sent) == 1
    assert books.deliver(sent, twin, ()) == ()


@pytest.mark.rule("6-14", "6-24")
def test_a_key_that_two_methods_share_is_no_reason_to_mix_them_up() -> None:
    books = EventAccounting()
    sent: Events = ()
    for code in (
        "7 TRANSFER COMPLETE",
        "M Upload",
        "11 DU STATE CHANGE COMPLETE",
        "M ChangeDUState",
    ):
        sent = books.add(sent, EventStruct(code, "k" if code.startswith("M") else ""))
    transfer, change = m.TransferComplete("k"), m.DUStateChangeComplete((), "k")
    sent = books.deliver(sent, change, (transfer,))
    assert [event.event_code for event in sent] == ["7 TRANSFER COMPLETE", "M Upload"]
    assert books.deliver(sent, transfer, ()) == ()


@pytest.mark.rule("6-3")
def test_single_events_merge_and_multiple_ones_do_not() -> None:
    books = EventAccounting()
    pending = books.add((), EventStruct("2 PERIODIC"))
    assert pending == books.add(pending, EventStruct("2 PERIODIC"))
    for key in ("a", "b", "a"):
        pending = books.add(pending, EventStruct("M Reboot", key))
    assert [event.command_key for event in pending] == ["", "a", "b", "a"]
    assert books.discarded == Counter({("2 PERIODIC", "merged"): 1})


@pytest.mark.rule("5-11", "6-13")
def test_a_connection_request_is_never_retried() -> None:
    books = EventAccounting()
    sent: Events = ()
    for code in ("6 CONNECTION REQUEST", "2 PERIODIC"):
        sent = books.add(sent, EventStruct(code))
    assert books.fail(sent) == (EventStruct("2 PERIODIC"),)


@pytest.mark.rule("6-5", "6-7", "6-8", "6-11", "6-13", "6-15")
def test_a_reboot_leaves_what_the_table_says() -> None:
    books = EventAccounting()
    pending: Events = ()
    for code in CODES:
        pending = books.add(pending, EventStruct(code))
    lost = {code for code in CODES if EventStruct(code) not in books.reboot(pending)}
    expected = {"1 BOOT", "4 VALUE CHANGE", "6 CONNECTION REQUEST", "8 DIAGNOSTICS COMPLETE"}
    assert expected == lost


@pytest.mark.rule("6-1")
def test_no_more_than_an_inform_can_carry() -> None:
    books = EventAccounting()
    pending: Events = ()
    for number in range(MAX_EVENTS + 3):
        pending = books.add(pending, EventStruct("M Reboot", str(number)))
    assert len(pending) == MAX_EVENTS
    assert books.discarded == Counter({("M Reboot", "too many"): 3})


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["raise", "send", "deliver", "fail", "reboot"]), st.sampled_from(CODES)
    ),
    max_size=60,
)


@pytest.mark.rule("6-5")
@given(STEPS)
def test_whatever_happens_every_event_is_accounted_for(steps: list[tuple[str, str]]) -> None:
    books = EventAccounting()
    pending: Events = ()
    sent: Events = ()
    for step, code in steps:
        if step == "raise":
            pending = books.add(pending, EventStruct(code))
        elif step == "send" and not sent:
            sent, pending = pending, ()
        elif step == "deliver":
            sent = books.deliver(sent, REQUESTS[rule(code).delivered_by], ())
        elif step == "fail":
            pending, sent = books.restore(books.fail(sent), pending), ()
        elif step == "reboot":
            pending, sent = books.reboot(books.restore(sent, pending)), ()
    ends = Counter(event.event_code for event in pending + sent) + Counter(books.delivered)
    for (code, _), number in books.discarded.items():
        ends[code] += number
    assert +Counter(books.raised) == +ends


@pytest.mark.rule("6-26")
def test_the_first_version_of_cwmp_knew_some_of_them() -> None:
    later = {code for code in CODES if is_later(code)}
    numbers = {code for code in CODES if code[:2].isdigit()}
    assert later == numbers | {"M ScheduleDownload", "M ChangeDUState"}
    assert not is_later("M X_ACME_Blink")
