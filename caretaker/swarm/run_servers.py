"""The servers that a master starts for its runs: the embedded ACS, and the router."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from caretaker.closed_output import say
from caretaker.run_token import RunToken
from caretaker.swarm.cr_router import CRRouter
from caretaker.swarm.embedded_acs import EmbeddedACS
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.options import Settings

if TYPE_CHECKING:
    from locust.env import Environment


class RunServers:
    """
    Starts the servers, tells Locust's options where they are, and ends them.

    Workers receive these options, so that they find the servers.

    Args:
        environment: Locust's.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.embedded: EmbeddedACS | None = None
        """None where the runs were given an ACS."""
        self._router: CRRouter | None = None

    def start_router(
        self,
        settings: Settings,
        ledger: IndexLedger,
        wanted_users: Callable[[], int],
        token: RunToken,
    ) -> Settings:
        """
        Start the router, if the settings want one; the settings with its port.

        Raises:
            InputError: it can't start.
        """
        if settings.cr_router is None:
            return settings
        self._router = CRRouter(settings, ledger, wanted_users, token)
        address, options = self._router.address, cast(Any, self._environment.parsed_options)
        options.cr_router = str(address)
        say(f"Connection Requests: {settings.cr_scheme}://{address}/cr/<serial number>")
        return replace(settings, cr_router=address)

    def start_acs(self, settings: Settings) -> None:
        """
        Start the embedded ACS, and make it the host of the runs.

        Raises:
            InputError: it can't start.
        """
        router = settings.cr_router.host if settings.cr_router is not None else None
        hosts = [host for host in (router, settings.cr_host_ipv6) if host is not None]
        self.embedded = EmbeddedACS(settings, hosts)
        self._environment.host = self.embedded.url
        say(f"Embedded ACS: {self.embedded.url} (north-bound API: {self.embedded.north_bound_url})")

    @property
    def is_acs_embedded(self) -> bool:
        """Whether the host of the next run is the embedded ACS, or will be."""
        host = self._environment.host
        return not host or (self.embedded is not None and host == self.embedded.url)

    def use_acs(self) -> None:
        """Make the embedded ACS the host of the next run, if that has no other."""
        if not self._environment.host and self.embedded is not None:
            self._environment.host = self.embedded.url

    def with_north_bound_api(self, settings: Settings) -> Settings:
        """
        The settings with the embedded ACS's north-bound API, unless the user has given another.

        Raises:
            InputError: they do not fit to the ACS.
        """
        options: Any = self._environment.parsed_options
        embedded, url = self.embedded, settings.nbi_url
        settings.check_sender(is_embedded=self.is_acs_embedded)
        if embedded is not None and self.is_acs_embedded:
            url = url or embedded.north_bound_url
        elif embedded is not None and url == embedded.north_bound_url:
            url = ""
        options.nbi_url = url
        settings = replace(settings, nbi_url=url)
        settings.check_driver()
        return settings

    # The router.

    def route(self, settings: Settings) -> None:
        """Have the router, if there is one, take the requests of a run."""
        if self._router is not None:
            self._router.begin(settings)

    def serves(self, worker: str, url: str) -> None:
        """A worker has said where its Connection Request server is."""
        if self._router is not None:
            self._router.serves(worker, url)

    def publish_routes(self) -> None:
        """Have the router know which worker has which CPEs by now."""
        if self._router is not None:
            self._router.changed()

    @property
    def router_ended(self) -> int:
        """How often the router ended before the run did."""
        return self._router.ended if self._router is not None else 0

    def stop(self) -> None:
        """End the servers."""
        for server in (self._router, self.embedded):
            if server is not None:
                server.stop()
        self._router = self.embedded = None
