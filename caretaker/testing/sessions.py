"""Whole sessions in one call: posts go to any transport, and a transcript comes back."""

from __future__ import annotations

from dataclasses import dataclass, field

from caretaker.cwmp import CPESession, decode
from caretaker.cwmp import messages as m
from caretaker.errors import SessionError
from caretaker.http.transport import Transport


def _message(body: bytes) -> m.Message | None:
    return decode(body).message if body.strip() else None


@dataclass(slots=True)
class Transcript:
    """
    What went over the wire in one session, in order.

    Args:
        names: of what the CPE posted: ``Inform``, ``(empty)``, ``GetParameterValuesResponse``.
        posts: the bodies that the CPE posted, empty for the empty POST.
        replies: the bodies of the ACS's answers, empty for 204.
    """

    names: list[str] = field(default_factory=list)
    posts: list[bytes] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)

    @property
    def inform(self) -> m.Inform:
        """The Inform that opened the session."""
        inform = _message(self.posts[0])
        assert isinstance(inform, m.Inform)
        return inform

    @property
    def events(self) -> list[str]:
        """The event codes of the Inform: ``["0 BOOTSTRAP", "1 BOOT"]``."""
        return [event.event_code for event in self.inform.event]

    @property
    def requests(self) -> list[m.Request]:
        """What the ACS asked of the CPE."""
        messages = map(_message, self.replies)
        return [message for message in messages if isinstance(message, m.Request)]

    @property
    def responses(self) -> list[m.Response]:
        """What the CPE answered to the ACS's requests, faults too."""
        messages = map(_message, self.posts)
        return [message for message in messages if isinstance(message, m.Response)]


def play_session(session: CPESession, transport: Transport, now: float = 0.0) -> Transcript:
    """
    Play a CPE's session to its end.

    Two ends are joined without a network by
    ``play_session(cpe_session, FunctionTransport(acs_session.receive))``.

    Args:
        session: the CPE's side.
        transport: where its POSTs go; it is closed in any case.
        now: the time in seconds, handed to the device behind the session.

    Raises:
        TransportError: there is no answer.
        EnvelopeError: the answer can't be read.
        SessionError: the answer may not come now, or its HTTP status is neither 200 nor 204.
    """
    transcript = Transcript()
    try:
        while (body := session.next_post()) is not None:
            answer = transport.post(body)
            transcript.names.append(session.name)
            transcript.posts.append(body)
            transcript.replies.append(answer.body)
            if answer.status not in (200, 204):
                raise SessionError(f"HTTP {answer.status} in answer to {session.name}")
            session.receive(answer.body, now)
    finally:
        session.abort()  # of no effect on a session that has come to its end
        transport.close()
    return transcript
