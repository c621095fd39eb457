"""An ACS that does everything wrong, one thing after the other: ``python -m helpers.bad_acs``."""

from __future__ import annotations

import itertools
from typing import Any

import gevent
from gevent.server import StreamServer

from caretaker.cwmp import Envelope, decode, encode
from caretaker.cwmp import messages as m


def _http(status: str, body: bytes = b"", kind: str = "text/xml") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _ok(message: m.Message, id_: str = "1") -> bytes:
    return _http("200 OK", encode(Envelope(message, id_)))


_BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
_WRONG: tuple[tuple[bytes, str], ...] = (
    (_http("500 Internal Server Error"), "keep"),
    (_http("404 Not Found"), "keep"),
    (_http("503 Busy"), "keep"),
    (_http("200 OK", b"<html><body>It works!<br></body></html>", "text/html"), "keep"),
    (_http("200 OK", encode(Envelope(m.InformResponse(), "1"))[:-40]), "keep"),
    (_http("200 OK", _BOMB), "keep"),
    (_http("200 OK", b"<a>" + b"x" * 10_000_000 + b"</a>"), "keep"),
    (_ok(m.InformResponse(), "another"), "keep"),
    (_ok(m.InformResponse())[:-40], "close"),
    (b"", "reset"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "close"),
    (b"", "hang"),
    (_ok(m.GetRPCMethods()), "keep"),
    (_http("204 No Content"), "keep"),
)


def _handle(sock: Any, _: Any) -> None:
    answer, then = next(_TURNS)
    data = b""
    while b"</soap-env:Envelope>" not in data:
        piece = sock.recv(65536)
        if not piece:
            return
        data += piece
    decode(data.partition(b"\r\n\r\n")[2])  # what we are sent is always good
    if then == "reset":
        sock.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER
    elif then == "hang":
        gevent.sleep(60)
    else:
        sock.sendall(answer)
    if then == "keep":
        sock.recv(1)


_TURNS = itertools.cycle(_WRONG)

if __name__ == "__main__":
    server = StreamServer(("127.0.0.1", 0), _handle)
    server.start()
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
