"""
What the worst that peers send costs: memory of a session, and time of the loop for an input.

An ACS answers many sessions at once with the largest bodies that are taken, all but the last byte.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, Child
from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.fleet import Fleet
from caretaker.http.content_coding import MAX_ANSWER_BYTES
from fuzz.corpus import inputs
from fuzz.harnesses import HARNESSES

SESSIONS = 200
_RESPONSE = encode(Envelope(m.InformResponse(), "1"))


def run(options: Options) -> list[Figure]:
    """Measure both; they follow from constants and inputs, so each once."""
    count = options.scaled(SESSIONS)
    bound = Goal("<=", 1.25 * MAX_ANSWER_BYTES / 1024)
    return [
        Figure("memory of the largest answer", "KiB per session", [_held(count)], goal=bound),
        Figure("an input of the corpus", "ms of CPU at most", [_longest()], goal=Goal("<=", 50)),
    ]


def _held(count: int) -> float:
    with (
        _largest_answers(count) as (url, held),
        Child(Sessions, core=GENERATOR, url=url, count=count) as sessions,
    ):
        before = sessions.call("resident")
        sessions.call("start")
        held.wait(60)
        time.sleep(1)  # the last of it is on its way
        return float(sessions.call("resident") - before) / 1024 / count


class Sessions:
    """CPEs in a process of their own, whose sessions all begin at once."""

    def __init__(self, url: str, count: int) -> None:
        self._fleet = Fleet(url, count, profiles=["tr098"], timeout=120)
        self._fleet.spawn_devices()

    def start(self) -> None:
        """Begin the sessions."""
        self._fleet.start()

    def resident(self) -> int:
        """The bytes of memory that the process has."""
        return int(psutil.Process().memory_info().rss)


@contextmanager
def _largest_answers(count: int) -> Iterator[tuple[str, threading.Event]]:
    """The URL of such an ACS, and what is set when it has sent so many answers."""
    all_sent = threading.Event()
    left = [None] * count

    def serve(client: socket.socket) -> None:
        with suppress(OSError):
            client.recv(65536)
            client.sendall(_head(len(_RESPONSE)) + _RESPONSE)
            client.recv(65536)
            client.sendall(_head(MAX_ANSWER_BYTES) + bytes(MAX_ANSWER_BYTES - 1))
            left.pop()
            if not left:
                all_sent.set()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=count) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", all_sent
        listener.shutdown(socket.SHUT_RDWR)


def _head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


def _longest() -> float:
    """The CPU time of the slowest input, each at its best of three."""
    return max(
        min(_milliseconds(name, data) for _ in range(3))
        for name in HARNESSES
        for _, data in inputs(name)
    )


def _milliseconds(name: str, data: bytes) -> float:
    began = time.process_time()
    HARNESSES[name].run(data)
    return (time.process_time() - began) * 1000
