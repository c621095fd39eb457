"""Whole sessions between scripted ends."""

from __future__ import annotations

import pytest

from caretaker.cwmp import ACSSession, CPESession
from caretaker.cwmp import messages as m
from caretaker.cwmp.session import State
from caretaker.errors import EnvelopeError, SessionError
from caretaker.http.transport import Answer
from caretaker.testing import (
    FunctionTransport,
    ScriptedACS,
    ScriptedCPE,
    Transcript,
    play_session,
)

INFORM = m.Inform(m.DeviceIdStruct("Acme", "00AABB", "R", "S1"), (m.EventStruct("1 BOOT"),))
READ = m.GetParameterValues(("Device.X",))
VALUES = m.GetParameterValuesResponse((m.ParameterValueStruct("Device.X", "7"),))


def joined(acs: ScriptedACS, cpe: ScriptedCPE, *requests: m.Request) -> Transcript:
    """A session between these two ends, in which the CPE has requests of its own."""
    other = ACSSession(acs)
    return play_session(CPESession(INFORM, cpe, requests), FunctionTransport(other.receive))


def test_what_each_end_asks_the_other_hears() -> None:
    acs, cpe = ScriptedACS([READ, m.Reboot("k")]), ScriptedCPE({m.GetParameterValues: VALUES})
    transcript = joined(acs, cpe, m.TransferComplete("key"))
    assert (acs.last_inform, acs.events) == (INFORM, ["1 BOOT"])
    assert acs.cpe_requests == [m.TransferComplete("key")]
    assert acs.responses == [VALUES, m.Fault.of(9000)]
    assert cpe.acs_requests == [READ, m.Reboot("k")]
    assert (cpe.accepted, cpe.rejected) == ([INFORM, m.TransferComplete("key")], [])
    assert transcript.names == [
        "Inform", "TransferComplete", "(empty)", "GetParameterValuesResponse", "Fault",
    ]  # fmt: skip


def test_a_transcript_says_what_went_over_the_wire() -> None:
    transcript = joined(ScriptedACS([READ]), ScriptedCPE({m.GetParameterValues: VALUES}))
    assert (transcript.inform, transcript.events) == (INFORM, ["1 BOOT"])
    assert (transcript.requests, transcript.responses) == ([READ], [VALUES])
    assert (transcript.posts[1], transcript.replies[-1]) == (b"", b"")


def test_a_fault_in_the_script_is_the_answer() -> None:
    acs = ScriptedACS([READ], answers={m.TransferComplete: m.Fault.of(8003)})
    cpe = ScriptedCPE({m.GetParameterValues: m.Fault.of(9005)})
    joined(acs, cpe, m.TransferComplete("key"), m.GetRPCMethods())
    assert acs.responses == [m.Fault.of(9005)]
    assert cpe.rejected == [m.TransferComplete("key"), m.GetRPCMethods()]


def test_an_acs_can_refuse_the_inform() -> None:
    with pytest.raises(SessionError, match="Fault 8001 in answer to Inform"):
        joined(ScriptedACS(answers={m.Inform: m.Fault.of(8001)}), ScriptedCPE())


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (Answer(503, b""), SessionError, "HTTP 503 in answer to Inform"),
        (Answer(200, b"<x>"), EnvelopeError, "not well-formed"),
        (Answer(204, b""), SessionError, "an empty message while informing"),
    ],
)
def test_a_session_that_fails_says_why_and_is_over(
    answer: Answer, error: type[Exception], reason: str
) -> None:
    session = CPESession(INFORM, ScriptedCPE())
    transport = FunctionTransport(lambda _: answer)
    with pytest.raises(error, match=reason):
        play_session(session, transport)
    assert (session.state, session.next_post()) == (State.ABORTED, None)
    assert transport.closed
