"""What HTTP needs beside a connection: addresses, endpoints, cookies, codings (TR-069 3.4)."""

from __future__ import annotations

import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl

from caretaker.errors import AnswerError, ConnectError, InputError
from caretaker.http.sockets import Deadlines

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""The largest body that is taken, after decompression; an ACS request of that size is a mistake."""
MAX_COOKIES = 50
_PORTS = {"http": 80, "https": 443}


# -- addresses ------------------------------------------------------------------------------------


class Address(NamedTuple):
    """Where an http URL points to."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str) -> Address:
        """
        The address of a URL.

        Raises:
            InputError: it is not an http or https URL with a host.
        """
        cure = "give one like http://acs.example.com:7547/"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InputError(f"URL {url!r}: {error}; {cure}") from error
        if parts.scheme not in _PORTS or not parts.hostname or re.search(r"[\s\x00-\x1f]", url):
            raise InputError(f"URL {url!r}: not an http or https address; {cure}")
        if port == 0:
            raise InputError(f"URL {url!r}: port 0 can't be reached; {cure}")
        path = parts.path or "/"
        target = f"{path}?{parts.query}" if parts.query else path
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], target)

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """As a URL."""
        return f"{self.scheme}://{self.host_header}{self.target}"

    def resolve(self) -> list[tuple[Any, Any]]:
        """
        The socket family and address of every IP address of the host.

        Raises:
            ConnectError: the name is not known.
        """
        try:
            found = gevent.socket.getaddrinfo(
                self.host, self.port, type=gevent.socket.SOCK_STREAM
            )  # fmt: skip
        except (OSError, UnicodeError) as error:
            raise ConnectError("host name not found") from error
        return [(family, address) for family, _, _, _, address in found]


@dataclass
class Endpoint:
    """
    How to reach an ACS; made once and shared by all sessions.

    Args:
        address: of the ACS.
        timeout: seconds to wait for each answer (TR-069 3.4.2 asks for at least 30).
        allowed_hosts: other hosts that a redirect may lead to.
        tls: verifies the server; the system's certificates by default.
        clock: seconds, going forward; what ``sent_at`` is of.
        sources: local addresses that connections leave from, in turn; the system's choice if none.
    """

    address: Address
    timeout: float = 30.0
    allowed_hosts: frozenset[str] = frozenset()
    tls: gevent.ssl.SSLContext | None = None
    clock: Callable[[], float] = time.monotonic
    sources: tuple[str, ...] = ()
    hosts: frozenset[str] = field(init=False)
    """Where CPEs may be sent (decision D10): the ACS's host, and what is allowed beside it."""
    deadlines: Deadlines = field(init=False)
    """End the waits of all its connections."""
    _resolved: dict[tuple[str, str, int], list[tuple[Any, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hosts = self.allowed_hosts | {self.address.host}
        self.deadlines = Deadlines(self.timeout, self.clock)

    def source(self, index: int) -> str:
        """The local address of the CPE with this index: always the same; empty for any."""
        return self.sources[index % len(self.sources)] if self.sources else ""

    def addresses(self, address: Address) -> list[tuple[Any, Any]]:
        """The socket addresses of an address, looked up once."""
        found = self._resolved.get(address[:3])
        if found is None:
            found = self._resolved[address[:3]] = address.resolve()
        return found

    def context(self) -> gevent.ssl.SSLContext:
        """The TLS context, made once."""
        if self.tls is None:
            self.tls = gevent.ssl.create_default_context()
        return self.tls


def tls_context(ca: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """
    A TLS context for ``Endpoint``.

    Args:
        ca: a file of the certificates to trust, in PEM; the machine's without one.
        verify: whether the server must show a good one.

    Raises:
        InputError: the file can't be read, or holds no certificates.
    """
    try:
        context = gevent.ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise InputError(f"{ca}: no certificates in PEM in it ({error.strerror})") from error
    if not verify:
        context.check_hostname, context.verify_mode = False, gevent.ssl.CERT_NONE
    return context


# -- cookies and codings --------------------------------------------------------------------------


class CookieJar:
    """The cookies of one session with one host (TR-069 3.4.2, RFC 6265)."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], str] = {}

    def take(self, header: str) -> None:
        """Take the value of a ``Set-Cookie`` header; an expired one removes the cookie."""
        pair, *attributes = header.split(";")
        name, equals, value = pair.partition("=")
        known = {key.strip().lower(): text.strip() for key, _, text in map(_split, attributes)}
        path = known.get("path", "")
        key = (name.strip(), path if path.startswith("/") else "/")
        if not equals or not key[0]:
            return
        if _is_over(known):
            self._cookies.pop(key, None)
        elif len(self._cookies) < MAX_COOKIES or key in self._cookies:
            self._cookies[key] = value.strip()

    def header(self, target: str) -> str:
        """The value of the ``Cookie`` header for a target, empty if there are none."""
        path = target.partition("?")[0]
        found = [(p, n, v) for (n, p), v in self._cookies.items() if _covers(p, path)]
        found.sort(key=lambda each: -len(each[0]))
        return "; ".join(f"{name}={value}" for _, name, value in found)


def _is_over(attributes: dict[str, str]) -> bool:
    """Whether a cookie has expired; Max-Age goes before Expires (RFC 6265 5.3)."""
    age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]{1,18}", age, re.ASCII):
        return int(age) <= 0
    try:
        moment = parsedate_to_datetime(attributes.get("expires", "").replace("-", " "))
    except (TypeError, ValueError):
        return False
    return moment.replace(tzinfo=moment.tzinfo or UTC) <= datetime.now(UTC)


def _split(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _covers(cookie_path: str, path: str) -> bool:
    prefix = cookie_path if cookie_path.endswith("/") else f"{cookie_path}/"
    return path == cookie_path or path.startswith(prefix)


_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decoded(body: bytes, coding: str, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """
    A body with its content coding undone.

    Args:
        body: as it came.
        coding: the value of ``Content-Encoding``: gzip, deflate (with or without zlib's frame),
            identity or empty.
        limit: bytes that the result may have.

    Raises:
        AnswerError: another coding, broken data, or a larger result.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in _WINDOW_BITS:
        raise AnswerError("unknown content coding")
    try:
        return _inflate(body, _WINDOW_BITS[coding], limit)
    except zlib.error:
        pass
    try:
        return _inflate(body, -15, limit)
    except zlib.error as error:
        raise AnswerError("content coding is broken") from error


def encoded(body: bytes, coding: str) -> bytes:
    """A body in a content coding, ``gzip`` or ``deflate``; an empty one stays empty."""
    if not body:
        return body
    deflater = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS[coding])
    return deflater.compress(body) + deflater.flush()


def _inflate(body: bytes, window_bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    data = inflater.decompress(body, limit + 1)
    if len(data) > limit:
        raise AnswerError("answer is too large")
    if not inflater.eof:
        raise zlib.error("cut off")
    return data


# -- requests --------------------------------------------------------------------------------------


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
