"""Opens the transport of a CPE's session by the CPE's URL, content coding and credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from caretaker.device.cpe import CPE
from caretaker.engine.device_tls import local_end
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.transport import Transport
from caretaker.profiles import quirks

OpenTransport = Callable[[CPE, float], Transport]
"""A function of a CPE and the time that opens the transport of the CPE's session."""

_T = TypeVar("_T", bound=Transport)
CODINGS = {"gzip": "gzip", "deflate": "deflate"}
"""The content coding of each known value of ManagementServer.HTTPCompression."""


def make_open_transport(
    endpoint: Endpoint, transport: Callable[..., _T]
) -> Callable[[CPE, float], _T]:
    """
    A function that opens the transport of a CPE's session, by the CPE's present parameters.

    Args:
        endpoint: how to reach the ACS.
        transport: makes the transport from the arguments of ``HTTPTransport``.
    """

    def open_transport(cpe: CPE, now: float) -> _T:
        management_server = cpe.management_server(now)
        url = management_server.url if management_server.url != cpe.context.acs_url else ""
        is_shown = not url or _may_show(cpe, endpoint, url, now)
        return transport(
            endpoint,
            (lambda: credentials(cpe, now)) if is_shown else None,  # few ACSs ask for them
            url,
            CODINGS.get(management_server.compression, ""),
            reconnect=quirks.RECONNECT_AFTER_401 in cpe.profile.quirks,
            content_type_always=quirks.CONTENT_TYPE_ALWAYS in cpe.profile.quirks,
            local_end=local_end(endpoint, cpe),
        )

    return open_transport


def credentials(cpe: CPE, now: float) -> Credentials:
    """Username and Password of ManagementServer, for the ACS's challenges."""
    return Credentials(cpe.management_value("Username", now), cpe.management_value("Password", now))


def _may_show(cpe: CPE, endpoint: Endpoint, url: str, now: float) -> bool:
    """
    Whether the ACS at a URL that an ACS has set may see the CPE's credentials.

    The password of the user is for the host that the user has named. One that an ACS has set goes
    where that ACS says.
    """
    given = cpe.context.acs_password
    if given is None or cpe.management_value("Password", now) != given:
        return True
    try:
        host = Address.of(url).host
    except InputError:
        return True  # no request goes there
    if host == endpoint.address.host:
        return True
    endpoint.withhold_credentials(host)
    return False
