"""
STUN messages as bytes: the classic ones (RFC 3489), and those with the magic cookie (RFC 5389).

Annex G of TR-069 uses Binding Requests and their answers. A classic message has 16 bytes of
transaction id; with the cookie, the first 4 of them are always the same. What is read comes from
strangers, so lengths are checked before anything else is looked at.
"""

from __future__ import annotations

import hmac
import struct
from _socket import inet_ntoa
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from caretaker.errors import DatagramError

COOKIE = bytes.fromhex("2112a442")
"""Where a transaction id begins with this, the message is one of RFC 5389."""
TRANSACTION_BYTES = 16
MAX_BYTES = 2048
"""Of a datagram; a Binding Response has about 100."""
REQUEST_BINDING = b"dslforum.org/TR-111 "
"""The value of CONNECTION-REQUEST-BINDING; the space belongs to it."""
_HEAD = struct.Struct("!HH16s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY_BYTES = 20
_BLOCK = 64
"""RFC 3489 has the text of an HMAC filled up with zeros to a multiple of this."""


class Kind(IntEnum):
    """The types of messages that Annex G needs."""

    BINDING_REQUEST = 0x0001
    BINDING_RESPONSE = 0x0101
    BINDING_ERROR = 0x0111


class Attribute(IntEnum):
    """The types of attributes that are written or read here."""

    MAPPED_ADDRESS = 0x0001
    RESPONSE_ADDRESS = 0x0002
    """Where a classic server sends its answer, to see how long a binding lasts."""
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    REALM = 0x0014
    NONCE = 0x0015
    XOR_MAPPED_ADDRESS = 0x0020
    FINGERPRINT = 0x8028
    CONNECTION_REQUEST_BINDING = 0xC001
    BINDING_CHANGE = 0xC002


class SocketAddress(NamedTuple):
    """An IP address, as text without brackets, and a port."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """As in a URL: an IPv6 address stands in brackets (RFC 3986)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class StunMessage(NamedTuple):
    """
    A STUN message.

    Args:
        kind: its type; others than those of ``Kind`` are read, too.
        transaction: 16 bytes, the cookie included.
        attributes: types and values in their order; the values without what fills them up.
    """

    kind: int
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()

    def encode(self) -> bytes:
        """The message as bytes."""
        body = _body(self.attributes)
        return _HEAD.pack(self.kind, len(body), self.transaction) + body

    @classmethod
    def decode(cls, data: bytes) -> StunMessage:
        """
        The message in a datagram.

        Raises:
            DatagramError: the bytes are not one whole STUN message.
        """
        if not _HEAD.size <= len(data) <= MAX_BYTES:
            raise DatagramError("a STUN message of a wrong size")
        kind, length, transaction = _HEAD.unpack_from(data)
        if kind & 0xC000:
            raise DatagramError("not a STUN message")
        if length % 4 or length != len(data) - _HEAD.size:
            raise DatagramError("a STUN message with a wrong length")
        return cls(kind, transaction, tuple(_attributes(data)))

    @property
    def has_cookie(self) -> bool:
        """Whether it is a message of RFC 5389."""
        return self.transaction.startswith(COOKIE)

    def attribute(self, kind: int) -> bytes | None:
        """The value of the first attribute of a type; None if there is none (RFC 5389 15)."""
        return next((value for own, value in self.attributes if own == kind), None)

    def mapped_address(self) -> SocketAddress | None:
        """
        Where the server saw the request come from; None if it does not say.

        XOR-MAPPED-ADDRESS is preferred, since some NATs rewrite addresses that they find in data.

        Raises:
            DatagramError: the address can't be read.
        """
        value = self.attribute(Attribute.XOR_MAPPED_ADDRESS)
        if value is not None:
            return _address(value, self.transaction)
        value = self.attribute(Attribute.MAPPED_ADDRESS)
        return None if value is None else _address(value, bytes(TRANSACTION_BYTES))

    def error_code(self) -> int:
        """
        The number in ERROR-CODE, from 300 to 699.

        Raises:
            DatagramError: there is none.
        """
        value = self.attribute(Attribute.ERROR_CODE) or b""
        code = (value[2] & 7) * 100 + value[3] if len(value) >= 4 else 0
        if not 300 <= code < 700 or value[3] > 99:
            raise DatagramError("a STUN error without a code")
        return code

    def with_integrity(self, key: bytes) -> StunMessage:
        """The message with MESSAGE-INTEGRITY as its last attribute."""
        blank = self._with_last(bytes(_INTEGRITY_BYTES))
        return self._with_last(_integrity(blank, key))

    def _with_last(self, integrity: bytes) -> StunMessage:
        last = (int(Attribute.MESSAGE_INTEGRITY), integrity)
        return self._replace(attributes=(*self.attributes, last))

    def has_integrity(self, key: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is its last attribute but FINGERPRINT, made with this key."""
        whole = self
        if self.attributes and self.attributes[-1][0] == Attribute.FINGERPRINT:
            whole = self._replace(attributes=self.attributes[:-1])
        if not whole.attributes or whole.attributes[-1][0] != Attribute.MESSAGE_INTEGRITY:
            return False
        return hmac.compare_digest(whole.attributes[-1][1], _integrity(whole, key))


def _integrity(message: StunMessage, key: bytes) -> bytes:
    """The HMAC over all before MESSAGE-INTEGRITY, which is the last attribute."""
    text = message.encode()[: -_INTEGRITY_BYTES - _ATTRIBUTE.size]
    if not message.has_cookie:
        text += bytes(-len(text) % _BLOCK)
    return hmac.digest(key, text, "sha1")


@lru_cache(64)  # the attributes of nearly all requests are the same
def _body(attributes: tuple[tuple[int, bytes], ...]) -> bytes:
    return b"".join([_encoded(kind, value) for kind, value in attributes])


def _encoded(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> list[tuple[int, bytes]]:
    attributes, at = [], _HEAD.size
    while at < len(data):
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        if size > len(data) - at:
            raise DatagramError("a STUN attribute with a wrong length")
        attributes.append((kind, data[at : at + size]))
        at += size + -size % 4
    return attributes


_TEXT_OF: dict[tuple[int, int], Callable[[bytes], str]] = {
    (1, 8): inet_ntoa,  # nearly all; an IPv4Address takes several times as long
    (2, 20): lambda packed: str(IPv6Address(packed)),
}
"""How an address is written, by its family and the size of the attribute."""


def _address(value: bytes, mask: bytes) -> SocketAddress:
    """The address in an attribute; port and address are XORed with the mask."""
    text_of = _TEXT_OF.get((int.from_bytes(value[1:2]), len(value)))
    if text_of is None:
        raise DatagramError("a STUN address that can't be read")
    port = int.from_bytes(value[2:4]) ^ int.from_bytes(mask[:2])
    size = len(value) - 4
    packed = int.from_bytes(value[4:]) ^ int.from_bytes(mask[:size])
    return SocketAddress(text_of(packed.to_bytes(size)), port)


def address_value(address: SocketAddress, mask: bytes = bytes(TRANSACTION_BYTES)) -> bytes:
    """
    The value of an attribute with an address.

    Args:
        address: its host is an IP address.
        mask: the transaction id, for XOR-MAPPED-ADDRESS; none for the others.
    """
    is_ipv6 = ":" in address.host
    packed = (IPv6Address if is_ipv6 else IPv4Address)(address.host).packed
    port = address.port ^ int.from_bytes(mask[:2])
    masked = int.from_bytes(packed) ^ int.from_bytes(mask[: len(packed)])
    return struct.pack("!BBH", 0, 1 + is_ipv6, port) + masked.to_bytes(len(packed))
