"""
Proofs of a password: SCRAM-SHA-1 (RFC 5802) and PLAIN (RFC 4616), without I/O.

What SCRAM costs is the salted password: thousands of rounds of HMAC. It is the same for the same
password, salt and number of rounds, so ``SaltedKeys`` keeps what follows from it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import unicodedata
from collections import OrderedDict
from typing import NamedTuple

from caretaker.errors import SASLError
from caretaker.plain_numbers import is_digits

MAX_ITERATIONS = 100_000
"""Rounds that a server may ask for: 40 ms or so; Prosody asks for 10,000, ejabberd for 4,096."""
MAX_KEPT_KEYS = 20_000
"""Passwords whose keys are kept: 300 bytes each."""
_MAX_SALT = 1024
"""Characters of a salt: it is kept with the keys."""
_GS2_HEADER = "n,,"


class Keys(NamedTuple):
    """What SCRAM makes of a salted password."""

    client: bytes
    server: bytes


class SaltedKeys:
    """
    The keys of passwords, the ones that were used last.

    Args:
        limit: how many are kept.
    """

    def __init__(self, limit: int = MAX_KEPT_KEYS) -> None:
        self._limit = limit
        self._keys: OrderedDict[tuple[str, bytes, int], Keys] = OrderedDict()

    def of(self, password: str, salt: bytes, iterations: int) -> Keys:
        """The keys of a password; computed if they are not kept."""
        name = password, salt, iterations
        keys = self._keys.get(name)
        if keys is None:
            keys = self._keys[name] = _keys(*name)
            if len(self._keys) > self._limit:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(name)
        return keys


def _keys(password: str, salt: bytes, iterations: int) -> Keys:
    salted = hashlib.pbkdf2_hmac("sha1", prepared(password).encode(), salt, iterations)
    return Keys(
        hmac.digest(salted, b"Client Key", "sha1"), hmac.digest(salted, b"Server Key", "sha1")
    )


def prepared(text: str) -> str:
    """A username or password in the form that both sides compute with (of RFC 4013: NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def plain(username: str, password: str) -> bytes:
    """The message of PLAIN, which shows the password to the server."""
    return f"\0{prepared(username)}\0{prepared(password)}".encode()


class Scram:
    """
    The client's part of one SCRAM-SHA-1.

    Args:
        username, password: of the account.
        nonce: random, never used before; printable characters without a comma.
        keys: kept ones.
    """

    __slots__ = ("_bare", "_keys", "_nonce", "_password", "_signature")

    def __init__(self, username: str, password: str, nonce: str, keys: SaltedKeys) -> None:
        name = prepared(username).replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={nonce}"
        self._nonce = nonce
        self._password = password
        self._keys = keys
        self._signature = b""

    def first(self) -> bytes:
        """The first message."""
        return f"{_GS2_HEADER}{self._bare}".encode()

    def answer(self, challenge: bytes) -> bytes:
        """
        The proof of the password for the server's challenge.

        Raises:
            SASLError: the challenge can't be answered, or is a second one: each costs its rounds.
        """
        if self._signature:
            raise SASLError("a second challenge")
        given = _fields(challenge)
        nonce, iterations = given.get("r", ""), _iterations(given.get("i", ""))
        if "m" in given or not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise SASLError("the server's nonce does not continue ours")
        keys = self._keys.of(self._password, _salt(given.get("s", "")), iterations)
        final = f"c={base64.b64encode(_GS2_HEADER.encode()).decode()},r={nonce}"
        signed = b",".join((self._bare.encode(), challenge, final.encode()))
        stored = hashlib.sha1(keys.client, usedforsecurity=False).digest()
        proof = _xor(keys.client, hmac.digest(stored, signed, "sha1"))
        self._signature = hmac.digest(keys.server, signed, "sha1")
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, final: bytes) -> None:
        """
        Check the server's proof that it knows the password, too.

        Raises:
            SASLError: it does not.
        """
        given = _fields(final).get("v", "")
        expected = base64.b64encode(self._signature).decode()
        if not self._signature or not hmac.compare_digest(given.encode(), expected.encode()):
            raise SASLError("the server does not prove that it knows the password")


def _fields(message: bytes) -> dict[str, str]:
    parts = message.decode("utf-8", "replace").split(",")
    return {part[0]: part[2:] for part in parts if part[1:2] == "="}


def _iterations(text: str) -> int:
    if not (is_digits(text) and len(text) < 10 and int(text)):
        raise SASLError("the server gives no number of rounds")
    if int(text) > MAX_ITERATIONS:
        raise SASLError("the server asks for too many rounds")
    return int(text)


def _salt(text: str) -> bytes:
    if len(text) > _MAX_SALT:
        raise SASLError("the server's salt is too long")
    try:
        salt = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SASLError("the server's salt is not Base64") from error
    if not salt:
        raise SASLError("the server gives no salt")
    return salt


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
