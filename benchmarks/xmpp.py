"""
Logins at an XMPP server, and the memory of connections, over TLS against a stub of our own.

First logins have passwords of their own, for each of which SCRAM's keys are computed (4,096 rounds,
as ejabberd asks for); later ones find these kept. Memory is what the process takes more for its
connections, once all of them have logged in.
"""

from __future__ import annotations

import ssl
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from threading import Thread

import gevent

from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import (
    GENERATOR,
    SINK,
    Child,
    MeasurementError,
    cpu_seconds,
    unique_bytes,
)
from caretaker.testing.xmpp_server import ServerSettings, XMPPServer
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, LoginSettings
from caretaker.xmpp.connections import ConnectionSettings, XMPPConnections
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.stream_events import Answered, ConnectionRequest, EndKind
from caretaker.xmpp.wanted import Wanted

CONNECTIONS = 5_000
LOGINS = 500
DOMAIN = "example.org"
_SECONDS = 600
_CERTIFICATE = (
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-days", "2", "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}",
)  # fmt: skip


class Stub:
    """A server whose accounts have their name as password."""

    def __init__(self, key: str, certificate: str) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._server = XMPPServer(ServerSettings(lambda name: name, DOMAIN, tls=tls))
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._server.running():
            while True:
                time.sleep(60)

    def port(self) -> int:
        """Where it listens."""
        while not self._server.port:
            gevent.sleep(0.01)
        return self._server.port


class Clients:
    """Clients of the stub."""

    def __init__(self, port: int, certificate: str) -> None:
        self._port = port
        self._bound = 0
        login = LoginSettings(SCRAM_SHA_1, False, SaltedKeys())
        settings = ConnectionSettings(
            login, lambda: ssl.create_default_context(cafile=certificate), 100.0
        )
        self._connections = XMPPConnections(settings, self, clock=time.monotonic, rng=Random(1))

    def bound(self, _: int, __: str, *, is_secure: bool) -> None:
        """Count a login."""
        self._bound += is_secure

    def ended(self, _: int, __: EndKind, reason: str) -> None:
        """Stop: a login that fails makes figures wrong."""
        raise MeasurementError(reason)

    def connection_request(self, _: int, __: ConnectionRequest) -> str | None:
        """Accept."""
        return None

    def answered(self, _: int, answer: Answered) -> None:
        """Ask for nothing."""

    def log_in(self, count: int) -> float:
        """Logins per CPU second of so many clients, which have no connection before."""
        for key in range(count):
            self._connections.drop(key)
        self._bound, before = 0, cpu_seconds()
        deadline = time.monotonic() + _SECONDS
        for key in range(count):
            account = Account(f"cpe{key}", f"cpe{key}", DOMAIN, "cwmp")
            self._connections.want(key, Wanted(account, (("127.0.0.1", self._port),)))
        while self._bound < count:
            if time.monotonic() > deadline:
                raise MeasurementError(f"{self._bound} of {count} have logged in")
            gevent.sleep(0.05)
        return count / (cpu_seconds() - before)

    def bytes_each(self, first: int, more: int) -> float:
        """Bytes that each of so many further connections takes."""
        self.log_in(first)
        before = unique_bytes()
        self.log_in(first + more)
        return (unique_bytes() - before) / more


def run(options: Options) -> list[Figure]:
    """Measure logins and memory."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key, certificate = str(folder / "key.pem"), str(folder / "crt.pem")
        command = [*_CERTIFICATE, "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        stub = stack.enter_context(Child(Stub, core=SINK, key=key, certificate=certificate))
        port = stub.call("port")
        logins = options.scaled(LOGINS)
        first, later = [], []
        for _ in range(options.runs):
            with Child(Clients, core=GENERATOR, port=port, certificate=certificate) as clients:
                first.append(clients.call("log_in", logins))
                later.append(clients.call("log_in", logins))
        with Child(Clients, core=GENERATOR, port=port, certificate=certificate) as clients:
            size = clients.call("bytes_each", 100, options.scaled(CONNECTIONS)) / 1024
    return [
        Figure("XMPP, first logins", "per CPU second", first, goal=Goal(">=", 100)),
        Figure("XMPP, logins with kept keys", "per CPU second", later),
        Figure("XMPP, a connection over TLS", "KiB", [size], goal=Goal("<=", 30)),
    ]
