"""The embedded ACS at its two addresses: CWMP for CPEs, GenieACS's API for operators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caretaker.acs.acs import ACS
from caretaker.acs.north_bound import NorthBoundApp
from caretaker.acs.sessions import CWMPApp
from caretaker.acs.task_rpcs import parse_task
from caretaker.connection_request.xmpp_sender import XMPPAccount
from caretaker.http.browser_guard import BrowserGuard, machine_names
from caretaker.http.credentials import Credentials
from caretaker.http.server import WSGIServer
from caretaker.http.server_tls import ServerTLS
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings


class ACSServer(WSGIServer):
    """
    An ACS at an address, with its north-bound API at another; also a context manager.

    Args:
        port: for CPEs; 0 for any free one.
        north_bound_port: for operators; 0 for any free one.
        host: the address to bind; loopback by default (decision D10).
        credentials: that every CPE must show, by Digest; none are asked for without.
        north_bound_names: other host names of the north-bound API than this machine's.
        provisioning, allowed_hosts, cr_client, cr_tls, watches_ways, cr_xmpp: as for ``ACS``.
        tls: of the address for CPEs; they are asked for no other authentication where it has a CA
            of clients. Without it they speak plain HTTP.
        check_names: whether a CPE's certificate must name the device that informs.
    """

    def __init__(
        self,
        port: int = 0,
        north_bound_port: int = 0,
        *,
        host: str = "127.0.0.1",
        credentials: Credentials | None = None,
        north_bound_names: Iterable[str] = (),
        provisioning: bool = True,
        allowed_hosts: Iterable[str] = (),
        cr_client: str = "tolerant",
        tls: ServerTLS | None = None,
        check_names: bool = False,
        cr_tls: TLSSettings = SYSTEM_TRUST,
        watches_ways: bool = False,
        cr_xmpp: XMPPAccount | None = None,
    ) -> None:
        super().__init__()
        self.acs = ACS(
            provisioning=provisioning,
            allowed_hosts=allowed_hosts,
            cr_client=cr_client,
            cr_tls=cr_tls,
            watches_ways=watches_ways,
            cr_xmpp=cr_xmpp,
        )
        self.app = CWMPApp(self.acs, credentials, check_names=check_names)
        self.north_bound_app = NorthBoundApp(self.acs)
        self._cwmp = self._host_app(self.app, host, port, tls=tls)
        names = {host, *machine_names(), *north_bound_names}
        guarded = BrowserGuard(names, "--north-bound-allow-host").app(self.north_bound_app)
        self._north_bound = self._host_app(guarded, host, north_bound_port)

    @property
    def url(self) -> str:
        """Where CPEs inform."""
        return f"{self._cwmp.url}/"

    @property
    def north_bound_url(self) -> str:
        """Where operators post tasks, without a slash at the end."""
        return self._north_bound.url

    def stop(self) -> None:
        """Stop serving, and close the stream to the XMPP server."""
        self._loop.call(self.acs.close)
        super().stop()

    def devices(self) -> list[str]:
        """The ids of the devices that have informed."""
        return self._loop.call(list, self.acs.devices)

    def connection_request(self, device_id: str) -> str | None:
        """As ``ACS.connection_request``."""
        return self._loop.call(self.acs.connection_request, device_id)

    def post_task(
        self,
        device_id: str,
        task: dict[str, Any],
        timeout: float = 3.0,
        *,
        connection_request: bool = True,
    ) -> str | None:
        """
        As ``ACS.post_task``, of a task in the north-bound API's form.

        Raises:
            InputError: the object is no task.
            DeviceNotFound: no device of that id has informed.
        """
        return self._loop.call(self._post, device_id, task, timeout, connection_request)

    def _post(
        self,
        device_id: str,
        task: dict[str, Any],
        timeout: float,
        connection_request: bool,  # noqa: FBT001
    ) -> str | None:
        task_ = parse_task(self.acs.files.of_task(task))
        return self.acs.post_task(device_id, task_, timeout, connection_request=connection_request)
