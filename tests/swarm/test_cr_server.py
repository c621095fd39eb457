"""Where a worker listens for Connection Requests, and what the ACS is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.processes import free_port
from helpers.wire import needs_ipv6

from caretaker.connection_request.server import ConnectionRequestServer
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials
from caretaker.http.listener import PortInUse
from caretaker.stats.results import Results
from caretaker.swarm.cr_server import start_cr_server
from caretaker.swarm.option_addresses import PortRange
from caretaker.swarm.options import Settings

pytestmark = pytest.mark.sockets
Start = Callable[..., ConnectionRequestServer]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, which are stopped at the end."""
    started = []

    def started_with(index: int = 0, **settings: Any) -> ConnectionRequestServer:
        made = Settings(**settings)
        credentials = Credentials("cpe", "secret")
        server = start_cr_server(made, index, lambda _: None, lambda _: credentials, Results())
        started.append(server)
        return server

    yield started_with
    for server in started:
        server.stop()


@pytest.fixture
def pair() -> Iterator[PortRange]:
    """Two ports in a row, which are free, and stay so for others than who listens."""
    with socket.socket() as second:
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            first = free_port()
            try:
                second.bind(("127.0.0.1", first + 1))
                break
            except OSError:
                continue
        yield PortRange(first, first + 1)


def test_each_worker_takes_the_first_free_port_of_a_range(start: Start, pair: PortRange) -> None:
    assert [start(7, cr_port=pair).port, start(3, cr_port=pair).port] == list(pair)
    with pytest.raises(InputError, match=f"--cr-port {pair}: all in use at 127.0.0.1; give more"):
        start(cr_port=pair)


def test_of_one_port_each_worker_has_its_own(start: Start, pair: PortRange) -> None:
    alone = PortRange(pair.first, pair.first)
    assert start(1, cr_port=alone).port == pair.last
    with pytest.raises(PortInUse, match=f":{pair.last}: in use"):
        start(1, cr_port=alone)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"cr_host": "127.0.0.1"}, "127.0.0.1"),
        pytest.param({"cr_host": "::1"}, "[::1]", marks=needs_ipv6),
        pytest.param(
            {"cr_host": "::", "cr_advertise": "2001:db8::5"}, "[2001:db8::5]", marks=needs_ipv6
        ),
        ({"cr_host": "0.0.0.0", "cr_advertise": "cpe.example.com"}, "cpe.example.com"),
    ],
)
def test_the_acs_is_told_an_address_that_it_can_use(
    start: Start, settings: dict[str, str], host: str
) -> None:
    server = start(**settings)
    assert server.device_url("FLEET-000001") == f"http://{host}:{server.port}/cr/FLEET-000001"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_all_addresses_are_none_for_an_acs(start: Start, host: str) -> None:
    with pytest.raises(InputError, match=f"--cr-host {host}: no address for an ACS; give --cr-ad"):
        start(cr_host=host)


@needs_ipv6
def test_a_server_of_all_addresses_is_reached_at_each(start: Start) -> None:
    port = start(cr_host="::", cr_advertise="cpe.example.com").port
    for address in ("127.0.0.1", "::1"):
        socket.create_connection((address, port)).close()
