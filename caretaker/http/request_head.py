"""The head of a request: request line and header fields (RFC 7230 3)."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.http.endpoint import Address


def request_line(method: str, address: Address) -> str:
    """The first line of a request, and the Host header."""
    return f"{method} {address.target} HTTP/1.1\r\nHost: {address.host_header}\r\n"


def header_lines(headers: Iterable[tuple[str, str]]) -> str:
    """Headers as lines."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def request_head(
    method: str, address: Address, headers: Iterable[tuple[str, str]], length: int | None
) -> bytes:
    """Request line and headers in bytes; ``length`` is that of the body, None for a GET."""
    framing = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{request_line(method, address)}{header_lines(headers)}{framing}\r\n".encode()
