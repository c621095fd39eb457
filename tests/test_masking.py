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
from fuzz.harnesses import HARNESSES

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
    # XML may write any character as a reference; white space is that of ASCII, as bytes have it.
    assert masked("http&#x3A;&#47;&#x2f;u:a&#98;c&#64;h") == f"http&#x3A;&#47;&#x2f;{MASK}&#64;h"
    assert masked("?key&#61;a&#98;c&amp;b=2") == f"?key&#61;{MASK}&amp;b=2"
    assert masked("http://u:\xa0a@h?key=b\x85a") == f"http://{MASK}@h?key={MASK}"


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


CONTENTS = st.recursive(
    st.sampled_from(
        [
            "tr0ub4dor", " ", "&#116;r0ub4dor", "<![CDATA[tr0ub4dor]]>",
            "<![CDATA[<b>tr0ub4dor</b>]]>",
            "<!--tr0ub4dor-->", "<!-- <b>tr0ub4dor</b> -->", "<?x tr0ub4dor?>", "<Value/>",
            "<b c='tr0ub4dor'/>", '<b c = ">tr0ub4dor" d=""/>',
            "<b xmlns:n='urn:n' n:c='tr0ub4dor'>x</b>",
            "<b xmlns='urn:n' xml:lang='tr0ub4dor'/>", "<b Password='tr0ub4dor'/>",
        ]
    ),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from(["b", "n.b", "Name", "Value", "Password", "Secret"]),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=12,
).map(str.encode)  # fmt: skip
"""What may stand in an element: elements in elements, and all that XML has for texts."""
AROUND = (
    b"<Password>%b</Password>",
    b"<a:PSK xmlns:a='urn:a'>%b</a:PSK>",
    b"<P><Name>A.Password</Name><Value t='x'>%b</Value></P>",
    b"<P><Value t='x'>%b</Value><Name>A.<!-- -->Password</Name></P>",
)


@given(CONTENTS, st.sampled_from(AROUND))
def test_a_secret_keeps_its_elements_and_nothing_else(content: bytes, around: bytes) -> None:
    body = b"<E><P><Name>A.B</Name><Value>1</Value></P>%b<c>2</c></E>" % (around % content)
    HARNESSES["masked_body"].run(body)
    shown = masked_body(body)
    assert b"r0ub" not in shown
    start, end = (around % b"|").split(b"|")
    assert shown.startswith(b"<E><P><Name>A.B</Name><Value>1</Value></P>" + start)
    assert shown.endswith(end + b"<c>2</c></E>")


@given(
    CONTENTS, st.sampled_from(AROUND), st.sampled_from([b"\xff", b"&", b"<b", b"</x>"]), st.data()
)
def test_nothing_of_it_is_shown_where_xml_is_broken(
    content: bytes, around: bytes, noise: bytes, data: st.DataObject
) -> None:
    secret = around % content
    assert b"r0ub" not in masked_body(b"<E>%b<c>2</c>%b</E>" % (noise, secret))
    place = data.draw(st.integers(0, len(content)))
    broken = around % (content[:place] + noise + content[place:])
    assert b"r0ub" not in masked_body(b"<E>%b<c>2</c></E>" % broken)
    assert b"r0ub" not in masked_body(b"<E>%b" % secret[: secret.index(content) + place])


@given(CONTENTS)
def test_a_document_of_any_elements_stays_one(content: bytes) -> None:
    HARNESSES["masked_body"].run(b"<E>%b</E>" % content)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("<a><!-- <Password>x</Password> --></a>", "<a><!-- <Password>*</Password> --></a>"),
        ("<a Password='x' b=''>x</a>", "<a Password=\"*\" b=''>x</a>"),
        ("<a><![CDATA[?key=x]]></a>", "<a><![CDATA[?key=*]]></a>"),
        ("<a><!--?key=x--></a>", "<a><!--?key=*--></a>"),
        ("<a><?b ?key=x?></a>", "<a><?b ?key=*?></a>"),
        ("<Key><PSK><b xml:id='x'/>x</PSK></Key>", "<Key><PSK><b xml:id='x'/>*</PSK></Key>"),
    ],
)
def test_secrets_may_stand_where_xml_has_other_places_for_texts(body: str, shown: str) -> None:
    assert masked_body(body.encode()) == shown.replace("*", MASK).encode()


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


@pytest.mark.parametrize("start", ["<Password b", "<Pass&word>", "<Passwrd>"])
def test_a_secret_in_one_of_its_name_is_masked_where_its_start_is_broken(start: str) -> None:
    after = "<Name>A.B</Name><Value>1</Value>"
    secret = f"<Password>a{start}</Password><b>x</b></Password>"
    shown = masked_body(f"<E>{secret}{after}</E>".encode())
    assert shown == f"<E><Password>{MASK}</Password>{after.replace('1', MASK)}</E>".encode()


def test_entities_of_strangers_are_not_looked_into() -> None:
    body = b'<!DOCTYPE x [<!ENTITY s "tr0ub4dor">]><x><Password>&s;</Password></x>'
    shown = b"<!DOCTYPE x [********]><x><Password>********</Password></x>"
    assert masked_body(body) == shown
    assert masked_body(body[:30]) == shown[:21]


def test_what_has_zero_bytes_is_not_kept() -> None:
    assert masked_body("<Password>tr0ub4dor</Password>".encode("utf-16")) == UNREAD
