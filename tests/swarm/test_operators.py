"""Operators: what they send, and what they make of each answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from helpers.cpes import context, cpe, profile
from helpers.wire import CLOSE, answer, wire

from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.reported_ways import ReportedWays
from caretaker.cwmp.messages import EventStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.http.credentials import Credentials
from caretaker.north_bound_client import MAX_ANSWER_BYTES
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.reasons import find
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.swarm import operators
from caretaker.swarm.operators import (
    CR_SENDERS,
    NO_ADDRESS,
    UNANSWERED,
    DirectOperator,
    NorthBoundOperator,
)
from caretaker.testing import Clock
from caretaker.way import Way

T = TaskOutcome


def test_the_north_bound_api_knows_a_cpe_that_has_informed() -> None:
    box = CPE(0, profile(), context())
    box.resume(10.0)
    sender = NorthBoundOperator("http://127.0.0.1:1")
    assert not sender.reaches(box)
    box.raise_event(EventStruct("2 PERIODIC"), 20.0)
    box.begin_session(20.0)
    box.end_session(Outcome.SUCCEEDED, 21.0)
    assert sender.reaches(box)


def test_a_cpe_whose_first_contact_has_failed_is_not_known() -> None:
    box, sender = CPE(0, profile(), context()), NorthBoundOperator("http://127.0.0.1:1")
    box.power_on(0.0)
    assert box.open_session(100.0)
    box.end_session(Outcome.FAILED, 101.0)
    assert not sender.reaches(box)
    assert box.open_session(1000.0)
    box.inform_delivered()
    box.end_session(Outcome.SUCCEEDED, 1001.0)
    assert sender.reaches(box)


# -- by the north-bound API ------------------------------------------------------------------------


@pytest.mark.sockets
class TestNorthBound:
    """The same requests drive GenieACS and the embedded ACS."""

    def send(self, *answers: Any) -> tuple[TaskResult, Any]:
        outcome: list[TaskResult] = []
        with wire(*answers) as server:
            sender = NorthBoundOperator(server.url.removesuffix("/acs") + "/")
            gevent.get_hub().threadpool.apply(lambda: outcome.append(sender.send(cpe(index=1))))
            sender._client.close()
        return outcome[0], server.requests[0]

    def test_an_answer_of_any_length_is_read_only_in_part(self) -> None:
        head = b"HTTP/1.1 500 Oops\r\nContent-Length: 100000000\r\n\r\nIt broke\n"
        result, (_, _, headers, _) = self.send((head + b"x" * MAX_ANSWER_BYTES, CLOSE))
        assert result.reason == "north-bound API: HTTP 500"
        assert result.quoted.startswith("It broke xxx")
        assert headers["accept-encoding"] == "identity"

    def test_the_request(self) -> None:
        _, (_, line, headers, body) = self.send(answer())
        assert line == (
            "POST /devices/CA7E01-HR181-FLEET%252D000002/tasks?timeout=10000&connection_request "
            "HTTP/1.1"
        )
        assert headers["content-type"] == "application/json"
        assert json.loads(body) == {
            "name": "getParameterValues",
            "parameterNames": ["Device.DeviceInfo.UpTime"],
        }

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (answer("200 OK"), (T.DONE, None, "")),
            (answer("202 Device is offline"), (T.OFFLINE, "Device is offline", "")),
            (answer("202 Task queued but not processed"), (T.QUEUED, None, "")),
            (answer("404 Not Found", b"No such device"),
             (T.API_ERROR, "north-bound API: HTTP 404", "No such device")),
            (CLOSE, (T.API_ERROR, "north-bound API: connection closed without an answer", "")),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
             (T.API_ERROR, "north-bound API: answer is not HTTP", "")),
        ],
    )  # fmt: skip
    def test_answers(self, said: Any, expected: tuple[TaskOutcome, str | None, str]) -> None:
        assert expected == self.send(said)[0]

    def test_nobody_there(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            sender = NorthBoundOperator(f"http://127.0.0.1:{probe.getsockname()[1]}")
            result = sender.send(cpe())
        assert result == (T.API_ERROR, "north-bound API: connection refused", "")


# -- without a north-bound API --------------------------------------------------------------------


class OneCPE:
    """A shard whose only CPE answers Connection Requests at a URL."""

    def __init__(self, url: str) -> None:
        self.cpe = cpe(connection_request_url=lambda _: url)
        self.context = self.cpe.context

    def credentials(self, _: str) -> Credentials:
        return Credentials("cpe", "secret")


def direct(url: str) -> TaskResult:
    shard = OneCPE(url)
    return DirectOperator(shard).send(shard.cpe)  # type: ignore[arg-type]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([answer("200 OK")], T.DONE, None),
        ([answer("204 No Content")], T.DONE, None),
        ([answer("401 Unauthorized", b"", 'WWW-Authenticate: Digest realm="r", nonce="n"')] * 2,
         T.CREDENTIALS_REFUSED, "Connection Request: credentials refused"),
        ([answer("503 Busy")], T.UNEXPECTED_STATUS, "Connection Request: HTTP 503"),
        ([answer("404 Not Found")], T.UNEXPECTED_STATUS, "Connection Request: HTTP 404"),
        ([CLOSE], T.OFFLINE, "connection closed without an answer"),
    ],
)  # fmt: skip
def test_what_a_device_answers_directly(
    answers: list[Any], outcome: TaskOutcome, reason: str | None
) -> None:
    with wire(*answers) as server:
        assert direct(server.url)[:2] == (outcome, reason)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/cr", "connection refused"),
        ("ftp://127.0.0.1/", "ConnectionRequestURL is no http address"),
    ],
)
def test_a_device_that_can_not_be_reached_is_offline(url: str, reason: str) -> None:
    assert direct(url)[:2] == (T.OFFLINE, reason)


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([answer("200 OK")], T.DONE, None),
        ([answer("401 No", b"", 'WWW-Authenticate: Basic realm="r"')],
         T.CREDENTIALS_REFUSED, "Basic HTTP authentication not allowed"),
        ([answer("503 Busy")], T.UNEXPECTED_STATUS,
         "Connection request error: Unexpected status code 503"),
        ([CLOSE], T.OFFLINE, "Device is offline"),
        ([b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"], T.OFFLINE,
         "Connection request error: Parse Error"),
    ],
)  # fmt: skip
def test_what_genieacs_would_make_of_a_device_s_answer(
    answers: list[Any], outcome: TaskOutcome, reason: str | None
) -> None:
    with wire(*answers) as server:
        shard = OneCPE(server.url)
        operator = DirectOperator(shard, "genieacs")  # type: ignore[arg-type]
        assert operator.send(shard.cpe)[:2] == (outcome, reason)


def test_each_client_of_connection_requests_can_send_directly() -> None:
    assert CR_SENDERS.keys() == CLIENTS.keys()


# -- by UDP ----------------------------------------------------------------------------------------


class Behind:
    """A shard with a CPE behind a NAT, which takes the datagrams that it is told to."""

    def __init__(self, address: str) -> None:
        self.cpe = CPE(0, with_reach_parameters(profile()), context())
        self.cpe.resume(0.0)
        self.context = self.cpe.context
        names = ("STUNEnable", "NATDetected", "UDPConnectionRequestAddress")
        values = zip(names, ("1", "1", address), strict=True)
        self.cpe.set_values([(f"Device.ManagementServer.{name}", v) for name, v in values], 0.0)

    def credentials(self, _: str) -> Credentials:
        return Credentials("cpe", "secret")

    def send(self, clock: Callable[[], float]) -> TaskResult:
        return DirectOperator(self, clock=clock).send(self.cpe)  # type: ignore[arg-type]


def test_a_request_by_udp_is_done_when_the_cpe_has_taken_it() -> None:
    behind = Behind("127.0.0.1:9")
    behind.cpe.connection_request(1.0, Way.UDP)
    assert behind.send(Clock(2.0)) == (T.DONE, None, "")


def test_one_that_leads_to_no_session_is_lost_and_says_so() -> None:
    times = iter((1.0, 1.0, 1.5, 3.5))
    assert Behind("127.0.0.1:9").send(lambda: next(times))[:2] == (T.OFFLINE, UNANSWERED)


@pytest.mark.parametrize(
    ("address", "reason"),
    [("no address", NO_ADDRESS[Way.UDP]), ("no-such-host.invalid:9", "host name not found")],
)
def test_an_address_that_can_not_be_sent_to_makes_the_cpe_offline(
    address: str, reason: str
) -> None:
    assert Behind(address).send(Clock(1.0))[:2] == (T.OFFLINE, reason)


# -- by XMPP ---------------------------------------------------------------------------------------


@pytest.fixture
def over_xmpp(monkeypatch: pytest.MonkeyPatch) -> OneCPE:
    """A shard with a CPE that is known by its JID, and does not answer at its URL."""
    shard = OneCPE("http://127.0.0.1:1/cr")
    reported = ReportedWays("http://127.0.0.1:1/cr", jid="cpe@lab/r")
    monkeypatch.setattr(operators, "ways_of", lambda *_: reported)
    return shard


class Saying:
    """A sender that says the same of each request."""

    def __init__(self, said: str | None) -> None:
        self.said = said
        self.sent: list[tuple[str, Credentials]] = []

    def send(self, jid: str, credentials: Credentials) -> str | None:
        self.sent.append((jid, credentials))
        return self.said


@pytest.mark.parametrize("client", CR_SENDERS)
@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (None, T.DONE),
        ("Device is offline", T.OFFLINE),
        ("Connection request error: Incorrect connection request credentials",
         T.CREDENTIALS_REFUSED),
        ("Connection request error: Unexpected XMPP error forbidden", T.UNEXPECTED_STATUS),
        ("Connection request error: not connected to the XMPP server", T.OFFLINE),
    ],
)  # fmt: skip
def test_a_jid_is_sent_to_over_xmpp_and_never_by_http(
    over_xmpp: OneCPE, client: str, said: str | None, outcome: TaskOutcome
) -> None:
    saying: Any = Saying(said)
    operator = DirectOperator(over_xmpp, client, xmpp=saying)  # type: ignore[arg-type]
    assert operator.send(over_xmpp.cpe)[:2] == (outcome, said)
    assert saying.sent == [("cpe@lab/r", Credentials("cpe", "secret"))]


def test_without_an_account_it_is_sent_to_by_http(over_xmpp: OneCPE) -> None:
    operator = DirectOperator(over_xmpp)  # type: ignore[arg-type]
    assert operator.send(over_xmpp.cpe)[:2] == (T.OFFLINE, "connection refused")


def test_each_way_has_a_reason_for_an_address_that_is_none() -> None:
    assert NO_ADDRESS.keys() == set(Way)
    operator = DirectOperator(Behind(""))  # type: ignore[arg-type]
    assert operator._senders.keys() == set(Way)
    assert all(find(reason) for reason in (*NO_ADDRESS.values(), UNANSWERED))
