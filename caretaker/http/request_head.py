"""The head of a request: request line and header fields (RFC 7230 3)."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.http.endpoint import Address


def request_line(method: str, address: Address) -> str:
    """The request line and the Host header, which every request has."""
    return f"{method} {address.target} HTTP/1.1\r\nHost: {address.host_header}\r\n"


def header_lines(headers: Iterable[tuple[str, str]]) -> str:
    """Header fields as lines, each with its line end."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def request_head(
    method: str, address: Address, headers: Iterable[tuple[str, str]], length: int | None
) -> bytes:
    """The whole head as bytes; ``length`` is the Content-Length, None without a body."""
    framing = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{request_line(method, address)}{header_lines(headers)}{framing}\r\n".encode()
