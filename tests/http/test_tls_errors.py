"""Why TLS failed, from real handshakes; and what was spoken on a port of another protocol."""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from gevent.event import Event
from helpers.certificates import identity, server_context, trusting
from helpers.tls_server import answering, serving
from helpers.wire import CLOSE, answer, wire

from caretaker.engine.device_tls import DEVICE_TLS, device_tls
from caretaker.errors import ReasonError
from caretaker.http.connection import Connection
from caretaker.http.endpoint import ANY_END, Address, Endpoint, LocalEnd
from caretaker.http.request_head import request_head
from caretaker.http.tls_settings import DeviceTLS, Identity, TLSSettings
from caretaker.profiles import quirks

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("tls_way")]
CA = trustme.CA()
NOW = datetime.now(UTC)


def outcome(
    port: int,
    client: TLSSettings | None = None,
    scheme: str = "https",
    host: str = "127.0.0.1",
    local_end: LocalEnd = ANY_END,
) -> str:
    """``done``, or the reason why a request failed."""
    endpoint = Endpoint(Address.of(f"{scheme}://{host}:{port}/"), 30.0, tls=client or TLSSettings())
    try:
        connection = Connection(endpoint, endpoint.address, local_end)
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
    with serving(answering, server_context(CA, *names, **about)) as port:
        assert outcome(port, trusting(trusted)) == expected


def test_the_names_of_a_certificate_are_looked_up_once() -> None:
    connections: list[object] = []
    server = server_context(CA, "acs.example.com")
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
    server = server_context(CA)
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
    server = server_context(CA)
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
    server, client = server_context(CA), trusting(CA, minimum=ssl.TLSVersion.TLSv1_3)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(answering, server) as port:
        assert outcome(port, client) == "TLS: no common protocol version"


# -- the certificates of clients ------------------------------------------------------------------


def asking(ca: trustme.CA, version: ssl.TLSVersion) -> Any:
    """A server that asks for certificates of clients, signed by a CA."""
    server = server_context(CA)
    server.verify_mode = ssl.CERT_REQUIRED
    server.minimum_version = server.maximum_version = version
    ca.configure_trust(server)
    return server


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_each_cpe_shows_its_own_certificate(version: ssl.TLSVersion) -> None:
    seen: list[object] = []

    def handle(sock: Any, address: Any) -> None:
        seen.append(sock.getpeercert()["subject"][-1][0][1])
        answering(sock, address)

    names = {0: "a", 1: "b", 2: "c"}
    identities = {index: identity(CA, name) for index, name in names.items()}
    identities[1] = identity(CA, "b", key_type=trustme.KeyType.RSA)
    client = trusting(CA, identity=identities.get)
    with serving(handle, asking(CA, version)) as port:
        for index in (0, 1, 2, 2, 1, 0):
            assert outcome(port, client, local_end=LocalEnd(cpe_index=index)) == "done"
        assert outcome(port, client, local_end=LocalEnd(cpe_index=3)) != "done"
    assert seen == ["a", "b", "c", "c", "b", "a"]


@VERSIONS
@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({}, "TLS: client certificate of an unknown CA"),
        ({"not_after": NOW - timedelta(days=1)}, "TLS: client certificate expired"),
    ],
)
def test_a_certificate_of_a_client_that_is_refused(
    version: ssl.TLSVersion, about: dict[str, Any], expected: str
) -> None:
    ca = CA if about else trustme.CA()
    client = trusting(CA, identity=lambda _: identity(ca, "a", **about))
    with serving(answering, asking(CA, version)) as port:
        assert outcome(port, client, local_end=LocalEnd(cpe_index=0)) == expected


@VERSIONS
def test_a_certificate_that_has_gone_during_the_run(version: ssl.TLSVersion) -> None:
    client = trusting(CA, identity=lambda _: Identity("/nowhere", "/nowhere"))
    with serving(answering, asking(CA, version)) as port:
        said = outcome(port, client, local_end=LocalEnd(cpe_index=0))
    assert said == "TLS: own certificate can't be used: /nowhere: No such file or directory"


# -- what devices do otherwise --------------------------------------------------------------------

NO_SNI = LocalEnd(tls=DeviceTLS(sni=False))
YEARS_20 = 20 * 365 * 86_400.0


def test_a_device_that_names_no_host_in_its_handshake() -> None:
    named: list[object] = []
    server = server_context(CA, "localhost")
    server.sni_callback = lambda _, name, __: named.append(name)
    with serving(answering, server) as port:
        assert outcome(port, trusting(CA), host="localhost") == "done"
        assert outcome(port, trusting(CA), host="localhost", local_end=NO_SNI) == "done"
    assert named == ["localhost", None]


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", "done"),
        ("127.0.0.2", "127.0.0.1", "TLS: certificate of another host: 127.0.0.2"),
        ("LOCALHOST", "localhost", "done"),
        ("*.example.org", "localhost", "TLS: certificate of another host: *.example.org"),
    ],
)
def test_such_a_device_compares_the_name_all_the_same(name: str, host: str, expected: str) -> None:
    with serving(answering, server_context(CA, name)) as port:
        assert outcome(port, trusting(CA), host=host, local_end=NO_SNI) == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-YEARS_20, "TLS: certificate not yet valid"),
        (YEARS_20, "TLS: certificate expired"),
        (60.0, "done"),
    ],
)
def test_a_device_whose_clock_is_wrong(offset: float, expected: str) -> None:
    local_end = LocalEnd(tls=DeviceTLS(clock_offset=offset))
    about = {"not_before": NOW - timedelta(days=9), "not_after": NOW + timedelta(days=9)}
    with serving(answering, server_context(CA, **about)) as port:
        assert outcome(port, trusting(CA), local_end=local_end) == expected


def test_a_certificate_that_only_a_wrong_clock_takes() -> None:
    local_end = LocalEnd(tls=DeviceTLS(clock_offset=-10 * 86_400.0))
    expired = {"not_before": NOW - timedelta(days=19), "not_after": NOW - timedelta(days=9)}
    with serving(answering, server_context(CA, **expired)) as port:
        assert outcome(port, trusting(CA), local_end=local_end) == "done"


@pytest.mark.parametrize("quirk", sorted(DEVICE_TLS))
def test_each_quirk_of_tls_is_seen_by_the_server(quirk: str) -> None:
    spoken: list[tuple[Any, Any]] = []

    def handle(sock: Any, address: Any) -> None:
        spoken.append((sock.version(), sock.cipher()[0]))
        answering(sock, address)

    dates = {"not_before": NOW - timedelta(days=9), "not_after": NOW + timedelta(days=9)}
    server = server_context(CA, key_type=trustme.KeyType.RSA, **dates)
    server.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.TLSv1
    with serving(handle, server) as port:
        said = outcome(port, trusting(CA), local_end=LocalEnd(tls=device_tls(frozenset([quirk]))))
    expected, version, cipher = SEEN[quirk]
    assert said == expected
    if said == "done":
        assert spoken[0][0] == version
        assert re.fullmatch(cipher, spoken[0][1])


SEEN = {
    quirks.TLS_1_0: ("done", "TLSv1", ".*"),
    quirks.TLS_1_1: ("done", "TLSv1.1", ".*"),
    quirks.TLS_1_2: ("done", "TLSv1.2", ".*"),
    quirks.TLS_NO_SNI: ("done", "TLSv1.3", ".*"),
    quirks.TLS_WEAK_CIPHERS: ("done", "TLSv1.2", "AES(128|256)-SHA"),
    quirks.CLOCK_BEHIND: ("TLS: certificate not yet valid", "", ""),
    quirks.CLOCK_AHEAD: ("TLS: certificate expired", "", ""),
}
"""What comes of it, the version, and the cipher."""


# -- ports of other protocols ---------------------------------------------------------------------


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
    with serving(answering, server_context(CA)) as port:
        reason = outcome(port, scheme="http")
    assert reason in ("answer is TLS, not HTTP", "connection closed without an answer",
                      "connection reset")  # fmt: skip
