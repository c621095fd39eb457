"""CPEs resume their own TLS sessions, in both ways of TLS, with a server of the ssl module."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme
from helpers.certificates import identity, server_context, trusting
from helpers.tls_server import answering, serving

from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint, LocalEnd
from caretaker.http.openssl import MAX_IDENTITIES, TLSClients
from caretaker.http.request_head import request_head
from caretaker.http.tls_settings import TLSClient, TLSSettings

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("tls_way")]
CA = trustme.CA()
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


class Server:
    """Notes of each connection whether it was resumed, and whose certificate it has."""

    def __init__(self, version: ssl.TLSVersion, *, asks: bool = False) -> None:
        self.seen: list[Any] = []
        self.context = server_context(CA)
        self.context.minimum_version = self.context.maximum_version = version
        if asks:
            self.context.verify_mode = ssl.CERT_REQUIRED
            CA.configure_trust(self.context)

    def handle(self, sock: Any, address: Any) -> None:
        subject = (sock.getpeercert() or {}).get("subject")
        name = subject[-1][0][1] if subject else None
        self.seen.append((bool(sock.session_reused), name) if name else bool(sock.session_reused))
        answering(sock, address)


def ask(endpoint: Endpoint, index: int | None) -> None:
    connection = Connection(endpoint, endpoint.address, LocalEnd(cpe_index=index))
    try:
        connection.request(request_head("GET", endpoint.address, [], None), b"")
    finally:
        connection.close()


def endpoint_of(port: int, settings: TLSSettings) -> Endpoint:
    return Endpoint(Address.of(f"https://127.0.0.1:{port}/"), 30.0, tls=settings)


@VERSIONS
def test_a_cpe_resumes_its_session_again_and_again(version: ssl.TLSVersion) -> None:
    server = Server(version)
    with serving(server.handle, server.context) as port:
        endpoint = endpoint_of(port, trusting(CA))
        for _ in range(4):
            ask(endpoint, 7)
    assert server.seen == [False, True, True, True]
    assert endpoint.tls_handshakes() == {"full": 1, "resumed": 3, "lost": 0}
    assert len(endpoint.tls_clients().sessions) == 1


@VERSIONS
def test_a_cpe_that_has_restarted_resumes_nothing(version: ssl.TLSVersion) -> None:
    server = Server(version)
    with serving(server.handle, server.context) as port:
        endpoint = endpoint_of(port, trusting(CA))
        for index in (1, 2):
            ask(endpoint, index)
        endpoint.lose_tls_sessions(1)
        for index in (1, 2, 1):
            ask(endpoint, index)
    assert server.seen == [False, False, False, True, True]
    assert endpoint.tls_handshakes() == {"full": 3, "resumed": 2, "lost": 1}


@VERSIONS
def test_no_cpe_resumes_the_session_of_another(version: ssl.TLSVersion) -> None:
    server = Server(version)
    with serving(server.handle, server.context) as port:
        endpoint = endpoint_of(port, trusting(CA))
        for index in (1, 2, 1, None, None, 2):
            ask(endpoint, index)
    assert server.seen == [False, False, True, False, False, True]


@VERSIONS
def test_a_resumed_session_stands_for_the_certificate_of_its_cpe(version: ssl.TLSVersion) -> None:
    server = Server(version, asks=True)
    shown = {index: identity(CA, name) for index, name in enumerate("ab")}
    with serving(server.handle, server.context) as port:
        endpoint = endpoint_of(port, trusting(CA, identity=shown.get))
        for index in (0, 1, 0, 1):
            ask(endpoint, index)
    assert server.seen == [(False, "a"), (False, "b"), (True, "a"), (True, "b")]


@VERSIONS
def test_a_server_that_has_forgotten_all_gets_a_full_handshake(version: ssl.TLSVersion) -> None:
    first, second = Server(version), Server(version)
    with serving(first.handle, first.context) as port:
        endpoint = endpoint_of(port, trusting(CA))
        ask(endpoint, 1)
    with serving(second.handle, second.context, port=port):
        ask(endpoint, 1)
        ask(endpoint, 1)
    assert second.seen == [False, True]


def test_a_session_of_another_server_is_not_shown() -> None:
    servers = Server(ssl.TLSVersion.TLSv1_3), Server(ssl.TLSVersion.TLSv1_3)
    with (
        serving(servers[0].handle, servers[0].context) as one,
        serving(servers[1].handle, servers[1].context) as other,
    ):
        endpoint = endpoint_of(one, trusting(CA))
        for port in (one, other, one, other):
            address = Address.of(f"https://127.0.0.1:{port}/")
            connection = Connection(endpoint, address, LocalEnd(cpe_index=1))
            connection.request(request_head("GET", address, [], None), b"")
            connection.close()
    assert [server.seen for server in servers] == [[False, True], [False, True]]


def test_no_more_certificates_are_kept_decoded_than_the_limit(tls_way: str) -> None:
    if tls_way != "compiled":
        pytest.skip("the ssl module's contexts have one at a time")
    shown = identity(CA, "a")
    settings = trusting(CA, identity=lambda index: shown._replace(password=str(index)))
    openssl = TLSClients(settings).openssl
    assert openssl is not None
    for index in (*range(MAX_IDENTITIES + 5), 7):
        openssl.identity(TLSClient(settings, "127.0.0.1", cpe_index=index))
    assert len(openssl._identities) == MAX_IDENTITIES
    assert shown._replace(password="7") in openssl._identities


@VERSIONS
def test_by_the_settings_nothing_is_resumed(version: ssl.TLSVersion) -> None:
    server = Server(version)
    with serving(server.handle, server.context) as port:
        endpoint = endpoint_of(port, trusting(CA, resume=False))
        for _ in range(2):
            ask(endpoint, 7)
    assert server.seen == [False, False]
