"""What is secret in messages is found, whatever stands around it, and nothing else is touched."""

from __future__ import annotations

import re

import pytest
from helpers.strategies import ENVELOPES
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.masking import MASK, UNREAD, is_secret, masked, masked_body, masked_header

SECRET = "tr0ub4dor"


@pytest.mark.parametrize(
    "name",
    [
        "Device.ManagementServer.Password",
        "Device.ManagementServer.ConnectionRequestPassword",
        "Device.WiFi.AccessPoint.1.Security.KeyPassphrase",
        "Device.WiFi.AccessPoint.1.Security.SAEPassphrase",
        "Device.WiFi.AccessPoint.1.Security.PreSharedKey",
        "Device.WiFi.AccessPoint.1.Security.RadiusSecret",
        "Device.WiFi.AccessPoint.1.Security.X_TP_WEPKey4",
        "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.WEPKey.1.WEPKey",
        "InternetGatewayDevice.UserInterface.X_HUAWEI_Web.UserInfo.1.Userpassword",
        "Device.X_TP_UserCfg.AdminPwd",
        "Device.X_ACME.WiFiPSK",
        "Password",
    ],
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "Device.ManagementServer.Username",
        "Device.ManagementServer.ParameterKey",
        "Device.WiFi.AccessPoint.1.Security.X_TP_PSKType",
        "InternetGatewayDevice.UserInterface.PasswordRequired",
        "Device.WiFi.AccessPoint.1.Security.X_TP_WEPKeyIndex",
        "",
    ],
)
def test_what_is_none_is_shown(name: str) -> None:
    assert not is_secret(name)


def test_urls_are_shown_without_what_opens_them() -> None:
    assert masked("at http://user:pw@acs:1/x end") == f"at http://{MASK}@acs:1/x end"
    assert masked("http://h/f?a=1&amp;sig_key=abc&b=2") == f"http://h/f?a=1&amp;sig_key={MASK}&b=2"
    # A login within a field goes with it, so that what is shown is shown the same again.
    assert masked('/?passwd=x://"u@h') == f"/?passwd={MASK}"
    assert masked("http://acs/ mail me@acs") == "http://acs/ mail me@acs"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Basic dTpw", f"Basic {MASK}"),
        ("Proxy-Authorization", "Bearer abc", f"Bearer {MASK}"),
        (
            "authorization",
            'Digest username="u", realm="r", nonce="n", uri="/", response="0a1b", qop=auth',
            f'Digest username="u", realm="r", nonce="n", uri="/", response="{MASK}", qop=auth',
        ),
        ("Authorization", "Digest response=0a1b, nc=1", f'Digest response="{MASK}", nc=1'),
        ("Authentication-Info", 'rspauth="0a1b", nc=00000001', f'rspauth="{MASK}", nc=00000001'),
        ("Location", "http://u:pw@acs/", f"http://{MASK}@acs/"),
        ("Cookie", "session=1", "session=1"),
    ],
)  # fmt: skip
def test_headers_are_shown_without_what_proves_who_one_is(
    name: str, value: str, shown: str
) -> None:
    assert masked_header(name, value) == shown


SECRETS = st.text("abcdefABCDEF0123456789<>&\"' äß", min_size=12, max_size=30).map(
    lambda text: f"tr0ub{text}4dor"
)


def messages(secret: str) -> tuple[m.Message, ...]:
    """Of all kinds that carry secrets."""
    return (
        m.SetParameterValues((m.ParameterValueStruct("Device.Users.User.1.Password", secret),)),
        m.GetParameterValuesResponse((m.ParameterValueStruct("Device.X.KeyPassphrase", secret),)),
        m.Download("k", "t", "http://h/", "u", secret),
        m.ScheduleDownload("k", "t", "http://h/", "u", secret),
        m.ChangeDUState((m.InstallOpStruct("http://h/", None, "u", secret),)),
    )


def is_renamed(body: bytes, place: int, noise: bytes) -> bool:
    """Whether the noise makes a harmless name of a secret's, in a body that is XML all the same."""
    names = re.finditer(rb"(Password|KeyPassphrase)</", body)
    return noise == b'"' and any(name.start() < place <= name.end(1) for name in names)


@given(ENVELOPES, SECRETS, st.data())
def test_nothing_of_a_secret_is_left_however_the_body_is_broken(
    envelope: Envelope, secret: str, data: st.DataObject
) -> None:
    for message in messages(secret):
        body = encode(Envelope(message, envelope.id, envelope.namespace))
        assert MASK.encode() in masked_body(body)
        place = data.draw(st.integers(0, len(body)))
        noise = data.draw(st.sampled_from([b"\x01", b"<", b"&", b"<!--", b"</x>", b'"', b"\xff"]))
        noisy = body if is_renamed(body, place, noise) else body[:place] + noise + body[place:]
        for broken in (body, body[:place], noisy):
            shown = masked_body(broken)
            assert noise in secret.encode() or b"tr0ub" not in shown, (broken, shown)
            assert b"4dor" not in shown, (broken, shown)


@given(ENVELOPES)
def test_a_body_without_secrets_stays_as_it_is(envelope: Envelope) -> None:
    body = encode(envelope)
    if not any(word in body.lower() for word in (b"pass", b"pwd", b"psk", b"secret", b"key", b"@")):
        assert masked_body(body) == body


@given(st.binary(max_size=300), ENVELOPES.map(encode), st.integers(0, 500))
def test_whatever_comes_is_masked_somehow(noise: bytes, body: bytes, place: int) -> None:
    shown = masked_body(body[:place] + noise + body[place:])
    assert isinstance(shown, bytes)


def test_all_but_the_secret_stays_as_it_is() -> None:
    before = (
        b"<?xml version='1.0'?>\r\n<a:E xmlns:a='x' ><P>\n <Value a:t='>'>%s</Value> <!-- x -->"
    )
    after = (
        b"<Name>A.<![CDATA[Pass]]>word</Name></P>\t<P><Name>A.B</Name><Value>1</Value></P></a:E>"
    )
    body = before % b"<![CDATA[tr0ub4dor]]>" + after
    assert masked_body(body) == before % MASK.encode() + after


def test_an_empty_secret_is_shown_as_that() -> None:
    for empty in (b"<Password/>", b"<Password></Password>", b"<Password> </Password>"):
        body = b"<a>%s<Secret>x</Secret></a>" % empty
        assert masked_body(body) == body.replace(b">x<", b">********<")


def test_names_may_be_written_with_references() -> None:
    body = b"<P><Name>A.Pass&#119;ord</Name><Value>tr0ub4dor</Value></P>"
    assert SECRET.encode() not in masked_body(body)


def test_what_is_broken_keeps_all_that_is_no_value() -> None:
    body = b"<P><Name>A.B</Name><Value>1</Value></P><html><p>It broke<br> here</p><Value>2</Value>"
    shown = (
        b"<P><Name>A.B</Name><Value>1</Value></P><html><p>It broke<br> here</p><Value>%b</Value>"
    )
    assert masked_body(body) == shown % MASK.encode()
    assert masked_body(b"<a>http://u:tr0ub4d") == b"<a>http://" + MASK.encode()
    assert masked_body(b"SSH-2.0-OpenSSH_9.2\r\n") == b"SSH-2.0-OpenSSH_9.2\r\n"


def test_entities_of_strangers_are_not_looked_into() -> None:
    body = b'<!DOCTYPE x [<!ENTITY s "tr0ub4dor">]><x><Password>&s;</Password></x>'
    assert b"<Password>********</Password>" in masked_body(body)


def test_what_has_zero_bytes_is_not_kept() -> None:
    assert masked_body("<Password>tr0ub4dor</Password>".encode("utf-16")) == UNREAD
