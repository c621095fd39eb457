from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import DatagramError
from caretaker.stun.message import (
    COOKIE,
    MAX_BYTES,
    REQUEST_BINDING,
    Attribute,
    Kind,
    SocketAddress,
    StunMessage,
    address_value,
)

CLASSIC = bytes(range(16))
MODERN = COOKIE + bytes(range(12))
KEY = b"secret"

hosts = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
addresses = st.builds(SocketAddress, hosts, st.integers(0, 65535))
transactions = st.one_of(
    st.binary(min_size=16, max_size=16), st.binary(min_size=12, max_size=12).map(COOKIE.__add__)
)
attributes = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=6)
messages = st.builds(StunMessage, st.integers(0, 0x3FFF), transactions, attributes.map(tuple))


@given(messages)
def test_a_message_is_read_as_it_was_written(message: StunMessage) -> None:
    assert StunMessage.decode(message.encode()) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    try:
        message = StunMessage.decode(data)
    except DatagramError:
        return
    assert StunMessage.decode(message.encode()) == message


@given(messages, st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_message_that_lies_about_lengths_is_an_error_or_another(
    message: StunMessage, at: int, lie: bytes
) -> None:
    data = bytearray(message.encode())
    data[at % len(data) : at % len(data) + len(lie)] = lie
    try:
        read = StunMessage.decode(bytes(data))
        read.mapped_address()
        read.error_code()
    except DatagramError:
        return
    assert len(read.encode()) == len(data)


@given(addresses, transactions)
def test_both_forms_of_a_mapped_address_are_read(address: SocketAddress, of: bytes) -> None:
    plain = (int(Attribute.MAPPED_ADDRESS), address_value(address))
    masked = (int(Attribute.XOR_MAPPED_ADDRESS), address_value(address, of))
    for attribute in (plain, masked):
        assert StunMessage(Kind.BINDING_RESPONSE, of, (attribute,)).mapped_address() == address


def test_an_address_that_was_not_rewritten_on_the_way_is_preferred() -> None:
    inner, outer = SocketAddress("10.0.0.1", 1), SocketAddress("198.51.100.7", 2)
    answer = StunMessage(
        Kind.BINDING_RESPONSE,
        MODERN,
        (
            (int(Attribute.MAPPED_ADDRESS), address_value(inner)),
            (int(Attribute.XOR_MAPPED_ADDRESS), address_value(outer, MODERN)),
        ),
    )
    assert answer.mapped_address() == outer


def test_a_message_without_an_address_has_none() -> None:
    assert StunMessage(Kind.BINDING_RESPONSE, CLASSIC).mapped_address() is None


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\1", b"\0\1\0\1\x7f\0\0", b"\0\3" + bytes(6)])
def test_an_address_of_a_wrong_size_or_family_is_an_error(value: bytes) -> None:
    message = StunMessage(Kind.BINDING_RESPONSE, CLASSIC, ((1, value),))
    with pytest.raises(DatagramError, match="address"):
        message.mapped_address()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(19),
        b"\xc0" + bytes(19),
        b"\0\1\0\4" + CLASSIC,
        b"\0\1\0\2" + CLASSIC + b"\0\0",
        b"\0\1\0\4" + CLASSIC + b"\0\1\0\1",
        b"\0\1\xff\xfc" + CLASSIC,
        b"\0\1" + (MAX_BYTES).to_bytes(2) + CLASSIC + bytes(MAX_BYTES),
    ],
    ids=["empty", "short", "not STUN", "absent", "not of 4", "attribute", "longest", "too long"],
)
def test_lengths_that_lie_are_errors(data: bytes) -> None:
    with pytest.raises(DatagramError):
        StunMessage.decode(data)


@pytest.mark.parametrize(
    ("value", "code"), [(b"\0\0\4\1Unauthorized", 401), (b"\0\0\3\0", 300), (b"\0\0\6\x63", 699)]
)
def test_an_error_has_a_code(value: bytes, code: int) -> None:
    assert StunMessage(Kind.BINDING_ERROR, CLASSIC, ((9, value),)).error_code() == code


@pytest.mark.parametrize("value", [None, b"\0\0\4", b"\0\0\2\0", b"\0\0\7\0", b"\0\0\4\x64"])
def test_an_error_without_a_right_code_is_malformed(value: bytes | None) -> None:
    found = () if value is None else ((9, value),)
    with pytest.raises(DatagramError, match="code"):
        StunMessage(Kind.BINDING_ERROR, CLASSIC, found).error_code()


@given(messages, st.binary(min_size=1, max_size=80), st.binary(min_size=1, max_size=80))
def test_integrity_holds_with_the_same_key_only(
    message: StunMessage, key: bytes, other: bytes
) -> None:
    sealed = StunMessage.decode(message.with_integrity(key).encode())
    assert sealed.has_integrity(key)
    # HMAC fills keys up with zeros.
    assert sealed.has_integrity(other) == (key.rstrip(b"\0") == other.rstrip(b"\0")) or (
        max(len(key), len(other)) > 64
    )


def test_integrity_is_that_of_the_published_test_vector() -> None:
    """RFC 5769 2.1, without its FINGERPRINT, which comes after MESSAGE-INTEGRITY."""
    request = bytes.fromhex(
        "000100502112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
        "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    )
    whole = request[:2] + (len(request) - 20 + 24).to_bytes(2) + request[4:]
    message = StunMessage.decode(whole + bytes.fromhex("00080014") + bytes(20))
    sealed = message._replace(attributes=message.attributes[:-1]).with_integrity(b"key")
    assert sealed.has_integrity(b"key")
    assert message.attribute(Attribute.USERNAME) == b"evtj:h6vY"


def test_integrity_of_a_classic_message_is_over_whole_blocks() -> None:
    plain = StunMessage(Kind.BINDING_REQUEST, CLASSIC, ((6, b"user"),))
    modern = plain._replace(transaction=MODERN)
    for message, fill in ((plain, -28 % 64), (modern, 0)):
        sealed = message.with_integrity(KEY)
        text = sealed.encode()[:-24] + bytes(fill)
        assert sealed.attributes[-1][1] == hmac.digest(KEY, text, "sha1")


def test_a_fingerprint_may_follow_and_nothing_else() -> None:
    sealed = StunMessage(Kind.BINDING_RESPONSE, MODERN, ((6, b"user"),)).with_integrity(KEY)
    for kind, holds in ((Attribute.FINGERPRINT, True), (Attribute.XOR_MAPPED_ADDRESS, False)):
        longer = sealed._replace(attributes=(*sealed.attributes, (int(kind), bytes(4))))
        assert longer.has_integrity(KEY) is holds


def test_a_message_without_integrity_has_not_that_of_any_key() -> None:
    assert not StunMessage(Kind.BINDING_REQUEST, CLASSIC).has_integrity(KEY)


@pytest.mark.rule("9.3-3")
def test_the_binding_of_connection_requests_is_told_with_twenty_bytes() -> None:
    request = StunMessage(
        Kind.BINDING_REQUEST,
        CLASSIC,
        ((int(Attribute.CONNECTION_REQUEST_BINDING), REQUEST_BINDING),),
    )
    assert len(REQUEST_BINDING) == 20
    assert request.encode() == b"\0\1\0\x18" + CLASSIC + b"\xc0\1\0\x14dslforum.org/TR-111 "


def test_an_authority_has_ipv6_addresses_in_brackets() -> None:
    assert SocketAddress("::1", 7).authority == "[::1]:7"
    assert SocketAddress("192.0.2.1", 7).authority == "192.0.2.1:7"
