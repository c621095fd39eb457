"""The embedded ACS towards CPEs."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
import requests
from helpers.acs_sessions import ABOUT, ScriptedCPE, acs_and_cpe, inform, only, queue
from werkzeug.test import Client

from caretaker.acs import ACSServer, sessions
from caretaker.acs.acs import ACS
from caretaker.acs.sessions import CWMPApp
from caretaker.cwmp import CWMP_1_2, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.http.authentication import HTTPAuth
from caretaker.http.content_coding import decoded
from caretaker.http.credentials import Credentials


@pytest.mark.rule("2.1-2", "2.1-6", "4.1-12", "4.1-17", "4.1-21")
def test_the_shortest_session() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    response = cpe.post(inform())
    assert decode(response.data) == Envelope(m.InformResponse(), "7", CWMP_1_2)
    assert response.headers["Content-Type"] == 'text/xml; charset="utf-8"'
    end = cpe.post()
    assert (end.status_code, end.data, end.headers["Connection"]) == (204, b"", "close")
    assert list(acs.devices) == ["00AABB-R%2D1-S1"]
    assert only(acs).url == "http://127.0.0.1:1/cr"


def test_at_first_contact_connection_request_credentials_are_set() -> None:
    acs, cpe = acs_and_cpe()
    cpe.post(inform())
    request = decode(cpe.post().data).message
    assert isinstance(request, m.SetParameterValues)
    (name, password) = request.parameter_list
    assert name.value == "00AABB-R%2D1-S1"
    assert only(acs).credentials is None
    assert cpe.say(m.SetParameterValuesResponse()) is None
    assert only(acs).credentials == Credentials(name.value, password.value)
    cpe.post(inform("2 PERIODIC"))
    assert cpe.post().status_code == 204


def test_a_bootstrap_and_a_refusal_mean_they_are_set_again() -> None:
    acs, cpe = acs_and_cpe()
    for answer in (
        m.Fault.of(9008),
        m.SetParameterValuesResponse(),
        m.SetParameterValuesResponse(),
    ):
        cpe.post(inform("0 BOOTSTRAP"))
        assert isinstance(decode(cpe.post().data).message, m.SetParameterValues)
        cpe.say(answer)
    assert only(acs).credentials is not None


@pytest.mark.rule("2.1-5", "8-9", "8-12")
def test_requests_of_the_cpe_are_answered() -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    assert cpe.say(m.TransferComplete("k")) == m.TransferCompleteResponse()
    methods = cpe.say(m.GetRPCMethods())
    assert isinstance(methods, m.GetRPCMethodsResponse)
    assert sorted(methods.method_list) == sorted(each.__name__ for each in m.ACS_METHODS)
    assert cpe.say(m.UnknownRequest("X_ACME_Do")) == m.Fault.of(8000)
    assert cpe.say(m.Reboot("")) == m.Fault.of(8000)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (m.Kicked("c", "r", "a", "http://x/next"), m.KickedResponse("http://x/next")),
        (m.RequestDownload("2 Web Content"), m.RequestDownloadResponse()),
        (m.AutonomousTransferComplete("", "", True, "1 F"), m.AutonomousTransferCompleteResponse()),
        (m.DUStateChangeComplete((), "k"), m.DUStateChangeCompleteResponse()),
        (m.AutonomousDUStateChangeComplete(()), m.AutonomousDUStateChangeCompleteResponse()),
        (m.UnknownRequest("Inform2"), m.Fault.of(8000)),
    ],
)
def test_every_method_of_an_acs_is_answered(request_: m.Request, response: m.Response) -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    assert cpe.say(request_) == response


@pytest.mark.rule("4.1-11", "8-10")
def test_tasks_are_done_in_order() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    first = queue(acs, "getParameterValues", parameterNames=["Device.A"])
    second = queue(acs, "reboot")
    cpe.post(inform("6 CONNECTION REQUEST"))
    assert decode(cpe.post().data).message == m.GetParameterValues(("Device.A",))
    answer = m.GetParameterValuesResponse((m.ParameterValueStruct("Device.A", "5", "xsd:int"),))
    assert cpe.say(answer) == m.Reboot("")
    assert (first.done, second.done) == (True, False)
    assert cpe.say(m.RebootResponse()) is None
    assert (first.fault, second.fault) == (None, None)
    assert only(acs).parameters["Device.A"].value == "5"


@pytest.mark.rule("3.3-3")
def test_a_fault_ends_the_task_and_not_the_session() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, "addObject", objectName="Device.X")
    queue(acs, "factoryReset")
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.AddObject("Device.X.")
    assert cpe.say(m.Fault.of(9004)) == m.FactoryReset()
    assert task.fault is not None
    assert task.fault.fault_code == 9004


@pytest.mark.rule("4.1-19")
def test_what_was_begun_and_left_is_done_in_the_next_session() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    queue(acs, "reboot")
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.Reboot("")
    assert isinstance(decode(cpe.post(inform()).data).message, m.InformResponse)
    assert decode(cpe.post().data).message == m.Reboot("")


def test_a_cpe_that_comes_back_without_its_cookie_gets_what_was_left() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, "reboot")
    cpe.post(inform())
    cpe.post()
    again = ScriptedCPE(cpe.app)
    again.post(inform())
    assert decode(again.post().data).message == m.Reboot("")
    again.say(m.RebootResponse())
    assert task.done


@pytest.mark.rule("4.1-18")
def test_a_silent_session_is_swept() -> None:
    acs = ACS(provisioning=False)
    app = CWMPApp(acs)
    cpe = ScriptedCPE(app)
    cpe.post(inform())
    (session,) = app._sessions.values()
    session.last_post -= 31
    app._last_check -= 31
    other = ScriptedCPE(app)
    other.post(inform(about=ABOUT._replace(serial_number="S2")))
    assert len(app._sessions) == 1
    assert cpe.post().status_code == 400


@pytest.mark.rule("3.4-7")
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "Invalid session"),
        (b"<half", "not well-formed XML"),
        (b"<html>", "HTML page"),
        (encode(Envelope(m.RebootResponse(), "1")), "Invalid session"),
        (b"<!DOCTYPE x><x/>", "DOCTYPE"),
    ],
)
def test_what_is_no_session_is_400(body: bytes, text: str) -> None:
    _, cpe = acs_and_cpe()
    response = cpe.post(body)
    assert response.status_code == 400
    assert text in response.text


@pytest.mark.rule("3.4-7")
def test_out_of_turn_is_400_and_ends_the_session() -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    assert cpe.post(encode(Envelope(m.RebootResponse(), "1"))).status_code == 400
    assert cpe.post().status_code == 400


def test_an_inform_without_a_name_is_refused() -> None:
    acs, cpe = acs_and_cpe()
    response = cpe.post(inform(about=ABOUT._replace(serial_number=" ")))
    assert decode(response.data).message == m.Fault.of(8003)
    assert acs.devices == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_posts(method: str) -> None:
    response = Client(CWMPApp(ACS())).open("/", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.rule("2.5-5")
@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_an_answer_has_the_content_coding_of_its_request(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    response = cpe.post(pack(inform()), Content_Encoding=coding, Accept_Encoding="identity")
    assert response.headers["Content-Encoding"] == coding
    assert decode(decoded(response.data, coding)).message == m.InformResponse()
    assert "Content-Encoding" not in cpe.post(Accept_Encoding=coding).headers


@pytest.mark.parametrize("coding", ["br", "GZIP", "x-gzip", "identity"])
def test_other_codings_are_415(coding: str) -> None:
    _, cpe = acs_and_cpe()
    assert cpe.post(inform(), Content_Encoding=coding).status_code == 415


def test_a_broken_coding_is_400() -> None:
    _, cpe = acs_and_cpe()
    assert cpe.post(b"x", Content_Encoding="gzip").status_code == 400


@pytest.mark.rule("2.3-1", "2.4-1")
def test_with_credentials_every_post_must_show_them() -> None:
    who = Credentials("cpe", "pw")
    acs = ACS(provisioning=False)
    cpe = ScriptedCPE(CWMPApp(acs, who))
    challenge = cpe.post(inform())
    assert (challenge.status_code, acs.devices) == (401, {})
    login = HTTPAuth(who)
    login.challenge(challenge.headers.getlist("WWW-Authenticate"))
    for body, status in ((inform(), 200), (b"", 204)):
        authorization = login.authorization("POST", "/acs") or ""
        assert cpe.post(body, Authorization=authorization).status_code == status
    assert cpe.post(inform()).status_code == 401


def test_a_refused_password_is_a_401_without_a_challenge() -> None:
    cpe = ScriptedCPE(CWMPApp(ACS(), Credentials("cpe", "pw")))
    challenges = cpe.post(inform()).headers.getlist("WWW-Authenticate")
    login = HTTPAuth(Credentials("cpe", "wrong"))
    login.challenge(challenges)
    refused = cpe.post(inform(), Authorization=login.authorization("POST", "/acs") or "")
    assert refused.status_code == 401
    assert "WWW-Authenticate" not in refused.headers


def test_basic_that_is_shown_unasked_is_challenged() -> None:
    """A CPE shows it over TLS, which may end before this ACS."""
    cpe = ScriptedCPE(CWMPApp(ACS(), Credentials("cpe", "pw")))
    challenged = cpe.post(inform(), Authorization="Basic Y3BlOnB3")
    assert challenged.headers["WWW-Authenticate"].startswith("Digest ")


def test_a_nonce_that_is_too_old_is_challenged_again() -> None:
    app = CWMPApp(ACS(), Credentials("cpe", "pw"))
    cpe = ScriptedCPE(app)
    login = HTTPAuth(Credentials("cpe", "pw"))
    login.challenge(cpe.post(inform()).headers.getlist("WWW-Authenticate"))
    app._verifier.nonce_seconds = -1
    again = cpe.post(inform(), Authorization=login.authorization("POST", "/acs") or "")
    assert "stale=true" in again.headers["WWW-Authenticate"]


@pytest.mark.rule("8-9")
def test_what_cpes_do_by_themselves_is_heard() -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    told = m.AutonomousTransferComplete("", "http://x/", True, "1 Firmware Upgrade Image")
    assert cpe.say(told) == m.AutonomousTransferCompleteResponse()


@pytest.mark.rule("4.1-18")
@pytest.mark.parametrize(("wanted", "kept"), [(None, False), (10, False), (60, True)])
def test_a_cpe_can_ask_for_more_patience(wanted: int | None, kept: bool) -> None:
    app = CWMPApp(ACS(provisioning=False))
    cpe = ScriptedCPE(app)
    message = m.Inform(ABOUT, (m.EventStruct("1 BOOT"),))
    cpe.post(encode(Envelope(message, "7", CWMP_1_2, session_timeout=wanted)))
    (session,) = app._sessions.values()
    session.last_post -= 31
    app._last_check -= 31
    ScriptedCPE(app).post(inform(about=ABOUT._replace(serial_number="S2")))
    assert (len(app._sessions) == 2) is kept


def test_a_session_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_POSTS", 5)
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    for _ in range(4):
        assert cpe.say(m.TransferComplete("k")) == m.TransferCompleteResponse()
    ended = cpe.post(encode(Envelope(m.TransferComplete("k"), "8", CWMP_1_2)))
    assert (ended.status_code, ended.text) == (400, "a session without an end")
    assert only(acs).session is None
    assert cpe.post().text == "Invalid session"


def test_a_session_that_lasts_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_LENGTH_SECONDS", -1)
    _, cpe = acs_and_cpe(provisioning=False)
    assert cpe.post(inform()).status_code == 400


def test_a_session_beyond_the_most_ends_the_one_that_began_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    _, first = acs_and_cpe(provisioning=False)
    others = [ScriptedCPE(first.app) for _ in range(2)]
    for cpe in (first, *others):
        assert cpe.post(inform()).status_code == 200
    assert first.post().status_code == 400
    assert [cpe.post().status_code for cpe in others] == [204, 204]
    assert not first.app._sessions


def test_a_document_tells_of_a_session_when_that_has_ended() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform("0 BOOTSTRAP", "1 BOOT"))
    device = only(acs)
    assert (device.last_boot, device.last_bootstrap) == (None, None)
    cpe.post()
    first = device.last_inform
    assert (device.last_boot, device.last_bootstrap) == (first, first)
    cpe.post(inform("2 PERIODIC"))
    assert device.last_inform == first
    cpe.post()
    assert device.last_inform > first
    assert device.last_boot == first


def test_hold_requests_of_a_cpe_is_ignored() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    message = m.Inform(ABOUT, (m.EventStruct("1 BOOT"),))
    cpe.post(encode(Envelope(message, "7", CWMP_1_2, hold_requests=True)))
    queue(acs, "reboot")
    assert decode(cpe.post().data).message == m.Reboot("")


@pytest.mark.sockets
def test_a_session_goes_on_over_a_new_connection_with_its_cookie() -> None:
    with ACSServer(provisioning=False) as acs:
        first = requests.post(acs.url, data=inform(), timeout=60)
        cookie = first.headers["Set-Cookie"].partition(";")[0]
        assert requests.post(acs.url, headers={"Cookie": cookie}, timeout=60).status_code == 204


@pytest.mark.sockets
def test_a_chunked_request_is_fine() -> None:
    with ACSServer(provisioning=False) as acs:
        assert requests.post(acs.url, data=iter([inform()]), timeout=60).status_code == 200


def test_an_inform_that_can_not_be_read_is_refused_by_a_fault() -> None:
    acs, cpe = acs_and_cpe()
    whole = inform().decode()
    start, end = whole.index("<DeviceId>"), whole.index("</DeviceId>") + len("</DeviceId>")
    response = cpe.post((whole[:start] + whole[end:]).encode())
    assert (response.status_code, acs.devices) == (200, {})
    assert decode(response.data).message == m.Fault.of(8003)


def test_an_inform_with_an_odd_retry_count_is_answered() -> None:
    _, cpe = acs_and_cpe(provisioning=False)
    odd = inform().replace(b"<RetryCount>0<", b"<RetryCount>none<")
    assert b"none" in odd
    assert decode(cpe.post(odd).data).message == m.InformResponse()
