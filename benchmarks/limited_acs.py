"""
An ACS with a known limit: ``python -m benchmarks.limited_acs N`` serves N sessions per second.

What comes beyond them in any second is shed with 503. ``--freeze AFTER SECONDS`` has it stand still
once, so long after the first Inform.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

import gevent
from gevent.server import StreamServer

from caretaker.cwmp import Envelope, decode, encode
from caretaker.cwmp import messages as m

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class LimitedACS:
    """
    The server.

    Args:
        limit: sessions per second.
        freeze: when and for how long it stands still, in seconds from the first Inform.
    """

    def __init__(self, limit: float, freeze: tuple[float, float] = (0.0, 0.0)) -> None:
        self._limit = limit
        self._freeze = freeze
        self._first = 0.0
        self._tokens, self._at = limit / 10, time.monotonic()
        self.server = StreamServer(("127.0.0.1", 0), self._handle, backlog=4096)

    @property
    def url(self) -> str:
        """Where CPEs inform."""
        return f"http://127.0.0.1:{self.server.server_port}/"

    def _serves(self) -> bool:
        """A bucket of tokens: even arrivals below the limit are never shed."""
        now = time.monotonic()
        self._tokens = min(self._limit / 10, self._tokens + (now - self._at) * self._limit)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _stand_still(self) -> None:
        now = time.monotonic()
        self._first = self._first or now
        after, seconds = self._freeze
        left = self._first + after + seconds - now
        if seconds and 0 < left <= seconds:
            gevent.sleep(left)

    def _handle(self, sock: Any, _: Any) -> None:
        data = b""
        while True:
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            if found is None or len(body) < int(found[1]):
                continue
            data = body[int(found[1]) :]
            sock.sendall(self._answer(body[: int(found[1])]))

    def _answer(self, body: bytes) -> bytes:
        if not body:
            return b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
        self._stand_still()
        if not self._serves():
            return b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        answer = encode(Envelope(m.InformResponse(), decode(body).id))
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("limit", type=float)
    parser.add_argument("--freeze", type=float, nargs=2, default=(0.0, 0.0))
    options = parser.parse_args()
    acs = LimitedACS(options.limit, tuple(options.freeze))
    acs.server.start()
    print(acs.url, flush=True)
    acs.server.serve_forever()
