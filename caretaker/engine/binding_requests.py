"""The Binding Requests of a shard that wait for an answer, and the bindings that they are for."""

from __future__ import annotations

import os
from collections import Counter

from caretaker.device.nat_traversal import STUNSettings
from caretaker.engine.nat_settings import STUNMode
from caretaker.engine.stun_credentials import STUNCredentials
from caretaker.stun.message import (
    COOKIE,
    REQUEST_BINDING,
    TRANSACTION_BYTES,
    Attribute,
    Kind,
    SocketAddress,
    StunMessage,
)
from caretaker.stun.udp_socket import UDPSocket


class Binding:
    """The binding of a CPE; 100,000 of them are there, so it has nothing that few need."""

    __slots__ = (
        "address",
        "announcements",
        "due",
        "settings",
        "socket",
        "transaction",
        "tries",
    )

    def __init__(self, settings: STUNSettings) -> None:
        self.settings = settings
        self.socket: UDPSocket | None = None
        """That its last request went from."""
        self.address: SocketAddress | None = None
        """Where the server saw it; None until it has answered."""
        self.announcements = 0
        """Requests that are still to say that the binding is new."""
        self.transaction: bytes | None = None
        """Of the request that waits for its answer."""
        self.tries = 0
        """How often that request was sent."""
        self.due = 0
        """The step of the wheel that counts."""


class BindingRequests:
    """
    Makes the requests, tells their answers apart, and counts how each has ended.

    Args:
        mode: which STUN they are of.
        credentials: of the CPEs whose servers ask for some.
        counts: takes ``sent``, and the outcome of each.
    """

    def __init__(self, mode: STUNMode, credentials: STUNCredentials, counts: Counter[str]) -> None:
        self._first_bytes = COOKIE if mode is STUNMode.COOKIE else b""
        self._credentials = credentials
        self._counts = counts
        self._pending: dict[bytes, int] = {}
        """The CPEs whose requests wait for an answer, by transaction id."""

    def __len__(self) -> int:
        """How many wait for an answer."""
        return len(self._pending)

    def begin(self, index: int, binding: Binding) -> None:
        """Have the request of a CPE wait for an answer from now on."""
        first = self._first_bytes
        transaction = first + os.urandom(TRANSACTION_BYTES - len(first))
        binding.transaction, binding.tries = transaction, 0
        self._pending[transaction] = index
        self._counts["sent"] += 1

    def end(self, binding: Binding, outcome: str) -> None:
        """Wait for the answer no more, if a request waits for one."""
        if binding.transaction is not None:
            self._pending.pop(binding.transaction, None)
            self._counts[outcome] += 1
            binding.transaction, binding.tries = None, 0

    def datagram(self, index: int, binding: Binding, now: float) -> bytes:
        """The request that waits, with credentials where the server has asked for them."""
        assert binding.transaction is not None
        attributes = _ANNOUNCING if binding.announcements else _USUAL
        message = StunMessage(Kind.BINDING_REQUEST, binding.transaction, attributes)
        return self._credentials.signed(index, message, now).encode()

    def asked_by(self, message: StunMessage) -> int | None:
        """The CPE whose request a message answers; None: it was answered before, or of nobody."""
        return self._pending.get(message.transaction)


_USUAL = ((int(Attribute.CONNECTION_REQUEST_BINDING), REQUEST_BINDING),)
_ANNOUNCING = (*_USUAL, (int(Attribute.BINDING_CHANGE), b""))
"""The attributes of requests: what Annex G adds, and that the binding is new."""
