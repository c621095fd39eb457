"""CPEs and an ACS at Prosody and at ejabberd, with accounts made by their own tools."""

from __future__ import annotations

import shutil

import gevent
import pytest
from helpers.processes import run
from helpers.shards import ShardBench
from helpers.xmpp_clients import trusting, wait_for
from helpers.xmpp_servers import DOMAIN, SERVERS

from caretaker.connection_request.phrases import OFFLINE, REFUSED
from caretaker.connection_request.xmpp_client import XMPPClient
from caretaker.device.reachability import Reach, Reachability, ReachMix, XMPPServer
from caretaker.engine.xmpp_connections import ShardXMPP
from caretaker.http.credentials import Credentials
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.xmpp.client_stream import SCRAM_SHA_1, Account, LoginSettings
from caretaker.xmpp.connections import ConnectionSettings
from caretaker.xmpp.scram import SaltedKeys
from caretaker.xmpp.wanted import Wanted

pytestmark = [pytest.mark.processes, pytest.mark.sockets]
CPES = 5
REQUESTED = "6 CONNECTION REQUEST"


@pytest.mark.rule("9.4-1", "9.4-2")
@pytest.mark.parametrize("name", SERVERS)
def test_connection_requests_reach_cpes_over_a_real_server(name: str) -> None:
    command, start = SERVERS[name]
    if not shutil.which(command):
        pytest.skip(f"{name} is not installed; ./scripts/setup servers installs it")
    listed = run(
        "caretaker.xmpp_accounts", "--format", name, "--domain", DOMAIN,
        "--count", str(CPES), "--seed", "7",
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    with start() as server:
        server.make_accounts(listed.stdout, "acs:word")
        bench = ShardBench()
        shard = bench.shard
        shard._switch._mix = shard._switch._mix.prepared(with_reach_parameters)
        at = XMPPServer("127.0.0.1", server.port, DOMAIN)
        shard.context.reach = Reachability(ReachMix(((Reach.XMPP, 1.0),)), xmpp=at)
        login = LoginSettings(SCRAM_SHA_1, False, SaltedKeys())
        settings = ConnectionSettings(login, lambda: trusting(server.ca), 100.0)
        cpes = ShardXMPP(shard, frozenset({"127.0.0.1"}), settings, bench.sink, seed="1")
        account = Account("acs", "word", DOMAIN, "acs")
        acs = XMPPClient(Wanted(account, (("127.0.0.1", server.port),)), settings, 60.0)
        bench.boot(CPES)
        try:
            wait_for(lambda: cpes.connections.connected == CPES and acs.jid)
            sent = [gevent.spawn(acs.send, *_address(bench, index)) for index in range(CPES)]
            gevent.joinall(sent)
            assert [greenlet.value for greenlet in sent] == [None] * CPES
            jid, right = _address(bench, 0)
            assert acs.send(jid, Credentials(right.username, "wrong")) == REFUSED
            assert acs.send(f"nobody@{DOMAIN}/cwmp", right) == OFFLINE
            wait_for(lambda: sum(REQUESTED in events for events in bench.informed) == CPES)
            assert bench.sink.counters["connection_requests.by_way.xmpp.accepted"] == CPES
        finally:
            acs.close()
            cpes.stop()
            shard.stop()


def _address(bench: ShardBench, index: int) -> tuple[str, Credentials]:
    cpe, now = bench.shard.cpes[index], bench.clock.now
    names = "ConnReqJabberID", "ConnectionRequestUsername", "ConnectionRequestPassword"
    jid, username, password = (cpe.management_value(name, now) for name in names)
    return jid, Credentials(username, password)
