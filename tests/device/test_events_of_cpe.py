"""What a CPE keeps and drops of its events: every code of the table, over all that can happen."""

from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import codes, cpe, fail, run, talk

from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.device.events import EVENT_OF_REQUEST, EVENTS, MAX_EVENTS, is_event_code, rule
from caretaker.device.settings import Behaviors
from caretaker.errors import FaultError
from caretaker.testing import ScriptedACS

MS = "Device.ManagementServer."
VENDORS = ("M X_ACME_Blink", "X 00AABB Blink", "X example.com Blink")
CODES = [*sorted(EVENTS), *VENDORS]
RESULT = m.OpResultStruct("5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec001", "", "1.0", "Failed", False, "")
REQUESTS: dict[type[m.Request], m.Request] = {
    m.TransferComplete: m.TransferComplete("key"),
    m.AutonomousTransferComplete: m.AutonomousTransferComplete("", "", True, "2 Web Content"),
    m.Kicked: m.Kicked("", "", "", ""),
    m.RequestDownload: m.RequestDownload("2 Web Content"),
    m.DUStateChangeComplete: m.DUStateChangeComplete((RESULT,), "key"),
    m.AutonomousDUStateChangeComplete: m.AutonomousDUStateChangeComplete(
        (m.AutonOpResultStruct(*RESULT, "Install"),)
    ),
}
"""Those that deliver an event, one of each."""


def booted() -> CPE:
    box = cpe(behaviors=Behaviors(periodic_inform=False))
    run(box, 0.0)
    return box


def pending(code: str) -> CPE:
    """A CPE on which this event is raised at 5, with its request if it has one."""
    box = booted()
    event = m.EventStruct(code, "key" if code.startswith("M ") else "")
    kind = rule(code).delivered_by
    if code in EVENT_OF_REQUEST.values():
        box.ask(REQUESTS[kind], 5.0)
    elif kind is m.Inform:
        box.raise_event(event, 5.0)
    else:
        box.ask(REQUESTS[kind], 5.0, event)
    assert box.reschedule(5.0) == 5.0
    return box


def told(code: str) -> list[str]:
    """The codes of the Inform in which this event is told."""
    number = EVENT_OF_REQUEST.get(rule(code).delivered_by, code)
    return list(dict.fromkeys([number, code]))


def test_there_is_a_request_for_every_event_that_has_one() -> None:
    assert (
        set(REQUESTS)
        == set(EVENT_OF_REQUEST)
        == {rule(each).delivered_by for each in CODES} - {m.Inform}
    )


@pytest.mark.parametrize("code", CODES)
class TestEveryEvent:
    @pytest.mark.rule(
        "6-5", "6-12", "6-14", "6-16", "6-17", "6-19", "6-20", "6-21", "6-25", "4.2-12"
    )
    def test_it_opens_a_session_which_delivers_it(self, code: str) -> None:
        box = pending(code)
        acs = run(box, 5.0)
        assert acs.events == told(code)
        assert (box.pending, box.requests, box.due) == ((), (), inf)
        assert box.context.books.delivered[code] == 1 + (code in ("0 BOOTSTRAP", "1 BOOT"))

    @pytest.mark.rule("6-4")
    def test_only_events_of_methods_carry_a_command_key(self, code: str) -> None:
        inform = run(pending(code), 5.0).last_inform
        assert inform is not None
        for event in inform.event:
            assert event.command_key == ("key" if event.event_code.startswith("M ") else "")

    @pytest.mark.rule("5-10", "6-5", "6-13")
    def test_a_failed_session_keeps_it_for_the_retry(self, code: str) -> None:
        box = pending(code)
        fail(box, 5.0)
        if code == "6 CONNECTION REQUEST":
            assert (box.pending, box.due) == ((), inf)
            assert box.context.books.discarded[code, "session failed"] == 1
            return
        assert 10.0 <= box.due <= 15.0
        inform = run(box, box.due).last_inform
        assert inform is not None
        assert (codes(inform), inform.retry_count) == (told(code), 1)
        assert box.pending == ()

    @pytest.mark.rule("6-14", "6-16", "6-17", "6-19", "6-20")
    def test_after_the_inform_response_only_what_has_a_response_of_its_own_is_left(
        self, code: str
    ) -> None:
        box = pending(code)
        fail(box, 5.0, informed=True)
        own = rule(code).delivered_by is not m.Inform
        assert [event.event_code for event in box.pending] == (told(code) if own else [])
        if own:
            assert run(box, box.due).cpe_requests == [REQUESTS[rule(code).delivered_by]]
            assert (box.pending, box.due) == ((), inf)

    @pytest.mark.rule("3.4-4")
    def test_a_fault_of_the_acs_leaves_it_for_the_next_session(self, code: str) -> None:
        box = pending(code)
        session = box.begin_session(5.0)
        assert session is not None
        talk(box, session, 5.0, acs=ScriptedACS(answers={}))
        own = rule(code).delivered_by is not m.Inform
        assert [event.event_code for event in box.pending] == (told(code) if own else [])
        box.connection_request(9.0)
        run(box, 9.0)
        assert (box.pending, box.requests) == ((), ())

    @pytest.mark.rule("6-5", "6-8", "6-11", "6-15")
    def test_a_reboot_keeps_it_but_for_what_it_overtakes(self, code: str) -> None:
        box = pending(code)
        box.reboot(5.0)
        inform = run(box, 65.0).last_inform
        lost = {"1 BOOT", "4 VALUE CHANGE", "6 CONNECTION REQUEST", "8 DIAGNOSTICS COMPLETE"}
        kept = [] if code in lost else told(code)
        assert codes(inform) == [*kept, "1 BOOT"]
        assert box.pending == ()

    @pytest.mark.rule("6-7")
    @pytest.mark.parametrize("why", ["factory reset", "new ACS", "power off"])
    def test_a_new_life_drops_it_by_that_rule(self, code: str, why: str) -> None:
        box = pending(code)
        box.connection_request(5.0)
        session = box.begin_session(5.0)
        assert session is not None
        url = m.SetParameterValues((m.ParameterValueStruct(f"{MS}URL", "http://other/"),))
        orders: dict[str, m.Request] = {"factory reset": m.FactoryReset(), "new ACS": url}
        if why in orders:
            box.answer(orders[why], 5.0)
            box.raise_event(m.EventStruct("M Reboot", "late"), 5.0)
            box.end_session(Outcome.SUCCEEDED, 5.0)
            assert run(box, max(5.0, box.due)).cpe_requests == []
        else:
            box.power_off(5.0)
        assert (box.pending, box.requests) == ((), ())
        late = why in orders and code == "M Reboot"
        assert box.context.books.discarded[code, why] == 1 + late

    @pytest.mark.rule("6-3")
    def test_twice_is_once_or_twice_as_the_table_says(self, code: str) -> None:
        box = pending(code)
        key = "key" if code.startswith("M ") else ""
        box.raise_event(m.EventStruct(code, key), 5.0)
        found = [event.event_code for event in box.pending].count(code)
        assert found == (2 if code.startswith("M ") else 1)


@pytest.mark.rule("6-7")
def test_first_contact_is_told_until_the_acs_has_heard_it() -> None:
    box = cpe(behaviors=Behaviors(periodic_inform=False))
    for _ in range(3):
        assert codes(fail(box, box.due)) == ["0 BOOTSTRAP", "1 BOOT"]
    box.reboot(box.due)
    assert run(box, box.reschedule(box.due)).events == ["0 BOOTSTRAP", "1 BOOT"]


@pytest.mark.rule("6-1")
def test_an_inform_carries_64_events_at_most() -> None:
    box = booted()
    for number in range(MAX_EVENTS + 6):
        box.raise_event(m.EventStruct("M ScheduleInform", str(number)), 5.0)
    inform = run(box, 5.0).last_inform  # valid against the schemas, or it would raise
    assert inform is not None
    assert [event.command_key for event in inform.event] == [str(n) for n in range(MAX_EVENTS)]
    assert box.context.books.discarded["M ScheduleInform", "too many"] == 6


def test_events_of_a_failed_session_and_those_that_came_meanwhile_are_64_at_most() -> None:
    box = booted()
    for number in range(60):
        box.raise_event(m.EventStruct("M ScheduleInform", str(number)), 5.0)
    box.begin_session(5.0)
    for number in range(60, 90):
        box.raise_event(m.EventStruct("M ScheduleInform", str(number)), 6.0)
    box.end_session(Outcome.FAILED, 6.0)
    assert [event.command_key for event in box.pending] == [str(n) for n in range(MAX_EVENTS)]


def test_informs_can_be_scheduled_as_often_as_an_inform_can_tell() -> None:
    box = booted()
    for _ in range(MAX_EVENTS):
        box.answer(m.ScheduleInform(60, "k"), 5.0)
    with pytest.raises(FaultError) as fault:
        box.answer(m.ScheduleInform(60, "k"), 5.0)
    assert fault.value.fault_code == 9004


@pytest.mark.rule("6-2", "6-25")
@pytest.mark.parametrize(
    ("code", "known"),
    [
        *[(code, True) for code in CODES],
        ("X 00AABB", False),
        ("M X_", False),
        ("M X_ACME Blink", False),
        ("M Blink", False),
        ("15 NOTHING", False),
        ("X a " + "b" * 61, False),
        ("", False),
    ],
)
def test_codes_of_the_standard_and_of_vendors(code: str, known: bool) -> None:
    assert is_event_code(code) is known


class TestAfterTheSession:
    URL = m.SetParameterValues((m.ParameterValueStruct(f"{MS}URL", "http://other/"),))

    @pytest.mark.rule("4.1-24", "4.1-26")
    @pytest.mark.parametrize("orders", [(URL, m.Reboot("k")), (m.Reboot("k"), URL)])
    def test_another_acs_and_a_reboot_in_either_order(self, orders: tuple[m.Request, ...]) -> None:
        box = booted()
        box.connection_request(5.0)
        run(box, 5.0, *orders)
        assert box.due == 65.0
        inform = run(box, 65.0).last_inform
        assert codes(inform) == ["0 BOOTSTRAP", "1 BOOT", "M Reboot"]
        assert box.acs_url(65.0) == "http://other/"

    @pytest.mark.parametrize("orders", [(URL, m.FactoryReset()), (m.FactoryReset(), URL)])
    def test_a_factory_reset_forgets_the_other_acs(self, orders: tuple[m.Request, ...]) -> None:
        box = booted()
        box.connection_request(5.0)
        run(box, 5.0, *orders, m.Reboot("k"))
        assert box.due == 65.0
        assert run(box, 65.0).events == ["0 BOOTSTRAP", "1 BOOT"]
        assert box.acs_url(65.0) == "http://acs/"
