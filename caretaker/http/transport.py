"""
How a CWMP session reaches its ACS: ``post(body) -> Answer`` (decision D4; TR-069 3.4).

* ``HTTPTransport`` is the transport of one session over connections of our own: cookies for that
  session only, every 401 answered, redirects within limits, a lost connection made anew.

Nothing here knows what is in a body.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol
from urllib.parse import urljoin

from mypy_extensions import mypyc_attr

from caretaker.errors import (
    AuthenticationError,
    ConnectionLost,
    InputError,
    RedirectError,
)
from caretaker.http.connection import Connection, Reply
from caretaker.http.content_coding import decoded, encoded
from caretaker.http.cookies import CookieJar
from caretaker.http.credentials import Credentials
from caretaker.http.digest import HTTPAuth
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import header_lines, request_line

MAX_CHALLENGES = 3
"""Answered for one request: the first, one for a nonce that is stale, one on a new connection."""
MAX_REDIRECTS = 5
"""In a row (TR-069 3.4.2 asks for at least this many)."""
USER_AGENT = "caretaker"


class Answer:
    """What came back for a POST."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class Transport(Protocol):
    """
    The seam: how one CWMP session reaches its ACS.

    ``sent_at`` is when the last POST had been written (for the first time, if it was repeated
    after a 401), on the endpoint's clock; None while it was not.
    """

    sent_at: float | None

    def post(self, body: bytes) -> Answer:
        """
        POST a body (empty for the empty POST) and return the final answer.

        Raises:
            TransportError: there is none.
        """

    def close(self) -> None:
        """End the session's connection."""


_REDIRECTS = (301, 302, 307, 308)
Headers = tuple[tuple[str, str], ...]
Shown = Credentials | Callable[[], Credentials] | None
"""Credentials for the ACS's challenges, or what makes them when there is one."""


@lru_cache(64)
def _fixed_headers(coding: str, *, empty: bool) -> Headers:
    """Those of TR-069 3.4.1: no Content-Type and SOAPAction on an empty POST."""
    if empty:
        return (("User-Agent", USER_AGENT),)
    coded = (("Content-Encoding", coding),) if coding else ()
    described = (("Content-Type", 'text/xml; charset="utf-8"'), ("SOAPAction", ""))
    return (("User-Agent", USER_AGENT), *described, *coded)


@lru_cache(64)
def _head_start(address: Address, coding: str, empty: bool) -> str:  # noqa: FBT001  # cheaper
    """What stands at the front of every POST to an address."""
    return request_line("POST", address) + header_lines(_fixed_headers(coding, empty=empty))


@mypyc_attr(allow_interpreted_subclasses=True)
class HTTPTransport:
    """
    The transport of one CWMP session over connections of our own.

    Args:
        endpoint: how to reach the ACS.
        credentials: for the ACS's challenges; without them a 401 is a failure.
        url: of the ACS, where it is not the endpoint's; its host must be allowed.
        coding: content coding of what is posted, ``gzip`` or ``deflate``; none if empty. An ACS
            that answers 415 gets the rest of the session as it is (TR-069 3.4.7).
        reconnect: whether a 401 is answered on a new connection, which TR-069 3.4.2 has on the
            same one; some devices do.
        source: the local address to leave from; the system's choice if empty.

    Raises:
        TransportError: the URL is none, or of a host that is not allowed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Shown = None,
        url: str = "",
        coding: str = "",
        *,
        reconnect: bool = False,
        source: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._reconnect = reconnect
        self._source = source
        self._address = self._allowed(url) if url else endpoint.address
        self._coding = coding
        self._credentials = credentials
        self._cookies: CookieJar | None = None
        self._auth = self._new_auth()
        self._connection: Connection | None = None
        self.sent_at: float | None = None

    def _allowed(self, url: str) -> Address:
        try:
            address = Address.of(url)
        except InputError as error:
            raise RedirectError("ACS URL is no http address") from error
        if address.host not in self._endpoint.hosts:
            raise RedirectError("ACS URL of a host that is not allowed")
        return address

    def _new_auth(self) -> HTTPAuth | None:
        """
        What a connection begins with: over TLS it shows Basic unasked (TR-069 3.4.4).

        A auth belongs to one TCP connection, as an ACS may bind its nonces to that.
        """
        if self._credentials is None or self._address.scheme != "https":
            return None
        return HTTPAuth(self._shown(), basic=True)

    def _shown(self) -> Credentials:
        assert self._credentials is not None
        return self._credentials() if callable(self._credentials) else self._credentials

    def post(self, body: bytes) -> Answer:
        """POST, answering challenges and following redirects; see ``Transport.post``."""
        self.sent_at = None
        reply = self._exchange(body)
        if reply.status not in (200, 204):
            reply = self._settled(reply, body)
        if self._auth is not None:
            self._auth.accepted()
        if not reply.body:
            return Answer(reply.status, b"")
        coding = "".join(reply.values("content-encoding"))
        return Answer(reply.status, decoded(reply.body, coding) if coding else reply.body)

    def _settled(self, reply: Reply, body: bytes) -> Reply:
        """The final reply, where the first may be a challenge or a redirect."""
        redirects = challenges = 0
        while True:
            if reply.status == 401 and self._credentials is not None:
                challenges += 1
                if challenges > MAX_CHALLENGES:
                    raise AuthenticationError("401 again and again")
                self._challenged(reply)
            elif reply.status == 415 and self._coding:
                self._coding = ""
            elif reply.status in _REDIRECTS and reply.values("location"):
                redirects += 1
                if redirects > MAX_REDIRECTS:
                    raise RedirectError("too many redirects")
                self._redirect(reply.values("location")[0])
            else:
                return reply
            reply = self._exchange(body)

    def _challenged(self, reply: Reply) -> None:
        self._auth = self._auth or HTTPAuth(self._shown())
        self._auth.challenge(reply.values("www-authenticate"))
        if self._reconnect:
            self.close()

    def _exchange(self, body: bytes) -> Reply:
        if self._coding:
            body = encoded(body, self._coding)
        reply = self._send(body)
        for name, value in reply.headers:
            if name == "set-cookie":
                self._cookies = self._cookies or CookieJar()
                self._cookies.take(value)
        if not reply.keep_alive:
            self.close()
            if reply.status != 401:
                self._auth = self._new_auth()
        return reply

    def _own_headers(self) -> list[tuple[str, str]]:
        """Those of this session: cookies and credentials."""
        headers = []
        cookies = self._cookies.header(self._address.target) if self._cookies else ""
        if cookies:
            headers.append(("Cookie", cookies))
        auth = self._auth
        authorization = auth.authorization("POST", self._address.target) if auth else None
        if authorization:
            headers.append(("Authorization", authorization))
        return headers

    def _headers(self, body: bytes) -> list[tuple[str, str]]:
        return [*_fixed_headers(self._coding, empty=not body), *self._own_headers()]

    def _head(self, body: bytes) -> bytes:
        start = _head_start(self._address, self._coding, not body)
        own = header_lines(self._own_headers()) if self._cookies or self._auth else ""
        return f"{start}{own}Content-Length: {len(body)}\r\n\r\n".encode()

    def _send(self, body: bytes) -> Reply:
        """Over the open connection, or a new one if the ACS has closed it (TR-069 3.4.2)."""
        connection = self._connection
        if connection is not None:
            try:
                return self._request(connection, body)
            except ConnectionLost:
                if connection.answers == 0 or not connection.silent:
                    raise
                self.close()
                if self._auth is None or not self._auth.resume():
                    self._auth = self._new_auth()
        self._connection = Connection(self._endpoint, self._address, self._source)
        return self._request(self._connection, body)

    def _request(self, connection: Connection, body: bytes) -> Reply:
        try:
            return connection.request(self._head(body), body)
        finally:
            if self.sent_at is None:
                self.sent_at = connection.sent_at

    def _redirect(self, location: str) -> None:
        """The new URL holds for the rest of this session; a new host gets none of our secrets."""
        try:
            address = Address.of(urljoin(self._address.url, location))
        except InputError as error:
            raise RedirectError("redirect to what is no http address") from error
        old = self._address
        if (old.scheme, address.scheme) == ("https", "http"):
            raise RedirectError("redirect from https to http")
        if address.host not in self._endpoint.hosts:
            raise RedirectError("redirect to a host that is not allowed")
        self._address = address
        if old[:3] != address[:3]:
            self.close()
            self._auth = self._new_auth()
        if old.host != address.host:
            self._cookies = self._credentials = self._auth = None

    def close(self) -> None:
        """Close the connection; a later POST opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
