"""What the TLS connections of a fleet share: contexts, decoded certificates, sessions."""

from __future__ import annotations

import ssl
import time
from collections import OrderedDict
from types import ModuleType
from typing import Any

from caretaker.http.compiled_tls import tls_module
from caretaker.http.tls_sessions import Resumption, TLSSessions
from caretaker.http.tls_settings import (
    NO_CHECK_TIME,
    DeviceTLS,
    Identity,
    TLSClient,
    TLSSettings,
    no_identity,
)

MAX_IDENTITIES = 1000
"""Certificates that are kept decoded, of 7 kB each."""
_GROUPS = "X25519:P-256"
"""What nearly all servers have; OpenSSL 3.5 offers a key of 1 kB more, which costs 0.2 ms."""


class OpenSSL:
    """
    What the clients of a fleet share in the compiled way.

    Args:
        settings: of the fleet.
        module: the compiled one.
    """

    def __init__(self, settings: TLSSettings, module: ModuleType) -> None:
        self._settings = settings
        self._module: Any = module
        self._contexts: dict[DeviceTLS, Any] = {}
        self._identities: OrderedDict[Identity, Any] = OrderedDict()

    def connection(self, client: TLSClient, descriptor: int, session: bytes | None) -> Any:
        """
        The client's side of a connection, before its handshake.

        Args:
            client: says how it speaks TLS.
            descriptor: of the connected socket.
            session: to be resumed; none if None.

        Raises:
            InputError: a file of the settings can't be used.
        """
        device = client.device
        context = self._contexts.get(device)
        if context is None:
            context = self._contexts[device] = self._new_context(device)
        host = client.host
        if not host.isascii():
            host = host.encode("idna").decode()
        now = int(time.time() + device.clock_offset) if device.clock_offset else 0
        asked = client.cpe_index is not None and self._settings.identity is not no_identity
        return self._module.Connection(
            context,
            descriptor,
            host if device.sni else "",
            host if self._settings.verify else "",
            now,
            session,
            asked,
        )

    def _new_context(self, device: DeviceTLS) -> Any:
        """A context that does as that of the ssl module for the same device."""
        model = self._settings.new_context(device)
        older = [each["name"] for each in model.get_ciphers() if each["protocol"] != "TLSv1.3"]
        return self._module.Context(
            options=model.options,
            verify_flags=model.verify_flags & ~NO_CHECK_TIME,
            minimum=_version(model.minimum_version),
            maximum=_version(model.maximum_version),
            security_level=model.security_level,
            ciphers=":".join(older),
            groups=_GROUPS,
            verify=self._settings.verify,
            ca=self._settings.ca,
        )

    def identity(self, client: TLSClient) -> Any:
        """
        The certificate that a client shows, decoded; None if it has none.

        Raises:
            InputError: it can't be used.
        """
        identity = client.identity
        if identity is None:
            return None
        decoded = self._identities.get(identity)
        if decoded is None:
            decoded = self._identities[identity] = identity.decoded(self._module.Identity)
            if len(self._identities) > MAX_IDENTITIES:
                self._identities.popitem(last=False)
        else:
            self._identities.move_to_end(identity)
        return decoded


def _version(version: ssl.TLSVersion) -> int:
    """As OpenSSL has it, where 0 is the oldest or the newest that there is."""
    return max(version, 0)


class TLSClients:
    """
    What all connections over TLS of a fleet share.

    Args:
        settings: of the fleet.
    """

    def __init__(self, settings: TLSSettings) -> None:
        module = tls_module()
        self.openssl = None if module is None else OpenSSL(settings, module)
        """The compiled way; None where connections use the ssl module."""
        self.sessions = TLSSessions()
        """What connections resume."""

    def resumption(self, client: TLSClient, port: int) -> Resumption:
        """The session that a client's next connection to a port may resume."""
        index = client.cpe_index if client.settings.resume else None
        return self.sessions.of(index, (client.host, port))
