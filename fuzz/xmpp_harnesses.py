"""Harnesses of what reads an XMPP server's bytes."""

from __future__ import annotations

from caretaker.errors import SASLError, StreamError
from caretaker.xmpp import client_stream, iq, jid, scram, stream_parser
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, ClientStream, LoginSettings
from caretaker.xmpp.scram import SaltedKeys, Scram
from caretaker.xmpp.stream_events import ConnectionRequest, Ended, Event, StartTLS
from caretaker.xmpp.stream_parser import StreamParser
from fuzz.harness import LINE, Harness

_LOGIN = LoginSettings(SCRAM_SHA_1, True, SaltedKeys())


def _stanzas(data: bytes, piece: int) -> object:
    parser = StreamParser()
    read: list[object] = []
    try:
        for start in range(0, len(data), piece):
            stanzas = parser.feed(data[start : start + piece])
            read.extend((str(stanza.tag), stanza.text) for stanza in stanzas)
    except StreamError as error:
        read.append(error.condition)
    return read, parser.is_over


def _stream(data: bytes) -> object:
    """How the bytes are split makes no difference."""
    read = _stanzas(data, len(data) or 1)
    assert read == _stanzas(data, 7)
    return read


def _client(data: bytes) -> object:
    """A client ends once at most, and what it sends is XML of ours."""
    client = ClientStream(Account("a", "b", "c", "d"), _LOGIN, "nonce", use_tls=False)
    events: list[Event] = []
    for start in range(0, len(data), 64):
        events += client.receive(data[start : start + 64])
        if events and isinstance(events[-1], StartTLS):
            client.secured()
        for event in events:
            if isinstance(event, ConnectionRequest):
                client.answer(event, None)
        events = [event for event in events if not isinstance(event, ConnectionRequest)]
    sent = client.data_to_send()
    assert sum(isinstance(event, Ended) for event in events) <= 1
    assert sent.startswith(b"<?xml")
    return events, client.state


def _challenge(data: bytes) -> object:
    """The answer continues the nonce."""
    client = Scram("user", "pencil", "n", SaltedKeys())
    answer = client.answer(data)
    assert answer.startswith(b"c=biws,r=n")
    return answer


def _allowed(data: bytes) -> object:
    """What is allowed by itself is allowed, whatever else is."""
    entries = jid.allowed_jids(data.decode("utf-8", "replace"))
    assert len(entries) <= jid.MAX_ALLOWED
    assert all(jid.is_allowed(entry, entries) for entry in entries)
    return entries


XMPP: dict[str, Harness] = {
    "xmpp_stream": Harness(_stream, (stream_parser,)),
    "xmpp_client": Harness(_client, (client_stream, iq)),
    "xmpp_challenge": Harness(_challenge, (scram,), (SASLError,), LINE),
    "xmpp_allowed": Harness(_allowed, (jid,), (), LINE),
}
