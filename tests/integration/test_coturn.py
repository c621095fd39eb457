from __future__ import annotations

import socket
from pathlib import Path

import gevent
import pytest
from helpers.coturn import coturn, needs_coturn
from helpers.stun_servers import NATBench, STUNServer
from helpers.waiting import PATIENCE

from caretaker.device import events as ev
from caretaker.engine.nat_settings import STUNMode

pytestmark = [pytest.mark.processes, needs_coturn]


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


LOGIN = ("--lt-cred-mech", "--secure-stun", "--realm", "r.example", "--user", "fleet:secret")


@pytest.mark.rule("9.3-3")
@pytest.mark.parametrize(
    ("mode", "login"), [(STUNMode.CLASSIC, ()), (STUNMode.COOKIE, ()), (STUNMode.COOKIE, LOGIN)]
)
def test_coturn_tells_cpes_their_bindings(
    tmp_path: Path, mode: STUNMode, login: tuple[str, ...]
) -> None:
    port = free_udp_port()
    server = STUNServer()
    server.port = port
    with coturn(tmp_path, port, *login):
        bench = NATBench(server, mode=mode)
        bench.use_stun(5, STUNUsername="fleet", STUNPassword="secret")
        with gevent.Timeout(PATIENCE):
            while bench.bindings.counts["found"] < 5:
                gevent.sleep(0.05)  # until coturn listens
                bench.go(0.5, step=0.5)
        sockets = {opened.port for opened in bench.bindings._sockets._shared.values()}
        bench.close()
    addresses = {bench.read(index, "UDPConnectionRequestAddress") for index in range(5)}
    assert addresses == {f"127.0.0.1:{port}" for port in sockets}
    assert bench.informed[-1] == (ev.VALUE_CHANGE,)
    assert bench.bindings.counts["errors.401"] == (5 if login else 0)
