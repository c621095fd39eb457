"""
HTTP/1.1 over one TCP connection: requests out, answers in, one deadline for each answer.

gevent's sockets carry it, a C parser (httptools) reads it. It is kept small and quick, because
connecting and talking HTTP is most of what a session costs; what it knows is what CPEs and
Connection Requests need (TR-069 3.4, 3.2.2).
"""

from __future__ import annotations

import errno
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
import httptools

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    InputError,
    LimitError,
    TransportError,
)

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""The largest body that is taken, after decompression; an ACS request of that size is a mistake."""
MAX_HEADER_BYTES = 64 * 1024
MAX_COOKIES = 50
_PIECE = 16 * 1024
"""Bytes of a streamed body that are read at once; between them a slow reader waits."""
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
    """

    address: Address
    timeout: float = 30.0
    allowed_hosts: frozenset[str] = frozenset()
    tls: gevent.ssl.SSLContext | None = None
    clock: Callable[[], float] = time.monotonic
    _resolved: dict[Address, list[tuple[Any, Any]]] = field(default_factory=dict)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Where CPEs may be sent (decision D10): the ACS's host, and what is allowed beside it."""
        return self.allowed_hosts | {self.address.host}

    def addresses(self, address: Address) -> list[tuple[Any, Any]]:
        """The socket addresses of an address, looked up once."""
        key = address._replace(target="")
        if key not in self._resolved:
            self._resolved[key] = address.resolve()
        return self._resolved[key]

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


# -- one connection -------------------------------------------------------------------------------


class Reply(NamedTuple):
    """An HTTP response; header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    keep_alive: bool

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


_LENIENCIES = dict.fromkeys(
    (
        "lenient_headers",
        "lenient_chunked_length",
        "lenient_optional_cr_before_lf",
        "lenient_optional_lf_after_cr",
    ),
    True,
)
"""What old and embedded servers send; "dangerous" for a proxy, which we are not."""


class _Reader:
    """Collects what httptools finds in a response; a 1xx in front of it is passed over."""

    __slots__ = ("body", "complete", "headers", "keep_alive", "parser", "size", "status")

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.parser.set_dangerous_leniencies(**_LENIENCIES)
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.size = 0
        self.status = 0
        self.keep_alive = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.complete:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.complete:
            self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.headers.clear()
        elif not self.complete:
            self.complete = True
            self.keep_alive = self.parser.should_keep_alive()

    def feed(self, data: bytes, limit: int) -> None:
        """Take bytes from the socket; AnswerError when they are no answer we take."""
        self.size += len(data)
        if self.size > limit:
            raise AnswerError("answer is too large")
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:  # what follows a complete answer is of no interest
                raise AnswerError("answer is not HTTP") from error
            self.keep_alive = False

    def end(self) -> None:
        """The peer closed: that ends a body without length, and cuts off anything else."""
        framed = {b"content-length", b"transfer-encoding"}
        if self.status < 200 or framed & {name.lower() for name, _ in self.headers}:
            raise ConnectionLost("connection closed in the middle of an answer")
        self.complete = True

    def reply(self) -> Reply:
        """The response."""
        headers = [(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in self.headers]
        body = b"".join(self.body)
        return Reply(self.status, headers, body, self.keep_alive)


class _Counter(_Reader):
    """Counts a body and drops it."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def on_body(self, data: bytes) -> None:
        self.taken += len(data)


_LIMITS = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ECONNRESET: "connection reset",
}


def _connect_error(error: OSError) -> TransportError:
    if error.errno in _LIMITS:
        return LimitError("this machine is out of sockets or ports")
    if isinstance(error, gevent.ssl.SSLError):
        return ConnectError(f"TLS failed: {(error.reason or 'handshake').lower()}")
    if isinstance(error, TimeoutError):
        return ConnectError("connection timed out")
    return ConnectError(_REASONS.get(error.errno or 0, "connection failed"))


class Connection:
    """
    One TCP connection to an HTTP server, for one greenlet.

    Args:
        endpoint: timeout, TLS and clock.
        address: where to.

    Raises:
        TransportError: it can't be made.
    """

    __slots__ = ("_clock", "_socket", "_timeout", "answers", "sent_at", "silent")

    def __init__(self, endpoint: Endpoint, address: Address) -> None:
        self._clock = endpoint.clock
        self._timeout = endpoint.timeout
        self.answers = 0
        """How many complete answers it has brought."""
        self.sent_at: float | None = None
        """When the last request had been written."""
        self.silent = True
        """Whether no byte has come in answer to the last request."""
        self._socket = self._connect(endpoint, address)

    def _connect(self, endpoint: Endpoint, address: Address) -> gevent.socket.socket:
        failure: TransportError = ConnectError("host name not found")
        for family, where in endpoint.addresses(address):
            try:
                return self._open(endpoint, address, family, where)
            except OSError as error:
                failure = _connect_error(error)
        raise failure

    def _open(
        self, endpoint: Endpoint, address: Address, family: Any, where: Any
    ) -> gevent.socket.socket:
        # Without SOCK_CLOEXEC and such niceties: creating the socket is a fair part of a session.
        opened = gevent.socket.socket(family, gevent.socket.SOCK_STREAM)
        try:
            opened.settimeout(self._timeout)
            opened.connect(where)
            opened.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if address.scheme == "https":
                return endpoint.context().wrap_socket(opened, server_hostname=address.host)
        except BaseException:
            opened.close()
            raise
        return opened

    def request(self, head: bytes, body: bytes, limit: int = MAX_ANSWER_BYTES) -> Reply:
        """
        Send a request and return the response to it.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: what follows.
            limit: bytes of the response's body that are taken.

        Raises:
            TransportError: there is no complete response.
        """
        deadline = self._clock() + self._timeout
        self.silent, self.sent_at = True, None
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(head + body)
            self.sent_at = self._clock()
            return self._receive(deadline, limit + MAX_HEADER_BYTES)
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise ConnectionLost("connection reset") from error

    def _receive(self, deadline: float, limit: int) -> Reply:
        reader = _Reader()
        while not reader.complete:
            self._feed(reader, self._socket.recv(65536), limit)
            if not reader.complete:
                self._wait_no_longer_than(deadline)
        self.answers += 1
        return reader.reply()

    def _feed(self, reader: _Reader, data: bytes, limit: int) -> None:
        if data:
            self.silent = False
            reader.feed(data, limit)
        elif self.silent:
            raise ConnectionLost("connection closed without an answer")
        else:
            reader.end()

    def stream(
        self, head: bytes, body: Iterable[bytes], pace: Callable[[int], None], limit: int
    ) -> tuple[Reply, int]:
        """
        Send a request, and count and drop the body of the response: files are moved so.

        The timeout is that of each piece; ``pace`` bounds the whole.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: the pieces of what follows.
            pace: is told the bytes of each piece when it has been moved, and may sleep or raise.
            limit: bytes of the response's body that are taken.

        Returns:
            The response without its body, and the bytes that the body had.

        Raises:
            TransportError: there is no complete response.
        """
        self.silent, self.sent_at = True, None
        reader = _Counter()
        try:
            self._socket.settimeout(self._timeout)
            for piece in (head, *body):
                self._socket.sendall(piece)
                pace(len(piece))
            self.sent_at = self._clock()
            while not reader.complete:
                data = self._socket.recv(_PIECE)
                self._feed(reader, data, limit + MAX_HEADER_BYTES)
                pace(len(data))
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise ConnectionLost("connection reset") from error
        self.answers += 1
        return reader.reply(), reader.taken

    def _wait_no_longer_than(self, deadline: float) -> None:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


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


def request_head(
    method: str, address: Address, headers: Iterable[tuple[str, str]], length: int | None
) -> bytes:
    """Request line and headers in bytes; ``length`` is that of the body, None for a GET."""
    lines = [f"{method} {address.target} HTTP/1.1\r\nHost: {address.host_header}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers]
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode()
