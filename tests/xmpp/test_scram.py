"""SCRAM-SHA-1 and PLAIN, by the example of RFC 5802 and against servers that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import SASLError
from caretaker.xmpp.scram import (
    MAX_ITERATIONS,
    SaltedKeys,
    Scram,
    plain,
)

NONCE = "fyko+d2lbbFgONRv9qkxdawL"
CHALLENGE = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"


def scram(keys: SaltedKeys | None = None) -> Scram:
    return Scram("user", "pencil", NONCE, keys or SaltedKeys())


def test_the_example_of_the_rfc_is_reproduced() -> None:
    client = scram()
    assert client.first() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert client.answer(CHALLENGE) == (
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    client.verify(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


def test_a_server_that_does_not_know_the_password_is_refused() -> None:
    client = scram()
    client.answer(CHALLENGE)
    with pytest.raises(SASLError, match="does not prove"):
        client.verify(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=")


def test_a_proof_without_a_challenge_is_none() -> None:
    with pytest.raises(SASLError, match="does not prove"):
        scram().verify(b"v=")


@pytest.mark.parametrize(
    ("challenge", "why"),
    [
        (b"r=other,s=QSXCR+Q6sek8bf92,i=4096", "nonce"),
        (f"r={NONCE},s=QSXCR+Q6sek8bf92,i=4096".encode(), "nonce"),
        (b"m=ext," + CHALLENGE, "nonce"),
        (f"r={NONCE}x,s=QSXCR+Q6sek8bf92,i=0".encode(), "no number of rounds"),
        (f"r={NONCE}x,s=QSXCR+Q6sek8bf92,i=-1".encode(), "no number of rounds"),
        (f"r={NONCE}x,s=QSXCR+Q6sek8bf92,i={MAX_ITERATIONS + 1}".encode(), "too many rounds"),
        (f"r={NONCE}x,s=QSXCR+Q6sek8bf92,i={'9' * 5000}".encode(), "no number of rounds"),
        (f"r={NONCE}x,s=,i=4096".encode(), "no salt"),
        (f"r={NONCE}x,s=***,i=4096".encode(), "not Base64"),
        (f"r={NONCE}x,s={'QSXC' * 300},i=4096".encode(), "salt is too long"),
    ],
)
def test_a_challenge_that_can_not_be_trusted_is_refused(challenge: bytes, why: str) -> None:
    with pytest.raises(SASLError, match=why):
        scram().answer(challenge)


def test_a_challenge_is_answered_once_as_each_costs_its_rounds() -> None:
    login = scram()
    login.answer(CHALLENGE)
    with pytest.raises(SASLError, match="second challenge"):
        login.answer(CHALLENGE)


@given(st.binary(max_size=100))
def test_no_challenge_raises_anything_else(challenge: bytes) -> None:
    try:
        scram().answer(challenge)
    except SASLError as error:
        assert str(error)


def test_keys_are_kept_and_the_oldest_goes() -> None:
    keys = SaltedKeys(limit=2)
    first = keys.of("a", b"salt", 1)
    assert keys.of("a", b"salt", 1) is first
    for password in ("b", "c"):
        keys.of(password, b"salt", 1)
    assert keys.of("a", b"salt", 1) is not first
    assert len(keys._keys) == 2


def test_names_are_escaped_and_prepared() -> None:
    assert Scram("a=b,c", "", "n", SaltedKeys()).first() == b"n,,n=a=3Db=2Cc,r=n"
    assert plain("a\u00aa", "b") == b"\0aa\0b"
