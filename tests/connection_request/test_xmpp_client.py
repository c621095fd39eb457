"""Connection Requests over XMPP from an ACS's stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
from helpers.xmpp_clients import Told, clients, server, trusting, wait_for, wanted

from caretaker.connection_request import xmpp_client
from caretaker.connection_request.phrases import OFFLINE, REFUSED
from caretaker.connection_request.xmpp_client import (
    _REASONS,
    NO_ANSWER,
    NOT_CONNECTED,
    TOO_MANY,
    XMPPClient,
    _reason_of,
)
from caretaker.http.credentials import Credentials
from caretaker.north_bound_client import outcome_of
from caretaker.reasons import find
from caretaker.stats.task_outcomes import TaskOutcome
from caretaker.testing.xmpp_server import XMPPServer
from caretaker.xmpp.client_stream import SCRAM_SHA_1, LoginSettings
from caretaker.xmpp.conditions import STANZA_CONDITIONS
from caretaker.xmpp.connections import ConnectionSettings
from caretaker.xmpp.scram import SaltedKeys

pytestmark = pytest.mark.sockets
RIGHT = Credentials("right", "p")
JID = "cpe@example.org/r"
NOT_AUTHORIZED = (
    "<error type='cancel'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
)


@contextmanager
def connected(timeout: float = 60.0) -> Iterator[tuple[XMPPServer, XMPPClient, Told]]:
    """An ACS and a device at a server."""
    settings = ConnectionSettings(LoginSettings(SCRAM_SHA_1, False, SaltedKeys()), trusting, 100.0)
    told = Told()
    device = clients(told)
    with server().running() as running:
        device.want(0, wanted(running.port, "cpe"))
        acs = XMPPClient(wanted(running.port, "acs"), settings, timeout)
        wait_for(lambda: told.jids and acs.jid)
        try:
            yield running, acs, told
        finally:
            acs.close()
            device.stop()


def test_one_is_accepted_or_refused_by_its_credentials() -> None:
    with connected() as (_, acs, _):
        assert acs.send(JID, RIGHT) is None
        assert acs.send(JID, Credentials("wrong", "p")) == REFUSED


def test_many_are_under_way_at_once() -> None:
    with connected() as (_, acs, _):
        sent = [gevent.spawn(acs.send, JID, RIGHT) for _ in range(200)]
        gevent.joinall(sent)
        assert [greenlet.value for greenlet in sent] == [None] * 200
        assert acs._under_way == {}


def test_a_device_that_is_not_there_is_offline() -> None:
    with connected() as (_, acs, _):
        assert acs.send("nobody@example.org/r", RIGHT) == OFFLINE


def test_a_device_that_does_not_answer_takes_no_longer_than_its_time() -> None:
    with connected(timeout=0.05) as (running, acs, _):
        running.settings.loses_iqs = True
        assert acs.send(JID, RIGHT) == NO_ANSWER


def test_an_answer_of_another_device_is_none() -> None:
    with connected() as (running, acs, _):
        running.settings.loses_iqs = True
        waiting = gevent.spawn(acs.send, JID, RIGHT)
        wait_for(lambda: acs._under_way)
        (iq_id,) = acs._under_way
        forged = f"<iq type='result' id='{iq_id}' from='other@example.org/r'/>"
        own = f"<iq type='error' id='{iq_id}' from='{JID}'>{NOT_AUTHORIZED}</iq>"
        running.call(lambda: running.send(acs.jid, forged + own))
        assert waiting.get() == REFUSED


def test_a_stream_that_is_lost_fails_what_is_under_way_and_comes_back() -> None:
    with connected() as (running, acs, _):
        running.settings.loses_iqs = True
        waiting = gevent.spawn(acs.send, JID, RIGHT)
        wait_for(lambda: acs._under_way)
        _, writer = running.clients[acs.jid]
        running.call(writer.transport.abort)
        assert waiting.get() == f"{NOT_CONNECTED}: {acs.reason}"
        assert acs.reason
        assert acs.send(JID, RIGHT) == f"{NOT_CONNECTED}: {acs.reason}"
        wait_for(lambda: acs.jid)


def test_too_many_fail_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmpp_client, "MAX_UNDER_WAY", 1)
    with connected() as (running, acs, _):
        running.settings.loses_iqs = True
        waiting = gevent.spawn(acs.send, JID, RIGHT)
        wait_for(lambda: acs._under_way)
        assert acs.send(JID, RIGHT) == TOO_MANY
        waiting.kill()


def test_each_reason_is_of_a_condition() -> None:
    assert set(_REASONS) <= STANZA_CONDITIONS


def test_each_reason_has_an_outcome() -> None:
    reasons = {_reason_of(condition) for condition in STANZA_CONDITIONS}
    reasons |= {NO_ANSWER, TOO_MANY, NOT_CONNECTED, f"{NOT_CONNECTED}: connection refused"}
    outcomes = {reason: outcome_of(reason) for reason in reasons}
    assert outcomes.pop(REFUSED) is TaskOutcome.CREDENTIALS_REFUSED
    assert outcomes.pop(_reason_of("bad-request")) is TaskOutcome.UNEXPECTED_STATUS
    assert None not in outcomes.values()
    assert all(map(find, reasons))
