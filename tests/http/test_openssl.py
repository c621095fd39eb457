"""The compiled TLS by itself: what is wrong, what is strange and what is too much."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from typing import Any

import pytest
import trustme
from helpers import compiled_tls
from helpers.certificates import file_of, folder, server_context
from hypothesis import given, settings
from hypothesis import strategies as st

CA = trustme.CA()
SERVER = server_context(CA)
CA_FILE = file_of(CA)
PEM = CA.issue_cert("client.invalid").private_key_and_cert_chain_pem.bytes()
ABOUT: dict[str, Any] = {
    "options": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).options,
    "verify_flags": 0,
    "minimum": ssl.TLSVersion.TLSv1_2,
    "maximum": ssl.TLSVersion.TLSv1_3,
    "security_level": 1,
    "ciphers": "",
    "groups": "X25519:P-256",
    "verify": True,
    "ca": CA_FILE,
}


@pytest.fixture(scope="module")
def tls() -> Any:
    module = compiled_tls.tls_module()
    if isinstance(module, str):
        pytest.skip(module)
    return module


class Pair:
    """A client on a socket, and a server in memory that is passed what comes out of it."""

    def __init__(
        self,
        tls: Any,
        session: bytes | None = None,
        server: ssl.SSLContext = SERVER,
        *,
        sni: str = "",
        host: str = "127.0.0.1",
        has_identity: bool = False,
        **about: Any,
    ) -> None:
        self._sockets = socket.socketpair()
        for each in self._sockets:
            each.setblocking(False)
        context = tls.Context(**{**ABOUT, **about})
        descriptor = self._sockets[0].fileno()
        self.client = tls.Connection(context, descriptor, sni, host, 0, session, has_identity)
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = ssl.SSLContext.wrap_bio(server, self._into, self._out, server_side=True)

    def to_server(self) -> None:
        with suppress(BlockingIOError):
            while piece := self._sockets[1].recv(65536):
                self._into.write(piece)

    def from_server(self) -> bytes:
        return self._out.read()

    def to_client(self, data: bytes) -> None:
        self._sockets[1].sendall(data)

    def shake_hands(self) -> None:
        while wanted := self.client.handshake():
            assert wanted == 1
            self.to_server()
            with suppress(ssl.SSLWantReadError):
                self.server.do_handshake()
            self.to_client(self.from_server())
        self.to_server()
        with suppress(ssl.SSLWantReadError):
            self.server.do_handshake()

    def say(self, data: bytes) -> None:
        self.server.write(data)
        self.to_client(self.from_server())

    def hang_up(self) -> None:
        self._sockets[1].close()

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@pytest.fixture
def pair(tls: Any) -> Any:
    made = Pair(tls)
    yield made
    made.close()


def session_of(tls: Any, **about: Any) -> bytes:
    pair = Pair(tls, **about)
    pair.shake_hands()
    pair.say(b"x")
    assert pair.client.read(10) == b"x"
    session: bytes = pair.client.session
    pair.close()
    return session


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_bytes_without_the_certificate_of_the_server(tls: Any, maximum: int) -> None:
    session = session_of(tls, maximum=maximum)
    assert len(session) < 450
    assert b"trustme" not in session
    pair = Pair(tls, session, maximum=maximum)
    pair.shake_hands()
    assert pair.client.resumed
    pair.close()


@pytest.mark.parametrize("session", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"no session" * 99])
def test_a_session_that_is_none_is_left_out(tls: Any, session: bytes) -> None:
    pair = Pair(tls, session)
    pair.shake_hands()
    assert not pair.client.resumed
    pair.close()


@settings(max_examples=150)
@given(at=st.integers(0, 399), value=st.integers(0, 255), cut=st.integers(0, 400))
def test_a_session_that_was_changed_does_no_harm(at: int, value: int, cut: int) -> None:
    tls: Any = compiled_tls.tls_module()
    if isinstance(tls, str):
        pytest.skip(tls)
    changed = bytearray(SESSIONS.setdefault("one", b"") or session_of(tls))
    SESSIONS["one"] = SESSIONS["one"] or bytes(changed)
    changed[at % len(changed)] = value
    pair = Pair(tls, bytes(changed[: cut or len(changed)]))
    with suppress(OSError):
        pair.shake_hands()
    pair.close()


SESSIONS: dict[str, bytes] = {}


@settings(max_examples=200)
@given(data=st.binary(max_size=400), at=st.integers(0, 2000), begins_well=st.booleans())
def test_whatever_a_server_says_is_an_error_or_a_wait(
    data: bytes, at: int, *, begins_well: bool
) -> None:
    """Bytes of any kind, alone or in the middle of what a server says."""
    tls: Any = compiled_tls.tls_module()
    if isinstance(tls, str):
        pytest.skip(tls)
    pair = Pair(tls)
    assert pair.client.handshake() == 1
    said = b""
    if begins_well:
        pair.to_server()
        with suppress(ssl.SSLWantReadError):
            pair.server.do_handshake()
        said = pair.from_server()
    pair.to_client(said[:at] + data + said[at + len(data) :])
    pair._sockets[1].shutdown(socket.SHUT_WR)
    with suppress(OSError):
        for _ in range(10):
            pair.client.handshake()
            pair.client.read(10)
    assert pair.client.session is None or isinstance(pair.client.session, bytes)
    pair.client.close()
    pair.close()


def test_tickets_without_an_end_leave_other_connections_their_turn(tls: Any) -> None:
    server = server_context(CA)
    server.num_tickets = 200
    pair = Pair(tls, server=server)
    pair.shake_hands()
    pair.say(b"at last")
    wanted = [pair.client.read(10) for _ in range(3)]
    assert wanted == [1, 1, 1]  # of 32 records each; then gevent's loop has its turn
    while (got := pair.client.read(10)) == 1:
        pass
    assert got == b"at last"
    pair.close()


def test_data_of_any_length_arrives_in_pieces(pair: Any) -> None:
    pair.shake_hands()
    pair.say(b"x" * 40_000)
    got = b""
    while isinstance(piece := pair.client.read(1 << 40), bytes):
        got += piece
    assert got == b"x" * 40_000


def test_what_does_not_fit_is_sent_later(pair: Any) -> None:
    pair.shake_hands()
    data, sent = bytes(4_000_000), 0
    while (taken := pair.client.write(data, sent)) > 0:
        sent += taken
    assert taken == -2
    assert 0 < sent < len(data)


def test_a_server_that_hangs_up_is_the_end_of_what_it_says(pair: Any) -> None:
    pair.shake_hands()
    pair.say(b"last")
    pair.hang_up()
    assert [pair.client.read(10) for _ in range(2)] == [b"last", b""]
    with pytest.raises(ssl.SSLError):
        pair.client.write(b"x", 0)
    pair.client.close()


@pytest.mark.parametrize(
    ("about", "code"), [({"host": "127.0.0.2"}, 64), ({"host": "other.example"}, 62)]
)
def test_the_certificate_must_be_of_the_host(tls: Any, about: dict[str, Any], code: int) -> None:
    pair = Pair(tls, **about)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        pair.shake_hands()
    assert caught.value.verify_code == code
    assert caught.value.reason == "CERTIFICATE_VERIFY_FAILED"
    assert pair.client.session is None
    pair.close()


@pytest.mark.parametrize(
    ("sni", "told"),
    [("acs.example", "acs.example"), ("127.0.0.1", None), ("::1", None)],
)
def test_a_server_is_told_the_name_of_a_host_and_no_address(
    tls: Any, sni: str, told: str | None
) -> None:
    names: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # gevent's callbacks want gevent's sockets
    CA.issue_cert("127.0.0.1").configure_cert(server)
    server.sni_callback = lambda _, name, __: names.append(name)
    pair = Pair(tls, server=server, sni=sni)
    pair.shake_hands()
    pair.close()
    assert names == [told]


def test_without_verification_any_certificate_will_do(tls: Any) -> None:
    pair = Pair(tls, server=server_context(trustme.CA()), verify=False, host="")
    pair.shake_hands()
    pair.close()


@pytest.mark.parametrize("pem", [b"", b"\0" * 99, PEM[:-40], PEM[50:], PEM.replace(b"A", b"B")])
def test_an_identity_that_is_none(tls: Any, pem: bytes) -> None:
    with pytest.raises(ssl.SSLError):
        tls.Identity(pem, pem, "")


def test_the_key_of_another_certificate(tls: Any) -> None:
    with pytest.raises(ssl.SSLError) as caught:
        tls.Identity(PEM, CA.issue_cert("a.invalid").private_key_pem.bytes(), "")
    assert caught.value.reason == "KEY_VALUES_MISMATCH"


@pytest.mark.parametrize(
    "about",
    [
        {"ciphers": "none"},
        {"groups": "none"},
        {"ca": "/nowhere"},
        {"ca": str(folder())},
        {"minimum": 7},
    ],
)
def test_a_context_of_what_openssl_refuses(tls: Any, about: dict[str, Any]) -> None:
    with pytest.raises(ssl.SSLError):
        tls.Context(**{**ABOUT, **about})


def test_what_has_the_wrong_type_is_refused(tls: Any, pair: Any) -> None:
    client = pair.client
    wrong: Any
    for wrong in (
        lambda: tls.Connection("context", 1, "", "", 0, None, False),
        lambda: tls.Identity(PEM, "text", ""),
        lambda: tls.Context(ABOUT),
        lambda: client.show(PEM),
        lambda: client.read("1"),
        lambda: client.write("text", 0),
    ):
        with pytest.raises(TypeError):
            wrong()
    for wrong in (
        lambda: client.read(0),
        lambda: client.read(-5),
        lambda: client.write(b"", 0),
        lambda: client.write(b"x", 1),
        lambda: client.write(b"x", -1),
    ):
        with pytest.raises(ValueError, match=r"size above 0|nothing to send"):
            wrong()


def test_after_an_error_and_after_close_all_calls_are_errors_or_nothing(pair: Any) -> None:
    pair.client.handshake()
    pair.to_client(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    for _ in range(2):
        with pytest.raises(ssl.SSLError):
            pair.client.handshake()
    for _ in range(2):
        pair.client.close()
    with suppress(OSError):
        pair.client.read(5)
    with suppress(OSError):
        pair.client.write(b"x", 0)


def test_objects_may_go_in_any_order(tls: Any) -> None:
    pair = Pair(tls, has_identity=True)
    identity = tls.Identity(PEM, PEM, "")
    pair.client.show(identity)
    pair.client.show(None)
    del identity
    pair.shake_hands()
    client = pair.client
    pair.close()
    del pair
    with pytest.raises(OSError, match="Bad file descriptor"):
        client.write(b"x", 0)


def test_memory_does_not_grow_with_connections(tls: Any) -> None:
    """Each leak of an object of OpenSSL would be some kB a connection."""
    import resource  # noqa: PLC0415  # not on Windows

    def many(number: int) -> int:
        for _ in range(number):
            session = session_of(tls)
            session_of(tls, session=session)
            with suppress(ssl.SSLError):
                tls.Identity(PEM, b"", "")
            tls.Identity(PEM, PEM, "")
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = many(30)
    assert many(60) - before < 3000  # KiB; a leak of a session each would be some 10,000


def test_a_child_process_uses_the_context_of_its_parent(tls: Any) -> None:
    context = tls.Context(**ABOUT)
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            one, _ = socket.socketpair()
            one.setblocking(False)
            code = tls.Connection(context, one.fileno(), "", "", 0, None, False).handshake() - 1
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
