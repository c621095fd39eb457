"""
A Connection Request in a datagram (TR-069 Annex G): an HTTP request line that is never answered.

::

    GET http://HOST:PORT?ts=<seconds>&id=<number>&un=<username>&cn=<nonce>&sig=<HMAC> HTTP/1.1

Anybody can send such datagrams, so their shape is checked before a signature is computed.
"""

from __future__ import annotations

import hmac
import re
from typing import NamedTuple

from caretaker.errors import DatagramError
from caretaker.stun.message import MAX_BYTES, SocketAddress

START = b"GET "
"""What tells a Connection Request from STUN messages, whose first two bits are zero."""
_LINE = re.compile(
    rb"GET http://[^ ?\r\n]{0,300}\?([^ \r\n]{0,1500}) HTTP/1\.[01]\r?\n", re.IGNORECASE
)
_MAX_FIELDS = 16
_FIELDS = {
    "ts": re.compile("[0-9]{1,20}"),
    "id": re.compile("[0-9]{1,20}"),
    "un": re.compile(".{0,768}", re.DOTALL),  # 256 characters, each of which may be %XX
    "cn": re.compile(".{1,256}", re.DOTALL),
    "sig": re.compile("[0-9a-fA-F]{40}"),
}
"""The fields of the query, in the order in which they are written, and their shapes."""


class UDPConnectionRequest(NamedTuple):
    """
    The fields of a Connection Request by UDP, as they stand in it.

    Args:
        timestamp: seconds since 1970; digits.
        id: tells requests of one time apart; digits.
        username: the ConnectionRequestUsername of the CPE.
        cnonce: a random text.
        signature: 40 hexadecimal digits.
    """

    timestamp: str
    id: str
    username: str
    cnonce: str
    signature: str = ""

    @classmethod
    def decode(cls, data: bytes) -> UDPConnectionRequest:
        """
        The request in a datagram; the order of its fields is free, further ones are ignored.

        Raises:
            DatagramError: the bytes are no Connection Request.
        """
        line = _LINE.match(data) if len(data) <= MAX_BYTES else None
        if line is None:
            raise DatagramError("not a Connection Request")
        parts = line[1].decode("utf-8", "replace").split("&", _MAX_FIELDS)
        found = [name_and_value.partition("=")[::2] for name_and_value in parts]
        fields = dict(found)
        if len(fields) != len(found) or len(found) > _MAX_FIELDS:
            raise DatagramError("a Connection Request with a field twice, or with too many")
        for name, shape in _FIELDS.items():
            if shape.fullmatch(fields.get(name, "")) is None or name not in fields:
                raise DatagramError(f"a Connection Request without a right {name}")
        return cls(*[fields[name] for name in _FIELDS])

    def signed(self, password: str) -> UDPConnectionRequest:
        """The request with its signature by the ConnectionRequestPassword."""
        text = f"{self.timestamp}{self.id}{self.username}{self.cnonce}"
        digest = hmac.digest(password.encode(), text.encode(), "sha1")
        return self._replace(signature=digest.hex())

    def is_signed_with(self, password: str) -> bool:
        """Whether the signature is that of this ConnectionRequestPassword, in either case."""
        right = self.signed(password).signature
        return hmac.compare_digest(right, self.signature.lower())

    @property
    def order(self) -> tuple[int, int]:
        """Its timestamp and its id as numbers, for ``may_follow``."""
        return int(self.timestamp), int(self.id)

    def may_follow(self, last: tuple[int, int] | None) -> bool:
        """
        Whether a CPE takes it after the last request that it has accepted.

        Its time must not be earlier and its id must be another (Annex G), so what is sent several
        times, or again by someone who listened, counts once.

        Args:
            last: ``order`` of that request; None if there was none.
        """
        timestamp, number = self.order
        return last is None or (timestamp >= last[0] and number != last[1])

    def encode(self, address: SocketAddress) -> bytes:
        """The datagram to the CPE at an address."""
        authority = address.authority
        query = "&".join(f"{name}={value}" for name, value in zip(_FIELDS, self, strict=True))
        head = f"GET http://{authority}?{query} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        return head.encode()
