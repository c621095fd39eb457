"""What CPEs report of how they can be reached."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.cpes import context, profile

from caretaker.device.cpe import CPE
from caretaker.device.reach_values import reach_of
from caretaker.device.reachability import (
    Reach,
    Reachability,
    ReachMix,
    STUNServer,
    XMPPServer,
)
from caretaker.profiles.reach_parameters import with_reach_parameters

REACH = Reachability(
    ReachMix(((Reach.DIRECT, 1.0),)),
    unanswered_url="http://lab:9/cr/{}".format,
    ipv6_url="http://[::1]:7548/cr/{}".format,
    stun=STUNServer("stun.lab", 3479, (20.0, 60.0)),
    xmpp=XMPPServer("xmpp.lab", 5223, "lab"),
)


def cpe_of(kind: Reach, name: str = "tr181") -> CPE:
    reach = replace(REACH, mix=ReachMix(((kind, 1.0),)))
    made = CPE(4, with_reach_parameters(profile(name)), context(reach=reach))
    made.power_on(0.0)
    return made


def values(cpe: CPE, *names: str) -> list[str]:
    return [cpe.value(f"{cpe.model.root}{name}", 1.0) for name in names]


URL = "ManagementServer.ConnectionRequestURL"
METHODS = "ManagementServer.SupportedConnReqMethods"


@pytest.mark.parametrize(
    ("kind", "url", "methods"),
    [
        (Reach.DIRECT, "http://127.0.0.1/cr/FLEET-000005", "HTTP"),
        (Reach.STUN, "http://lab:9/cr/FLEET-000005", "HTTP,STUN"),
        (Reach.XMPP, "http://lab:9/cr/FLEET-000005", "HTTP,XMPP"),
        (Reach.DARK, "http://lab:9/cr/FLEET-000005", "HTTP"),
        (Reach.IPV6, "http://[::1]:7548/cr/FLEET-000005", "HTTP"),
        (Reach.LIES, "http://127.0.0.1/cr/FLEET-000005-moved", "HTTP"),
    ],
)
def test_each_kind_has_its_url_and_methods(kind: Reach, url: str, methods: str) -> None:
    cpe = cpe_of(kind)
    assert reach_of(cpe) is kind
    assert values(cpe, URL, METHODS) == [url, methods]


@pytest.mark.parametrize("name", ["tr181", "tr098"])
def test_a_cpe_behind_a_nat_has_its_stun_server(name: str) -> None:
    names = [f"ManagementServer.STUN{last}" for last in (
        "Enable", "ServerAddress", "ServerPort", "MinimumKeepAlivePeriod", "MaximumKeepAlivePeriod",
    )]  # fmt: skip
    assert values(cpe_of(Reach.STUN, name), *names) == ["1", "stun.lab", "3479", "20", "60"]
    assert values(cpe_of(Reach.XMPP, name), *names)[0] in ("0", "false")


def test_a_cpe_with_an_xmpp_connection_has_its_account() -> None:
    cpe = cpe_of(Reach.XMPP)
    row = "XMPP.Connection.1."
    assert values(cpe, "ManagementServer.ConnReqXMPPConnection") == ["Device.XMPP.Connection.1"]
    account = [f"{row}{last}" for last in ("Enable", "Username", "Domain", "UseTLS")]
    assert values(cpe, *account) == ["1", "fleet-000005", "lab", "1"]
    assert values(cpe, f"{row}Password") == [cpe.context.identities.secret(4, "XMPP")]
    assert cpe.read(f"Device.{row}Password", 1.0).value == ""
    server = f"{row}Server.1."
    assert values(cpe, f"{server}ServerAddress", f"{server}Port") == ["xmpp.lab", "5223"]
    assert values(cpe_of(Reach.STUN), f"{row}Enable", f"{row}Username") == ["0", ""]


def test_what_the_acs_sets_takes_the_place_of_what_the_kind_has() -> None:
    cpe = cpe_of(Reach.DIRECT)
    cpe.set_values([("Device.ManagementServer.STUNEnable", "1")], 1.0)
    cpe.set_values([("Device.ManagementServer.STUNServerAddress", "acs.lab")], 1.0)
    names = ("ManagementServer.STUNEnable", "ManagementServer.STUNServerAddress")
    assert values(cpe, *names) == ["1", "acs.lab"]


def test_without_a_mix_all_are_reached_at_their_url() -> None:
    cpe = CPE(0, profile("tr181"), context())
    cpe.power_on(0.0)
    assert reach_of(cpe) is Reach.DIRECT
    assert values(cpe, URL, METHODS) == ["http://127.0.0.1/cr/FLEET-000001", "HTTP"]


def test_a_url_is_none_where_http_is_disabled_whatever_the_kind() -> None:
    cpe = cpe_of(Reach.DARK)
    path = f"{cpe.model.root}ManagementServer.HTTPConnectionRequestEnable"
    cpe.set_values([(path, "0")], 1.0)
    assert values(cpe, URL) == [""]
