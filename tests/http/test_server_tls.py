"""TLS of our servers: real clients, good ones and bad ones."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from helpers.certificates import file_of, folder, identity

from caretaker.errors import InputError
from caretaker.http.gevent_loop import Loop
from caretaker.http.server import WSGIHost
from caretaker.http.server_tls import CONNECTION, PASSWORD_VARIABLE, ServerTLS, given_tls

pytestmark = pytest.mark.sockets
CA = trustme.CA()
OTHER_CA = trustme.CA()
LARGE = 3_000_000


def certificate(ca: trustme.CA = CA) -> str:
    """A file with the certificate of a server at 127.0.0.1, and its key."""
    path = folder() / "server.pem"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


def app(environ: Any, start_response: Any) -> list[bytes]:
    """Answers with what was asked, or with a large body."""
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/large":
        return [b"x" * LARGE]
    shown = environ[CONNECTION].client_certificate()
    name = shown["subject"][-1][0][1] if shown else "nobody"
    body = environ["wsgi.input"].read()
    return [f"{environ['wsgi.url_scheme']} {name} {len(body)}".encode()]


class Serving:
    """A host that speaks TLS."""

    def __init__(self, **settings: Any) -> None:
        self._loop = Loop()
        self._loop.start()
        tls = ServerTLS(certificate(), **settings)
        self.host = WSGIHost(app, "127.0.0.1", 0, self._loop, tls=tls)
        self.host.start()

    def plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.host.port), 60)

    def connect(self, shown: str = "", **settings: Any) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=file_of(CA))
        for name, value in settings.items():
            setattr(context, name, value)
        if shown:
            context.load_cert_chain(shown)
        return context.wrap_socket(self.plain(), server_hostname="127.0.0.1")

    def stop(self) -> None:
        self.host.stop()
        self._loop.stop()


@pytest.fixture
def server() -> Iterator[Serving]:
    made = Serving()
    yield made
    made.stop()


@pytest.fixture
def asking() -> Iterator[Serving]:
    made = Serving(client_ca=file_of(CA))
    yield made
    made.stop()


def get(client: ssl.SSLSocket, path: str = "/", body: bytes = b"") -> bytes:
    """The body of the answer to a request, after which the server closes."""
    length = f"Content-Length: {len(body)}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{length}\r\n"
    with client:
        client.sendall(head.encode() + body)
        data = b"".join(iter(lambda: client.recv(100_000), b""))
    return data.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_is_answered(server: Serving, version: ssl.TLSVersion) -> None:
    assert server.host.url.startswith("https://127.0.0.1:")
    assert get(server.connect(maximum_version=version)) == b"https nobody 0"


def test_large_bodies_in_both_directions(server: Serving) -> None:
    assert get(server.connect(), "/", b"x" * LARGE) == f"https nobody {LARGE}".encode()
    assert get(server.connect(), "/large") == b"x" * LARGE


def test_a_request_in_single_bytes(server: Serving) -> None:
    with server.connect() as client:
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
            client.sendall(bytes([byte]))
        assert client.recv(1000).endswith(b"https nobody 0")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_with_a_certificate_is_known(asking: Serving, version: ssl.TLSVersion) -> None:
    shown = identity(CA, "ME").certificate
    assert get(asking.connect(shown, maximum_version=version)) == b"https ME 0"


@pytest.mark.parametrize("ca", [None, OTHER_CA])
def test_a_client_without_a_good_certificate_is_refused(
    asking: Serving, ca: trustme.CA | None
) -> None:
    shown = identity(ca, "ME").certificate if ca else ""
    with pytest.raises(ssl.SSLError, match="alert"):
        get(asking.connect(shown))


def test_a_session_that_is_resumed_has_the_same_certificate(asking: Serving) -> None:
    context = ssl.create_default_context(cafile=file_of(CA))
    context.load_cert_chain(identity(CA, "ME").certificate)
    session = None
    for is_resumed in (False, True):
        client = context.wrap_socket(asking.plain(), server_hostname="127.0.0.1", session=session)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000).endswith(b"https ME 0")
        assert client.session_reused is is_resumed
        session = client.session
        client.close()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 999])
def test_what_is_not_tls_ends_the_connection(server: Serving, said: bytes) -> None:
    with server.plain() as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        while client.recv(1000):
            pass
    assert get(server.connect()) == b"https nobody 0"


def test_a_handshake_that_stalls_is_ended_by_the_deadline(server: Serving) -> None:
    with server.plain() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        (connection,) = server.host.connections
        server._loop.call(server.host.sweep, connection.deadline + 1)
        client.settimeout(60)
        assert client.recv(1) == b""


def test_a_client_that_leaves_in_the_middle_costs_nothing(server: Serving) -> None:
    for data in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
        with server.plain() as client:
            client.sendall(data)
    assert get(server.connect()) == b"https nobody 0"


# -- what can't be used ---------------------------------------------------------------------------


def test_a_server_without_a_certificate_speaks_plain_http() -> None:
    assert given_tls(None, None, None) is None


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("/nowhere", None, None), "/nowhere: No such file or directory"),
        ((None, "a.key", None), "--tls-key and --client-ca: give --tls-cert, too"),
        ((None, None, "ca.pem"), "--tls-key and --client-ca: give --tls-cert, too"),
    ],
)
def test_files_that_are_not_there(given: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        given_tls(*given)


def test_a_key_that_is_that_of_another_certificate() -> None:
    with pytest.raises(InputError, match="the key is not that of the certificate"):
        given_tls(certificate(), certificate(), None)


def test_a_file_of_client_cas_without_any(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    with pytest.raises(InputError, match="no certificates in PEM in it"):
        given_tls(certificate(), None, str(empty))


def test_a_password_that_is_not_needed_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "s3cret")
    assert given_tls(certificate(), None, None) is not None
