"""The codec: bytes to messages and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.recordings import recordings
from helpers.schemas import Schemas
from helpers.strategies import ENVELOPES
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_0, CWMP_1_2, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.xml import MAX_TAGS
from caretaker.errors import EnvelopeError

DEVICE = m.DeviceIdStruct("Acme", "00AABB", "Router", "S1")
INFORM = m.Inform(
    DEVICE,
    (m.EventStruct("0 BOOTSTRAP"), m.EventStruct("M Reboot", "key-1")),
    1,
    "2026-11-23T10:00:00+01:00",
    2,
    (m.ParameterValueStruct("Device.DeviceInfo.SoftwareVersion", "1.0 <beta> & more"),),
)


def wrap(body: str, header: str = "", namespace: str = CWMP_1_0) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:c="{namespace}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


@pytest.mark.rule("2.1-8", "8-13")
@given(ENVELOPES)
def test_what_is_encoded_is_decoded_to_the_same(envelope: Envelope) -> None:
    assert envelope == decode(encode(envelope))


@given(st.binary(max_size=400))
def test_any_bytes_give_an_envelope_or_an_envelope_error(data: bytes) -> None:
    try:
        assert isinstance(decode(data), Envelope)
    except EnvelopeError:
        pass


@given(ENVELOPES, st.data())
def test_a_damaged_envelope_gives_an_envelope_or_an_envelope_error(
    envelope: Envelope, data: st.DataObject
) -> None:
    good = encode(envelope)
    at = data.draw(st.integers(0, len(good) - 1))
    cut = data.draw(st.integers(0, 30))
    try:
        decode(good[:at] + data.draw(st.binary(max_size=5)) + good[at + cut :])
    except EnvelopeError:
        pass


@given(ENVELOPES, st.integers(1, 200))
def test_a_truncated_envelope_is_never_read(envelope: Envelope, missing: int) -> None:
    with pytest.raises(EnvelopeError):
        decode(encode(envelope)[:-missing])


@pytest.mark.rule("2.1-8", "3-5", "3.1-2", "3.1-8", "3.2-1", "3.2-3")
def test_inform_has_the_bytes_that_the_standard_asks_for() -> None:
    text = encode(Envelope(INFORM, "1", CWMP_1_2)).decode()
    assert '<cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID>' in text
    assert '<Event soap-enc:arrayType="cwmp:EventStruct[2]">' in text
    assert "<EventCode>M Reboot</EventCode><CommandKey>key-1</CommandKey>" in text
    assert '<Value xsi:type="xsd:string">1.0 &lt;beta&gt; &amp; more</Value>' in text
    assert 'xmlns:cwmp="urn:dslforum-org:cwmp-1-2"' in text


@pytest.mark.rule("3-1", "3-5", "3.2-1")
@pytest.mark.parametrize("namespace", [CWMP_1_0, CWMP_1_2])
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(INFORM, id="Inform"),
        pytest.param(m.InformResponse(), id="InformResponse"),
        pytest.param(m.GetParameterValues(("Device.",)), id="GetParameterValues"),
        pytest.param(m.GetParameterNamesResponse(()), id="an empty list"),
        pytest.param(
            m.SetParameterAttributes(
                (m.SetParameterAttributesStruct("Device.", True, 2, True, ("Subscriber",)),)
            ),
            id="arrays in structs",
        ),
        pytest.param(
            m.Fault.of(9003, "", m.SetParameterValuesFault("Device.X", 9005, "Invalid name")),
            id="Fault",
        ),
        pytest.param(m.TransferComplete("key", m.FaultStruct(9010, "no")), id="TransferComplete"),
        pytest.param(m.Download("key", "1 Firmware Upgrade Image", "http://x/"), id="Download"),
    ],
)
def test_what_is_sent_is_valid(message: m.Message, namespace: str, schemas: Schemas) -> None:
    schemas.validate(encode(Envelope(message, "1", namespace)), namespace)


@pytest.mark.rule("3.1-5", "3.1-6")
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            m.ChangeDUState((m.InstallOpStruct("http://x/du"),), "key"), id="ChangeDUState"
        ),
        pytest.param(
            m.ScheduleDownload(
                "key",
                "1 Firmware Upgrade Image",
                "http://x/",
                time_window_list=(m.TimeWindowStruct(0, 60, "2 Immediately"),),
            ),
            id="ScheduleDownload",
        ),
        pytest.param(
            m.GetAllQueuedTransfersResponse(
                (m.AllQueuedTransferStruct("key", 1, True, "1 Firmware Upgrade Image"),)
            ),
            id="GetAllQueuedTransfersResponse",
        ),
    ],
)
def test_later_methods_are_valid_in_1_2(message: m.Message, schemas: Schemas) -> None:
    header = Envelope(message, "1", CWMP_1_2, False, 30, ("1.0", "1.2"), None)
    schemas.validate(encode(header), CWMP_1_2)


def test_a_union_is_told_by_its_type() -> None:
    operations = (m.InstallOpStruct("http://x/"), m.UninstallOpStruct("uuid"), m.UpdateOpStruct())
    assert (
        m.ChangeDUState(operations) == decode(encode(Envelope(m.ChangeDUState(operations)))).message
    )
    array = wrap(
        "<c:ChangeDUState><Operations><InstallOpStruct><URL>http://x/du</URL></InstallOpStruct>"
        '<OperationStruct x:type="c:UninstallOpStruct" xmlns:x="http://www.w3.org/2001/XMLSchema-'
        'instance"><UUID>u</UUID></OperationStruct></Operations></c:ChangeDUState>'
    )
    assert decode(array).message == m.ChangeDUState(
        (m.InstallOpStruct("http://x/du"), m.UninstallOpStruct("u"))
    )
    untold = decode(
        wrap("<c:ChangeDUState><Operations><UUID>x</UUID></Operations></c:ChangeDUState>")
    )
    assert untold.message == m.UnreadableRequest("ChangeDUState", "Operations of unknown xsi:type")


@pytest.mark.rule("3.4-6")
@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (
            "<c:GetParameterNames><NextLevel>maybe</NextLevel></c:GetParameterNames>",
            "NextLevel is not a boolean",
        ),
        ("<c:Download><FileSize>big</FileSize></c:Download>", "FileSize is not a number"),
        ("<c:Inform><Event/></c:Inform>", "DeviceId is missing in Inform"),
    ],
)
def test_a_request_with_unreadable_arguments_is_still_a_request(xml: str, reason: str) -> None:
    envelope = decode(wrap(xml))
    assert isinstance(envelope.message, m.UnreadableRequest)
    assert envelope.message.reason == reason


def test_an_empty_number_or_boolean_is_as_good_as_none() -> None:
    download = "<c:Download><FileSize></FileSize><DelaySeconds/></c:Download>"
    assert decode(wrap(download)).message == m.Download("", "", "")
    response = "<c:InformResponse><MaxEnvelopes/></c:InformResponse>"
    assert decode(wrap(response)).message == m.InformResponse()
    held = decode(wrap("<c:Reboot/>", "<c:HoldRequests/><c:SessionTimeout>soon</c:SessionTimeout>"))
    assert (held.hold_requests, held.session_timeout) == (False, None)


def test_prefixes_that_were_never_declared_and_bytes_behind_the_end() -> None:
    text = (
        b"<soap:Envelope><soap:Header><cwmp:ID>7</cwmp:ID></soap:Header><soap:Body>"
        b"<cwmp:Reboot><CommandKey>k</CommandKey></cwmp:Reboot></soap:Body></soap:Envelope>\0\n"
    )
    envelope = decode(text)
    assert (envelope.message, envelope.id, envelope.namespace) == (m.Reboot("k"), "7", "")


@pytest.mark.parametrize("more", ["\u00cb", "\u00cb" * 30, "x", "/", "-0" * 40])
def test_a_namespace_that_is_none_of_cwmp_is_not_repeated(more: str) -> None:
    envelope = decode(wrap("<c:FactoryReset/>", namespace=CWMP_1_2 + more))
    assert (envelope.message, envelope.namespace) == (m.FactoryReset(), "")


@pytest.mark.rule("3.3-2")
def test_the_code_of_a_fault_with_a_prefix() -> None:
    fault = "<detail><c:Fault><FaultCode>cwmp:8005</FaultCode></c:Fault></detail>"
    message = decode(wrap(f"<s:Fault><faultcode>Server</faultcode>{fault}</s:Fault>")).message
    assert isinstance(message, m.Fault)
    assert message.fault_code == 8005


@pytest.mark.rule("3.2-2", "3.3-2", "8-14")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            wrap("<c:InformResponse><MaxEnvelopes> 1 </MaxEnvelopes></c:InformResponse>"),
            m.InformResponse(),
            id="space around a number",
        ),
        pytest.param(wrap("<c:InformResponse/>"), m.InformResponse(), id="a missing element"),
        pytest.param(
            wrap("<c:AddObject><c:ObjectName>Device.X.</c:ObjectName></c:AddObject>"),
            m.AddObject("Device.X."),
            id="children with a prefix",
        ),
        pytest.param(
            wrap(
                "<c:GetParameterNames><NextLevel>true</NextLevel>"
                "<ParameterPath>Device.</ParameterPath></c:GetParameterNames>"
            ),
            m.GetParameterNames("Device.", True),
            id="another order",
        ),
        pytest.param(
            b"<Envelope><Body><Reboot><CommandKey>k</CommandKey></Reboot></Body></Envelope>",
            m.Reboot("k"),
            id="no namespace at all",
        ),
        pytest.param(
            b' \n<?xml version="1.0"?>' + wrap("<c:FactoryReset/>"),
            m.FactoryReset(),
            id="space before the declaration",
        ),
        pytest.param(
            b'<?xml version="1.0" encoding="utf8mb4"?>' + wrap("<c:FactoryReset/>"),
            m.FactoryReset(),
            id="an encoding nobody knows",
        ),
        pytest.param(
            b"\xef\xbb\xbf" + wrap("<c:FactoryReset/>"), m.FactoryReset(), id="a byte order mark"
        ),
        pytest.param(
            wrap("<c:Reboot><CommandKey>caf\xe9</CommandKey></c:Reboot>")
            .decode()
            .encode("latin-1"),
            m.Reboot("caf\xe9"),
            id="latin-1 that was not declared",
        ),
        pytest.param(
            wrap("<c:Reboot><CommandKey>a\x01b&#x2;c</CommandKey></c:Reboot>"),
            m.Reboot("a\ufffdb\ufffdc"),
            id="control characters",
        ),
        pytest.param(
            wrap(
                "<c:GetParameterValuesResponse><ParameterList><ParameterValueStruct>"
                '<Name>A</Name><Value xsd:x="1" xsi:type="foo:unsignedInt">7</Value>'
                "</ParameterValueStruct></ParameterList></c:GetParameterValuesResponse>"
            ),
            m.GetParameterValuesResponse((m.ParameterValueStruct("A", "7", "xsd:unsignedInt"),)),
            id="a prefix that was never declared",
        ),
        pytest.param(
            wrap(
                "<c:Inform><DeviceId><SerialNumber>X1</SerialNumber></DeviceId><Event/>"
                "<MaxEnvelopes>many</MaxEnvelopes><RetryCount>none</RetryCount></c:Inform>"
            ),
            m.Inform(m.DeviceIdStruct("", "", "", "X1"), ()),
            id="numbers that are none and that nobody needs",
        ),
        pytest.param(
            wrap("<c:X_ACME_Blink><Times>3</Times></c:X_ACME_Blink>"),
            m.UnknownRequest("X_ACME_Blink"),
            id="a method nobody knows",
        ),
        pytest.param(
            wrap("<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault>"),
            m.Fault(0, "no", (), "Client"),
            id="a SOAP fault without CWMP detail",
        ),
    ],
)
def test_what_devices_and_acss_send_is_read(data: bytes, message: m.Message) -> None:
    assert message == decode(data).message


@pytest.mark.rule("3-1", "3.4-5")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not well-formed"),
        (b"<x><y>It works!<br></y></x>", "not well-formed"),
        (b"<x/>", "not a SOAP envelope"),
        (b"ok, thanks", "text, no SOAP envelope: ok, thanks"),
        (b"<html><body>It works!<br></body></html>", "HTML page, no SOAP envelope$"),
        (b"<!doctype html><html><head><title>Log in</title>", "HTML page, .*: Log in"),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"><title>a</title></html>', "page.*: a"),
        (b' {"error": "not found"}', "JSON, no SOAP envelope: .*not found"),
        (b"<Envelope/>", "without a Body"),
        (b"<Envelope><Body/></Envelope>", "exactly one message"),
        (wrap("<c:Reboot/><c:Reboot/>"), "exactly one message"),
        (wrap("<c:AddObjectResponse><Status>1_0</Status></c:AddObjectResponse>"), "number"),
        (wrap("<c:Reboot><CommandKey>"), "not well-formed"),
        (b"<?xml version='1.0'?><!DOCTYPE a><a/>", "DOCTYPE"),
        (
            b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>'
            + wrap("<c:Reboot>&y;</c:Reboot>"),
            "DOCTYPE",
        ),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"), "DOCTYPE"),
        (
            wrap(f"<c:Reboot><CommandKey>{'x' * 10_000_001}</CommandKey></c:Reboot>"),
            "not well-formed",
        ),
        (b" " * (32 * 1024 * 1024 + 1), "too large"),
        (b"<a>" + b"<b/>" * MAX_TAGS + b"</a>", "too large"),
        (wrap("<a>" * 300 + "</a>" * 300), "not well-formed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(EnvelopeError, match=reason):
        decode(data)


@pytest.mark.rule("3.1-3", "3.1-4", "3.1-5", "3.1-6", "3.1-7")
def test_header_elements_are_read() -> None:
    header = (
        '<c:ID s:mustUnderstand="1"> 7 </c:ID><c:HoldRequests>true</c:HoldRequests>'
        "<c:SessionTimeout>40</c:SessionTimeout><c:NoMoreRequests>1</c:NoMoreRequests>"
        "<c:SupportedCWMPVersions>1.0, 1.2</c:SupportedCWMPVersions>"
        "<c:UseCWMPVersion>1.2</c:UseCWMPVersion>"
    )
    envelope = decode(wrap("<c:FactoryReset/>", header, "urn:dslforum-org:cwmp-1-3"))
    assert (
        envelope.id,
        envelope.hold_requests,
        envelope.session_timeout,
        envelope.supported_cwmp_versions,
        envelope.use_cwmp_version,
        envelope.namespace,
    ) == (" 7 ", True, 40, ("1.0", "1.2"), "1.2", "urn:dslforum-org:cwmp-1-3")


@pytest.mark.rule("3.1-2")
def test_an_absent_id_differs_from_an_empty_one() -> None:
    assert decode(wrap("<c:FactoryReset/>")).id is None
    assert decode(wrap("<c:FactoryReset/>", "<c:ID></c:ID>")).id == ""


@pytest.mark.rule("2.1-8")
def test_characters_that_xml_forbids_are_never_sent() -> None:
    data = encode(Envelope(m.Reboot("a\x00b\ud800\uffff")))
    assert m.Reboot("a\ufffdb\ufffd\ufffd") == decode(data).message


@pytest.mark.rule("3.2-2")
def test_every_recorded_envelope_is_read(captures: Path) -> None:
    found = 0
    for recording in recordings(captures):
        for exchange in recording.exchanges:
            for message in exchange:
                if message.has_envelope:
                    envelope = decode(message.body)
                    assert envelope == decode(encode(envelope)), recording.name
                    assert not isinstance(envelope.message, m.UnknownRequest | m.UnknownResponse)
                    found += 1
    assert found > 300


@pytest.mark.rule("3.3-1")
def test_a_fault_has_the_bytes_that_the_standard_asks_for() -> None:
    fault = m.Fault.of(9003, "", m.SetParameterValuesFault("Device.X", 9005, "Invalid name"))
    text = encode(Envelope(fault, "1")).decode()
    assert (
        "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>"
        "<detail><cwmp:Fault><FaultCode>9003</FaultCode>"
        "<FaultString>Invalid arguments</FaultString><SetParameterValuesFault>"
        "<ParameterName>Device.X</ParameterName><FaultCode>9005</FaultCode>"
        "<FaultString>Invalid name</FaultString></SetParameterValuesFault>"
        "</cwmp:Fault></detail></soap-env:Fault>"
    ) in text


@pytest.mark.rule("3-3", "3-4")
def test_large_messages_are_sent_and_read() -> None:
    structs = tuple(
        m.ParameterValueStruct(f"Device.P{number}", "v" * 10_000) for number in range(1_000)
    )
    for message in (
        m.SetParameterValues(structs[:20], "key"),
        m.GetParameterValuesResponse(structs),
    ):
        data = encode(Envelope(message, "1"))
        assert len(data) > (32_768 if isinstance(message, m.Request) else 10_000_000)
        assert decode(data).message == message


@pytest.mark.rule("3.1-4")
def test_no_more_requests_is_never_sent() -> None:
    header = Envelope(INFORM, "1", CWMP_1_2, True, 30, ("1.0", "1.4"), "1.4")
    assert b"NoMoreRequests" not in encode(header)


_INSTALL = "<URL>http://a/x</URL>"


@pytest.mark.parametrize(
    "items",
    [
        f"<InstallOpStruct>{_INSTALL}</InstallOpStruct>",
        f'<OperationStruct xsi:type="c:InstallOpStruct">{_INSTALL}</OperationStruct>',
        f'<Operations xsi:type="c:InstallOpStruct">{_INSTALL}</Operations>',
    ],
)
def test_operations_may_be_wrapped_into_one_array(items: str) -> None:
    """Several ACSs send a SOAP array where the schema has the element repeated."""
    array = f'<Operations e:arrayType="c:OperationStruct[1]">{items}</Operations>'
    xml = (
        f'<c:ChangeDUState xmlns:e="e" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{array}<CommandKey>k</CommandKey></c:ChangeDUState>"
    )
    expected = m.ChangeDUState((m.InstallOpStruct("http://a/x"),), "k")
    for _ in range(3):  # by the parser, and as a shape that is known
        assert decode(wrap(xml)).message == expected


def test_results_may_be_wrapped_into_one_array() -> None:
    fields = "<UUID>u</UUID><CurrentState>Installed</CurrentState>"
    results = f"<Results><OpResultStruct>{fields}</OpResultStruct></Results>" * 2
    message = decode(wrap(f"<c:DUStateChangeComplete>{results}</c:DUStateChangeComplete>")).message
    assert isinstance(message, m.DUStateChangeComplete)
    assert [result.uuid for result in message.results] == ["u", "u"]


@pytest.mark.parametrize("items", ["", "<UUID>x</UUID>", "<Other/>"])
def test_an_array_of_what_is_no_operation_can_not_be_read(items: str) -> None:
    message = decode(wrap(f"<c:ChangeDUState><Operations>{items}</Operations></c:ChangeDUState>"))
    assert isinstance(message.message, m.UnreadableRequest)


@pytest.mark.parametrize("odd", ["none", "-", "1_0", "", "99999999999999999999999"])
def test_a_number_that_no_answer_depends_on_may_be_none(odd: str) -> None:
    device = "<DeviceId><OUI>00AABB</OUI><SerialNumber>S</SerialNumber></DeviceId><Event/>"
    counts = f"<MaxEnvelopes>{odd}</MaxEnvelopes><RetryCount>{odd}</RetryCount>"
    for _ in range(3):
        inform = decode(wrap(f"<c:Inform>{device}{counts}</c:Inform>")).message
        assert isinstance(inform, m.Inform)
    response = f"<c:InformResponse><MaxEnvelopes>{odd}</MaxEnvelopes></c:InformResponse>"
    assert isinstance(decode(wrap(response)).message, m.InformResponse)
