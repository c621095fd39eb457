"""Recorded sessions, of real ACSs and CPEs and of our own, replayed against ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cpes import context, cpe
from helpers.processes import ended_well, loadtest_until, process
from helpers.recordings import Message, Recording, recordings
from helpers.schemas import Schemas
from werkzeug.test import Client

from caretaker.acs.acs import ACS
from caretaker.acs.sessions import CWMPApp
from caretaker.connection_request.server import ConnectionRequestApp
from caretaker.cwmp import ACSSession, CPESession, Envelope, decode
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import State
from caretaker.device.cpe import CPE
from caretaker.errors import FaultError, SessionError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.profiles import load_profile

_ID = re.compile(rb"(<[\w-]*:?ID\b[^>]*>)[^<]*(</)")


def sessions(recording: Recording) -> Iterator[list[tuple[Message, Message]]]:
    """The sessions of a recording: each from an Inform up to the next; 401s are left out."""
    current: list[tuple[Message, Message]] = []
    for request, response in recording.exchanges:
        if response.status == 401:
            continue
        if request.has_envelope and isinstance(decode(request.body).message, m.Inform):
            if current:
                yield current
            current = []
        current.append((request, response))
    if current:
        yield current


def with_id(body: bytes, id_: str) -> bytes:
    """The envelope with another cwmp:ID, and every other byte as it was."""
    return _ID.sub(lambda found: found[1] + id_.encode() + found[2], body)


def cwmp(captures: Path) -> list[Recording]:
    return [each for each in recordings(captures) if each.direction == "cwmp"]


def replay_acs(exchanges: list[tuple[Message, Message]], session: CPESession) -> list[str]:
    """Be the recorded ACS: answer our CPE's POSTs with the recorded answers, in their order."""
    posted = []
    for _, response in exchanges:
        body = session.next_post()
        if body is None:
            break
        posted.append(session.name)
        answer = response.body
        if body and answer.strip() and isinstance(decode(answer).message, m.Response):
            sent = decode(body)
            if isinstance(sent.message, m.Request):
                answer = with_id(answer, sent.id or "")
        session.receive(answer if response.status == 200 else b"", 1.0)
    return posted


@pytest.mark.rule("4.1-27")
def test_our_cpe_takes_part_in_sessions_that_real_acss_held(captures: Path) -> None:
    finished = 0
    for recording in cwmp(captures):
        for exchanges in sessions(recording):
            if len(exchanges) < 2 or any(response.status >= 400 for _, response in exchanges):
                continue  # the recorded CPE broke the session off
            answers = [decode(r.body).message for _, r in exchanges if r.has_envelope]
            if not answers or any(isinstance(each, m.TransferCompleteResponse) for each in answers):
                continue  # our CPE has nothing to report that this answers
            root = "tr098" if b"InternetGatewayDevice" in exchanges[0][0].body else "tr181"
            box = cpe(root)
            session = box.begin_session(0.0)
            assert session is not None
            posted = replay_acs(exchanges, session)
            box.end_session(Outcome.SUCCEEDED, 2.0)
            assert posted[:2] == ["Inform", "(empty)"], recording.name
            done = session.state is State.DONE
            assert done or len(posted) == len(exchanges), recording.name
            assert box.events == () or box.down_until > 0, recording.name
            finished += done
    assert finished >= 25


@pytest.mark.rule("3-2")
def test_our_cpe_answers_each_recorded_request_with_its_response_or_a_fault(captures: Path) -> None:
    answered = 0
    for recording in cwmp(captures):
        box = cpe("tr098")
        for _, response in recording.exchanges:
            if response.has_envelope and isinstance(decode(response.body).message, m.Request):
                request = decode(response.body).message
                assert isinstance(request, m.Request)
                try:
                    answer = box.answer(request, 1.0)
                    assert isinstance(answer, request.response | m.Fault), recording.name
                except FaultError as error:
                    assert error.fault_code in {9000, 9003, 9005}, recording.name
                answered += 1
    assert answered > 100


class Script:
    """A controller that asks what the recorded ACS asked."""

    def __init__(self, requests: list[m.Request]) -> None:
        self.requests = requests
        self.responses: list[m.Response] = []

    def inform(self, inform: m.Inform) -> None:
        """Accept."""

    def answer(self, request: m.Request) -> m.Response:
        if isinstance(request, m.TransferComplete):
            return m.TransferCompleteResponse()
        raise FaultError(8000)

    def next_request(self) -> m.Request | None:
        return self.requests.pop(0) if self.requests else None

    def responded(self, response: m.Response) -> None:
        self.responses.append(response)


@pytest.mark.rule("4.1-27")
def test_our_acs_takes_part_in_sessions_that_real_cpes_held(captures: Path) -> None:
    finished = 0
    for recording in cwmp(captures):
        for exchanges in sessions(recording):
            if exchanges[0][1].status != 200 or "html" in str(exchanges[0][1].headers):
                continue
            answers = [decode(r.body).message for _, r in exchanges if r.has_envelope]
            script = Script([each for each in answers if isinstance(each, m.Request)])
            expected = len(script.requests)
            acs = ACSSession(script)
            try:
                for request, _ in exchanges:
                    acs.receive(request.body)
            except SessionError:
                assert recording.name == "enodebd__cwmp-sim__download-reboot"  # two at a time
                continue
            if acs.state is State.DONE:
                assert len(script.responses) == expected, recording.name
                finished += 1
    assert finished >= 35


@pytest.mark.rule("3.1-1")
def test_recorded_informs_are_answered_over_http(captures: Path) -> None:
    acs = ACS(provisioning=False)
    client = Client(CWMPApp(acs), use_cookies=False)
    for recording in cwmp(captures):
        for request, response in recording.exchanges:
            if not request.has_envelope or response.status == 400:
                continue
            sent = decode(request.body)
            if isinstance(sent.message, m.Inform):
                answer = client.post("/", data=request.body)
                assert answer.status_code == 200, recording.name
                assert decode(answer.data) == Envelope(m.InformResponse(), sent.id, sent.namespace)
    assert len(acs.devices) >= 15


@pytest.mark.rule("9.2-7")
def test_recorded_connection_requests_are_understood(captures: Path) -> None:
    """What GenieACS sends is answered as the recorded CPEs answered it."""
    seen = 0
    for recording in recordings(captures):
        if recording.direction != "connection_request":
            continue
        app = ConnectionRequestApp(lambda _: None, Credentials("a", "b"))
        for request, response in recording.exchanges:
            target = request.first_line.split()[1]
            header = request.headers.get("authorization")
            answer = Client(app).get(
                "/cr" + target, headers={"Authorization": header} if header else {}
            )
            assert answer.status_code in (401, 404)
            if header:
                guard = DigestVerifier("x", lambda: 0.0)
                assert guard.check(Credentials("a", "b"), "GET", target, header)
            seen += response.status in (200, 401)
    assert seen >= 8


@pytest.mark.rule("8.2-8")
@pytest.mark.parametrize("root", ["tr098", "tr181"])
def test_a_whole_first_contact_as_genieacs_holds_it(root: str) -> None:
    """Next-level walk of the whole tree, then all values and attributes, in one session."""
    box = cpe(root)
    session = box.begin_session(0.0)
    assert session is not None
    walk = _Walk()
    acs = ACSSession(walk)
    while (body := session.next_post()) is not None:
        session.receive(acs.receive(body), 0.0)
    assert session.state is State.DONE
    assert set(walk.values) == set(box.model.parameters)
    assert walk.attributes == len(box.model.parameters)


class _Walk(Script):
    def __init__(self) -> None:
        super().__init__([m.GetParameterNames("", True)])
        self.names: list[str] = []
        self.values: dict[str, str] = {}
        self.attributes = 0

    def responded(self, response: m.Response) -> None:
        if isinstance(response, m.GetParameterNamesResponse):
            for name, _ in response.parameter_list:
                if name.endswith("."):
                    self.requests.append(m.GetParameterNames(name, True))
                else:
                    self.names.append(name)
            if not self.requests:
                self.requests.append(m.GetParameterValues(tuple(self.names)))
                self.requests.append(m.GetParameterAttributes(tuple(self.names)))
        elif isinstance(response, m.GetParameterValuesResponse):
            self.values = {struct.name: struct.value for struct in response.parameter_list}
        elif isinstance(response, m.GetParameterAttributesResponse):
            self.attributes = len(response.parameter_list)


@pytest.mark.rule("3-5", "8.2-5")
def test_whole_dumps_are_sent_valid(devices: Path, schemas: Schemas) -> None:
    """All values, names and attributes of every dump validate, and so does its Inform."""
    for path in sorted(devices.glob("*.csv")):
        box = CPE(3, load_profile(str(path)), context())
        box.power_on(0.0)
        for request in (
            m.GetParameterValues(("",)),
            m.GetParameterNames("", False),
            m.GetParameterAttributes((box.model.root,)),
        ):
            answer = box.answer(request, 1.0)
            schemas.encode(Envelope(answer, "1", box.profile.namespace))
        first = box.begin_session(0.0)
        assert first is not None
        assert first.next_post()


@pytest.mark.processes
def test_sessions_that_we_have_recorded_replay(tmp_path: Path) -> None:
    """Our ACS and our CPEs hold them again, each against the files of the other."""
    done, summary = loadtest_until(
        tmp_path,
        {'caretaker_sessions_total{outcome="succeeded"}': 30},
        *("--record", str(tmp_path / "kept"), "--record-rate", "1"),
        # Slow enough for each worker to keep all: no more than 10 a second are.
        *("--users", "20", "--spawn-rate", "4", "--cr-rate", "3"),
        *("--profile", "tr181", "--seed", "7"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    found = recordings(tmp_path / "kept")
    assert len(found) == summary["recordings"]["sampled"] == summary["sessions"]["succeeded"]
    assert "Recordings" in done.stdout
    first = [each for each in found if each.name.endswith("-1")]
    assert len(first) == 20
    for recording in first:
        box = cpe(index=int(recording.name.split("-")[-2]) - 1)
        session = box.begin_session(0.0)
        assert session is not None
        replay_acs(recording.exchanges, session)
        assert session.state is State.DONE, recording.name
        app = Client(CWMPApp(ACS(provisioning=False)))
        request, response = recording.exchanges[0]
        assert app.post("/", data=request.body).data == response.body
    files = [path.read_text() for path in (tmp_path / "kept").rglob("*.http")]
    assert any("ConnectionRequestPassword</Name>" in file for file in files)
    assert all(len(set(_PASSWORDS.findall(file)) - {"********"}) == 0 for file in files)


_PASSWORDS = re.compile(r"Password</Name>\s*<Value[^>]*>([^<]*)<")


@pytest.mark.processes
def test_sessions_that_a_bad_acs_made_fail_are_found_in_files(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with process(tmp_path / "acs", "helpers.bad_acs") as acs:
        url = acs.wait_for(r"(http://\S+)")[1]
        done, summary = loadtest_until(
            tmp_path,
            {'caretaker_sessions_total{outcome="failed"}': 60},
            *("--host", url, "--users", "60", "--spawn-rate", "60"),
            *("--cr-driver", "off", "--cr-rate", "0", "--answer-timeout", "2"),
            *("--record", str(kept), "--record-rate", "0", "--acs-password", "tr0ub4dor"),
        )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr + done.stdout
    told = [json.loads(path.read_text()) for path in kept.glob("*/meta.json")]
    reasons = {each["reason"] for each in told}
    assert reasons == set(summary["sessions"]["reasons"])
    assert len(told) == summary["recordings"]["failed"] >= 50
    answers = [path.read_bytes() for path in kept.glob("*/001.response.http")]
    assert any(b"It works!" in answer for answer in answers)
    assert any(b"<!DOCTYPE" in answer for answer in answers)
    assert any(answer.startswith(b"HTTP/1.1 500 Internal Server Error") for answer in answers)
    assert all(b"tr0ub" not in path.read_bytes() for path in kept.rglob("*.*"))
