"""The connection to an XMPP server in a CPE's data model."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from helpers.cpes import context, extended, profile, run

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.device.cpe import CPE
from caretaker.device.reachability import Reach, Reachability, ReachMix, XMPPServer
from caretaker.device.xmpp_connection import (
    KEEP_ALIVE_SECONDS,
    MAX_SERVERS,
    PORT,
    forget,
    report,
    wanted_connection,
)
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.xmpp.wanted import Backoff

SERVER = XMPPServer("xmpp.example.org", 5223, "example.org")
ALL = ReachMix(((Reach.XMPP, 1.0),))
ROW = "Device.XMPP.Connection.1."
JID = "fleet-000001@example.org/bound"


def cpe(name: str = "tr181", index: int = 0, mix: ReachMix = ALL, **settings: Any) -> CPE:
    """A CPE that has a server, and has had its first session."""
    reach = Reachability(mix, xmpp=SERVER)
    box = CPE(index, with_reach_parameters(profile(name)), context(reach=reach, **settings))
    box.power_on(0.0)
    run(box, 0.0)
    return box


def put(box: CPE, **values: str) -> None:
    """Have the ACS set parameters of the row."""
    kinds = {"Port": "xsd:unsignedInt", "Enable": "xsd:boolean", "UseTLS": "xsd:boolean"}
    names = (
        "ServerRetryInitialInterval", "ServerRetryMaxInterval", "ServerRetryIntervalMultiplier",
        "ServerConnectAttempts", "Priority",
    )  # fmt: skip
    numbers = {**dict.fromkeys(names, "xsd:unsignedInt"), "Weight": "xsd:long"}
    numbers["KeepAliveInterval"] = "xsd:long"
    structs = tuple(
        ParameterValueStruct(
            f"{ROW}{name.replace('_', '.')}",
            value,
            {**kinds, **numbers}.get(name.rpartition("_")[2], "xsd:string"),
        )
        for name, value in values.items()
    )
    answer = box.answer(m.SetParameterValues(structs, ""), 1.0)
    assert isinstance(answer, m.SetParameterValuesResponse)


@pytest.mark.rule("9.4-1")
@pytest.mark.parametrize("name", ["tr181", "tr098"])
def test_a_cpe_has_an_account_of_its_own_from_the_start(name: str) -> None:
    box = cpe(name)
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert wanted.row == f"{box.model.root}XMPP.Connection.1."
    assert wanted[1:7] == (
        "fleet-000001", box.context.identities.secret(0, "XMPP"), "example.org", "cwmp",
        (("xmpp.example.org", 5223),), True,
    )  # fmt: skip
    assert wanted.keep_alive == KEEP_ALIVE_SECONDS
    assert wanted[8:] == (60.0, 2.0, 30_720.0, 1)
    assert wanted.password not in repr(wanted)


def test_only_cpes_of_the_kind_are_connected_until_the_acs_asks_for_it() -> None:
    mix = ReachMix(((Reach.DIRECT, 1.0), (Reach.XMPP, 1.0)))
    boxes = [cpe(index=index, mix=mix) for index in range(10)]
    kinds = [mix.of(box.context.identities, box.index) for box in boxes]
    wanted = [wanted_connection(box, 1.0) is not None for box in boxes]
    assert wanted == [kind is Reach.XMPP for kind in kinds]
    assert len(set(wanted)) == 2
    box = boxes[wanted.index(False)]
    put(box, Enable="1", Username="own", Password="pw", Domain="other.example")
    put(box, Server_1_Enable="0")
    reference = ParameterValueStruct(
        "Device.ManagementServer.ConnReqXMPPConnection", ROW[:-1], "xsd:string"
    )
    box.answer(m.SetParameterValues((reference,), ""), 2.0)
    asked = wanted_connection(box, 2.0)
    assert asked is not None
    assert asked[1:7] == ("own", "pw", "other.example", "", (("other.example", 5222),), False)


def test_what_the_acs_sets_is_wanted_and_told() -> None:
    changed: set[int] = set()
    box = cpe(reach_watchers=[changed])
    assert changed == {0}
    changed.clear()
    put(box, KeepAliveInterval="0", UseTLS="0", Server_1_Port="5299", ServerRetryMaxInterval="9")
    assert changed == {0}
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert (wanted.keep_alive, wanted.use_tls) == (0.0, False)
    assert wanted.servers == (("xmpp.example.org", 5299),)
    assert wanted.retry_longest == 9.0
    put(box, Enable="0")
    assert wanted_connection(box, 1.0) is None


def test_numbers_that_no_connection_can_have_do_no_harm() -> None:
    box = cpe()
    most = str(2**32 - 1)
    put(box, Server_1_Port=most, ServerRetryMaxInterval=most, ServerRetryIntervalMultiplier=most)
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert wanted.servers == (("xmpp.example.org", PORT),)
    backoff = Backoff(wanted.retry_initial, wanted.retry_multiplier, wanted.retry_longest)
    assert backoff.seconds(1000, 1.0) == wanted.retry_longest


def with_servers(*servers: tuple[str, int, int], index: int = 0) -> CPE:
    """A CPE with these servers: host, priority and weight of each."""
    box = cpe(index=index)
    put(box, Server_1_Enable="0")
    for number, (host, priority, weight) in enumerate(servers, 2):
        assert box.answer(m.AddObject(f"{ROW}Server."), 1.0) == m.AddObjectResponse(number, 0)
        row = f"Server_{number}_"
        values = {"Priority": f"{priority}", "Weight": f"{weight}", "ServerAddress": host}
        put(box, **{row + name: value for name, value in {**values, "Enable": "1"}.items()})
    return box


def hosts(box: CPE) -> list[str]:
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    return [host for host, _ in wanted.servers]


@pytest.mark.rule("9.4-4")
def test_servers_are_tried_by_their_priority() -> None:
    box = with_servers(("c.example", 30, 0), ("a.example", 0, 0), ("b.example", 20, 65535))
    assert hosts(box) == ["a.example", "b.example", "c.example"]
    put(box, Server_3_Enable="0")
    assert hosts(box) == ["b.example", "c.example"]


@pytest.mark.rule("9.4-4")
def test_servers_of_one_priority_share_a_fleet_by_their_weights() -> None:
    servers = ("a.example", 1, 30), ("b.example", 1, 10), ("c.example", 1, 0), ("d.example", 2, 99)
    orders = [hosts(with_servers(*servers, index=index)) for index in range(200)]
    first = Counter(order[0] for order in orders)
    assert 130 <= first["a.example"] <= 170
    assert first["c.example"] <= 3
    assert {order[-1] for order in orders} == {"d.example"}
    assert orders[7] == hosts(with_servers(*servers, index=7))


def test_of_a_table_without_end_some_rows_are_tried() -> None:
    box = with_servers(*((f"{number}.example", number, -1) for number in range(MAX_SERVERS + 2)))
    assert hosts(box) == [f"{number}.example" for number in range(MAX_SERVERS)]


@pytest.mark.rule("9.4-6")
def test_with_dns_srv_the_table_is_passed_over() -> None:
    box = cpe()
    put(box, ServerConnectAlgorithm="DNS-SRV")
    assert hosts(box) == ["example.org"]
    put(box, ServerConnectAlgorithm="ServerTable")
    assert hosts(box) == ["xmpp.example.org"]


def test_a_dumped_device_that_asks_for_srv_records_has_the_runs_server_all_the_same() -> None:
    dumped = extended(f"{ROW}ServerConnectAlgorithm,false,true,DNS-SRV,xsd:string")
    box = CPE(0, with_reach_parameters(dumped), context(reach=Reachability(ALL, xmpp=SERVER)))
    box.power_on(0.0)
    assert hosts(box) == ["xmpp.example.org"]


@pytest.mark.rule("9.4-5")
def test_attempts_and_waits_are_as_the_acs_sets_them() -> None:
    box = cpe()
    put(
        box,
        ServerConnectAttempts="3",
        ServerRetryInitialInterval="7",
        ServerRetryIntervalMultiplier="1500",
        ServerRetryMaxInterval="90",
    )
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert wanted[8:] == (7.0, 1.5, 90.0, 3)


def test_without_attempts_the_waits_are_passed_over() -> None:
    box = cpe()
    put(box, ServerConnectAttempts="0", ServerRetryInitialInterval="7", ServerRetryMaxInterval="9")
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert wanted[8:] == (60.0, 2.0, 30_720.0, 1)


@pytest.mark.rule("9.4-1")
def test_the_address_is_reported_as_bound_and_told_at_once() -> None:
    box = cpe()
    report(box, ROW, "Enabled", 5.0, jid=JID, is_secure=True)
    acs = run(box, 5.0)
    assert [event.event_code for event in acs.informs[0].event] == ["4 VALUE CHANGE"]
    told = {struct.name: struct.value for struct in acs.informs[0].parameter_list}
    assert told["Device.ManagementServer.ConnReqJabberID"] == JID
    names = "JabberID", "Status", "TLSEstablished"
    assert [box.value(ROW + name, 5.0) for name in names] == [
        JID, "Enabled", "1",
    ]  # fmt: skip


@pytest.mark.rule("9.4-1")
def test_a_lost_connection_keeps_the_address_for_the_acs() -> None:
    box = cpe()
    report(box, ROW, "Enabled", 5.0, jid=JID, is_secure=True)
    run(box, 5.0)
    report(box, ROW, "ServerNotPresent", 6.0, jid="", is_secure=False)
    assert box.value(f"{ROW}Status", 6.0) == "ServerNotPresent"
    assert box.value("Device.ManagementServer.ConnReqJabberID", 6.0) == JID
    report(box, ROW, "Enabled", 7.0, jid=JID, is_secure=True)
    assert box.begin_session(7.0) is None, "nothing has changed for the ACS"
    forget(box, ROW, 8.0)
    assert box.value("Device.ManagementServer.ConnReqJabberID", 8.0) == ""


def test_a_profile_without_the_table_has_no_connection() -> None:
    box = CPE(0, profile(), context())
    box.power_on(0.0)
    assert wanted_connection(box, 1.0) is None
    report(box, ROW, "Enabled", 1.0, jid=JID, is_secure=True)
    assert box.find(f"{ROW}Status", 1.0) is None
