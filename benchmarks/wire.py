"""HTTP messages on a plain socket, for peers that must cost little."""

from __future__ import annotations

import re
from typing import Any

_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]*)", re.IGNORECASE)


def post(path: str, body: bytes, cookie: str = "") -> bytes:
    """A POST of an envelope, or an empty POST."""
    kind = 'Content-Type: text/xml; charset="utf-8"\r\nSOAPAction: \r\n' if body else ""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\n{kind}"
    if cookie:
        head += f"Cookie: {cookie}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def read_message(connection: Any) -> tuple[bytes, bytes]:
    """
    Head and body of the next request or answer; without a Content-Length it has no body.

    Raises:
        ConnectionError: the other side hung up.
    """
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            return head, body
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"hung up after {data[:200]!r}")
        data += more


def _length(head: bytes) -> int:
    _, name, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n")[0]) if name else 0


def cookie_of(head: bytes) -> str:
    """The cookie that an answer sets; empty if there is none."""
    cookie = _COOKIE.search(head)
    return cookie[1].decode("latin-1") if cookie else ""
