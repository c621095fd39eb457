"""
An ACS that knows the truth: ``python -m benchmarks.known_acs KIND``, one of ``KINDS``.

It prints its URL. When its standard input ends it prints a ``Truth`` as JSON: how many Informs it
read, how it answered them, and when it really wrote each answer. So what the machine adds on its
side is known, and nobody takes it for the generator's.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import ceil
from typing import NamedTuple, TypedDict

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m

FREEZE_SECONDS = 5.0
_FREEZE_AFTER = 4.0
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_EMPTY = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def _inform_response() -> bytes:
    body = encode(Envelope(m.InformResponse(), "1"))  # the cwmp:ID of each of our Informs
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


ENDINGS = {
    "answered": _inform_response(),
    "HTTP 500": b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
    "closed": b"",
}
"""What is written to an Inform, by how it ends; the connection closes where that is nothing."""


class Fate(NamedTuple):
    """What becomes of an Inform: after how many seconds it is answered, and how."""

    delay: float
    ending: str = "answered"


def _lossy(number: int) -> Fate:
    return Fate(0.005, {0: "HTTP 500", 25: "closed"}.get(number % 50, "answered"))


KINDS: dict[str, Callable[[int], Fate]] = {
    "constant": lambda _: Fate(0.02),
    "bimodal": lambda number: Fate(0.005 if number % 20 else 0.2),
    "lossy": _lossy,
    "freezing": lambda _: Fate(0.005),
}
"""The fate of the Inform of a number, from 1. ``freezing`` also stands still once."""


class Truth(TypedDict):
    """
    What the ACS really did.

    ``p50`` and ``p99`` are milliseconds from having read an Inform to having written its answer;
    ``endings`` are Informs by how they ended, and ``sessions`` those that ended with an empty POST.
    """

    informs: int
    endings: dict[str, int]
    sessions: int
    p50: float
    p99: float


def percentile(times: Sequence[float], percent: float) -> float:
    """The exact percentile: the least time that so many do not exceed; 0 of none."""
    ordered = sorted(times)
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1] if ordered else 0.0


class _Waiting(NamedTuple):
    """An answer that is to be written."""

    at: float
    number: int
    received: float
    ending: str


class KnownACS:
    """
    The server, in one thread without a framework: what it takes itself is a fraction of an answer.

    Args:
        kind: one of ``KINDS``.
    """

    def __init__(self, kind: str) -> None:
        self._fate = KINDS[kind]
        self._freezes_at = 0.0 if kind == "freezing" else None
        self._server = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._server.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._server, select.EPOLLIN)
        self._peers: dict[int, socket.socket] = {}
        self._read: dict[int, bytes] = {}
        self._due: list[tuple[_Waiting, int]] = []
        self._informs = self._sessions = 0
        self._endings: Counter[str] = Counter()
        self._times: list[float] = []

    @property
    def url(self) -> str:
        """Where CPEs inform."""
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/"

    def truth(self) -> Truth:
        """What it has done so far."""
        return {
            "informs": self._informs,
            "endings": dict(self._endings),
            "sessions": self._sessions,
            "p50": 1000 * percentile(self._times, 50),
            "p99": 1000 * percentile(self._times, 99),
        }

    def serve(self, until: int) -> None:
        """Serve until a file descriptor can be read, or its other end has closed."""
        self._poll.register(until, select.EPOLLIN)
        while True:
            ready = self._poll.poll(0)  # never asleep: waking up would take longer than to answer
            if any(descriptor == until for descriptor, _ in ready):
                return
            for descriptor, _ in ready:
                if descriptor == self._server.fileno():
                    self._accept()
                else:
                    self._receive(descriptor)
            self._write_due()
            self._freeze()

    def _freeze(self) -> None:
        if self._freezes_at is None or not self._informs:
            return
        self._freezes_at = self._freezes_at or time.monotonic() + _FREEZE_AFTER
        if time.monotonic() >= self._freezes_at:
            self._freezes_at = None
            time.sleep(FREEZE_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._server.accept()
            except BlockingIOError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[peer.fileno()], self._read[peer.fileno()] = peer, b""
            self._poll.register(peer, select.EPOLLIN)

    def _receive(self, descriptor: int) -> None:
        try:
            piece = self._peers[descriptor].recv(65536)
        except ConnectionError:
            piece = b""
        if not piece:
            self._close(descriptor)
            return
        data = self._read[descriptor] + piece
        head, _, body = data.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if found is None or len(body) < int(found[1]):
            self._read[descriptor] = data
            return
        self._read[descriptor] = b""
        if body:
            self._take_inform(descriptor)
        else:
            self._sessions += 1
            self._peers[descriptor].sendall(_EMPTY)

    def _take_inform(self, descriptor: int) -> None:
        now = time.monotonic()
        self._informs += 1
        delay, ending = self._fate(self._informs)
        heappush(self._due, (_Waiting(now + delay, self._informs, now, ending), descriptor))

    def _write_due(self) -> None:
        while self._due and self._due[0][0].at <= time.monotonic():
            waiting, descriptor = heappop(self._due)
            answer = ENDINGS[waiting.ending]
            if answer:
                self._peers[descriptor].sendall(answer)
            else:
                self._close(descriptor)
            self._times.append(time.monotonic() - waiting.received)
            self._endings[waiting.ending] += 1

    def _close(self, descriptor: int) -> None:
        del self._read[descriptor]
        self._peers.pop(descriptor).close()


if __name__ == "__main__":
    acs = KnownACS(sys.argv[1])
    print(acs.url, flush=True)
    acs.serve(sys.stdin.fileno())
    print(json.dumps(acs.truth()), flush=True)
