"""Why TLS failed, from real handshakes; and what was spoken on a port of another protocol."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import gevent
import gevent.ssl
import pytest
import trustme
from gevent.event import Event
from gevent.server import StreamServer
from helpers.wire import CLOSE, answer, wire

from caretaker.errors import ReasonError
from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head

pytestmark = pytest.mark.sockets
CA = trustme.CA()
NOW = datetime.now(UTC)


def trusting(ca: trustme.CA) -> Any:
    made = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(made)
    return made


def context_of(ca: trustme.CA, *names: str, **about: Any) -> Any:
    made = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*(names or ("127.0.0.1",)), **about).configure_cert(made)
    return made


@contextmanager
def serving(
    handle: Callable[[Any, Any], None], context: Any = None, refused: Event | None = None
) -> Iterator[int]:
    """A server on a port; errors of its handshakes are not reported, but set ``refused``."""
    secure = {"ssl_context": context} if context is not None else {}
    server = StreamServer(("127.0.0.1", 0), handle, **secure)
    if context is not None:
        vars(server)["wrap_socket_and_handle"] = _quietly(server.wrap_socket_and_handle, refused)
    server.start()
    try:
        yield int(server.server_port or 0)
    finally:
        server.stop(0)


def _quietly(wrap: Callable[..., Any], refused: Event | None) -> Callable[..., Any]:
    def quiet(sock: Any, address: Any) -> None:
        try:
            wrap(sock, address)
        except OSError:
            sock.close()
            if refused is not None:
                refused.set()

    return quiet


def answering(sock: Any, _: Any) -> None:
    try:
        sock.recv(10_000)
        sock.sendall(answer())
    except OSError:
        pass


def outcome(port: int, client: Any = None, scheme: str = "https") -> str:
    """``done``, or the reason why a request failed."""
    endpoint = Endpoint(Address.of(f"{scheme}://127.0.0.1:{port}/"), 30.0, tls=client)
    try:
        connection = Connection(endpoint, endpoint.address)
        try:
            connection.request(request_head("GET", endpoint.address, [], None), b"")
        finally:
            connection.close()
    except ReasonError as error:
        return str(error)
    return "done"


@pytest.mark.parametrize(
    ("names", "about", "trusted", "expected"),
    [
        ([], {}, CA, "done"),
        ([], {}, trustme.CA(), "TLS: certificate of an unknown CA"),
        ([], {"not_after": NOW - timedelta(days=1)}, CA, "TLS: certificate expired"),
        ([], {"not_before": NOW + timedelta(days=9), "not_after": NOW + timedelta(days=99)}, CA,
         "TLS: certificate not yet valid"),
        (["acs.example.com", "*.example.org"], {}, CA,
         "TLS: certificate of another host: acs.example.com, *.example.org"),
        ([f"{name}.example.com" for name in "abcde"], {}, CA,
         "TLS: certificate of another host: a.example.com, b.example.com, c.example.com, 2 more"),
        (["127.0.0.2"], {}, CA, "TLS: certificate of another host: 127.0.0.2"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_refused_has_its_reason(
    names: list[str], about: dict[str, Any], trusted: trustme.CA, expected: str
) -> None:
    with serving(answering, context_of(CA, *names, **about)) as port:
        assert outcome(port, trusting(trusted)) == expected


def test_the_names_of_a_certificate_are_looked_up_once() -> None:
    connections: list[object] = []
    server = context_of(CA, "acs.example.com")
    server.sni_callback = lambda *_: connections.append(None)
    with serving(answering, server) as port:
        endpoint = Endpoint(Address.of(f"https://127.0.0.1:{port}/"), 30.0, tls=trusting(CA))
        reasons = []
        for _ in range(3):
            with pytest.raises(ReasonError) as caught:
                Connection(endpoint, endpoint.address)
            reasons.append(str(caught.value))
    assert set(reasons) == {"TLS: certificate of another host: acs.example.com"}
    assert len(connections) == 4


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate(version: ssl.TLSVersion) -> None:
    server = context_of(CA)
    server.verify_mode = ssl.CERT_REQUIRED
    server.maximum_version = version
    CA.configure_trust(server)
    expected = {
        ssl.TLSVersion.TLSv1_2: "TLS: handshake refused",
        ssl.TLSVersion.TLSv1_3: "TLS: client certificate required",
    }
    with serving(answering, server) as port:
        assert outcome(port, trusting(CA)) == expected[version]


def test_a_server_that_has_closed_by_then_is_heard_all_the_same() -> None:
    """The alert has come before the request is written, which then fails itself."""
    server = context_of(CA)
    server.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(server)
    refused = Event()
    with serving(answering, server, refused) as port:
        endpoint = Endpoint(Address.of(f"https://127.0.0.1:{port}/"), 30.0, tls=trusting(CA))
        connection = Connection(endpoint, endpoint.address)
        assert refused.wait(60)
        try:
            with pytest.raises(ReasonError, match="TLS: client certificate required"):
                connection.request(request_head("GET", endpoint.address, [], None), b"")
        finally:
            connection.close()


def test_versions_without_one_in_common() -> None:
    server, client = context_of(CA), trusting(CA)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    with serving(answering, server) as port:
        assert outcome(port, client) == "TLS: no common protocol version"


def saying(*words: bytes) -> Callable[[Any, Any], None]:
    """Says something at once, and then listens until the client goes."""

    def handle(sock: Any, _: Any) -> None:
        try:
            for each in words:
                sock.sendall(each)
            while sock.recv(1000):
                pass
        except OSError:
            pass

    return handle


def hearing(sock: Any, _: Any) -> None:
    """Answers whatever comes as an HTTP server answers what it can't read."""
    sock.recv(1000)
    sock.sendall(answer("400 Bad Request", b"", "Connection: close"))


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (hearing, "TLS: the port speaks plain HTTP"),
        (saying(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "TLS: the port does not speak TLS"),
        (lambda sock, _: sock.recv(1000), "TLS: connection closed in the handshake"),
    ],
    ids=["HTTP", "SSH", "closes"],
)
def test_tls_to_a_port_without_tls(handle: Callable[[Any, Any], None], expected: str) -> None:
    with serving(handle) as port:
        assert outcome(port, trusting(CA)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answer is SSH, not HTTP: SSH-2.0-OpenSSH_9.2"),
        (b"220 (vsFTPd 3.0.3)\r\n", "answer is FTP or SMTP, not HTTP: 220 (vsFTPd 3.0.3)"),
        (b"220-mail.example.com ESMTP\r\n",
         "answer is FTP or SMTP, not HTTP: 220-mail.example.com ESMTP"),
        (b"+OK POP3 ready\r\n", "answer is not HTTP: +OK POP3 ready"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "answer is TLS, not HTTP"),
        (b"\x00\x01\x02", "answer is not HTTP"),
    ],
)  # fmt: skip
def test_http_to_a_port_of_another_protocol(said: bytes, expected: str) -> None:
    with wire((said, CLOSE)) as server:
        port = Address.of(server.url).port
        assert outcome(port, scheme="http") == expected


def test_http_to_a_port_of_tls() -> None:
    with serving(answering, context_of(CA)) as port:
        reason = outcome(port, scheme="http")
    assert reason in ("answer is TLS, not HTTP", "connection closed without an answer",
                      "connection reset")  # fmt: skip
