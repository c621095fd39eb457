"""
What a STUN server has sent that asks for credentials.

The short-term ones of RFC 3489 and RFC 5389 10.1 need nothing of the server. With the long-term
ones (RFC 5389 10.2) it sends a realm and a nonce, which come back in each request.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from caretaker.errors import DatagramError
from caretaker.stun.message import Attribute, StunMessage

UNAUTHORIZED, STALE_NONCE = 401, 438
MAX_USERNAME = 512
"""Bytes (RFC 5389 15.3)."""
MAX_VALUE = 763
"""Bytes of a realm, and of a nonce (RFC 5389 15.7, 15.8)."""


class Challenge(NamedTuple):
    """
    The challenge of a server.

    Args:
        realm, nonce: of long-term credentials; both are empty for short-term ones.
        was_met: whether the server has accepted a request that met it.
    """

    realm: bytes = b""
    nonce: bytes = b""
    was_met: bool = False

    @classmethod
    def of(cls, error: StunMessage) -> Challenge:
        """
        The challenge in a Binding Error Response.

        Raises:
            DatagramError: realm or nonce is too long.
        """
        realm, nonce = error.attribute(Attribute.REALM), error.attribute(Attribute.NONCE)
        if realm is None or nonce is None:
            return cls()
        if max(len(realm), len(nonce)) > MAX_VALUE:
            raise DatagramError("a STUN challenge that is too long")
        return cls(realm, nonce)

    def key(self, username: str, password: str) -> bytes:
        """What MESSAGE-INTEGRITY is made with, in requests and in their answers."""
        if not self.nonce:
            return password.encode()
        text = b":".join((username.encode(), self.realm, password.encode()))
        return hashlib.md5(text, usedforsecurity=False).digest()

    def signed(self, request: StunMessage, username: str, password: str) -> StunMessage:
        """The request with what the server has asked for."""
        shown = [(int(Attribute.USERNAME), username.encode()[:MAX_USERNAME])]
        if self.nonce:
            shown += [(int(Attribute.REALM), self.realm), (int(Attribute.NONCE), self.nonce)]
        named = request._replace(attributes=(*request.attributes, *shown))
        return named.with_integrity(self.key(username, password))
