"""What is shown of messages: each in a line or whole, never a secret."""

from __future__ import annotations

import pytest
from helpers.strategies import ENVELOPES
from hypothesis import given
from hypothesis import strategies as st

from caretaker.console import trace
from caretaker.console.trace import Trace, envelope_text, summary
from caretaker.cwmp import Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.http.response_parser import Response
from caretaker.masking import MASK, masked

SECRET = "tr0ub4dor"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            m.Inform(
                m.DeviceIdStruct("M", "00AABB", "R", "1"),
                (m.EventStruct("1 BOOT"), m.EventStruct("M Reboot", "key")),
                retry_count=2,
                parameter_list=(m.ParameterValueStruct("Device.A", "1"),) * 9,
            ),
            "Inform: 1 BOOT, M Reboot (key), retry 2, 9 parameters",
        ),
        (m.InformResponse(), "InformResponse"),
        (m.GetParameterNames("X.", True), "GetParameterNames: ParameterPath X., NextLevel 1"),
        (m.GetParameterValues(("Device.WiFi.",)), "GetParameterValues: Device.WiFi."),
        (m.GetParameterValues(("Device.A", "Device.B")), "GetParameterValues: 2 names"),
        (m.GetRPCMethodsResponse(("Inform",) * 3), "GetRPCMethodsResponse: 3 methods"),
        (
            m.Upload("", "2", f"http://u:{SECRET}@h/", "u", SECRET),
            "Upload: FileType 2, URL http://********@h/, Username u, Password ********",
        ),
        (
            m.Fault.of(9003, "", m.SetParameterValuesFault("Device.A", 9008, "Read-only")),
            "Fault: 9003, Invalid arguments, Device.A 9008 Read-only",
        ),
        (
            m.TransferComplete("k", m.FaultStruct(9010, "Download failure")),
            "TransferComplete: CommandKey k, 9010 Download failure",
        ),
        (m.UnknownRequest("X_VENDOR_Do"), "X_VENDOR_Do"),
    ],
)  # fmt: skip
def test_a_message_is_told_in_a_line(message: m.Message, line: str) -> None:
    assert masked(summary(encode(Envelope(message, "1")))) == line


def test_what_is_no_message_is_told_too() -> None:
    assert summary(b" ") == "(empty)"
    assert summary(b"<x/>") == "unreadable: XML, but not a SOAP envelope (4 bytes)"
    held = Envelope(m.InformResponse(), "1", hold_requests=True)
    assert summary(encode(held)) == "InformResponse: HoldRequests"


@given(ENVELOPES)
def test_every_message_is_told_by_its_name(envelope: Envelope) -> None:
    message = decode(encode(envelope)).message
    assert summary(encode(envelope)).startswith(getattr(message, "name", type(message).__name__))


def test_every_teller_is_of_a_field_that_there_is() -> None:
    classes = [*m.REQUESTS.values(), *m.RESPONSES.values(), m.Fault, m.UnknownRequest]
    there = {name for cls in classes for name in cls.__dataclass_fields__}  # type: ignore[attr-defined]
    assert set(trace._BY_NAME) <= there
    assert set(trace._COUNTED) <= there


SECRETS = st.text("abcdefABCDEF0123456789<>&\"' äß", min_size=12, max_size=30).map(
    lambda text: f"tr0ub{text}4dor"
)


@given(ENVELOPES, SECRETS)
def test_nothing_hides_a_secret_in_a_whole_envelope(envelope: Envelope, secret: str) -> None:
    """Whatever stands around it."""
    messages = (
        m.SetParameterValues((m.ParameterValueStruct("Device.Users.User.1.Password", secret),)),
        m.GetParameterValuesResponse((m.ParameterValueStruct("Device.X.KeyPassphrase", secret),)),
        m.Download("k", "t", "http://h/", "u", secret),
        m.ScheduleDownload("k", "t", "http://h/", "u", secret),
        m.ChangeDUState((m.InstallOpStruct("http://h/", None, "u", secret),)),
    )
    for message in messages:
        body = encode(Envelope(message, envelope.id, envelope.namespace))
        for cut in (len(body), len(body) - 60, len(body) * 3 // 4):
            shown = envelope_text(body[:cut]) + summary(body[:cut])
            assert "tr0ub" not in shown
            assert "4dor" not in shown
        assert MASK in envelope_text(body)


@given(st.binary(max_size=200) | ENVELOPES.map(encode), st.binary(max_size=3), st.integers(0, 999))
def test_whatever_comes_is_shown_somehow(body: bytes, noise: bytes, place: int) -> None:
    shown: list[str] = []
    broken = body[:place] + noise + body[place:]
    Trace(shown.append, whole=True).answered(Response(200, [], broken, keep_alive=True), 0.001)
    assert shown[0].endswith("(1.0 ms)\n")
    assert not set("".join(shown)) & set("\0\r\x1b\x7f\x9b")


def test_a_broken_envelope_is_shown_without_values() -> None:
    body = encode(Envelope(m.GetParameterValuesResponse((m.ParameterValueStruct("A.B", SECRET),))))
    assert SECRET in envelope_text(body)
    assert SECRET not in envelope_text(body.replace(b"<Name>A.B</Name>", b"<Name>"))
    prefixes = body.replace(b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ', b"")
    assert SECRET in envelope_text(prefixes)  # what our decoder takes is not broken


def answer(status: int, *headers: tuple[str, str], body: bytes = b"") -> str:
    shown: list[str] = []
    Trace(shown.append).answered(Response(status, list(headers), body, keep_alive=True), 0.01)
    return shown[0][13:].rstrip()


def test_answers_that_are_none() -> None:
    digest = ("www-authenticate", f'Digest realm="x", nonce="{SECRET}"')
    assert (
        answer(401, digest, ("www-authenticate", "Basic"))
        == "< 401 asks for Digest, Basic (10.0 ms)"
    )
    assert answer(401) == "< 401 asks for nothing we know (10.0 ms)"
    moved = ("location", f"https://u:{SECRET}@other/")
    assert answer(302, moved) == "< 302 to https://********@other/ (10.0 ms)"
    assert answer(400, body=b"Invalid session") == "< 400 Invalid session (10.0 ms)"
    assert answer(204) == "< 204 (empty) (10.0 ms)"
    coding = ("content-encoding", "br")
    assert answer(200, coding, body=b"x") == "< 200 unknown content coding (10.0 ms)"


def test_text_that_is_no_xml_is_shown_as_it_is() -> None:
    shown: list[str] = []
    response = Response(500, [], b"it\r\nbroke\x1b[2J", keep_alive=True)
    Trace(shown.append, whole=True).answered(response, 0.0)
    assert shown[1] == "it\nbroke\ufffd[2J\n"
