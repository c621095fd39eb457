"""The connection to an XMPP server in a CPE's data model."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.cpes import context, profile, run

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.device.cpe import CPE
from caretaker.device.reachability import Reach, Reachability, ReachMix, XMPPServer
from caretaker.device.xmpp_connection import (
    KEEP_ALIVE_SECONDS,
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
    waits = "ServerRetryMaxInterval", "ServerRetryIntervalMultiplier"
    numbers = {"KeepAliveInterval": "xsd:long", **dict.fromkeys(waits, "xsd:unsignedInt")}
    structs = tuple(
        ParameterValueStruct(
            f"{ROW}{name.replace('_1_', '.1.')}",
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
    assert wanted[1:8] == (
        "fleet-000001", box.context.identities.secret(0, "XMPP"), "example.org", "cwmp",
        "xmpp.example.org", 5223, True,
    )  # fmt: skip
    assert wanted.keep_alive == KEEP_ALIVE_SECONDS
    assert wanted[9:] == (60.0, 2.0, 30_720.0)
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
    assert asked[1:8] == ("own", "pw", "other.example", "", "other.example", 5222, False)


def test_what_the_acs_sets_is_wanted_and_told() -> None:
    changed: set[int] = set()
    box = cpe(reach_watchers=[changed])
    assert changed == {0}
    changed.clear()
    put(box, KeepAliveInterval="0", UseTLS="0", Server_1_Port="5299", ServerRetryMaxInterval="9")
    assert changed == {0}
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert (wanted.keep_alive, wanted.use_tls, wanted.port) == (0.0, False, 5299)
    assert wanted.retry_longest == 9.0
    put(box, Enable="0")
    assert wanted_connection(box, 1.0) is None


def test_numbers_that_no_connection_can_have_do_no_harm() -> None:
    box = cpe()
    most = str(2**32 - 1)
    put(box, Server_1_Port=most, ServerRetryMaxInterval=most, ServerRetryIntervalMultiplier=most)
    wanted = wanted_connection(box, 1.0)
    assert wanted is not None
    assert wanted.port == PORT
    backoff = Backoff(wanted.retry_initial, wanted.retry_multiplier, wanted.retry_longest)
    assert backoff.seconds(1000, 1.0) == wanted.retry_longest


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
