"""How the session of a CPE gets its transport: with its URL, content coding and credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from caretaker.device.cpe import CPE
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Endpoint
from caretaker.http.transport import Transport
from caretaker.profiles import quirks

OpenTransport = Callable[[CPE, float], Transport]
"""Opens the transport of a CPE's session that begins at a time."""

_Kind = TypeVar("_Kind", bound=Transport)
_CODINGS = {"gzip": "gzip", "deflate": "deflate"}
"""The content coding of each value of HTTPCompression that we have."""


def make_open_transport(
    endpoint: Endpoint, kind: Callable[..., _Kind]
) -> Callable[[CPE, float], _Kind]:
    """
    A function that opens the transport of a CPE's session, with its credentials as they are.

    Args:
        endpoint: how to reach the ACS.
        kind: makes it, of what ``HTTPTransport`` is made of.
    """

    def open_transport(cpe: CPE, now: float) -> _Kind:
        management_server = cpe.management_server(now)
        return kind(
            endpoint,
            lambda: _credentials(cpe, now),  # few ACSs ask for them
            management_server.url if management_server.url != cpe.context.acs_url else "",
            _CODINGS.get(management_server.compression, ""),
            reconnect=quirks.RECONNECT_AFTER_401 in cpe.profile.quirks,
            source=endpoint.source(cpe.index),
        )

    return open_transport


def _credentials(cpe: CPE, now: float) -> Credentials:
    """What it shows the ACS."""
    return Credentials(cpe.management_value("Username", now), cpe.management_value("Password", now))
