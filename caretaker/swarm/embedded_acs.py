"""The embedded ACS in a process of its own, for runs without ``--host``."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.swarm.server_process import ServerProcess


class EmbeddedACS(ServerProcess):
    """
    The ACS, until ``stop`` or until this process ends in any way.

    Args:
        port: of the ACS for CPEs; 0 for any free one.
        north_bound_port: of its north-bound API; 0 for any free one.
        allowed_hosts: where Connection Requests may go, beside the addresses of Informs.
        cr_client: which client sends them.
        watches_ways: whether it asks devices by which ways they can be reached.

    Raises:
        InputError: the ACS could not start; the text is its own line of error.
    """

    def __init__(
        self,
        port: int = 0,
        north_bound_port: int = 0,
        allowed_hosts: Iterable[str] = (),
        cr_client: str = "tolerant",
        *,
        watches_ways: bool = False,
    ) -> None:
        allowed = [f"--allow-host={host}" for host in allowed_hosts]
        ports = ("--port", str(port), "--north-bound-port", str(north_bound_port))
        client = [f"--cr-client={cr_client}", *(["--watch-ways"] if watches_ways else [])]
        super().__init__("embedded ACS", "acs", *ports, *allowed, *client)
        self.url = self.addresses["url"]
        self.north_bound_url = self.addresses["north_bound_url"]
