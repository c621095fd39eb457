"""The CPEs of a shard over XMPP: who is connected, and what their Connection Requests come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from helpers.shards import ShardBench
from helpers.xmpp_clients import Told, clients, server, trusting, wait_for, wanted

from caretaker.cwmp import messages as m
from caretaker.device import reachability
from caretaker.device.reachability import Reach, Reachability, ReachMix
from caretaker.engine.xmpp_connections import _STATUS, ShardXMPP
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.stats.results import Results
from caretaker.testing.xmpp_server import XMPPServer
from caretaker.xmpp.client_stream import SCRAM_SHA_1, LoginSettings
from caretaker.xmpp.connections import NO_TURN, ConnectionSettings
from caretaker.xmpp.iq import connection_request
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.stream_events import Answered, EndKind

pytestmark = pytest.mark.sockets
ROW = "Device.XMPP.Connection.1."


class Bench(ShardBench):
    """A shard whose CPEs have accounts of a server, and an ACS that has one, too."""

    def __init__(self, running: XMPPServer, host: str = "127.0.0.1") -> None:
        super().__init__()
        shard = self.shard
        shard._switch._mix = shard._switch._mix.prepared(with_reach_parameters)
        at = reachability.XMPPServer(host, running.port, "example.org")
        shard.context.reach = Reachability(ReachMix(((Reach.XMPP, 1.0),)), xmpp=at)
        login = LoginSettings(SCRAM_SHA_1, False, SaltedKeys())
        settings = ConnectionSettings(login, trusting, 1000.0)
        hosts = frozenset({"127.0.0.1"})
        self.xmpp = ShardXMPP(shard, hosts, settings, self.sink, seed="1", clock=self.clock)
        self.told = Told()
        self.acs_client = clients(self.told)
        self.acs_client.want(0, wanted(running.port, "acs"))

    def wait(self, condition: Callable[[], object]) -> None:
        """Let time pass until a condition comes true."""

        def passed() -> object:
            self.clock.now += 0.01
            return condition()

        wait_for(passed)

    def value(self, path: str, index: int = 0) -> str:
        return self.shard.cpes[index].value(path, self.clock.now)

    def ask(self, username: str | None = None, index: int = 0) -> str | None:
        """Send a Connection Request; the condition of its error."""
        self.told.answers.clear()
        cpe = self.shard.cpes[index]
        username = cpe.serial_number if username is None else username
        password = cpe.management_value("ConnectionRequestPassword", self.clock.now)
        jid = self.value("Device.ManagementServer.ConnReqJabberID", index)
        self.wait(lambda: self.told.jids)
        self.acs_client.request(0, connection_request("1", jid, username, password))
        self.wait(lambda: self.told.answers)
        (answer,) = self.told.answers
        assert answer == Answered("1", jid, answer.condition)
        return answer.condition


def password_of(bench: list[Bench]) -> Any:
    def password(username: str) -> str | None:
        if username == "acs":
            return "sca"
        identities = bench[0].shard.context.identities
        index = identities.index_of(username.upper())
        return None if index is None else identities.secret(index, "XMPP")

    return password


@contextmanager
def connected(count: int = 1, **how: Any) -> Iterator[tuple[XMPPServer, Bench]]:
    """A fleet that has logged in, and has told its ACS so."""
    benches: list[Bench] = []
    made = server()
    made.settings.password_of = password_of(benches)
    with made.running() as running:
        bench = Bench(running, **how)
        benches.append(bench)
        bench.boot(count)
        try:
            bench.wait(lambda: bench.told.jids)  # no handshake is left to the end
            if not how:
                bench.wait(lambda: bench.xmpp.connections.connected == count)
            yield running, bench
        finally:
            bench.xmpp.stop()
            bench.acs_client.stop()
            bench.shard.stop()


@pytest.mark.rule("9.4-1")
def test_cpes_connect_and_tell_the_acs_their_address() -> None:
    with connected(2) as (running, bench):
        for index in range(2):
            jid = bench.value("Device.ManagementServer.ConnReqJabberID", index)
            assert jid == f"fleet-00000{index + 1}@example.org/cwmp"
            assert jid in running.clients
            assert bench.value(f"{ROW}Status", index) == "Enabled"
            assert bench.value(f"{ROW}TLSEstablished", index) == "1"
        bench.wait(lambda: len(bench.informed) == 4)
        assert bench.informed[2:] == [("4 VALUE CHANGE",)] * 2


@pytest.mark.rule("9.4-2", "9.1-1")
def test_a_connection_request_opens_a_session() -> None:
    with connected() as (_, bench):
        bench.wait(lambda: len(bench.informed) == 2)
        assert bench.ask() is None
        bench.wait(lambda: len(bench.informed) == 3)
        assert bench.informed[2] == ("6 CONNECTION REQUEST",)
        assert bench.sink.counters["connection_requests.by_way.xmpp.accepted"] == 1


@pytest.mark.rule("9.4-2")
def test_wrong_credentials_are_not_authorized() -> None:
    with connected() as (_, bench):
        assert bench.ask("wrong") == "not-authorized"
        assert bench.sink.counters["connection_requests.by_way.xmpp.unauthorized"] == 1


@pytest.mark.rule("9.4-3")
def test_who_is_not_allowed_is_refused_and_asked_for_no_password() -> None:
    with connected() as (_, bench):
        cpe = bench.shard.cpes[0]
        path = "Device.ManagementServer.ConnReqAllowedJabberIDs"
        cpe.set_values([(path, "boss@example.org, acs@example.org/other")], 100.0)
        assert bench.ask("wrong") == "service-unavailable"
        cpe.set_values([(path, "boss@example.org, acs@example.org")], 100.0)
        assert bench.ask() is None


@pytest.mark.rule("9.4-2")
def test_a_fleet_that_ends_is_busy() -> None:
    with connected() as (_, bench):
        bench.shard.suspend("the fleet is stopping")
        assert bench.ask() == "service-unavailable"
        assert bench.sink.counters["connection_requests.by_way.xmpp.refused"] == 1


def test_an_acs_can_switch_the_connection_off_and_on() -> None:
    with connected() as (running, bench):
        cpe = bench.shard.cpes[0]
        cpe.set_values([(f"{ROW}Enable", "0")], 100.0)
        bench.wait(lambda: bench.value("Device.ManagementServer.ConnReqJabberID") == "")
        assert bench.value(f"{ROW}Status") == "Disabled"
        bench.wait(lambda: len(running.clients) == 1)  # the ACS's own
        cpe.set_values([(f"{ROW}Enable", "1"), (f"{ROW}Resource", "second")], 100.0)
        bench.wait(lambda: "fleet-000001@example.org/second" in running.clients)


def test_cpes_without_power_are_not_connected() -> None:
    with connected(2) as (running, bench):
        bench.shard.power_off([0])
        bench.shard.power_cut({1: 200.0})
        bench.wait(lambda: bench.xmpp.connections.connected == 0)
        assert bench.xmpp.connections.not_connected() == {}  # nor are they to be
        bench.clock.now = 200.0
        bench.wait(lambda: "fleet-000002@example.org/cwmp" in running.clients)
        bench.wait(lambda: bench.xmpp.connections.connected == 1)


def test_a_worker_without_a_lease_closes_its_connections_until_it_goes_on() -> None:
    with connected() as (_, bench):
        bench.xmpp.suspend()
        bench.wait(lambda: bench.xmpp.connections.connected == 0)
        bench.xmpp.resume()
        bench.wait(lambda: bench.xmpp.connections.connected == 1)


def test_a_run_that_has_ended_can_be_ended_again() -> None:
    with connected() as (running, bench):
        for _ in range(2):
            bench.xmpp.stop()
        bench.wait(lambda: len(running.clients) == 1)  # the ACS's own
        assert bench.shard.context.reach_watchers == []


def test_no_fleet_is_aimed_at_hosts_beyond_the_allowed() -> None:
    with connected(host="127.0.0.2") as (_, bench):
        bench.wait(lambda: bench.value(f"{ROW}Status") == "Error_Misconfigured")
        results = Results()
        bench.xmpp.book(results)
        assert results.counters["xmpp.failed.host not allowed"] == 1
        assert results.with_prefix("xmpp.not_connected") == {"host not allowed": 1}
        assert results.counters["xmpp.cpes"] == 1
        assert results.counters["xmpp.logins"] == 0


def test_of_a_table_of_servers_those_that_are_not_allowed_are_passed_over() -> None:
    with connected() as (running, bench):
        cpe, second = bench.shard.cpes[0], f"{ROW}Server.2."
        cpe.answer(m.AddObject(f"{ROW}Server."), 100.0)
        values = {"ServerAddress": "::ffff:127.0.0.1", "Port": f"{running.port}", "Priority": "1"}
        rows = [(second + name, value) for name, value in {**values, "Enable": "1"}.items()]
        cpe.set_values([*rows, (f"{ROW}Server.1.ServerAddress", "127.0.0.2")], 100.0)
        bench.wait(lambda: len(bench.xmpp._wanted[0].servers) == 2)
        connections = bench.xmpp.connections
        assert (connections.connected, connections.counts["logins"]) == (1, 1)
        assert connections.counts["failed.host not allowed"] == 0


def test_refused_passwords_are_reported_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with server().running() as running:
        running.settings.auth_failure = "not-authorized"
        bench = Bench(running)
        bench.acs_client.stop()
        bench.boot(9)
        bench.wait(lambda: bench.xmpp.connections.logins.is_stopped)
        bench.wait(lambda: "no more CPEs" in caplog.text)
        statuses = [bench.value(f"{ROW}Status", index) for index in range(9)]
        assert statuses.count("Error_AuthenticationFailure") == 3
        bench.xmpp.stop()
        results = Results()
        bench.xmpp.book(results)
        assert results.with_prefix("xmpp.not_connected") == {
            "login refused: not-authorized": 3, NO_TURN: 6,
        }  # fmt: skip
        assert results.counters["xmpp.cpes"] == 9
        bench.shard.stop()


def test_each_end_has_a_status() -> None:
    assert set(_STATUS) == set(EndKind)
