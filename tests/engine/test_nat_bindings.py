from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from helpers.name_servers import NameServer
from helpers.stun_servers import Answer, NATBench, STUNServer, mapped

from caretaker.device import events as ev
from caretaker.engine.nat_bindings import ANNOUNCEMENTS
from caretaker.engine.nat_settings import WAITS, STUNMode
from caretaker.engine.nat_sockets import SHARED_SOCKETS
from caretaker.stats.results import Results
from caretaker.stun.challenge import Challenge
from caretaker.stun.message import COOKIE, Attribute, Kind, SocketAddress, StunMessage
from caretaker.stun.udp_connection_request import UDPConnectionRequest

Make = Callable[..., NATBench]


@pytest.fixture
def make() -> Iterator[Make]:
    benches: list[NATBench] = []

    def bench(answer: Answer = mapped, host: str = "127.0.0.1", **settings: object) -> NATBench:
        benches.append(NATBench(STUNServer(answer, host), **settings))  # type: ignore[arg-type]
        return benches[-1]

    yield bench
    for each in benches:
        each.close()


def silent(_: StunMessage, __: SocketAddress) -> None:
    return None


def request_to(bench: NATBench, index: int = 0, number: str = "1", **changes: str) -> None:
    """Send a Connection Request to where a CPE says that it is."""
    cpe = bench.shard.cpes[index]
    password = changes.pop("password", cpe.management_value("ConnectionRequestPassword", 0.0))
    username = cpe.management_value("ConnectionRequestUsername", 0.0)
    request = UDPConnectionRequest("1700000000", number, username, "nonce")
    request = request._replace(**changes).signed(password)
    host, _, port = bench.read(index, "UDPConnectionRequestAddress").rpartition(":")
    target = SocketAddress(host.strip("[]"), int(port))
    bench.server.send(request.encode(target), target)
    bench.arrive()


def verdicts(bench: NATBench) -> dict[str, int]:
    return bench.sink.with_prefix("connection_requests.by_way.udp")


def unanswered(bench: NATBench) -> dict[str, int]:
    """The CPEs without an answer to their last request, by reason."""
    results = Results()
    bench.bindings.book(results)
    assert results.counters["stun.cpes"] == 1
    return results.with_prefix("stun.unanswered")


def challenged(request: StunMessage, code: int, nonce: bytes) -> StunMessage:
    """The answer of a server that asks for long-term credentials."""
    number = bytes((0, 0, code // 100, code % 100))
    attributes = ((Attribute.ERROR_CODE, number), (Attribute.REALM, b"r"), (Attribute.NONCE, nonce))
    return StunMessage(Kind.BINDING_ERROR, request.transaction, attributes)


class LongTerm:
    """A server that asks for long-term credentials; its nonce may become stale."""

    def __init__(self) -> None:
        self.nonce = b"first"
        self.usernames: list[bytes | None] = []
        self._key = Challenge(b"r", b"any").key("user", "secret")

    def __call__(self, request: StunMessage, seen: SocketAddress) -> StunMessage:
        self.usernames.append(request.attribute(Attribute.USERNAME))
        if not request.has_integrity(self._key):
            return challenged(request, 401, self.nonce)
        if request.attribute(Attribute.NONCE) != self.nonce:
            return challenged(request, 438, self.nonce)
        return mapped(request, seen).with_integrity(self._key)


class TestBindings:
    @pytest.mark.rule("9.3-3")
    def test_a_cpe_finds_its_binding_with_a_request_of_annex_g(self, make: Make) -> None:
        bench = make(mode=STUNMode.CLASSIC)
        bench.use_stun()
        request = bench.server.requests[0]
        assert request.kind == Kind.BINDING_REQUEST
        told = (Attribute.CONNECTION_REQUEST_BINDING, b"dslforum.org/TR-111 ")
        assert request.attributes == (told,)
        assert not request.has_cookie
        assert bench.bindings.counts["found"] == 1

    def test_a_fleet_may_speak_the_stun_of_today(self, make: Make) -> None:
        bench = make(mode=STUNMode.COOKIE)
        bench.use_stun()
        assert bench.server.requests[0].transaction.startswith(COOKIE)

    @pytest.mark.rule("9.3-5")
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_the_binding_is_reported(self, make: Make, host: str) -> None:
        bench = make(host=host)
        bench.use_stun()
        assert bench.read(0, "UDPConnectionRequestAddress") == bench.server.seen[0].authority
        assert bench.read(0, "NATDetected") in ("0", "false")
        assert bench.informed[-1] == (ev.VALUE_CHANGE,)

    @pytest.mark.rule("9.3-5")
    def test_an_address_that_is_not_the_cpes_own_is_a_nat(self, make: Make) -> None:
        bench = make(lambda request, _: mapped(request, SocketAddress("198.51.100.7", 4711)))
        bench.use_stun()
        assert bench.read(0, "UDPConnectionRequestAddress") == "198.51.100.7:4711"
        assert bench.read(0, "NATDetected") == "1"

    def test_a_new_binding_is_announced_a_few_times(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        bench.go(5.0)
        changes = [request.attribute(Attribute.BINDING_CHANGE) for request in bench.server.requests]
        assert changes == [None, *[b""] * ANNOUNCEMENTS]

    @pytest.mark.rule("9.3-4")
    def test_a_binding_is_kept_alive_with_the_period_of_the_acs(self, make: Make) -> None:
        bench = make()
        bench.use_stun(STUNMaximumKeepAlivePeriod="30")
        bench.go(5.0)
        for number in range(1, 4):
            bench.go(31.0, step=0.5)
            assert len(bench.server.requests) == 1 + ANNOUNCEMENTS + number
        assert bench.read(0, "UDPConnectionRequestAddress") == bench.server.seen[0].authority

    def test_a_binding_is_kept_alive_without_an_object_of_its_cpe(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("caretaker.engine.cpe_store.SMALL_FLEET", 0)
        monkeypatch.setattr("caretaker.engine.cpe_store.SPARE", 0)
        bench, cpes = make(), range(4)
        bench.use_stun(len(cpes), STUNMaximumKeepAlivePeriod="30")
        bench.go(5.0)
        for index in cpes:
            bench.shard.cpes.add(bench.shard.cpes[index])
        objects = len(bench.shard.cpes.objects)
        assert objects < len(cpes)
        bench.go(31.0, step=0.5)
        assert len(bench.server.requests) == len(cpes) * (1 + ANNOUNCEMENTS + 1)
        assert len(bench.shard.cpes.objects) == objects

    def test_what_a_long_stop_has_left_is_not_sent_in_one_turn(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = make()
        bench.use_stun(2)
        bench.write(1, STUNMinimumKeepAlivePeriod="40")
        bench.go(5.0)
        monkeypatch.setattr("caretaker.engine.nat_bindings.ACTS", 1)
        before = bench.bindings.counts["sent"]
        bench.clock.advance(100.0)
        sent = []
        for _ in range(2):
            bench.bindings.do_due()
            sent.append(bench.bindings.counts["sent"] - before)
        assert sent == [1, 2]

    def test_cpes_of_one_socket_are_told_apart(self, make: Make) -> None:
        bench = make(
            lambda request, _: mapped(request, SocketAddress("192.0.2.9", request.transaction[-1]))
        )
        bench.use_stun(3)
        found = {bench.read(index, "UDPConnectionRequestAddress") for index in range(3)}
        sent = {f"192.0.2.9:{request.transaction[-1]}" for request in bench.server.requests[:3]}
        assert found == sent
        assert len({seen.port for seen in bench.server.seen}) == 1

    def test_cpes_may_have_a_socket_each(self, make: Make) -> None:
        bench = make(own_sockets=True)
        bench.use_stun(3)
        assert len({seen.port for seen in bench.server.seen}) == 3

    def test_a_cpe_that_stops_using_stun_has_no_address(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        bench.write(0, STUNEnable="0")
        bench.go(0.2)
        assert bench.read(0, "UDPConnectionRequestAddress") == ""
        assert len(bench.bindings) == 0

    def test_a_cpe_that_has_left_sends_nothing(self, make: Make) -> None:
        bench = make(own_sockets=True)
        bench.use_stun()
        bench.go(5.0)
        bench.shard.power_off([0])
        sent = len(bench.server.requests)
        bench.go(70.0, step=0.5)
        assert len(bench.server.requests) == sent
        assert len(bench.bindings) == 0

    def test_a_cpe_without_power_sends_nothing_until_it_is_back(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        bench.go(5.0)
        sent = len(bench.server.requests)
        bench.shard.power_cut({0: bench.clock.now + 100.0})
        bench.go(99.0, step=0.5)
        assert len(bench.server.requests) == sent
        bench.go(5.0)
        assert len(bench.server.requests) > sent

    def test_a_fenced_worker_sends_nothing(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        bench.go(5.0)
        sent = len(bench.server.requests)
        bench.shard.suspend("the lease is over")
        bench.go(70.0, step=0.5)
        assert len(bench.server.requests) == sent

    def test_after_a_factory_reset_the_binding_is_told_again(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        cpe = bench.shard.cpes[0]
        cpe.factory_reset(bench.clock.now)
        bench.go(0.2)
        assert len(bench.bindings) == 0, "a reset switches STUN off, as it was from the factory"


class TestServers:
    def test_silence_is_an_outcome(self, make: Make) -> None:
        bench = make(silent, mode=STUNMode.CLASSIC)
        bench.use_stun()
        assert unanswered(bench) == {}  # it may be slow
        bench.go(2.0)
        assert unanswered(bench) == {"server is silent": 1}  # so far
        bench.go(sum(WAITS[STUNMode.CLASSIC]))
        assert len(bench.server.requests) == len(WAITS[STUNMode.CLASSIC])
        assert len({request.transaction for request in bench.server.requests}) == 1
        assert bench.bindings.counts["silent"] == 1
        assert unanswered(bench) == {"server is silent": 1}
        assert bench.read(0, "UDPConnectionRequestAddress") == ""

    @pytest.mark.parametrize("batch", [1, 9])
    def test_what_a_late_worker_has_not_read_yet_is_no_silence(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        bench = make()
        bench.use_stun(3)
        bench.go(5.0)
        bench.go(25.0, step=0.5)
        bench.clock.advance(3.0)
        bench.bindings.do_due()
        for _ in range(3):
            bench.server._receive()  # its answers are there, and the loop of the worker is behind
        monkeypatch.setattr("caretaker.stun.udp_socket.BATCH", batch)
        sent = len(bench.server.requests)
        bench.clock.advance(60.0)
        bench.bindings.do_due()
        assert bench.bindings.counts["silent"] == 0
        bench.arrive()
        bench.go(0.2)
        assert len(bench.server.requests) == sent
        assert bench.bindings.counts["answered"] == sent

    def test_silence_proves_nothing_where_this_machine_has_lost_datagrams(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("caretaker.stun.udp_socket.UDPSocket.has_lost", lambda *_: True)
        bench = make(silent, mode=STUNMode.CLASSIC)
        bench.use_stun()
        bench.go(sum(WAITS[STUNMode.CLASSIC]) + 2.0)
        assert bench.bindings.counts["silent"] == 0
        assert len(bench.server.requests) > len(WAITS[STUNMode.CLASSIC])

    def test_a_server_that_comes_back_is_found_by_the_next_keep_alive(self, make: Make) -> None:
        bench = make(silent, mode=STUNMode.CLASSIC)
        bench.use_stun()
        bench.go(12.0)
        bench.server.answer = mapped
        bench.go(31.0, step=0.5)
        assert bench.bindings.counts["found"] == 1
        assert unanswered(bench) == {}

    def test_a_host_that_is_not_allowed_is_sent_nothing(self, make: Make) -> None:
        bench = make(allowed=("acs.example",))
        bench.use_stun()
        bench.go(40.0, step=0.5)
        assert bench.server.requests == []
        assert bench.bindings.counts["unsent.host not allowed"] >= 1
        assert unanswered(bench) == {"host not allowed": 1}

    def test_a_host_whose_name_nobody_looks_up_has_no_answer(
        self, make: Make, name_server: NameServer
    ) -> None:
        name_server.answers.clear()
        name_server.known["slow.example"] = ["127.0.0.1"]
        bench = make(allowed=("slow.example",))
        bench.server.host = "slow.example"
        bench.use_stun()
        bench.go(2.0)
        assert unanswered(bench) == {"host name is being looked up": 1}
        name_server.answers.set()
        bench.server.answer = silent
        bench.go(1.0)
        assert len(bench.server.requests) > 0
        assert unanswered(bench) == {}
        bench.server.answer = mapped
        bench.go(2.0)
        assert bench.bindings.counts["found"] == 1

    @pytest.mark.rule("9.3-3")
    def test_credentials_are_shown_once_the_server_has_asked_for_them(self, make: Make) -> None:
        def strict(request: StunMessage, seen: SocketAddress) -> StunMessage:
            if request.has_integrity(b"secret"):
                return mapped(request, seen).with_integrity(b"secret")
            error = ((int(Attribute.ERROR_CODE), b"\0\0\4\1"),)
            return StunMessage(Kind.BINDING_ERROR, request.transaction, error)

        bench = make(strict)
        bench.use_stun(STUNUsername="user", STUNPassword="secret")
        bench.go(0.3)
        first, second = bench.server.requests[:2]
        assert first.attribute(Attribute.USERNAME) is None
        assert second.attribute(Attribute.USERNAME) == b"user"
        assert bench.bindings.counts["found"] == 1

    @pytest.mark.rule("9.3-3")
    def test_long_term_credentials_are_shown_with_the_servers_realm_and_nonce(
        self, make: Make
    ) -> None:
        server = LongTerm()
        bench = make(server)
        bench.use_stun(STUNUsername="user", STUNPassword="secret")
        bench.go(5.0)
        assert bench.bindings.counts["found"] == 1
        server.nonce = b"second"
        bench.go(31.0, step=0.5)
        counts = bench.bindings.counts
        assert (counts["errors.401"], counts["errors.438"], counts["changed"]) == (1, 1, 0)
        assert counts["answered"] == len(bench.server.requests) - 2
        assert all(value in (None, b"user") for value in server.usernames)

    @pytest.mark.parametrize("code", [401, 438])
    def test_a_server_that_asks_and_asks_does_not_have_the_cpe_send_and_send(
        self, make: Make, code: int
    ) -> None:
        number = itertools.count()

        def ask(request: StunMessage, _: SocketAddress) -> StunMessage:
            return challenged(request, code, b"%d" % next(number))

        bench = make(ask)
        bench.use_stun(STUNUsername="user", STUNPassword="secret")
        bench.go(20.0, step=0.5)
        assert len(bench.server.requests) == 2
        bench.go(30.0, step=0.5)
        assert len(bench.server.requests) == 3

    def test_a_cpe_without_a_username_shows_nothing(self, make: Make) -> None:
        bench = make(LongTerm())
        bench.use_stun()
        bench.go(5.0)
        assert len(bench.server.requests) == 1

    def test_a_refusal_is_an_outcome_with_its_code(self, make: Make) -> None:
        def refuse(request: StunMessage, _: SocketAddress) -> StunMessage:
            error = ((int(Attribute.ERROR_CODE), b"\0\0\4\1"),)
            return StunMessage(Kind.BINDING_ERROR, request.transaction, error)

        bench = make(refuse)
        bench.use_stun()
        bench.go(5.0)
        assert bench.bindings.counts["errors.401"] == 1
        assert unanswered(bench) == {"error 401": 1}
        assert len(bench.server.requests) == 1

    def test_an_answer_that_is_not_signed_as_it_should_be_is_none(self, make: Make) -> None:
        def forge(request: StunMessage, seen: SocketAddress) -> StunMessage:
            if request.has_integrity(b"secret"):
                return mapped(request, seen).with_integrity(b"other")
            error = ((int(Attribute.ERROR_CODE), b"\0\0\4\1"),)
            return StunMessage(Kind.BINDING_ERROR, request.transaction, error)

        bench = make(forge)
        bench.use_stun(STUNUsername="user", STUNPassword="secret")
        bench.go(0.3)
        assert bench.bindings.counts["found"] == 0
        assert bench.bindings.counts["malformed"] >= 1

    @pytest.mark.parametrize(
        "datagram", [b"", b"\0" * 20, b"\xff" * 2000, b"GET / HTTP/1.1\r\n\r\n"]
    )
    def test_rubbish_is_counted_and_does_nothing(self, make: Make, datagram: bytes) -> None:
        bench = make()
        bench.use_stun()
        bench.server.send(datagram, bench.server.seen[0])
        bench.arrive()
        assert bench.bindings.counts["malformed"] + bench.bindings.counts["late"] == 1

    def test_what_was_sent_has_come_to_an_end_or_waits(self, make: Make) -> None:
        bench = make()
        bench.use_stun(3)
        bench.go(5.0)
        bench.server.answer = silent
        bench.go(31.0, step=0.5)
        bench.shard.power_off([1])
        bench.go(40.0, step=0.5)
        results = Results()
        bench.bindings.book(results)
        stun = results.with_prefix("stun")
        assert stun["sent"] == sum(
            stun.get(end, 0) for end in ("answered", "silent", "dropped", "waiting")
        )
        assert stun["silent"] >= 1


class TestConnectionRequests:
    @pytest.mark.rule("9.3-2")
    @pytest.mark.parametrize("own_sockets", [False, True])
    def test_a_request_opens_a_session(self, make: Make, own_sockets: bool) -> None:
        bench = make(own_sockets=own_sockets)
        bench.use_stun(2)
        request_to(bench, 1)
        assert bench.informed[-1] == (ev.CONNECTION_REQUEST,)
        assert verdicts(bench)["accepted"] == 1
        assert bench.sink.sessions[-1].way == "udp"

    @pytest.mark.rule("9.3-2")
    def test_three_equal_datagrams_are_one_request(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        for _ in range(3):
            request_to(bench)
        assert verdicts(bench)["accepted"] == 1
        assert bench.bindings.counts["duplicates"] == 2

    @pytest.mark.rule("9.3-2")
    def test_a_request_that_is_older_than_the_last_is_not_taken(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        request_to(bench)
        request_to(bench, number="2", timestamp="1600000000")
        assert verdicts(bench)["accepted"] == 1

    @pytest.mark.rule("9.3-2")
    def test_a_flood_of_wrong_signatures_does_not_keep_a_good_one_away(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        for number in range(300):
            request_to(bench, number=str(number), password="wrong")
        request_to(bench, number="999")
        assert verdicts(bench)["unauthorized"] == 300
        assert verdicts(bench)["accepted"] == 1
        assert bench.informed[-1] == (ev.CONNECTION_REQUEST,)

    @pytest.mark.rule("9.3-1")
    def test_no_request_is_answered(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        heard = len(bench.server.requests)
        request_to(bench)
        request_to(bench, number="2", password="wrong")
        assert len(bench.server.requests) == heard

    def test_a_request_for_nobody_here_is_told_apart(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        request_to(bench, username="NOBODY-000001")
        assert verdicts(bench)["not_found"] == 1

    @pytest.mark.parametrize("name", ["00AABB-R%2D1-FLEET-000002", "someone"])
    def test_a_cpe_is_found_by_the_username_that_the_acs_has_set(
        self, make: Make, name: str
    ) -> None:
        bench = make()
        bench.use_stun(3)
        bench.write(1, ConnectionRequestUsername=name)
        bench.go(0.2)
        request_to(bench, 1)
        assert bench.sink.sessions[-1].way == "udp"
        assert verdicts(bench)["accepted"] == 1

    def test_a_cpe_that_is_busy_refuses_without_a_word(self, make: Make) -> None:
        bench = make()
        bench.use_stun()
        bench.shard.suspend("the lease is over")
        for _ in range(3):
            request_to(bench)
        assert verdicts(bench) == {"refused": 1}


class TestRebinding:
    @pytest.mark.parametrize("own_sockets", [False, True])
    def test_the_old_address_leads_nowhere_until_the_cpe_finds_out(
        self, make: Make, own_sockets: bool
    ) -> None:
        bench = make(own_sockets=own_sockets)
        bench.use_stun(2)
        bench.go(5.0)
        old = bench.read(0, "UDPConnectionRequestAddress")
        assert bench.bindings.rebind([0, 7]) == 1
        request_to(bench, 0)
        assert verdicts(bench).get("accepted", 0) == 0
        bench.go(31.0, step=0.5)
        assert bench.read(0, "UDPConnectionRequestAddress") not in ("", old)
        assert bench.bindings.counts["changed"] == 1
        assert bench.informed[-1] == (ev.VALUE_CHANGE,)
        request_to(bench, 0, number="2")
        assert verdicts(bench)["accepted"] == 1

    def test_a_shared_socket_keeps_those_that_were_not_rebound(self, make: Make) -> None:
        bench = make()
        bench.use_stun(2)
        bench.bindings.rebind([0])
        request_to(bench, 0)
        request_to(bench, 1)
        assert bench.bindings.counts["lost_requests"] == 1
        assert verdicts(bench)["accepted"] == 1

    def test_a_nat_forgets_a_binding_that_is_not_kept_alive(self, make: Make) -> None:
        bench = make(forgets_after=lambda _: 20.0)
        bench.use_stun()
        bench.go(5.0)
        bench.clock.now += 20.0
        request_to(bench)
        assert bench.bindings.counts["lost_requests"] == 1
        bench.go(11.0, step=0.5)
        assert bench.bindings.counts["changed"] == 1

    @pytest.mark.parametrize("own_sockets", [False, True])
    def test_the_request_that_comes_too_late_leaves_by_the_new_binding(
        self, make: Make, own_sockets: bool
    ) -> None:
        bench = make(forgets_after=lambda _: 20.0, own_sockets=own_sockets)
        bench.use_stun()
        bench.go(25.0, step=1.0)
        assert (bench.bindings.counts["rebound"], len(set(bench.server.seen))) == (0, 1)
        requests = len(bench.server.requests)
        bench.go(10.0, step=1.0)
        assert (bench.bindings.counts["rebound"], bench.bindings.counts["changed"]) == (1, 1)
        assert bench.server.seen[requests] != bench.server.seen[0]


class TestKeepAlive:
    @pytest.mark.rule("9.3-4")
    def test_a_cpe_whose_nat_forgets_sends_more_often_until_it_does_not(self, make: Make) -> None:
        bench = make(forgets_after=lambda _: 15.0, keep_alive=40.0)
        bench.use_stun(STUNMinimumKeepAlivePeriod="5", STUNMaximumKeepAlivePeriod="-1")
        bench.go(80.0, step=1.0)
        assert bench.bindings.counts["changed"] == 2  # after 40 s, and after 20 s
        before = len(bench.server.requests)
        bench.go(55.0, step=1.0)
        assert bench.bindings.counts["changed"] == 2
        assert len(bench.server.requests) - before == 5

    def test_the_acs_says_how_often_at_most(self, make: Make) -> None:
        bench = make(forgets_after=lambda _: 20.0)
        bench.use_stun(STUNMinimumKeepAlivePeriod="25", STUNMaximumKeepAlivePeriod="-1")
        bench.go(100.0, step=1.0)
        assert bench.bindings.counts["changed"] == 3  # one with each keep-alive

    def test_another_period_of_the_acs_begins_anew(self, make: Make) -> None:
        bench = make()
        bench.use_stun(STUNMinimumKeepAlivePeriod="5", STUNMaximumKeepAlivePeriod="-1")
        bench.bindings.rebind([0])
        bench.go(31.0, step=0.5)
        assert bench.bindings._keep_alives._periods == {0: 15.0}
        bench.write(0, STUNMinimumKeepAlivePeriod="6")
        bench.go(1.0)
        assert bench.bindings._keep_alives._periods == {}


def test_shared_sockets_are_bounded_however_often_bindings_change(make: Make) -> None:
    bench = make()
    bench.use_stun()
    for _ in range(3 * SHARED_SOCKETS):
        bench.bindings.rebind([0])
    assert len(bench.bindings._sockets._shared) == SHARED_SOCKETS


def test_a_socket_that_can_not_be_opened_is_counted(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()

    def refuse(*_: object) -> None:
        raise OSError(24, "no more")

    monkeypatch.setattr("caretaker.engine.nat_sockets.UDPSocket", refuse)
    bench.use_stun()
    assert bench.bindings.counts["unsent.Too many open files"] >= 1


def test_bindings_that_are_closed_can_be_closed_again(make: Make) -> None:
    bench = make()
    bench.use_stun()
    for _ in range(2):
        bench.bindings.close()
    assert bench.shard.context.reach_watchers == []
