"""
The stream of a client, without I/O: bytes in, bytes out, and events (RFC 6120).

``receive`` takes what has come and returns events; ``data_to_send`` has what is to be sent. The
states follow each other as in ``HANDLERS``: a stanza that has no handler in its state is passed
over when it is harmless, and ends the stream when the login can't go on with it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

from lxml import etree

from caretaker.errors import SASLError, StreamError
from caretaker.xmpp.conditions import (
    SASL_CONDITIONS,
    STANZA_CONDITIONS,
    STREAM_CONDITIONS,
    condition_of,
)
from caretaker.xmpp.iq import answer_of, error_to, request_of, result_to
from caretaker.xmpp.jid import MAX_JID
from caretaker.xmpp.namespaces import (
    BIND,
    CLIENT,
    ERROR_TAG,
    FEATURES_TAG,
    IQ_TAG,
    PING,
    SASL,
    STANZAS,
    STREAM_ERRORS,
    STREAMS,
    TLS,
)
from caretaker.xmpp.scram import SaltedKeys, Scram, plain
from caretaker.xmpp.stream_events import (
    Bound,
    ConnectionRequest,
    Ended,
    EndKind,
    Event,
    StartTLS,
)
from caretaker.xmpp.stream_parser import StreamParser
from caretaker.xmpp.xml_text import attribute, text

SCRAM_SHA_1, PLAIN = "SCRAM-SHA-1", "PLAIN"
_BIND_ID = "bind"


class Account(NamedTuple):
    """
    An account of a server, and the resource to ask for; empty: the server chooses one.

    ``repr`` leaves the password out.
    """

    username: str
    password: str
    domain: str
    resource: str = ""

    def __repr__(self) -> str:
        """User name and domain."""
        return f"Account({self.username!r}, domain={self.domain!r})"


class State(StrEnum):
    """Where a stream stands."""

    OPENING = "opening"
    """The header is sent, the server's features are awaited."""
    ASKING_TLS = "asking TLS"
    SECURING = "securing"
    """TLS begins; nothing of the stream is read."""
    AUTHENTICATING = "authenticating"
    AUTHENTICATED = "authenticated"
    """The header is sent once more, the features for clients are awaited."""
    BINDING = "binding"
    BOUND = "bound"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """
    How clients log in.

    Args:
        mechanism: of SASL, ``SCRAM-SHA-1`` or ``PLAIN``; no other is used instead.
        allow_clear: whether a login without TLS is allowed where neither side asks for TLS.
        keys: of SCRAM, kept for all clients.
    """

    mechanism: str
    allow_clear: bool
    keys: SaltedKeys


class ClientStream:
    """
    One stream of a client; what it has to send at first is the stream's header.

    Args:
        account: to log in with.
        settings: how.
        nonce: for SCRAM, random, and never used before.
        use_tls: whether TLS is asked for where the server does not demand it (UseTLS).
    """

    __slots__ = (
        "_account", "_is_secure", "_out", "_parser", "_scram", "_settings", "_use_tls", "jid",
        "received", "state",
    )  # fmt: skip

    def __init__(
        self, account: Account, settings: LoginSettings, nonce: str, *, use_tls: bool
    ) -> None:
        self.state = State.OPENING
        self.jid = ""
        """The address that the server has given; empty until then."""
        self.received = 0
        """Stanzas that have come."""
        self._account = account
        self._settings = settings
        self._use_tls = use_tls
        self._is_secure = False
        self._scram: Scram | None = Scram(account.username, account.password, nonce, settings.keys)
        self._out = b""
        self._parser = StreamParser()
        self._open()

    @property
    def is_secure(self) -> bool:
        """Whether the stream is inside of TLS."""
        return self._is_secure

    def data_to_send(self) -> bytes:
        """What is to be sent, once."""
        data, self._out = self._out, b""
        return data

    def receive(self, data: bytes) -> list[Event]:
        """What has happened with these bytes; empty bytes: the peer has closed the connection."""
        if not data:
            return self._end(EndKind.OTHER, "closed by the server")
        events: list[Event] = []
        parser = self._parser
        try:
            for stanza in parser.feed(data):
                self.received += 1
                events += self._take(stanza)
                if parser is not self._parser or self.state is State.OVER:
                    return events  # what came with it belongs to no stream any more
        except StreamError as error:
            self._send(f"<stream:error><{error.condition} xmlns='{STREAM_ERRORS}'/></stream:error>")
            return events + self._end(EndKind.OTHER, error.reason)
        if parser.is_over:
            events += self._end(EndKind.OTHER, "closed by the server")
        return events

    def secured(self) -> None:
        """TLS is up: begin the stream anew."""
        self._is_secure = True
        self._restart(State.OPENING)

    def answer(self, request: ConnectionRequest, condition: str | None) -> None:
        """Answer a Connection Request: accepted, or refused with a condition."""
        if self.state is State.BOUND:
            if condition is None:
                self._send(result_to(request.id, request.sender))
            else:
                self._send(error_to(request.id, request.sender, condition))

    def keep_alive(self) -> None:
        """Send a space, which keeps the connection's way open (RFC 6120 4.6.1)."""
        if self.state is State.BOUND:
            self._send(" ")

    def ping(self, number: int) -> None:
        """Ask the server whether it is there (XEP-0199); ``Answered`` has the id ``ping-N``."""
        if self.state is State.BOUND:
            self._send(f"<iq type='get' id='ping-{number}'><ping xmlns='{PING}'/></iq>")

    def request(self, stanza: str) -> None:
        """Send an iq of ours, written by ``iq.connection_request``."""
        if self.state is State.BOUND:
            self._send(stanza)

    def close(self) -> None:
        """End the stream."""
        if self.state not in (State.OVER, State.SECURING):
            self._end(EndKind.OTHER, "closed")

    # What comes, by state.

    def _take(self, stanza: etree._Element) -> list[Event]:
        tag = str(stanza.tag)
        if tag == ERROR_TAG:
            return self._stream_error(stanza)
        handler = self.HANDLERS.get((self.state, tag))
        return handler(self, stanza) if handler is not None else []

    def _stream_error(self, stanza: etree._Element) -> list[Event]:
        condition = condition_of(stanza, STREAM_ERRORS, STREAM_CONDITIONS)
        kinds = {"conflict": EndKind.CONFLICT, "not-authorized": EndKind.AUTHENTICATION}
        return self._end(kinds.get(condition, EndKind.OTHER), f"stream error: {condition}")

    def _choose(self, features: etree._Element) -> list[Event]:
        """Ask for TLS, or log in, as the server's features and the settings have it."""
        starttls = features.find(f"{{{TLS}}}starttls")
        is_demanded = starttls is not None and starttls.find(f"{{{TLS}}}required") is not None
        if not self._is_secure and (self._use_tls or is_demanded):
            if starttls is None:
                return self._end(EndKind.OTHER, "the server offers no TLS")
            self.state = State.ASKING_TLS
            self._send(f"<starttls xmlns='{TLS}'/>")
            return []
        if not self._is_secure and not self._settings.allow_clear:
            return self._end(EndKind.OTHER, "no TLS")
        return self._authenticate(features)

    def _authenticate(self, features: etree._Element) -> list[Event]:
        mechanism, scram = self._settings.mechanism, self._scram
        offered = {mechanism.text for mechanism in features.iter(f"{{{SASL}}}mechanism")}
        if mechanism not in offered or scram is None:
            return self._end(EndKind.OTHER, f"the server does not offer {mechanism}")
        account = self._account
        message = (
            scram.first() if mechanism == SCRAM_SHA_1 else plain(account.username, account.password)
        )
        self.state = State.AUTHENTICATING
        self._send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{_base64(message)}</auth>")
        return []

    def _proceed(self, _: etree._Element) -> list[Event]:
        self.state = State.SECURING
        self._parser = StreamParser()  # what a stranger put behind the answer is not read
        return [StartTLS()]

    def _no_tls(self, _: etree._Element) -> list[Event]:
        return self._end(EndKind.OTHER, "the server refuses TLS")

    def _challenge(self, stanza: etree._Element) -> list[Event]:
        if self._settings.mechanism != SCRAM_SHA_1 or self._scram is None:
            return self._end(EndKind.OTHER, "a challenge that was not asked for")
        try:
            answer = self._scram.answer(_unbase64(stanza))
        except SASLError as error:
            return self._end(EndKind.OTHER, str(error))
        self._send(f"<response xmlns='{SASL}'>{_base64(answer)}</response>")
        return []

    def _success(self, stanza: etree._Element) -> list[Event]:
        if self._settings.mechanism == SCRAM_SHA_1 and self._scram is not None:
            try:
                self._scram.verify(_unbase64(stanza))
            except SASLError as error:
                return self._end(EndKind.OTHER, str(error))
        self._scram = None
        self._restart(State.AUTHENTICATED)
        return []

    def _failure(self, stanza: etree._Element) -> list[Event]:
        condition = condition_of(stanza, SASL, SASL_CONDITIONS)
        is_temporary = condition == "temporary-auth-failure"
        kind = EndKind.OTHER if is_temporary else EndKind.AUTHENTICATION
        return self._end(kind, f"login refused: {condition}")

    def _bind(self, features: etree._Element) -> list[Event]:
        if features.find(f"{{{BIND}}}bind") is None:
            return self._end(EndKind.OTHER, "the server offers no resources")
        resource = self._account.resource
        asked = f"<resource>{text(resource)}</resource>" if resource else ""
        self.state = State.BINDING
        self._send(f"<iq type='set' id='{_BIND_ID}'><bind xmlns='{BIND}'>{asked}</bind></iq>")
        return []

    def _bound(self, stanza: etree._Element) -> list[Event]:
        if stanza.get("id") != _BIND_ID:
            return []
        jid = stanza.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        if stanza.get("type") == "result" and jid and len(jid) <= MAX_JID:
            self.state, self.jid = State.BOUND, jid
            return [Bound(jid)]
        condition = condition_of(stanza.find(f"{{{CLIENT}}}error"), STANZAS, STANZA_CONDITIONS)
        kind = EndKind.CONFLICT if condition == "conflict" else EndKind.OTHER
        return self._end(kind, f"no resource: {condition}")

    def _iq(self, stanza: etree._Element) -> list[Event]:
        if stanza.get("type") in ("result", "error"):
            return [answer_of(stanza)]
        request, answer = request_of(stanza)
        self._send(answer)
        return [] if request is None else [request]

    HANDLERS: ClassVar[dict[tuple[State, str], Callable[..., list[Event]]]] = {
        (State.OPENING, FEATURES_TAG): _choose,
        (State.ASKING_TLS, f"{{{TLS}}}proceed"): _proceed,
        (State.ASKING_TLS, f"{{{TLS}}}failure"): _no_tls,
        (State.AUTHENTICATING, f"{{{SASL}}}challenge"): _challenge,
        (State.AUTHENTICATING, f"{{{SASL}}}success"): _success,
        (State.AUTHENTICATING, f"{{{SASL}}}failure"): _failure,
        (State.AUTHENTICATED, FEATURES_TAG): _bind,
        (State.BINDING, IQ_TAG): _bound,
        (State.BOUND, IQ_TAG): _iq,
    }
    """What is done with a stanza, by the state and its name."""

    # What is sent.

    def _send(self, text: str) -> None:
        self._out += text.encode()

    def _open(self) -> None:
        self._send(
            f"<?xml version='1.0'?><stream:stream{attribute('to', self._account.domain)}"
            f" version='1.0' xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>"
        )

    def _restart(self, state: State) -> None:
        self.state = state
        self._parser = StreamParser()
        self._open()

    def _end(self, kind: EndKind, reason: str) -> list[Event]:
        if self.state is State.OVER:
            return []
        if self.state is not State.SECURING:  # between two streams there is none to end
            self._send("</stream:stream>")
        self.state = State.OVER
        return [Ended(kind, reason)]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(stanza: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((stanza.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SASLError("the server's part of the login is not Base64") from error
