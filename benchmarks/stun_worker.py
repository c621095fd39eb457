"""A worker whose CPEs keep their NAT bindings alive, and the server that they ask, each a child."""

from __future__ import annotations

import gc
import socket
from dataclasses import replace
from typing import Any

import gevent

from benchmarks.processes import cpu_seconds, unique_bytes
from benchmarks.worker_alone import WorkerAlone
from caretaker.stun.message import Attribute, Kind, SocketAddress, StunMessage, address_value


class STUNStub:
    """A STUN server that answers all requests with the address that they came from."""

    def __init__(self) -> None:
        self._opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self._opened.setblocking(False)
        self._opened.bind(("127.0.0.1", 0))
        loop: Any = gevent.get_hub().loop
        self._watcher = loop.io(self._opened.fileno(), 1)
        self._watcher.start(self._receive)

    def port(self) -> int:
        """Where it listens."""
        return int(self._opened.getsockname()[1])

    def _receive(self) -> None:
        for _ in range(512):
            try:
                datagram, peer = self._opened.recvfrom(2048)
            except BlockingIOError:
                return
            transaction = datagram[4:20]
            where = address_value(SocketAddress(*peer), transaction)
            mapped = ((int(Attribute.XOR_MAPPED_ADDRESS), where),)
            answer = StunMessage(Kind.BINDING_RESPONSE, transaction, mapped)
            self._opened.sendto(answer.encode(), peer)


class STUNWorker(WorkerAlone):
    """
    A worker whose CPEs can use STUN; their new bindings open no sessions.

    Args:
        cpes: how many.
    """

    def __init__(self, *, cpes: int) -> None:
        super().__init__(url="http://127.0.0.1/", cpes=cpes, interval=3600, max_sessions=0)
        context = self._shard.context
        context.behaviors = replace(context.behaviors, value_change_events=False)
        self._bindings = self._run.nat_bindings

    def use_stun(self, port: int, period: int) -> dict[str, float]:
        """
        Have all CPEs use the server, and wait until each has a binding.

        Returns the ``bytes`` that this takes of each CPE: its settings, which the ACS would have
        written, and, as ``binding``, what comes on top of these.
        """
        before = unique_bytes()
        for cpe in self._shard.cpes.values():
            paths = cpe.profile.management_paths
            values = {
                "STUNEnable": "1",
                "STUNServerAddress": "127.0.0.1",
                "STUNServerPort": str(port),
                "STUNMinimumKeepAlivePeriod": str(period),
                "STUNMaximumKeepAlivePeriod": str(period),
            }
            cpe.set_values([(paths[last], text) for last, text in values.items()], self._now())
        gc.collect()
        settings = unique_bytes()
        self.start()
        while self._bindings.counts["found"] < len(self._shard.cpes):
            gevent.sleep(0.2)
        gevent.sleep(5.0)  # until all have been announced
        gc.collect()
        size = len(self._shard.cpes)
        return {
            "settings": (settings - before) / size,
            "binding": (unique_bytes() - settings) / size,
        }

    def keep_alive(self, seconds: float) -> dict[str, float]:
        """What happened in some seconds: requests ``sent`` and ``answered``, ``cpu`` seconds."""
        counts = self._bindings.counts
        before, cpu = dict(counts), cpu_seconds()
        gevent.sleep(seconds)
        cpu = cpu_seconds() - cpu
        happened = {name: number - before.get(name, 0) for name, number in counts.items()}
        return {"cpu": cpu, "lag": self.loop_lag(), "sent": 0, "answered": 0, **happened}
