"""What a STUN server that asks for credentials is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import DatagramError
from caretaker.stun.challenge import MAX_USERNAME, MAX_VALUE, Challenge
from caretaker.stun.message import COOKIE, Attribute, Kind, StunMessage

TRANSACTION = COOKIE + bytes(12)
REQUEST = StunMessage(Kind.BINDING_REQUEST, TRANSACTION)


def error(*attributes: tuple[int, bytes]) -> StunMessage:
    return StunMessage(Kind.BINDING_ERROR, TRANSACTION, attributes)


def test_a_server_without_realm_and_nonce_asks_for_short_term_credentials() -> None:
    challenge = Challenge.of(error())
    signed = challenge.signed(REQUEST, "user", "secret")
    assert signed.attributes[0] == (Attribute.USERNAME, b"user")
    assert signed.has_integrity(b"secret")


def test_the_key_of_long_term_credentials_is_that_of_the_published_test_vector() -> None:
    """RFC 5769 2.4, whose password SASLprep has made "TheMatrIX" of."""
    user = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
    request = bytes.fromhex(
        "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000"
        "0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e"
        "6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
    )
    message = StunMessage.decode(request)
    asked = error(*(each for each in message.attributes if each[0] in (0x14, 0x15)))
    assert message.has_integrity(Challenge.of(asked).key(user, "TheMatrIX"))


def test_realm_and_nonce_come_back_in_the_request() -> None:
    challenge = Challenge.of(error((Attribute.REALM, b"r"), (Attribute.NONCE, b"n")))
    signed = challenge.signed(REQUEST, "user", "secret")
    assert [value for _, value in signed.attributes[:-1]] == [b"user", b"r", b"n"]
    assert signed.has_integrity(challenge.key("user", "secret"))


@pytest.mark.parametrize("kind", [Attribute.REALM, Attribute.NONCE])
def test_a_challenge_that_is_too_long_is_refused(kind: int) -> None:
    attributes = {Attribute.REALM: b"r", Attribute.NONCE: b"n", kind: b"a" * (MAX_VALUE + 1)}
    with pytest.raises(DatagramError):
        Challenge.of(error(*attributes.items()))


@given(st.binary(max_size=MAX_VALUE), st.binary(max_size=MAX_VALUE), st.text(max_size=600))
def test_whatever_a_server_asks_the_request_can_be_sent_and_read(
    realm: bytes, nonce: bytes, name: str
) -> None:
    challenge = Challenge.of(error((Attribute.REALM, realm), (Attribute.NONCE, nonce)))
    signed = challenge.signed(REQUEST, name, "secret")
    read = StunMessage.decode(signed.encode()) if len(signed.encode()) <= 2048 else signed
    assert read.has_integrity(challenge.key(name, "secret"))
    assert len(read.attribute(Attribute.USERNAME) or b"") <= MAX_USERNAME
