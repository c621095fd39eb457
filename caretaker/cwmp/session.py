"""
The CWMP session, both roles, without I/O (TR-069 3.7).

Theory of operation
-------------------

A session is a row of HTTP exchanges, each begun by the CPE. Whatever the ACS has to say travels in
the answers, so the two ends see the same row from two sides:

* the **CPE** has something to POST (``next_post``) and takes what came back (``receive``);
* the **ACS** takes what was POSTed (``receive``) and returns what to answer.

All that decides "what may come next" is in ``TRANSITIONS``: role -> state -> trigger -> state.
A trigger that is missing there breaks the session, with a reason that names state and trigger.
Two sessions can be joined in a test with no network between them.

The CPE's states follow from a few rules of TR-069 3.7.1:

* The CPE may send requests of its own only before its (last) empty POST: ``READY``,
  ``REQUESTING``.
* Under HoldRequests it must POST empty although it has requests waiting: ``ON_HOLD``; an empty
  answer ends the hold.
* An ACS may send a request before it has answered the CPE's. The CPE answers that one first, and
  sends no other request until its own is answered: ``ANSWERING_WHILE_REQUESTING``.
* After an empty POST without hold it only listens and answers: ``LISTENING``, ``ANSWERING``; the
  first empty answer ends the session.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode, encode, encode_message
from caretaker.cwmp.envelope import CWMP_1_0, Envelope
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError, SessionError

MAX_RETRY_REQUESTS = 5
"""How often a request is repeated when the ACS answers 8005; no number is in the standard."""


class Role(enum.Enum):
    """The two ends of a session."""

    __hash__ = object.__hash__

    CPE = "CPE"
    ACS = "ACS"


class State(enum.Enum):
    """Where a session is; the values are the words of error reasons (``... while listening``)."""

    __hash__ = object.__hash__  # members are looked up several times a session

    INFORMING = "informing"
    """CPE: the Inform is out (3.7.1.1). ACS: the Inform is awaited (3.7.2)."""
    READY = "ready"
    """CPE: nothing is outstanding, and it may send a request (3.7.1.3)."""
    REQUESTING = "requesting"
    """CPE: its request is out (3.7.1.3)."""
    ANSWERING_WHILE_REQUESTING = "overtaken"
    """CPE: its answer to a request of the ACS is out, its own request is unanswered (3.7.1.2)."""
    ON_HOLD = "held"
    """CPE: an empty POST is out, as the ACS has set HoldRequests (3.7.1.3)."""
    ANSWERING_ON_HOLD = "answering, held"
    """CPE: its answer to a request of the ACS is out; requests of its own may follow (3.7.1.2)."""
    LISTENING = "listening"
    """CPE: its last empty POST is out (3.7.1.3). ACS: the next POST is awaited (3.7.2)."""
    ANSWERING = "answering"
    """CPE: its answer is out, and it has no more requests (3.7.1.2). ACS: its request is out."""
    DONE = "done"
    """Both: the session has ended as it should (3.7.1.4)."""
    ABORTED = "aborted"
    """Both: the session was cut off: a broken rule, an error status, a lost connection."""


class Trigger(enum.Enum):
    """What the peer can send; the values are the words of error reasons."""

    __hash__ = object.__hash__

    INFORM = "an Inform"
    INFORM_RESPONSE = "an InformResponse"
    REQUEST = "a request"
    RESPONSE = "the response"
    FAULT = "a Fault"
    RETRY = "a Fault 8005"
    EMPTY = "an empty message"


_S, _T = State, Trigger

TRANSITIONS: dict[Role, dict[State, dict[Trigger, State]]] = {
    Role.CPE: {
        _S.INFORMING: {_T.INFORM_RESPONSE: _S.READY, _T.RETRY: _S.INFORMING},
        _S.READY: {},
        _S.REQUESTING: {
            _T.RESPONSE: _S.READY,
            _T.FAULT: _S.READY,
            _T.RETRY: _S.REQUESTING,
            _T.REQUEST: _S.ANSWERING_WHILE_REQUESTING,
        },
        _S.ANSWERING_WHILE_REQUESTING: {
            _T.RESPONSE: _S.READY,
            _T.FAULT: _S.READY,
            _T.RETRY: _S.REQUESTING,
            _T.REQUEST: _S.ANSWERING_WHILE_REQUESTING,
        },
        _S.ON_HOLD: {_T.REQUEST: _S.ANSWERING_ON_HOLD, _T.EMPTY: _S.READY},
        _S.ANSWERING_ON_HOLD: {_T.REQUEST: _S.ANSWERING_ON_HOLD, _T.EMPTY: _S.READY},
        _S.LISTENING: {_T.REQUEST: _S.ANSWERING, _T.EMPTY: _S.DONE},
        _S.ANSWERING: {_T.REQUEST: _S.ANSWERING, _T.EMPTY: _S.DONE},
        _S.DONE: {},
        _S.ABORTED: {},
    },
    # ANSWERING is entered when the ACS has a request to send; without one it ends the session.
    Role.ACS: {
        _S.INFORMING: {_T.INFORM: _S.LISTENING},
        _S.LISTENING: {_T.REQUEST: _S.LISTENING, _T.EMPTY: _S.ANSWERING},
        _S.ANSWERING: {_T.RESPONSE: _S.ANSWERING, _T.FAULT: _S.ANSWERING},
        _S.DONE: {_T.EMPTY: _S.DONE},
        _S.ABORTED: {},
    },
}
_OF_CPE, _OF_ACS = TRANSITIONS[Role.CPE], TRANSITIONS[Role.ACS]


class CPEApplication(Protocol):
    """What a CPE's session needs of the device behind it."""

    def answer(self, request: m.Request, now: float) -> m.Response:
        """The response to a request of the ACS; raises FaultError to answer with a fault."""

    def delivered(self, request: m.Request, now: float) -> None:
        """The ACS has answered a request of ours (Inform, TransferComplete, ...) with success."""

    def refused(self, request: m.Request, now: float) -> None:
        """The ACS has answered a request of ours, the Inform never, with a fault."""


class ACSApplication(Protocol):
    """What an ACS's session needs of the ACS behind it."""

    def inform(self, inform: m.Inform) -> None:
        """A CPE opens a session; raises FaultError to refuse it."""

    def answer(self, request: m.Request) -> m.Response:
        """The response to a request of the CPE; raises FaultError to answer with a fault."""

    def next_request(self) -> m.Request | None:
        """The next request to the CPE, None when there is no more."""

    def responded(self, response: m.Response) -> None:
        """The CPE has answered the last request, maybe with a Fault."""


_UNKNOWN = (m.UnknownRequest, m.UnknownResponse)


def _name(message: m.Message) -> str:
    if isinstance(message, _UNKNOWN):
        return message.name
    return type(message).__name__


class CPESession:
    """
    One session, seen from the CPE.

    Args:
        inform: the first message; None where ``skip_inform`` is called at once.
        device: answers the requests of the ACS.
        requests: the CPE's own requests, in the order to send them.
        namespace: of the messages that the CPE begins; answers use that of the request.
        check_id: whether an answer must carry the cwmp:ID of its request. The standard says so;
            some ACSs (Magma's enodebd) send another.
        inform_header: header fields of the Inform's envelope, by the names of ``Envelope``.
    """

    __slots__ = (
        "_answer",
        "_check_id",
        "_device",
        "_hold",
        "_inform_header",
        "_namespace",
        "_next_id",
        "_outstanding",
        "_repeats",
        "_requests",
        "name",
        "state",
    )

    def __init__(
        self,
        inform: m.Inform | None,
        device: CPEApplication,
        requests: Iterable[m.Request] = (),
        namespace: str = CWMP_1_0,
        *,
        check_id: bool = True,
        inform_header: Mapping[str, Any] | None = None,
    ) -> None:
        self.state = State.INFORMING
        self.name = ""
        self._device = device
        self._requests = tuple(requests)
        self._namespace = namespace
        self._check_id = check_id
        self._inform_header = inform_header or {}
        self._outstanding: m.Request | None = inform
        self._answer: Envelope | None = None
        self._hold = False
        self._next_id = 0
        self._repeats = 0

    def skip_inform(self) -> None:
        """Begin where the ACS has accepted the Inform, and the empty POST is next."""
        self.state, self._outstanding, self._next_id = State.READY, None, 1

    def skip_answers(self, name: str) -> None:
        """Go on after the empty POST where the answer to a request of the ACS, so named, is out."""
        self.state, self.name = State.ANSWERING, name

    @property
    def established(self) -> bool:
        """Whether the ACS has accepted the Inform."""
        return self.state not in (State.INFORMING, State.ABORTED)

    @property
    def answering(self) -> bool:
        """Whether the next or last POST is the answer to a request of the ACS."""
        return self.state in (State.ANSWERING, State.ANSWERING_ON_HOLD)

    def next_post(self) -> bytes | None:
        """
        The body of the next POST (``b""`` is the empty POST), None when the session is over.

        ``name`` is the message's name then, or ``(empty)``; statistics count by it.
        """
        if self.state in (State.DONE, State.ABORTED):
            return None
        if self._answer is not None:
            envelope, self._answer = self._answer, None
            self.name = _name(envelope.message)
            return encode(envelope)
        if self.state is State.READY:
            self._choose_next()
        return self._post_outstanding()

    def _choose_next(self) -> None:
        if self._hold:
            self.state = State.ON_HOLD
        elif self._requests:
            self._outstanding, *rest = self._requests
            self._requests = tuple(rest)
            self.state = State.REQUESTING
        else:
            self.state = State.LISTENING

    def _post_outstanding(self) -> bytes:
        if self._outstanding is None:
            self.name = "(empty)"
            return b""
        self.name = _name(self._outstanding)
        self._next_id += 1
        id_ = str(self._next_id)
        if self._inform_header and isinstance(self._outstanding, m.Inform):
            envelope = Envelope(self._outstanding, id_, self._namespace, **self._inform_header)
            return encode(envelope)
        return encode_message(self._outstanding, id_, self._namespace)

    def receive(self, body: bytes, now: float) -> None:
        """
        Take the answer to the last POST.

        Args:
            body: of the HTTP response, empty for 204 or an empty 200.
            now: the present time in seconds, handed on to the device.

        Raises:
            EnvelopeError: the answer can't be read.
            SessionError: it is not what may come now. After either, the session is aborted.
        """
        state, self.state = self.state, State.ABORTED
        envelope = decode(body) if body.strip() else None
        trigger = self._trigger(envelope)
        following = _OF_CPE[state].get(trigger)
        if following is None:
            raise SessionError(self._violation(state, trigger, envelope))
        self._hold = envelope is not None and envelope.hold_requests
        self._act(trigger, envelope, now)
        self.state = following

    def _trigger(self, envelope: Envelope | None) -> Trigger:
        if envelope is None:
            return Trigger.EMPTY
        message = envelope.message
        if isinstance(message, m.Request):
            return Trigger.REQUEST
        if self._outstanding is None:
            return Trigger.FAULT if isinstance(message, m.Fault) else Trigger.RESPONSE
        if self._check_id and envelope.id is not None:
            self._check_answer_id(envelope.id)
        if isinstance(message, m.Fault):
            retry = message.fault_code == FaultCode.ACS_RETRY_REQUEST
            return Trigger.RETRY if retry else Trigger.FAULT
        if not isinstance(message, self._outstanding.response):
            raise SessionError(f"{_name(message)} in answer to {_name(self._outstanding)}")
        is_inform = isinstance(message, m.InformResponse)
        return Trigger.INFORM_RESPONSE if is_inform else Trigger.RESPONSE

    def _check_answer_id(self, envelope_id: str) -> None:
        if envelope_id.strip() != str(self._next_id):
            raise SessionError("answer with a cwmp:ID that is not the request's")

    def _violation(self, state: State, trigger: Trigger, envelope: Envelope | None) -> str:
        if trigger is Trigger.FAULT and envelope is not None:
            assert isinstance(envelope.message, m.Fault)
            return f"Fault {envelope.message.fault_code} in answer to {self.name}"
        return f"{trigger.value} while {state.value}"

    def _act(self, trigger: Trigger, envelope: Envelope | None, now: float) -> None:
        if trigger is Trigger.REQUEST:
            assert envelope is not None
            self._answer = self._answer_to(envelope, now)
        elif trigger is Trigger.RETRY:
            self._repeats += 1
            if self._repeats > MAX_RETRY_REQUESTS:
                raise SessionError("Fault 8005 again and again")
        elif self._outstanding is not None:
            request, self._outstanding, self._repeats = self._outstanding, None, 0
            device = self._device
            (device.refused if trigger is Trigger.FAULT else device.delivered)(request, now)

    def _answer_to(self, envelope: Envelope, now: float) -> Envelope:
        """The answer in the namespace and with the ID of the request (TR-069 3.5)."""
        assert isinstance(envelope.message, m.Request)
        try:
            message = self._device.answer(envelope.message, now)
        except FaultError as error:
            message = m.Fault.of(error.fault_code, error.fault_string)
        return Envelope(message, envelope.id, envelope.namespace or self._namespace)

    def abort(self) -> None:
        """End the session: the connection is lost, an error status came, the power is off."""
        if self.state is not State.DONE:
            self.state = State.ABORTED


def is_inform(message: m.Message) -> bool:
    """Whether a message is an Inform, also one whose arguments can't be read."""
    return isinstance(message, m.Inform) or (
        isinstance(message, m.UnreadableRequest) and message.name == m.Inform.__name__
    )


class ACSSession:
    """
    One session, seen from the ACS.

    Args:
        controller: the ACS behind the session.
    """

    __slots__ = ("_controller", "_namespace", "_next_id", "_outstanding", "state")

    def __init__(self, controller: ACSApplication) -> None:
        self.state = State.INFORMING
        self._controller = controller
        self._namespace = CWMP_1_0
        self._next_id = 0
        self._outstanding: m.Request | None = None

    def receive(self, body: bytes) -> bytes:
        """
        The body that answers this POST; ``b""`` stands for 204.

        Raises:
            EnvelopeError: the body can't be read.
            SessionError: it is not what may come now. After either, the session is aborted.
        """
        state, self.state = self.state, State.ABORTED
        envelope = decode(body) if body.strip() else None
        self.state = state
        return self.take(envelope)

    def take(self, envelope: Envelope | None) -> bytes:
        """As ``receive``, of a body that is decoded already; None is the empty POST."""
        state, self.state = self.state, State.ABORTED
        trigger = self._trigger(envelope)
        following = _OF_ACS[state].get(trigger)
        if following is None:
            raise SessionError(f"{trigger.value} while {state.value}")
        self.state = following
        if envelope is None:
            return b"" if following is State.DONE else self._ask()
        self._namespace = envelope.namespace
        if isinstance(envelope.message, m.Request):
            return self._answer(envelope, envelope.message)
        assert isinstance(envelope.message, m.Response)
        self._outstanding = None
        self._controller.responded(envelope.message)
        return self._ask()

    def _trigger(self, envelope: Envelope | None) -> Trigger:
        if envelope is None:
            return Trigger.EMPTY
        message = envelope.message
        if is_inform(message):
            return Trigger.INFORM
        if isinstance(message, m.Request):
            return Trigger.REQUEST
        if isinstance(message, m.Fault):
            return Trigger.FAULT
        if self._outstanding is not None and not isinstance(message, self._outstanding.response):
            raise SessionError(f"{_name(message)} in answer to {_name(self._outstanding)}")
        return Trigger.RESPONSE

    def _answer(self, envelope: Envelope, request: m.Request) -> bytes:
        try:
            message = self._respond(request)
        except FaultError as error:
            message = m.Fault.of(error.fault_code, error.fault_string)
            if is_inform(request):
                self.state = State.DONE
        return encode_message(message, envelope.id, envelope.namespace)

    def _respond(self, request: m.Request) -> m.Response:
        if isinstance(request, m.Inform):
            self._controller.inform(request)
            return m.InformResponse()
        if is_inform(request):
            raise FaultError(FaultCode.ACS_INVALID_ARGUMENTS)
        return self._controller.answer(request)

    def _ask(self) -> bytes:
        request = self._controller.next_request()
        if request is None:
            self.state = State.DONE
            return b""
        self._outstanding = request
        self._next_id += 1
        return encode_message(request, str(self._next_id), self._namespace)
