"""How the CPEs of a run can be reached, by its options."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from caretaker.connection_request.xmpp_sender import XMPPAccount
from caretaker.device.reachability import STUNServer, XMPPServer
from caretaker.errors import InputError
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
    ("given", "cure"),
    [
        ({"cr_host_ipv6": "::1"}, "--cr-host-ipv6 ::1: no CPE is of the kind ipv6; give --reach"),
        ({"reach": "xmpp:1", "xmpp_server": "a", "stun_keep_alive": "20-60"},
         "--stun-keep-alive 20-60: no CPE is of the kind stun; give --reach with stun"),
        ({"reach": "ipv6:1", "ip_version": "4"}, "ipv6 with --ip-version 4; leave one of the two"),
        ({"reach": "xmpp:1", "xmpp_server": "[::1]:5222"},
         "--xmpp-server '::1' is no domain of accounts, like example.com; give --xmpp-domain"),
        ({"reach": "xmpp:1", "xmpp_server": "a", "cr_xmpp_jid": "acs@b", "cr_xmpp_password": "w"},
         "acs@b: sends to CPEs of its own domain, and there are none; give an account of a"),
    ],
)  # fmt: skip
def test_options_that_contradict_each_other_are_refused(given: dict[str, str], cure: str) -> None:
    with pytest.raises(InputError, match=cure):
        settings(**given).check_reach()


def test_the_sender_is_of_the_domain_of_the_cpes_in_any_spelling() -> None:
    given = {"reach": "xmpp:1", "xmpp_server": "[::1]", "xmpp_domain": "Lab.example."}
    settings(**given, cr_xmpp_jid="acs@lab.example", cr_xmpp_password="w").check_reach()
    settings(reach="ipv6:1", cr_host_ipv6="::1", ip_version="6").check_reach()


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("nat_forgets", "0.5:0", "'0.5:0' is shorter than a binding can be kept; give 1 s or more"),
        ("nat_forgets", "0.1:0.0001", "shorter than a binding"),
        ("nat_forgets", "0.5:1e9", "1e9 must be a number from 0 to 86400"),
        ("nat_forgets", "0.5", "is not SHARE:SECONDS, like 0.1:25"),
        ("stun_keep_alive", "0-0", "'0' must be a whole number from 1 to 86400"),
        ("stun_keep_alive", "0", "'0' must be a whole number from 1"),
        ("stun_keep_alive", "0-1", "'0' must be a whole number from 1"),
        ("stun_keep_alive", "0.5-0.6", "'0.5' must be a whole number from 1"),
        ("stun_keep_alive", "1e9", "'1e9' must be a whole number from 1"),
        ("stun_keep_alive", "9-8", "'9-8' is not LOW-HIGH in seconds, like 20-60"),
        ("xmpp_login_rate", "1e9", "1e9 must be a number from 0.1 to 10000"),
        ("xmpp_login_rate", "1_000", "'1_000' is not a number"),
        ("xmpp_login_rate", "\uff11", "is not a number"),
        ("xmpp_domain", "::1", "'::1' is no domain of accounts, like example.com"),
        ("xmpp_domain", "-", "'-' is no domain of accounts"),
        ("cr_xmpp_jid", "a@b@c", "'a@b@c' is not the address of an account"),
        ("cr_xmpp_jid", 'a"b@c', "is not the address of an account, like acs@example.com"),
        ("cr_xmpp_jid", "a" * 2000 + "@c", "is not the address of an account"),
        ("cr_xmpp_password", "sesame\r", "has control characters"),
        ("acs_password", "sesame\x00", "has control characters"),
        ("cr_host_ipv6", "::", "'::' is no IPv6 address of one machine, like 2001:db8::7"),
        ("cr_host_ipv6", "::ffff:127.0.0.1", "is no IPv6 address of one machine"),
        ("stun_server", "a:0", "'0' must be a whole number from 1 to 65535"),
        ("stun_server", "0.0.0.0", "'0.0.0.0' is no address of one server; name the server's own"),
        ("stun_server", "[::]:3478", "'::' is no address of one server"),
        ("stun_server", "224.0.0.1", "no address of one server"),
        ("xmpp_server", "[ff02::1]:5222", "no address of one server"),
        ("xmpp_server", "255.255.255.255", "no address of one server"),
        ("xmpp_server", "999.1.1.1", "'999.1.1.1' is not a host name or address; give one like"),
        ("cr_xmpp_server", "a..b", "'a..b' is not a host name"),
        ("cr_xmpp_server", "a:", "'a:' is not a host name"),
        ("stun_server", "::1:3478", r"put the address in brackets, like \[::1\]:3478"),
        ("stun_server", "a:3478:9", "'a:3478:9' is not a host name"),
    ],
)
def test_what_can_not_be_is_one_line_with_the_cure(name: str, text: str, line: str) -> None:
    with pytest.raises(InputError, match=line) as error:
        settings(**{name: text})
    assert str(error.value).startswith(f"--{name.replace('_', '-')}: ")
    assert "sesame" not in str(error.value)


def test_the_least_that_can_be_is_taken() -> None:
    given = settings(nat_forgets="0.5:1", stun_keep_alive="1", xmpp_login_rate="0.1")
    assert str(given.stun_keep_alive) == "1-1"
    assert str(settings(nat_forgets="0:0").nat_forgets) == "0:0"
