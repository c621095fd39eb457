"""The compiled TLS of greenlets, where a server begins another handshake."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import gevent.socket
import pytest
import trustme
from gevent.event import Event
from helpers import compiled_tls
from helpers.certificates import file_of, identity, server_files, trusting

from caretaker.http.openssl import OpenSSL
from caretaker.http.openssl_socket import OpenSSLSocket
from caretaker.http.sockets import Deadlines, Target
from caretaker.http.tls_sessions import TLSSessions
from caretaker.http.tls_settings import Identity, TLSClient

pytestmark = pytest.mark.sockets
CA = trustme.CA()
SECONDS = 120.0


class Server:
    """The server of the ``openssl`` command, of TLS 1.2, which does what its input says."""

    def __init__(self, running: subprocess.Popen[bytes], port: int) -> None:
        self._running = running
        self.port = port

    def say(self, line: bytes) -> None:
        assert self._running.stdin is not None
        self._running.stdin.write(line)
        self._running.stdin.flush()

    def read_to(self, beginning: bytes) -> bytes:
        assert self._running.stdout is not None
        return next(line for line in self._running.stdout if line.startswith(beginning))


@contextmanager
def openssl_server() -> Iterator[Server]:
    command = shutil.which("openssl")
    if command is None:
        pytest.skip("needs the command openssl")
    with gevent.socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    pem = server_files(CA)
    options = ["-tls1_2", "-no_resumption_on_reneg", "-naccept", "1", "-CAfile", file_of(CA)]
    with subprocess.Popen(
        [command, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key", pem, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        server = Server(running, port)
        try:
            server.read_to(b"ACCEPT")
            yield server
        finally:
            running.kill()


def test_a_server_may_ask_for_the_certificate_later() -> None:
    module = compiled_tls.tls_module()
    if isinstance(module, str):
        pytest.skip(module)
    asked = Event()

    def shown(_: int) -> Identity:
        asked.set()
        return identity(CA, "late")

    settings = trusting(CA, identity=shown)
    client = TLSClient(settings, "127.0.0.1", cpe_index=0)
    deadlines, deadline = Deadlines(SECONDS, time.monotonic), time.monotonic() + SECONDS
    with openssl_server() as server:
        target = Target(gevent.socket.AF_INET, ("127.0.0.1", server.port))
        nothing = TLSSessions().of(None, ("127.0.0.1", server.port))
        openssl = OpenSSL(settings, module)
        opened = OpenSSLSocket(target, deadlines, deadline, openssl, client, resumption=nothing)
        opened.send(b"first\n", deadline)
        server.read_to(b"first")
        assert not asked.is_set()
        received = gevent.spawn(opened.receive, 100, deadline)
        server.say(b"R\n")  # a new handshake, in which the client must show its certificate
        assert asked.wait(SECONDS)
        server.say(b"second\n")
        assert received.get() == b"second\n"
        opened.close()
