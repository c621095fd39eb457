"""The session of both roles: what may come next."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_2, ACSSession, CPESession, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.session import MAX_RETRY_REQUESTS, TRANSITIONS, Role, State, Trigger
from caretaker.errors import EnvelopeError, SessionError
from caretaker.testing import FunctionTransport, ScriptedACS, ScriptedCPE, play_session

INFORM = m.Inform(m.DeviceIdStruct("Acme", "00AABB", "R", "S1"), (m.EventStruct("1 BOOT"),))
DONE = m.TransferComplete("key")


def cpe(*requests: m.Request, check_id: bool = True) -> tuple[CPESession, ScriptedCPE]:
    device = ScriptedCPE({m.GetRPCMethods: m.GetRPCMethodsResponse(("GetRPCMethods",))})
    return CPESession(INFORM, device, requests, check_id=check_id), device


def say(message: m.Message, id_: str | None = "1", *, hold: bool = False) -> bytes:
    return encode(Envelope(message, id_, hold_requests=hold))


def posted(session: CPESession) -> m.Message | None:
    body = session.next_post()
    assert body is not None
    return decode(body).message if body else None


def join(session: CPESession, acs: ACSSession) -> list[str]:
    """Run both ends against each other; the names of what the CPE posted."""
    return play_session(session, FunctionTransport(acs.receive)).names


@pytest.mark.rule("4.1-1", "4.1-8", "4.1-13", "4.1-17")
def test_the_shortest_session() -> None:
    session, device = cpe()
    assert join(session, ACSSession(ScriptedACS())) == ["Inform", "(empty)"]
    assert session.state is State.DONE
    assert device.accepted == [INFORM]


@pytest.mark.rule("2.1-1", "3-2", "3.3-3", "4.1-4", "4.1-11", "4.1-12", "4.1-21")
def test_requests_of_both_sides_in_their_turns() -> None:
    session, device = cpe(DONE)
    acs_side = ScriptedACS([m.GetRPCMethods(), m.ScheduleInform(5)])
    names = join(session, ACSSession(acs_side))
    assert names == [
        "Inform",
        "TransferComplete",
        "(empty)",
        "GetRPCMethodsResponse",
        "Fault",
    ]
    assert device.accepted == [INFORM, DONE]
    assert acs_side.responses[1] == m.Fault.of(9000)


@pytest.mark.rule("3.1-1", "3.1-2")
def test_answers_carry_id_and_namespace_of_the_request() -> None:
    session, _ = cpe()
    session.next_post()
    session.receive(say(m.InformResponse()), 0.0)
    session.next_post()
    session.receive(encode(Envelope(m.GetRPCMethods(), " odd id ", CWMP_1_2)), 0.0)
    body = session.next_post()
    assert body is not None
    answer = decode(body)
    assert (answer.id, answer.namespace) == (" odd id ", CWMP_1_2)


@pytest.mark.rule("3.1-3", "4.1-5", "4.1-6", "4.1-9", "4.1-13")
def test_hold_requests_asks_for_an_empty_post_first() -> None:
    session, device = cpe(DONE)
    session.next_post()
    session.receive(say(m.InformResponse(), hold=True), 0.0)
    assert posted(session) is None
    session.receive(say(m.GetRPCMethods(), "a", hold=True), 0.0)
    assert isinstance(posted(session), m.GetRPCMethodsResponse)
    session.receive(b"", 0.0)  # an empty answer ends the hold
    assert posted(session) == DONE
    session.receive(say(m.TransferCompleteResponse(), "2"), 0.0)
    assert posted(session) is None
    session.receive(b"", 0.0)
    assert (session.state, session.next_post()) == (State.DONE, None)
    assert device.accepted == [INFORM, DONE]


def established(*requests: m.Request, hold: bool = False) -> tuple[CPESession, ScriptedCPE]:
    """A session whose Inform was answered."""
    session, device = cpe(*requests)
    session.next_post()
    session.receive(say(m.InformResponse(), hold=hold), 0.0)
    return session, device


HEARD = m.TransferCompleteResponse()
SECOND = m.TransferComplete("second")
ASKED = say(m.GetRPCMethods(), "a")


@pytest.mark.rule("3.1-3", "4.1-4", "4.1-8")
def test_without_hold_requests_its_requests_come_one_by_one_before_the_empty_post() -> None:
    session, device = established(DONE, SECOND)
    for number, request in ((2, DONE), (3, SECOND)):
        assert posted(session) == request
        session.receive(say(HEARD, str(number)), 0.0)
    assert posted(session) is None
    assert device.accepted == [INFORM, DONE, SECOND]


@pytest.mark.rule("4.1-5", "4.1-6", "4.1-9")
def test_hold_requests_counts_as_it_was_last() -> None:
    session, _ = established(DONE, SECOND)
    assert posted(session) == DONE
    session.receive(say(HEARD, "2", hold=True), 0.0)
    assert posted(session) is None
    session.receive(say(m.GetRPCMethods(), "a"), 0.0)  # not held any more, but asked something
    assert isinstance(posted(session), m.GetRPCMethodsResponse)
    session.receive(b"", 0.0)
    assert posted(session) == SECOND


@pytest.mark.rule("4.1-6")
def test_a_fault_can_hold_requests_too() -> None:
    session, _ = established(DONE, SECOND)
    session.next_post()
    session.receive(say(m.Fault.of(8001), "2", hold=True), 0.0)
    assert posted(session) is None
    session.receive(b"", 0.0)
    assert posted(session) == SECOND


@pytest.mark.rule("4.1-6", "4.1-9")
def test_requests_of_an_acs_that_holds_go_before_those_of_the_cpe() -> None:
    session, _ = established(DONE, hold=True)
    assert posted(session) is None
    for number in range(3):
        session.receive(say(m.GetRPCMethods(), str(number), hold=True), 0.0)
        assert isinstance(posted(session), m.GetRPCMethodsResponse)
    session.receive(b"", 0.0)
    assert posted(session) == DONE


@pytest.mark.rule("4.1-13")
def test_after_a_hold_the_end_is_an_empty_post_without_hold() -> None:
    session, _ = established(hold=True)
    for _ in range(2):
        assert posted(session) is None
        assert session.state is not State.DONE
        session.receive(b"", 0.0)
    assert session.state is State.DONE


@pytest.mark.rule("4.1-5")
def test_an_acs_that_asks_before_it_answers_is_answered_first() -> None:
    session, device = established(DONE, SECOND)
    assert posted(session) == DONE
    for _ in range(2):
        session.receive(ASKED, 0.0)
        assert isinstance(posted(session), m.GetRPCMethodsResponse)
    assert device.accepted == [INFORM]
    session.receive(say(HEARD, "2"), 0.0)
    assert posted(session) == SECOND
    assert device.accepted == [INFORM, DONE]


def test_an_acs_that_asks_first_and_never_answers_breaks_the_session() -> None:
    session, device = established(DONE)
    session.next_post()
    session.receive(ASKED, 0.0)
    session.next_post()
    with pytest.raises(SessionError, match="an empty message while overtaken"):
        session.receive(b"", 0.0)
    assert device.accepted == [INFORM]


@pytest.mark.rule("4.1-20")
@pytest.mark.parametrize("number", [0, 1, 2, 2**31])
def test_max_envelopes_is_one_whatever_is_said(number: int) -> None:
    session, _ = cpe(DONE)
    session.next_post()
    session.receive(say(m.InformResponse(number)), 0.0)
    assert posted(session) == DONE
    session.receive(say(HEARD, "2"), 0.0)
    assert posted(session) is None


@pytest.mark.rule("4.1-11")
def test_a_request_of_the_acs_is_answered_in_the_very_next_post_and_never_by_an_empty_one() -> None:
    session, _ = established()
    session.next_post()
    for request in (m.GetRPCMethods(), m.Reboot("k"), m.UnknownRequest("X_ACME_Do")):
        session.receive(say(request, "a"), 0.0)
        assert isinstance(posted(session), m.Response)
    session.receive(b"", 0.0)
    assert session.state is State.DONE


@pytest.mark.rule("4.1-7", "4.1-13")
def test_no_request_follows_the_empty_post() -> None:
    session, _ = cpe()
    session.next_post()
    session.receive(say(m.InformResponse()), 0.0)
    assert posted(session) is None
    session.receive(say(m.GetRPCMethods(), "a"), 0.0)
    session.next_post()
    session.receive(b"", 0.0)
    assert session.state is State.DONE


@pytest.mark.rule("3.4-1", "3.4-2")
def test_8005_repeats_the_request_a_few_times() -> None:
    session, device = cpe()
    for attempt in range(MAX_RETRY_REQUESTS):
        assert posted(session) == INFORM
        session.receive(say(m.Fault.of(8005), str(attempt + 1)), 0.0)
    session.next_post()
    with pytest.raises(SessionError, match="8005"):
        session.receive(say(m.Fault.of(8005), str(MAX_RETRY_REQUESTS + 1)), 0.0)
    assert device.accepted == []


@pytest.mark.rule("3.4-1", "4.1-3")
def test_8005_and_then_success() -> None:
    session, device = cpe()
    session.next_post()
    session.receive(say(m.Fault.of(8005)), 0.0)
    session.next_post()
    session.receive(say(m.InformResponse(), "2"), 0.0)
    assert device.accepted == [INFORM]


@pytest.mark.rule("3.4-1")
def test_8005_to_a_later_request_repeats_that_one_a_few_times() -> None:
    session, device = established(DONE, SECOND)
    for request, first in ((DONE, 2), (SECOND, 3 + MAX_RETRY_REQUESTS)):
        for attempt in range(MAX_RETRY_REQUESTS):
            assert posted(session) == request
            session.receive(say(m.Fault.of(8005), str(first + attempt)), 0.0)
        assert posted(session) == request
        session.receive(say(HEARD, str(first + MAX_RETRY_REQUESTS)), 0.0)
    assert device.accepted == [INFORM, DONE, SECOND]


@pytest.mark.rule("3.4-2")
def test_8005_without_an_end_breaks_the_session() -> None:
    session, device = established(DONE)
    for attempt in range(MAX_RETRY_REQUESTS):
        session.next_post()
        session.receive(say(m.Fault.of(8005), str(2 + attempt)), 0.0)
    session.next_post()
    with pytest.raises(SessionError, match="again and again"):
        session.receive(say(m.Fault.of(8005), str(2 + MAX_RETRY_REQUESTS)), 0.0)
    assert device.accepted == [INFORM]


@pytest.mark.rule("3.4-4")
def test_after_a_fault_the_next_request_comes() -> None:
    session, device = established(DONE, SECOND)
    assert posted(session) == DONE
    session.receive(say(m.Fault.of(8000), "2"), 0.0)
    assert posted(session) == SECOND
    session.receive(say(HEARD, "3"), 0.0)
    assert (device.accepted, device.rejected) == ([INFORM, SECOND], [DONE])


@pytest.mark.rule("3.4-5")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (say(HEARD, "9"), "cwmp:ID"),
        (say(m.KickedResponse(""), "2"), "KickedResponse in answer to TransferComplete"),
        (say(m.UnknownResponse("DoResponse"), "2"), "DoResponse in answer to TransferComplete"),
        (b"", "an empty message while requesting"),
    ],
)
def test_a_wrong_answer_to_a_later_request_aborts(answer: bytes, reason: str) -> None:
    session, device = established(DONE)
    session.next_post()
    with pytest.raises(SessionError, match=reason):
        session.receive(answer, 0.0)
    assert (session.state, session.next_post()) == (State.ABORTED, None)
    assert device.accepted == [INFORM]


@pytest.mark.rule("3.4-5")
@pytest.mark.parametrize(
    "rubbish",
    [
        b"<Envelope/>",
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
        say(m.InformResponse())[:-9],
    ],
)
def test_what_is_no_whole_envelope_aborts(rubbish: bytes) -> None:
    session, device = cpe()
    session.next_post()
    with pytest.raises(EnvelopeError):
        session.receive(rubbish, 0.0)
    assert (session.state, device.accepted) == (State.ABORTED, [])


@pytest.mark.rule("3.4-4")
def test_a_fault_to_a_later_request_is_no_end() -> None:
    session, device = cpe(DONE)
    session.next_post()
    session.receive(say(m.InformResponse()), 0.0)
    session.next_post()
    session.receive(say(m.Fault.of(8000), "2"), 0.0)
    assert posted(session) is None
    assert device.accepted == [INFORM]


@pytest.mark.rule("3.4-3", "3.4-5", "4.1-2", "4.1-16")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (say(m.Fault.of(8001)), "Fault 8001 in answer to Inform"),
        (say(m.InformResponse(), "nonsense"), "cwmp:ID"),
        (say(m.RebootResponse()), "RebootResponse in answer to Inform"),
        (say(m.GetRPCMethods()), "a request while informing"),
        (b"", "an empty message while informing"),
        (b"  \r\n", "an empty message while informing"),
    ],
)
def test_a_wrong_answer_to_the_inform_aborts(answer: bytes, reason: str) -> None:
    session, device = cpe()
    session.next_post()
    with pytest.raises(SessionError, match=reason):
        session.receive(answer, 0.0)
    assert (session.state, session.next_post()) == (State.ABORTED, None)
    assert device.accepted == []


@pytest.mark.rule("3.4-5")
def test_rubbish_aborts() -> None:
    session, _ = cpe()
    session.next_post()
    with pytest.raises(EnvelopeError):
        session.receive(b"<html>", 0.0)
    assert session.state is State.ABORTED


def test_a_missing_id_is_taken_and_a_wrong_one_if_asked() -> None:
    for id_, check in ((None, True), ("null", False)):
        session, _ = cpe(check_id=check)
        session.next_post()
        session.receive(say(m.InformResponse(), id_), 0.0)
        assert session.established


@pytest.mark.rule("3.4-5")
def test_an_answer_to_nothing_aborts() -> None:
    session, _ = cpe()
    session.next_post()
    session.receive(say(m.InformResponse()), 0.0)
    session.next_post()
    with pytest.raises(SessionError, match="the response while listening"):
        session.receive(say(m.InformResponse()), 0.0)


@pytest.mark.rule("4.1-19")
def test_abort_ends_it() -> None:
    session, _ = cpe()
    session.abort()
    assert session.next_post() is None


@pytest.mark.rule("3.4-7", "4.1-1")
def test_the_acs_refuses_what_is_out_of_turn() -> None:
    acs = ACSSession(ScriptedACS())
    with pytest.raises(SessionError, match="a request while informing"):
        acs.receive(say(DONE))
    acs = ACSSession(ScriptedACS())
    acs.receive(say(INFORM))
    with pytest.raises(SessionError, match="the response while listening"):
        acs.receive(say(m.RebootResponse()))
    acs = ACSSession(ScriptedACS([m.Reboot()]))
    acs.receive(say(INFORM))
    acs.receive(b"")
    with pytest.raises(SessionError, match="FactoryResetResponse in answer to Reboot"):
        acs.receive(say(m.FactoryResetResponse()))


@pytest.mark.rule("3.3-3", "8-12")
def test_the_acs_answers_8000_to_what_it_does_not_know() -> None:
    acs = ACSSession(ScriptedACS(answers={}))
    acs.receive(say(INFORM))
    assert decode(acs.receive(say(m.Kicked("a", "b", "c", "d"), "9"))) == Envelope(
        m.Fault.of(8000), "9"
    )


@pytest.mark.rule("4.1-2")
def test_a_refused_inform_ends_the_session_of_the_acs() -> None:
    acs = ACSSession(ScriptedACS(answers={m.Inform: m.Fault.of(8001)}))
    assert decode(acs.receive(say(INFORM))).message == m.Fault.of(8001)
    assert acs.state is State.DONE


@pytest.mark.rule("4.1-27")
def test_the_table_has_every_state_of_the_cpe() -> None:
    assert set(State) == set(TRANSITIONS[Role.CPE])
    for table in TRANSITIONS.values():
        for triggers in table.values():
            assert set(triggers) <= set(Trigger)


ANSWERS = st.sampled_from(
    [
        "inform response",
        "response",
        "fault",
        "retry",
        "request",
        "hold",
        "empty",
        "rubbish",
        "wrong id",
    ]
)


@pytest.mark.rule("4.1-3", "4.1-5", "4.1-7", "4.1-11", "4.1-27")
@given(st.lists(ANSWERS, max_size=25), st.integers(0, 3))
def test_any_answers_end_the_session_or_leave_it_waiting(script: list[str], own: int) -> None:
    """Whatever an ACS answers: two exceptions, each delivery once, no request too late."""
    session, device = cpe(*[DONE] * own)
    previous, finished, sent = "", False, []
    for answer in script:
        body = session.next_post()
        if body is None:
            break
        message = decode(body).message if body else None
        assert not (finished and isinstance(message, m.Request)), "a request after the empty POST"
        finished = finished or (message is None and previous != "hold")
        sent.append(message)
        previous = answer
        try:
            session.receive(_answer(answer, body), 0.0)
        except (SessionError, EnvelopeError):
            assert session.state is State.ABORTED
    assert device.accepted.count(INFORM) <= 1
    assert len(device.accepted) <= 1 + own
    if session.state is State.DONE:
        assert (sent[0], finished) == (INFORM, True)


def _answer(kind: str, body: bytes) -> bytes:
    envelope = decode(body) if body else Envelope(m.GetRPCMethods(), "x")
    message = envelope.message
    response = m.TransferCompleteResponse() if message == DONE else m.InformResponse()
    answers: dict[str, bytes] = {
        "inform response": say(m.InformResponse(), envelope.id),
        "response": say(response, envelope.id),
        "fault": say(m.Fault.of(8002), envelope.id),
        "retry": say(m.Fault.of(8005), envelope.id),
        "request": say(m.GetRPCMethods(), "acs"),
        "hold": say(response, envelope.id, hold=True),
        "empty": b"",
        "rubbish": b"<html>",
        "wrong id": say(response, "wrong"),
    }
    return answers[kind]


@pytest.mark.rule("4.1-11", "4.1-12", "4.1-13", "4.1-17")
@given(st.integers(0, 10**6))
def test_two_sessions_joined_always_end(seed: int) -> None:
    chance = Random(seed)
    asked = [m.GetRPCMethods(), m.Reboot("k"), m.ScheduleInform(3), m.GetParameterValues(("A.",))]
    acs_side = ScriptedACS(chance.choices(asked, k=chance.randrange(5)))
    expected = len(acs_side.requests)
    session, device = cpe(*[DONE] * chance.randrange(3))
    acs = ACSSession(acs_side)
    join(session, acs)
    assert (session.state, acs.state) == (State.DONE, State.DONE)
    assert expected == len(acs_side.responses) == len(device.acs_requests)


@pytest.mark.rule("4.1-20")
def test_max_envelopes_is_one_whatever_the_acs_says() -> None:
    session, _ = cpe(DONE)
    session.next_post()
    session.receive(say(m.InformResponse(5)), 0.0)
    assert posted(session) == DONE


@pytest.mark.rule("4.1-3")
def test_an_inform_is_never_sent_twice() -> None:
    session, _ = cpe()
    acs_side = ScriptedACS([m.GetRPCMethods()] * 3)
    assert join(session, ACSSession(acs_side)).count("Inform") == 1
