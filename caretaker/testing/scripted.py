"""Both ends of a session by script: what they ask and answer is given, what they hear is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError

Answers = Mapping[type[m.Request], m.Response]
"""The response to each method; a ``Fault`` is one, too."""

ACS_ANSWERS: Answers = {
    m.GetRPCMethods: m.GetRPCMethodsResponse(("Inform",)),
    m.TransferComplete: m.TransferCompleteResponse(),
    m.AutonomousTransferComplete: m.AutonomousTransferCompleteResponse(),
    m.RequestDownload: m.RequestDownloadResponse(),
    m.Kicked: m.KickedResponse("http://acs.example/next"),
    m.DUStateChangeComplete: m.DUStateChangeCompleteResponse(),
    m.AutonomousDUStateChangeComplete: m.AutonomousDUStateChangeCompleteResponse(),
}
"""What a scripted ACS answers to the methods a CPE may call (TR-069 A.3.3, A.4.2)."""


def _answer(answers: Answers, request: m.Request, default: m.Response) -> m.Response:
    """The answer to a request; raises FaultError where that is a Fault."""
    answer = answers.get(type(request), default)
    if isinstance(answer, m.Fault):
        raise FaultError(answer.fault_code, answer.fault_string)
    return answer


class ScriptedACS:
    """
    The ACS of one session, for an ``ACSSession``.

    Args:
        requests: what it asks of the CPE, one after the other.
        answers: its responses to the CPE's requests; 8000 (method not supported) to others. A
            ``Fault`` for ``Inform`` refuses the session.
    """

    def __init__(self, requests: Iterable[m.Request] = (), answers: Answers = ACS_ANSWERS) -> None:
        self.requests = list(requests)
        """What it has still to ask."""
        self.answers = answers
        self.informs: list[m.Inform] = []
        self.cpe_requests: list[m.Request] = []
        """The CPE's requests except the Inform."""
        self.responses: list[m.Response] = []
        """The CPE's responses, faults too, in the order of the requests."""

    @property
    def last_inform(self) -> m.Inform:
        """The Inform that opened the session."""
        return self.informs[-1]

    @property
    def events(self) -> list[str]:
        """The event codes of that Inform: ``["0 BOOTSTRAP", "1 BOOT"]``."""
        return [event.event_code for event in self.last_inform.event]

    def inform(self, inform: m.Inform) -> None:
        """Keep the Inform, and accept the session unless ``answers`` has a fault for it."""
        self.informs.append(inform)
        _answer(self.answers, inform, m.InformResponse())

    def answer(self, request: m.Request) -> m.Response:
        """Keep a request of the CPE, and answer as ``answers`` says."""
        self.cpe_requests.append(request)
        return _answer(self.answers, request, m.Fault.of(FaultCode.ACS_METHOD_NOT_SUPPORTED))

    def next_request(self) -> m.Request | None:
        """The next request of the script; None ends the session."""
        return self.requests.pop(0) if self.requests else None

    def responded(self, response: m.Response) -> None:
        """Keep the CPE's response to the last request."""
        self.responses.append(response)


class ScriptedCPE:
    """
    The device behind a ``CPESession``: for answers that no real profile would give.

    Args:
        answers: its responses to the ACS's requests; 9000 (method not supported) to others.
    """

    def __init__(self, answers: Answers | None = None) -> None:
        self.answers = answers or {}
        self.acs_requests: list[m.Request] = []
        """The ACS's requests, in order."""
        self.accepted: list[m.Request] = []
        """The Inform and its own requests that the ACS has answered with success."""
        self.rejected: list[m.Request] = []
        """Its own requests that the ACS has answered with a fault."""

    def answer(self, request: m.Request, _: float) -> m.Response:
        """Keep a request of the ACS, and answer as ``answers`` says."""
        self.acs_requests.append(request)
        return _answer(self.answers, request, m.Fault.of(FaultCode.METHOD_NOT_SUPPORTED))

    def delivered(self, request: m.Request, _: float) -> None:
        """Keep a request that the ACS has accepted."""
        self.accepted.append(request)

    def refused(self, request: m.Request, _: float) -> None:
        """Keep a request that the ACS has answered with a fault."""
        self.rejected.append(request)
