"""Connections of clients over loopback: logins, ends, keep-alives, Connection Requests."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
import trustme
from helpers.name_servers import NameServer
from helpers.xmpp_clients import Told, clients, server, trusting, wait_for, wanted

from caretaker.http.sockets import Target
from caretaker.testing.xmpp_server import XMPPServer
from caretaker.xmpp.connection import XMPPConnection
from caretaker.xmpp.connections import LATE_SECONDS, XMPPConnections
from caretaker.xmpp.iq import connection_request
from caretaker.xmpp.logins import MAX_REFUSED
from caretaker.xmpp.stream_events import Answered, EndKind
from caretaker.xmpp.wanted import Backoff, Wanted

pytestmark = pytest.mark.sockets


@contextmanager
def connected(
    names: str = "a", **how: object
) -> Iterator[tuple[XMPPServer, XMPPConnections, Told]]:
    """Clients of these names, each of one letter, that have logged in."""
    told = Told()
    made = clients(told)
    with server().running() as running:
        for key, name in enumerate(names):
            made.want(key, wanted(running.port, name, **how))
        wait_for(lambda: len(told.jids) == len(names))
        try:
            yield running, made, told
        finally:
            made.stop()


def test_clients_log_in_over_tls() -> None:
    with connected("abc") as (running, made, told):
        assert told.jids == {n: f"{name}@example.org/r" for n, name in enumerate("abc")}
        assert (made.connected, made.counts["logins"]) == (3, 3)
        assert set(running.clients) == set(told.jids.values())
    assert made.connected == 0


def test_a_server_that_can_not_listen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start_server(*_: object, **__: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(asyncio, "start_server", start_server)
    with pytest.raises(OSError, match="already in use"), server().running():
        pass


def test_a_connection_request_is_answered_by_its_credentials() -> None:
    with connected("ab") as (_, made, told):
        for number, username in enumerate(("right", "wrong")):
            made.request(1, connection_request(f"{number}", told.jids[0], username, "p"))
        wait_for(lambda: len(told.answers) == 2)
        assert told.answers == [
            Answered("0", told.jids[0], None),
            Answered("1", told.jids[0], "not-authorized"),
        ]
        assert made.counts["answered"] == 2


def test_one_for_a_client_that_is_not_there_is_refused_by_the_server() -> None:
    with connected("a") as (_, made, told):
        made.request(0, connection_request("1", "nobody@example.org/r", "right", "p"))
        wait_for(lambda: told.answers)
        assert told.answers == [Answered("1", "", "service-unavailable")]
        assert not made.request(7, "<iq/>")


def test_a_client_comes_back_when_the_server_ends_its_stream() -> None:
    with connected("a") as (running, made, told):
        stream, writer = running.clients[told.jids[0]]
        stream.end("system-shutdown")
        running.call(lambda: writer.write(stream.out))
        wait_for(lambda: told.ends and told.jids)
        assert told.ends == [(0, EndKind.OTHER, "stream error: system-shutdown")]
        assert made.counts["failed.stream error: system-shutdown"] == 1
        assert (made.not_connected(), made.clients) == ({}, 1)


def test_a_client_comes_back_when_its_connection_breaks() -> None:
    with connected("a") as (running, _, told):
        _, writer = running.clients[told.jids[0]]
        running.call(writer.transport.abort)
        wait_for(lambda: told.ends and told.jids)


def test_of_two_with_the_same_address_the_older_one_stays_away() -> None:
    with connected("a") as (running, made, told):
        made.want(9, wanted(running.port, "a"))
        wait_for(lambda: 9 in told.jids and told.ends)
        assert told.ends == [(0, EndKind.CONFLICT, "stream error: conflict")]
        gevent.sleep(0.1)
        assert 0 not in told.jids
        assert made.counts["logins"] == 2


def test_keep_alives_are_spaces_and_due_again_and_again() -> None:
    with connected("a", keep_alive=0.01) as (_, made, told):
        wait_for(lambda: made.counts["keep_alives"] > 3)
        assert told.ends == []


def test_after_the_first_refused_passwords_no_login_is_tried() -> None:
    told = Told()
    made = clients(told)
    with server().running() as running:
        for key in range(20):
            made.want(key, wanted(running.port, f"cpe{key}", password="wrong"))
        wait_for(lambda: len(told.ends) == MAX_REFUSED)
        gevent.sleep(0.2)
        assert running.settings.logins == ["cpe0", "cpe1", "cpe2"]
        assert made.counts["failed.login refused: not-authorized"] == MAX_REFUSED
        made.stop()


def test_a_client_that_is_wanted_otherwise_begins_anew() -> None:
    with connected("a") as (running, made, told):
        made.want(0, wanted(running.port, "b"))
        wait_for(lambda: told.jids[0].startswith("b@"))
        wait_for(lambda: len(running.clients) == 1)
        made.want(0, wanted(running.port, "b"))
        assert made.counts["logins"] == 2


def test_a_client_that_is_dropped_says_goodbye() -> None:
    with connected("ab") as (running, made, told):
        made.drop(0)
        wait_for(lambda: set(running.clients) == {told.jids[1]})
        assert told.ends == []
        assert made.connected == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>", "the answer is not XMPP"),
        (b"<" + b"a" * 10_000_000, "stanza too large"),
        (b"", "closed by the server"),
    ],
)
def test_a_server_of_another_kind_is_left_and_tried_again(answer: bytes, reason: str) -> None:
    told = Told()
    made = clients(told)
    listener = socket.create_server(("127.0.0.1", 0))
    stopping: list[bool] = []

    def serve() -> None:
        while not stopping:
            peer, _ = listener.accept()
            try:
                peer.recv(1000)
                peer.sendall(answer)
            except OSError:
                pass
            peer.close()

    pool = gevent.get_hub().threadpool
    serving = pool.spawn(serve)
    made.want(0, wanted(listener.getsockname()[1]))
    wait_for(lambda: len(told.ends) > 1)
    made.stop()
    stopping.append(True)
    socket.create_connection(listener.getsockname()).close()
    serving.get()
    listener.close()
    assert {end[2] for end in told.ends} <= {reason, "connection reset"}


def test_a_server_that_asks_and_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected("a") as (running, _, told):
        monkeypatch.setattr(XMPPConnection, "_send", lambda *_: 0)
        _, writer = running.clients[told.jids[0]]
        pings = "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>" * 5000
        running.call(lambda: writer.write(pings.encode()))
        wait_for(lambda: told.ends)
        assert told.ends[0] == (0, EndKind.OTHER, "the server does not read")


def test_a_server_that_is_not_there_is_named() -> None:
    told = Told()
    made = clients(told)
    unused = socket.create_server(("127.0.0.1", 0))
    port = unused.getsockname()[1]
    unused.close()
    made.want(0, wanted(port))
    wait_for(lambda: told.ends)
    made.stop()
    assert told.ends[0] == (0, EndKind.OTHER, "connection refused")


def test_a_server_without_a_certificate_that_we_trust_is_left() -> None:
    told = Told()
    made = clients(told, tls=lambda: trusting(trustme.CA()))
    with server().running() as running:
        made.want(0, wanted(running.port))
        wait_for(lambda: told.ends)
        made.stop()
    assert told.ends[0][2] == "TLS: certificate of an unknown CA"


def test_a_login_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.xmpp.connections.LOGIN_SECONDS", 0.2)
    told = Told()
    made = clients(told)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made.want(0, wanted(silent.getsockname()[1]))
        wait_for(lambda: told.ends)
        made.stop()
    assert told.ends[0] == (0, EndKind.OTHER, "login timed out")


def test_a_login_that_is_not_answered_counts_after_a_while() -> None:
    passed = [0.0]
    made = clients(Told(), clock=lambda: passed[0])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for key in range(3):
            made.want(key, wanted(silent.getsockname()[1]))
        wait_for(lambda: made.counts["logins"])
        assert made.not_connected() == {"no turn to log in": 2}  # the first one may be slow
        passed[0] = LATE_SECONDS
        assert made.not_connected() == {"no turn to log in": 2, "login not answered so far": 1}
        made.stop()


def at(one: Wanted, *hosts: str, attempts: int = 1) -> Wanted:
    """What is wanted, at other hosts."""
    ((_, port),) = one.servers
    return one._replace(servers=tuple((host, port) for host in hosts), attempts=attempts)


def test_who_waits_for_a_name_lets_others_log_in(name_server: NameServer) -> None:
    name_server.answers.clear()
    told = Told()
    made = clients(told)
    with server().running() as running:
        made.want(0, at(wanted(running.port, "a"), "stun.example"))
        for key, name in enumerate("bcd", 1):
            made.want(key, wanted(running.port, name))
        wait_for(lambda: len(told.jids) == 3)
        assert (0 in told.jids, name_server.asked, made.counts["logins"]) == (
            False, ["stun.example"], 3,
        )  # fmt: skip
        name_server.known["stun.example"] = ["127.0.0.1"]
        name_server.answers.set()
        wait_for(lambda: 0 in told.jids)
        made.stop()


def test_a_client_that_is_dropped_while_its_server_is_looked_up_does_not_connect(
    name_server: NameServer,
) -> None:
    name_server.answers.clear()
    made = clients(Told())
    made.want(0, at(wanted(1), "stun.example"))
    wait_for(lambda: name_server.asked)
    made.drop(0)
    name_server.answers.set()
    gevent.sleep(0.2)
    made.stop()
    assert made.counts["logins"] == 0


def test_a_name_that_is_not_there_is_asked_for_once(name_server: NameServer) -> None:
    told = Told()
    made = clients(told)
    for key in range(9):
        made.want(key, at(wanted(1), "no.example"))
    wait_for(lambda: len(told.ends) >= 20)
    made.stop()
    assert {end[1:] for end in told.ends} == {(EndKind.OTHER, "host name not found")}
    assert name_server.asked == ["no.example"]


@pytest.mark.rule("9.4-4")
def test_each_address_of_a_server_and_then_the_next_server_has_its_attempts(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_server.known = {
        "first.example": ["192.0.2.1", "192.0.2.2"],
        "second.example": ["192.0.2.3"],
    }
    tried: list[str] = []

    def refused(self: XMPPConnection, target: Target) -> None:
        tried.append(target.address[0])
        self.fail("refused")

    monkeypatch.setattr(XMPPConnection, "open", refused)
    made = clients(Told())
    made.want(0, at(wanted(1), "first.example", "no.example", "second.example", attempts=2))
    wait_for(lambda: len(tried) >= 8)
    made.stop()
    assert [address[-1] for address in tried[:8]] == list("11223311")


def test_the_first_server_is_tried_first_after_a_connection_was_lost(
    name_server: NameServer,
) -> None:
    name_server.known = {"stun.example": ["127.0.0.2", "127.0.0.1"]}
    told = Told()
    made = clients(told)
    with server().running() as running:
        made.want(0, at(wanted(running.port, "a"), "stun.example"))

        def lose() -> int:
            """Lose the connection; how many were over before."""
            wait_for(lambda: told.jids)
            ends = len(told.ends)
            _, writer = running.clients[told.jids[0]]
            running.call(writer.transport.abort)
            wait_for(lambda: len(told.ends) > ends)
            return ends

        assert [lose(), lose()] == [1, 3], "nothing listens at the first address"
        wait_for(lambda: told.jids)
        made.stop()


def test_a_domain_that_is_no_host_name_ends_the_connection() -> None:
    told = Told()
    made = clients(told)
    with server().running() as running:
        one = wanted(running.port)
        account = one.account._replace(domain=".example.org")
        made.want(0, one._replace(account=account))
        wait_for(lambda: told.ends)
        made.stop()
    assert told.ends[0][2] in ("the domain is no host name", "stream error: host-unknown")


def test_refused_passwords_count_when_the_goodbye_can_not_be_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = XMPPConnection._send

    def broken(self: XMPPConnection, data: bytes) -> int:
        if b"</stream:stream>" in data:
            raise ConnectionResetError
        return send(self, data)

    monkeypatch.setattr(XMPPConnection, "_send", broken)
    told = Told()
    made = clients(told)
    with server().running() as running:
        made.want(0, wanted(running.port, password="wrong"))
        wait_for(lambda: told.ends)
        assert made.logins.refused == 1
        made.stop()
    assert told.ends[0][1] is EndKind.AUTHENTICATION


def test_a_keep_alive_that_ends_the_connection_leaves_the_wait_before_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send, began = XMPPConnection._send, time.monotonic()
    backoff = Backoff(3600.0, 1.0, 3600.0)
    with connected("a", keep_alive=0.05, backoff=backoff) as (_, made, told):

        def broken(self: XMPPConnection, data: bytes) -> int:
            if data == b" ":
                raise ConnectionResetError
            return send(self, data)

        monkeypatch.setattr(made._rng, "random", lambda: 1.0)
        monkeypatch.setattr(XMPPConnection, "_send", broken)
        wait_for(lambda: told.ends)
        assert [due[0] > began + 1000 for due in made._due] == [True]
