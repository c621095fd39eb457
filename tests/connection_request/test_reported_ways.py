"""By which ways a device can be reached, and in which order a client tries them."""

from __future__ import annotations

from itertools import product

import pytest

from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.reported_ways import (
    PLANS,
    ReportedWays,
    as_genieacs,
    send_in_turn,
    tolerantly,
)
from caretaker.way import Way

URL, UDP, JID = "http://cpe/", "192.0.2.1:7547", "cpe@lab/cwmp"


def reported(**values: str) -> ReportedWays:
    return ReportedWays.of(URL, lambda last: values.get(last, ""))


@pytest.mark.parametrize(
    ("values", "ways"),
    [
        ({}, ReportedWays(URL)),
        ({"UDPConnectionRequestAddress": UDP, "STUNEnable": "0"}, ReportedWays(URL)),
        ({"UDPConnectionRequestAddress": UDP, "STUNEnable": "1"}, ReportedWays(URL, UDP)),
        (
            {"UDPConnectionRequestAddress": UDP, "STUNEnable": "true", "NATDetected": "1"},
            ReportedWays(URL, UDP, True),
        ),
        ({"STUNEnable": "1", "NATDetected": "1"}, ReportedWays(URL)),
        ({"ConnReqJabberID": JID}, ReportedWays(URL, jid=JID)),
    ],
)
def test_ways_follow_from_the_parameters(values: dict[str, str], ways: ReportedWays) -> None:
    assert reported(**values) == ways


@pytest.mark.parametrize(
    ("ways", "genieacs", "tolerant"),
    [
        (ReportedWays(URL), [Way.HTTP], [Way.HTTP]),
        (ReportedWays(URL, UDP), [Way.UDP, Way.HTTP], [Way.UDP, Way.HTTP]),
        (ReportedWays(URL, UDP, True), [Way.UDP, Way.HTTP], [Way.UDP]),
        (ReportedWays(URL, jid=JID), [Way.XMPP], [Way.XMPP]),
        (ReportedWays(URL, UDP, True, JID), [Way.XMPP], [Way.XMPP, Way.UDP]),
    ],
)
def test_each_client_tries_them_in_its_order(
    ways: ReportedWays, genieacs: list[Way], tolerant: list[Way]
) -> None:
    assert list(as_genieacs(ways)) == genieacs
    assert list(tolerantly(ways)) == tolerant


def test_whatever_is_reported_there_is_a_way_to_try() -> None:
    for udp, nat, jid in product(("", UDP), (False, True), ("", JID)):
        ways = ReportedWays(URL, udp, nat and bool(udp), jid)
        assert all(plan(ways)[0] is ways.way for plan in PLANS.values())


def test_without_an_account_a_jid_is_no_way() -> None:
    assert tolerantly(ReportedWays(URL, jid=JID).without_jid()) == (Way.HTTP,)


def test_each_client_has_a_plan() -> None:
    assert PLANS.keys() == CLIENTS.keys()


@pytest.mark.parametrize(
    ("answers", "sent", "result"),
    [
        ([(Way.XMPP, True), (Way.HTTP, True)], 1, True),
        ([(Way.XMPP, False), (Way.HTTP, True)], 2, True),
        ([(Way.UDP, True), (Way.HTTP, False)], 2, True),
        ([(Way.UDP, False), (Way.HTTP, False)], 2, False),
        ([(Way.UDP, True)], 1, True),
    ],
)
def test_ways_are_tried_until_one_is_accepted_and_http_beside_udp(
    answers: list[tuple[Way, bool]], sent: int, result: bool
) -> None:
    tried: list[Way] = []

    def send(way: Way) -> bool:
        tried.append(way)
        return dict(answers)[way]

    assert send_in_turn([way for way, _ in answers], send, bool) is result
    assert len(tried) == sent
