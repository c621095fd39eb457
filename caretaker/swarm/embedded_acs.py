"""The embedded ACS in a process of its own, for runs without ``--host``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE
from caretaker.http.host_names import HostPort
from caretaker.swarm.options import Settings
from caretaker.swarm.server_process import ServerProcess

_GIVEN = {
    "--tls-cert": "acs_tls_cert",
    "--tls-key": "acs_tls_key",
    "--client-ca": "acs_client_ca",
    "--cr-tls-ca": "cr_tls_ca",
    "--cr-xmpp-jid": "cr_xmpp_jid",
}
"""Options of its command, by the settings that they have their values of."""


class EmbeddedACS(ServerProcess):
    """
    The ACS, until ``stop`` or until this process ends in any way.

    Args:
        settings: with its ports, its TLS, and which client sends its Connection Requests.
        allowed_hosts: where these may go, beside the addresses of Informs.

    Raises:
        InputError: the ACS could not start; the text is its own line of error.
    """

    def __init__(self, settings: Settings, allowed_hosts: Iterable[str] = ()) -> None:
        arguments = _arguments(settings, allowed_hosts)
        secrets = {PASSWORD_VARIABLE: settings.cr_xmpp_password or ""}
        super().__init__("embedded ACS", "acs", *arguments, environment=secrets)
        self.url = self.addresses["url"]
        self.north_bound_url = self.addresses["north_bound_url"]


def _arguments(settings: Settings, allowed_hosts: Iterable[str]) -> Iterator[str]:
    yield f"--host={settings.ip_version.loopback}"
    yield f"--port={settings.acs_port}"
    yield f"--north-bound-port={settings.acs_nbi_port}"
    yield f"--cr-client={settings.cr_client}"
    yield from (f"--allow-host={host}" for host in allowed_hosts)
    for flag, name in _GIVEN.items():
        if (value := getattr(settings, name)) is not None:
            yield f"{flag}={value}"
    if (account := settings.cr_xmpp) is not None and account.host:
        yield f"--cr-xmpp-server={HostPort(account.host, account.port)}"
    if settings.reach is not None:
        yield "--watch-ways"
    if settings.acs_client_names:
        yield "--client-names"
