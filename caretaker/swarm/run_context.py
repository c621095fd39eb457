"""What the CPEs of one run on a worker share: their ``FleetContext`` and the way to their ACS."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import gevent

from caretaker.connection_request.server import (
    DEVICE_PATH,
    ConnectionRequestServer,
    device_url,
)
from caretaker.device.context import FleetContext
from caretaker.device.identity import Identities
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.reachability import Reach, Reachability
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.errors import TransportError
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.source_addresses import Network, check_reach, hosts
from caretaker.http.tls_settings import TLSSettings
from caretaker.stats.records import VerdictSink
from caretaker.swarm.index_lease import IndexLease
from caretaker.swarm.options import Settings
from caretaker.swarm.worker_messages import Message

if TYPE_CHECKING:
    from locust.env import Environment

LOOK_UP_S = 2.0
"""How long a run waits for the ACS's name before it begins; sessions look it up again."""


class HostWorker(VerdictSink, Protocol):
    """What a run needs of the worker that it goes on in, which counts Connection Requests."""

    environment: Environment
    index: int
    source_addresses: tuple[Network, ...]
    lease: IndexLease
    server: ConnectionRequestServer
    is_suspended: bool

    def send(self, message: Message) -> None:
        """Send a message to the master."""

    @property
    def cr_rate(self) -> float:
        """Connection Requests per second of the whole fleet, as it is now."""

    @property
    def share(self) -> float:
        """Which part of the whole fleet is here."""


def _connection_request_url(worker: HostWorker, settings: Settings) -> Callable[[str], str]:
    """Makes the ConnectionRequestURL of a serial number: the router's, where there is one."""
    if settings.cr_router is None:
        return worker.server.device_url
    return partial(device_url, f"{settings.cr_scheme}://{settings.cr_router}{DEVICE_PATH}")


def _reachability(worker: HostWorker, settings: Settings) -> Reachability | None:
    """How the CPEs can be reached, with the addresses of this worker."""
    reach = settings.reachability()
    if reach is None:
        return None
    reach = replace(reach, unanswered_url=worker.server.unanswered_url)
    if Reach.IPV6 in reach.mix:
        reach = replace(reach, ipv6_url=worker.server.serve_also(settings.cr_host_ipv6 or "::1"))
    return reach


def fleet_context(
    worker: HostWorker, settings: Settings, endpoint: Endpoint, devices: ListedDevices | None
) -> FleetContext:
    """What all CPEs of a worker's run share; ``devices`` are those of ``--devices``."""
    return FleetContext(
        devices=devices,
        identities=Identities(settings.seed, settings.serial_prefix),
        acs_url=worker.environment.host or "",
        connection_request_url=_connection_request_url(worker, settings),
        reach=_reachability(worker, settings),
        behaviors=Behaviors(
            inform_interval=settings.inform_interval,
            inform_jitter=settings.inform_jitter,
            inform_together=settings.inform_together,
            boot_delay=settings.boot_delay,
        ),
        acs_username=settings.acs_username,
        acs_password=settings.acs_password,
        reboot_seconds=settings.reboot_seconds,
        wall_offset=time.time() - time.monotonic(),
        check_id=not settings.any_id,
        on_restart=endpoint.lose_tls_sessions,
        transfers=TransferSettings.of(
            settings.transfers,
            endpoint.hosts,
            settings.transfer_seconds,
            settings.transfer_failures,
            settings.bandwidth,
        ),
    )


def acs_endpoint(
    worker: HostWorker,
    settings: Settings,
    devices: ListedDevices | None,
    on_passed_over: Callable[[str], None],
) -> Endpoint:
    """
    The ACS, as the CPEs of a worker's run connect to it.

    Args:
        worker: that the run goes on in.
        settings: of the run.
        devices: those of ``--devices``.
        on_passed_over: as for ``Endpoint``.

    Raises:
        InputError: certificates can't be used, or an address of ``--source-address`` is of
            another family than the ACS.
    """
    address = Address.of(worker.environment.host or "")
    tls = _tls(settings, devices)
    allowed = frozenset(settings.allow_hosts)
    # What this machine's addresses are, its own command line knows better than the master's.
    networks = worker.source_addresses or settings.source_addresses
    sources = tuple(source for network in networks for source in hosts(network))
    endpoint = Endpoint(
        address, settings.answer_timeout, allowed, tls, sources=sources,
        ip_version=settings.ip_version, on_passed_over=on_passed_over,
    )  # fmt: skip
    if sources:
        check_reach(sources, [family for family, _ in endpoint.addresses(address)])
    else:
        # Before the first session, so that the I/O engine carries that, too. What fails here fails
        # sessions, with its reason.
        with suppress(TransportError, gevent.Timeout), gevent.Timeout(LOOK_UP_S):
            endpoint.addresses(address)
    return endpoint


def _tls(settings: Settings, devices: ListedDevices | None) -> TLSSettings:
    identities = devices or Identities(settings.seed, settings.serial_prefix)
    certificates = settings.client_certificates
    certificates.check((), identities.serial_number)
    return TLSSettings(
        settings.tls_ca,
        verify=not settings.tls_insecure,
        minimum=settings.tls_versions.oldest,
        maximum=settings.tls_versions.newest,
        ciphers=settings.tls_ciphers or "",
        identity=certificates.source(identities.serial_number),
    )
