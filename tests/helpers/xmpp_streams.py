"""A client's and a server's stream joined without a network."""

from __future__ import annotations

import ssl
from typing import Any

from caretaker.testing.xmpp_server import ServerSettings, ServerStream
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, ClientStream, LoginSettings
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.stream_events import Event, StartTLS

PASSWORDS = {"cpe": "secret", "a,b=c": "p=1,2"}


class Joined:
    """The two ends of a stream, and the events of the client; ``run`` moves the bytes."""

    def __init__(
        self,
        account: Account | None = None,
        *,
        mechanism: str = SCRAM_SHA_1,
        allow_clear: bool = False,
        use_tls: bool = True,
        with_tls: bool = True,
        piece: int = 0,
        **server: Any,
    ) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if with_tls else None
        self.settings = ServerSettings(PASSWORDS.get, tls=tls, iterations=1, **server)
        self.routed: list[bytes] = []
        self.server = ServerStream(self.settings, self._route, lambda _: None)
        login = LoginSettings(mechanism, allow_clear, SaltedKeys())
        account = account or Account("cpe", "secret", "example.org", "r1")
        self.client = ClientStream(account, login, "nonce", use_tls=use_tls)
        self.events: list[Event] = []
        self.sent: list[bytes] = []
        """All that the client has sent."""
        self._piece = piece

    def _route(self, _: str, stanza: bytes) -> bool:
        self.routed.append(stanza)
        return True

    def run(self) -> list[Event]:
        """Move bytes until neither side has any; all events so far."""
        while True:
            data = self.client.data_to_send()
            if data:
                self.sent.append(data)
                self.server.receive(data)
            answer, self.server.out = self.server.out, b""
            if not data and not answer:
                return self.events
            self.give(answer)

    def give(self, data: bytes) -> list[Event]:
        """Give the client bytes as the server's; all events so far."""
        size = self._piece or len(data) or 1
        for at in range(0, len(data), size):
            events = self.client.receive(data[at : at + size])
            self.events += events
            if any(isinstance(event, StartTLS) for event in events):
                self.server.secured()
                self.client.secured()
        return self.events
