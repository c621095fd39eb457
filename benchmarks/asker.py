"""
The ACS side of the closed loop: sends Connection Requests and takes the Informs that follow.

Both ends are in one process, so one clock times them. It calls one CPE at a time, over blocking
sockets, with a short random pause in between.
"""

from __future__ import annotations

import random
import socket
import time

from benchmarks.nginx import INFORM_RESPONSE
from benchmarks.requester import Target
from benchmarks.wire import read_message

_ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(INFORM_RESPONSE)
_END = b"HTTP/1.1 204 No Content\r\n\r\n"


class Asker:
    """An ACS that times each Connection Request to its Inform."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._listener.settimeout(30)

    def url(self) -> str:
        """The ACS URL of the CPEs that are called."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def measure(self, targets: list[list[str]], count: int) -> list[float]:
        """Milliseconds from each request to its Inform."""
        rng = random.Random(count)
        cpes = [Target(*target) for target in targets]
        times = []
        for number in range(count):
            time.sleep(rng.uniform(0.001, 0.005))
            times.append(1000 * self._ask(cpes[number % len(cpes)]))
        return times

    def _accept(self, connection: socket.socket) -> socket.socket:
        """The connection of the CPE that was called."""
        try:
            cpe, _ = self._listener.accept()
        except TimeoutError:
            answer, _ = read_message(connection)
            status = answer.partition(b"\r\n")[0].decode()
            raise ValueError(f"no Inform in 30 s after a request answered {status!r}") from None
        return cpe

    def _ask(self, target: Target) -> float:
        with socket.create_connection(target.address, 30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(target.plain)
            request = target.authorized(read_message(connection)[0])
            began = time.perf_counter()
            connection.sendall(request)
            cpe = self._accept(connection)
            with cpe:
                read_message(cpe)
                took = time.perf_counter() - began
                cpe.sendall(_ACCEPTED + INFORM_RESPONSE)
                read_message(cpe)
                cpe.sendall(_END)
            answer, _ = read_message(connection)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"not accepted: {answer[:200]!r}")
        return took
