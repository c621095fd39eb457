"""How the CPEs of a run can be reached, by its options."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from caretaker.connection_request.xmpp_sender import XMPPAccount
from caretaker.device.reachability import STUNServer, XMPPServer
from caretaker.errors import InputError
from caretaker.swarm.option_addresses import HostPort, host_and_port
from caretaker.swarm.options import Settings


def settings(**given: str) -> Settings:
    return Settings.of(argparse.Namespace(**given))


def test_without_a_mix_there_is_nothing() -> None:
    assert settings().reachability() is None
    settings().check_reach()


def test_servers_have_their_usual_ports() -> None:
    given = settings(
        reach="stun:1,xmpp:1", stun_server="a.lab", stun_keep_alive="20-60", xmpp_server="b.lab:99"
    )
    given.check_reach()
    reach = given.reachability()
    assert reach is not None
    assert reach.stun == STUNServer("a.lab", 3478, (20.0, 60.0))
    assert reach.xmpp == XMPPServer("b.lab", 99, "b.lab")


def test_a_cpe_behind_a_nat_asks_the_host_of_the_acs_by_default() -> None:
    given = settings(reach="stun:1")
    given.check_reach()
    reach = given.reachability()
    assert reach is not None
    assert (reach.stun.host, reach.stun.port) == ("", 3478)


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({"reach": "xmpp:1"}, "--reach: xmpp needs a server; give --xmpp-server"),
        ({"stun_server": "a"}, "--stun-server a:3478: no CPE is of the kind stun; give --reach"),
        ({"reach": "dark:1", "xmpp_domain": "a"}, "--xmpp-domain a: no CPE is of the kind xmpp"),
        ({"cr_xmpp_jid": "acs@a", "cr_xmpp_password": "word"},
         "--cr-xmpp-jid acs@a: no CPE is of the kind xmpp"),
        ({"reach": "xmpp:1", "xmpp_server": "a", "cr_xmpp_jid": "acs@a"},
         "--cr-xmpp-jid acs@a: no password; give CARETAKER_CR_XMPP_PASSWORD"),
        ({"reach": "xmpp:1", "xmpp_server": "a", "cr_xmpp_server": "b"},
         "--cr-xmpp-server b:5222: of no account; give --cr-xmpp-jid"),
    ],
)  # fmt: skip
def test_a_server_and_its_kind_belong_together(given: dict[str, str], cure: str) -> None:
    with pytest.raises(InputError, match=cure):
        settings(**given).check_reach()


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        ({}, "", 5222),
        ({"xmpp_server": "a.lab:99"}, "a.lab", 99),
        ({"xmpp_server": "a.lab:99", "cr_xmpp_server": "b.lab"}, "b.lab", 5222),
    ],
)
def test_the_account_of_the_sender_is_at_the_server_of_the_cpes(
    given: dict[str, str], host: str, port: int
) -> None:
    made = settings(**given, cr_xmpp_jid="ACS@lab", cr_xmpp_password="word")
    assert made.cr_xmpp == XMPPAccount("acs@lab", "word", host, port)
    assert "word" not in str(made.public())


def test_an_account_that_nothing_sends_from_is_refused() -> None:
    made = settings(cr_xmpp_jid="acs@lab", cr_xmpp_password="word")
    made.check_sender(is_embedded=True)
    replace(made, cr_driver="direct").check_sender(is_embedded=False)
    with pytest.raises(InputError, match="--cr-xmpp-jid acs@lab: the ACS of --host sends from"):
        made.check_sender(is_embedded=False)


def test_without_a_jid_there_is_no_account() -> None:
    assert settings(cr_xmpp_password="word").cr_xmpp is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a.lab", ("a.lab", 7)),
        ("a.lab:9", ("a.lab", 9)),
        ("::1", ("::1", 7)),
        ("[::1]", ("::1", 7)),
        ("[::1]:9", ("::1", 9)),
    ],
)
def test_a_port_may_be_left_out(text: str, read: tuple[str, int]) -> None:
    assert host_and_port(7)(text) == HostPort(*read)


@pytest.mark.parametrize("text", ["", "a b", "a:99999999", "a:x"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        host_and_port(7)(text)
