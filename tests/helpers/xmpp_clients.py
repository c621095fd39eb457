"""Clients of XMPP over loopback, and what is told of them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import gevent
import gevent.ssl
import trustme

from caretaker.testing.xmpp_server import ServerSettings, XMPPServer
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, LoginSettings
from caretaker.xmpp.connections import ConnectionSettings, XMPPConnections
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.stream_events import Answered, ConnectionRequest, EndKind
from caretaker.xmpp.wanted import Backoff, Wanted

CA = trustme.CA()
SECONDS = 120
"""Until a test gives up that waits in vain."""


def server(**settings: Any) -> XMPPServer:
    """A server of example.org with TLS, whose accounts have their name reversed as password."""
    tls = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("example.org").configure_cert(tls)
    settings.setdefault("tls", tls)
    return XMPPServer(ServerSettings(lambda name: name[::-1], iterations=10, **settings))


def trusting(ca: trustme.CA = CA) -> ssl.SSLContext:
    context = gevent.ssl.create_default_context()
    ca.configure_trust(context)
    return context


class Told:
    """Keeps what is told of clients, and accepts Connection Requests of one username."""

    def __init__(self) -> None:
        self.jids: dict[int, str] = {}
        self.ends: list[tuple[int, EndKind, str]] = []
        self.answers: list[Answered] = []

    def bound(self, key: int, jid: str, *, is_secure: bool) -> None:
        self.jids[key] = jid

    def ended(self, key: int, kind: EndKind, reason: str) -> None:
        self.jids.pop(key, None)
        self.ends.append((key, kind, reason))

    def connection_request(self, _: int, request: ConnectionRequest) -> str | None:
        return None if request.username == "right" else "not-authorized"

    def answered(self, _: int, answer: Answered) -> None:
        self.answers.append(answer)


def clients(told: Told, *, rate: float = 1000.0, **how: Any) -> XMPPConnections:
    login = LoginSettings(SCRAM_SHA_1, how.pop("allow_clear", False), SaltedKeys())
    tls = how.pop("tls", trusting)
    clock = how.pop("clock", time.monotonic)
    settings = ConnectionSettings(login, tls, rate, **how)
    return XMPPConnections(settings, told, clock=clock, rng=Random(1))


def wanted(port: int, name: str = "one", **how: Any) -> Wanted:
    account = Account(name, how.pop("password", name[::-1]), "example.org", "r")
    how.setdefault("backoff", Backoff(0.01, 1.0, 0.01))
    return Wanted(account, (("127.0.0.1", port),), **how)


@contextmanager
def server_with_device() -> Iterator[XMPPServer]:
    """A server with the device ``cpe``."""
    told = Told()
    device = clients(told)
    with server().running() as running:
        device.want(0, wanted(running.port, "cpe"))
        wait_for(lambda: told.jids)
        yield running
        device.stop()


def wait_for(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition comes true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        gevent.sleep(0.01)
