"""The account that Connection Requests over XMPP are sent from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from helpers.xmpp_clients import CA, server_with_device

from caretaker.connection_request.phrases import OFFLINE, REFUSED
from caretaker.connection_request.xmpp_client import NOT_CONNECTED
from caretaker.connection_request.xmpp_sender import XMPPAccount, XMPPSender
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import TLSSettings
from caretaker.testing.xmpp_server import XMPPServer
from caretaker.xmpp.jid import account_jid

RIGHT = Credentials("right", "p")
JID = "cpe@example.org/r"


@pytest.fixture
def tls(tmp_path: Path) -> TLSSettings:
    ca = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(ca)
    return TLSSettings(str(ca))


@pytest.fixture
def running() -> Iterator[XMPPServer]:
    with server_with_device() as found:
        yield found


def sender(running: XMPPServer, tls: TLSSettings, word: str = "sca") -> XMPPSender:
    account = XMPPAccount("acs@example.org", word, "127.0.0.1", running.port)
    return XMPPSender(account, tls, timeout=60.0)


@pytest.mark.sockets
def test_the_first_requests_make_the_one_stream(running: XMPPServer, tls: TLSSettings) -> None:
    acs = sender(running, tls)
    assert running.settings.logins == ["cpe"]
    sent = [gevent.spawn(acs.send, JID, RIGHT) for _ in range(5)]
    gevent.joinall(sent)
    assert [greenlet.value for greenlet in sent] == [None] * 5
    assert acs.send(JID, Credentials("wrong", "p")) == REFUSED
    assert acs.send("nobody@example.org/r", RIGHT) == OFFLINE
    assert running.settings.logins == ["cpe", "acs"]
    acs.close()


@pytest.mark.sockets
def test_a_refused_login_is_the_reason(running: XMPPServer, tls: TLSSettings) -> None:
    acs = sender(running, tls, "wrong")
    reasons = {acs.send(JID, RIGHT) for _ in range(2)}
    acs.close()
    (reason,) = reasons
    assert reason is not None
    assert reason.startswith(f"{NOT_CONNECTED}: ")
    assert "wrong" not in reason


@pytest.mark.parametrize("jid", ["", "no address", "cpe@other.example/r", "example.org"])
def test_nothing_is_sent_to_other_domains(jid: str) -> None:
    acs = XMPPSender(XMPPAccount("acs@example.org", "word", "127.0.0.1", 1), domains=["b.example"])
    with pytest.raises(InputError, match="not an address of an allowed domain"):
        acs.send(jid, RIGHT)
    assert acs._client is None


@pytest.mark.sockets
def test_a_server_that_is_not_there_is_the_reason() -> None:
    acs = XMPPSender(
        XMPPAccount("acs@example.org", "word", "127.0.0.1", 1), domains=["B.example"], timeout=60.0
    )
    assert acs.send("cpe@b.example/r", RIGHT) == f"{NOT_CONNECTED}: connection refused"
    acs.close()


def test_an_account_has_its_domain_as_server_and_shows_no_password() -> None:
    made = XMPPAccount.given("ACS@Lab.example", "word", "")
    assert made.wanted.servers == (("lab.example", 5222),)
    assert made.wanted.account == ("acs", "word", "lab.example", "")
    assert "word" not in repr(made)


@pytest.mark.parametrize(
    ("server", "host", "port"), [("a.lab", "a.lab", 5222), ("[::1]:99", "::1", 99)]
)
def test_its_server_may_be_another(server: str, host: str, port: int) -> None:
    made = XMPPAccount.given("acs@lab", "word", server)
    assert (made.host, made.port) == (host, port)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("acs", "word", ""), "--cr-xmpp-jid: 'acs' is not the address of an account"),
        (("acs@lab/r", "word", ""), "--cr-xmpp-jid: 'acs@lab/r' is not the address"),
        (("acs@a..b", "word", ""), "--cr-xmpp-jid: 'acs@a..b' is not the address"),
        (("acs@lab", "word\n", ""), "--cr-xmpp-password: has control characters"),
        (("acs@lab", "word", "lab:0"), "--cr-xmpp-server: '0' must be a whole number from 1"),
        (("acs@lab", "", ""), "--cr-xmpp-jid acs@lab: no password; give CARETAKER_CR_XMPP"),
        (("acs@lab", "word", "a:x"), "--cr-xmpp-server: 'a:x' is not a host name"),
        (("acs@lab", "word", "a/b"), "--cr-xmpp-server: 'a/b' is not a host name"),
        (("acs@lab", "word", "u:p@a"), "--cr-xmpp-server: 'u:p@a' is not a host name"),
    ],
)
def test_what_is_wrong_with_it_is_one_line(given: tuple[str, str, str], line: str) -> None:
    with pytest.raises(InputError, match=line):
        XMPPAccount.given(*given)


@pytest.mark.parametrize("text", ["", "@lab", "a@", "a b@lab"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"like acs@example\.com"):
        account_jid(text)
