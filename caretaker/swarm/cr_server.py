"""The address of a worker's Connection Request server: which port, and what the ACS is told."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.connection_request.server import ConnectionRequestServer
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials
from caretaker.http.listener import PortInUse
from caretaker.stats.records import VerdictSink
from caretaker.swarm.option_addresses import ALL_ADDRESSES
from caretaker.swarm.options import Settings


def start_cr_server(
    settings: Settings,
    worker_index: int,
    accept: Callable[[str], object],
    credentials: Callable[[str], Credentials],
    sink: VerdictSink,
) -> ConnectionRequestServer:
    """
    Start the server of a worker, at the first of its ports that is free.

    Args:
        settings: with the addresses.
        worker_index: of the worker; where one port is given, its own is so much higher.
        accept: takes the serial number of an authenticated Connection Request.
        credentials: of a CPE, by its serial number.
        sink: counts what is answered.

    Raises:
        InputError: no port is free, the address can't be bound, or no ACS can reach it.
    """
    if settings.cr_host in ALL_ADDRESSES and settings.cr_advertise is None:
        cure = "give --cr-advertise, the name or address by which the ACS reaches this machine"
        raise InputError(f"--cr-host {settings.cr_host}: no address for an ACS; {cure}")
    for port in settings.cr_port.of_worker(worker_index):
        server = ConnectionRequestServer(
            port,
            accept,
            credentials,
            host=settings.cr_host,
            advertise=settings.cr_advertise,
            allow_basic=settings.cr_allow_basic,
            sink=sink,
            tls=settings.cr_tls,
        )
        try:
            return server.start()
        except PortInUse:
            if not settings.cr_port.is_range:
                raise
    cure = "give more ports, one for each worker of this machine"
    raise InputError(f"--cr-port {settings.cr_port}: all in use at {settings.cr_host}; {cure}")
