"""The files of a session: HTTP messages as they were, without secrets, that tests can load."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from helpers.recordings import recordings
from helpers.strategies import ENVELOPES
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.engine.recorded_session import RecordedExchange, RecordedSession, _message, write
from caretaker.errors import Blame
from caretaker.http.response_parser import Response
from caretaker.masking import MASK
from caretaker.stats.records import SessionRecord

RECORD = SessionRecord(("1 BOOT", "M Reboot"), 1.0, 1.5, seconds=0.25, outcome=Outcome.SUCCEEDED)
INFORM = encode(Envelope(m.InformResponse(), "1"))
HEAD = b"POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 7\r\n\r\n"


def session(*exchanges: RecordedExchange, record: SessionRecord = RECORD) -> RecordedSession:
    return RecordedSession(
        "FLEET-000017", 3, "tr181", "http://u:pw@acs/", 1.75e9, record, exchanges
    )


def exchange(
    body: bytes = b"", response: Response | None = None, head: bytes = HEAD
) -> RecordedExchange:
    return RecordedExchange(
        10.0, 1, head, body, response or Response(204, [], b"", keep_alive=True)
    )


def test_each_message_is_a_file_that_the_tests_can_load(tmp_path: Path) -> None:
    received = Response(200, [("set-cookie", "session=1"), ("content-length", "9")], INFORM, True)
    write(session(exchange(b"<Inform/>", received), exchange()), tmp_path, "n")
    (found,) = recordings(tmp_path)
    assert (found.name, found.direction) == ("n-FLEET-000017-3", "cwmp")
    (request, response), (empty, end) = found.exchanges
    assert (request.first_line, request.body) == ("POST /acs HTTP/1.1", b"<Inform/>")
    assert request.headers == {"host": "acs", "content-length": "9"}
    assert (response.status, response.body) == (200, INFORM)
    assert response.headers["set-cookie"] == "session=1"
    assert (empty.body, end.status, end.body) == (b"", 204, b"")


def test_the_facts_stand_beside_them(tmp_path: Path) -> None:
    failed = RECORD._replace(outcome=Outcome.FAILED, reason="no answer in time", blame=Blame.ACS)
    said = exchange(INFORM, Response(200, [], INFORM, True))
    unsaid = RecordedExchange(10.5, 1, HEAD, b"<x/>", None, failure="no answer in time")
    write(session(said, unsaid, record=failed), tmp_path, "n")
    facts = json.loads((tmp_path / "n-FLEET-000017-3-failed" / "meta.json").read_text())
    assert facts["trigger"] == "1 BOOT, M Reboot"
    told = [facts[key] for key in ("outcome", "reason", "blame")]
    assert told == ["failed", "no answer in time", "acs"]
    assert facts["began"] == "2025-06-15T15:06:40.000+00:00"
    assert facts["acs"] == f"http://{MASK}@acs/"
    one, two = facts["exchanges"]
    assert (one["t_ms"], one["request_rpc"], one["status"]) == (0.0, "InformResponse", 200)
    assert (two["t_ms"], two["status"], two["broken_response"]) == (500, None, "no answer in time")


def test_what_was_not_sent_is_an_empty_file(tmp_path: Path) -> None:
    write(
        session(RecordedExchange(1.0, 0, b"", b"", None, failure="connection refused")),
        tmp_path,
        "n",
    )
    (own,) = tmp_path.iterdir()
    assert (own / "001.request.http").read_bytes() == b""
    assert (own / "001.response.http").read_bytes() == b""


def test_names_never_clash(tmp_path: Path) -> None:
    for _ in range(3):
        write(session(exchange()), tmp_path, "n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "n-FLEET-000017-3",
        "n-FLEET-000017-3.2",
        "n-FLEET-000017-3.3",
    ]


def test_codings_and_chunks_are_undone_and_said_no_more() -> None:
    headers = [("Content-Encoding", "gzip"), ("transfer-encoding", "chunked"), ("x", "y")]
    made = _message("HTTP/1.1 200 OK", headers, gzip.compress(b"<a/>"))
    assert made == b"HTTP/1.1 200 OK\r\nx: y\r\nContent-Length: 4\r\n\r\n<a/>"
    made = _message("HTTP/1.1 200 OK", [("content-encoding", "br")], b"?")
    assert made.endswith(b"\r\n\r\n(this body can't be read: unknown content coding)")


def test_a_status_that_nobody_knows_is_told_too(tmp_path: Path) -> None:
    write(session(exchange(response=Response(299, [], b"", keep_alive=True))), tmp_path, "n")
    ((_, response),) = recordings(tmp_path)[0].exchanges
    assert response.status == 299


SECRETS = st.text("abcdefABCDEF0123456789<>&\"' äß", min_size=12, max_size=30).map(
    lambda text: f"tr0ub{text}4dor"
)


@given(ENVELOPES, SECRETS, st.integers(0, 4000))
def test_no_secret_is_in_any_file(
    tmp_path_factory: pytest.TempPathFactory, envelope: Envelope, secret: str, cut: int
) -> None:
    """Of passwords, keys, credentials in headers and in URLs, in either direction."""
    kept = (
        m.SetParameterValues(
            (
                m.ParameterValueStruct("Device.ManagementServer.ConnectionRequestPassword", secret),
                m.ParameterValueStruct("Device.ManagementServer.Password", secret),
                m.ParameterValueStruct("Device.WiFi.AccessPoint.1.Security.KeyPassphrase", secret),
            )
        ),
        m.GetParameterValuesResponse(
            (m.ParameterValueStruct("Device.WiFi.AccessPoint.1.Security.PreSharedKey", secret),)
        ),
        m.Download("k", "t", "http://u:tr0ubx4dor@h/", "u", secret),
    )
    head = HEAD.replace(b"Host: acs", b'Authorization: Digest u="u", response="tr0ub4dor"')
    headers = [("location", "http://u:tr0ub4dor@acs/"), ("authorization", "Basic tr0ub4dor")]
    folder = tmp_path_factory.mktemp("kept")
    for message in kept:
        body = encode(envelope._replace(message=message))
        whole = exchange(body, Response(200, headers, body, keep_alive=True), head)
        part = exchange(body[:cut], Response(200, headers, body[:-cut], keep_alive=True), head)
        write(session(whole, part), folder, "n")
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 15
    for file in files:
        assert b"tr0ub" not in file
        assert b"4dor" not in file
