"""
A request and its final response: the 401, the redirects and the lost connections in between.

Three clients need this: sessions (``http.transport``), file transfers (``engine.file_transfer``)
and Connection Requests (``connection_request.client``). Each adds its requests and its
``ClientPolicy``.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin

from mypy_extensions import mypyc_attr

from caretaker.errors import AuthenticationError, ConnectionLost, InputError, RedirectError
from caretaker.http.authentication import HTTPAuth
from caretaker.http.connection import Connection, FailedTarget
from caretaker.http.credentials import Credentials, CredentialsSource
from caretaker.http.endpoint import ANY_END, Address, Endpoint, LocalEnd
from caretaker.http.response_parser import Response

MAX_REDIRECTS = 5
"""In a row (TR-069 3.4.2 asks for at least this many)."""
USER_AGENT = "caretaker"


class ClientPolicy(NamedTuple):
    """
    What one kind of client does about responses that are not final.

    Args:
        redirects: the statuses that lead to another URL; none are followed without.
        max_challenges: 401s answered for one request. Three are the first, one for a stale nonce,
            and one on a new connection.
        basic_over_tls: whether Basic is shown over TLS before a 401 asks (TR-069 3.4.4).
        reconnect: whether a 401 is answered on a new connection, which TR-069 3.4.2 has on the
            same one; some devices do.
    """

    redirects: tuple[int, ...] = ()
    max_challenges: int = 3
    basic_over_tls: bool = False
    reconnect: bool = False


def allowed_address(endpoint: Endpoint, url: str, *, not_http: str, not_allowed: str) -> Address:
    """
    The address of a URL that requests may go to (decision D10).

    Args:
        endpoint: knows the allowed hosts.
        url: where to.
        not_http: the error's words for what is no http URL.
        not_allowed: those for one of another host.

    Raises:
        RedirectError: it is one of the two.
    """
    try:
        address = Address.of(url)
    except InputError as error:
        raise RedirectError(not_http) from error
    if address.host not in endpoint.hosts:
        raise RedirectError(not_allowed)
    return address


def _joined(base: str, location: str) -> str:
    """The URL of a reference (RFC 3986 5); what is none remains as it is."""
    try:
        return urljoin(base, location)
    except ValueError:
        return location


@mypyc_attr(allow_interpreted_subclasses=True)
class HTTPClient:
    """
    Sends requests of one kind, over one connection at a time, for their final responses.

    Where a redirect has led to, and the challenge that was answered, hold for later requests too.

    Args:
        endpoint: timeout, TLS, clock, and the hosts that redirects may lead to.
        address: of the first request.
        credentials: for challenges; without them a 401 is the final response.
        policy: of this kind of client.
        local_end: who the client is.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        credentials: CredentialsSource,
        policy: ClientPolicy,
        local_end: LocalEnd = ANY_END,
    ) -> None:
        self._endpoint = endpoint
        self._address = address
        self._credentials = credentials
        self._policy = policy
        self._local_end = local_end
        self._connection: Connection | None = None
        self._auth = self._new_auth()
        self._challenges = self._redirects = 0
        self._has_begun = False
        self._failed: FailedTarget | None = None

    def _request(self, connection: Connection, body: bytes) -> Response:
        """Send one request over this connection, and return the response to it."""
        raise NotImplementedError

    def exchange(self, body: bytes = b"") -> Response:
        """
        Send a request, answer challenges and follow redirects, and return the final response.

        Args:
            body: of the request, repeated with it.

        Raises:
            AuthenticationError: a challenge can't be answered, or the credentials were refused.
            RedirectError: a redirect leads to where it may not, or there are too many.
            TransportError: a connection can't be made, or brings no response.
        """
        if not self._has_begun:
            self.begin_exchange()
        self._has_begun = False
        response = self._send(body)
        while not self.is_final(response):
            response = self._send(body)
        return response

    def begin_exchange(self) -> None:
        """Begin to count the challenges and the redirects of one request."""
        self._challenges = self._redirects = 0

    def go_on(self) -> None:
        """Have the next ``exchange`` be one that has begun: what it has brought so far counts."""
        self._has_begun = True

    def is_final(self, response: Response) -> bool:
        """
        Take a response; False: the request is to be sent again, with what it asks for.

        Raises:
            AuthenticationError, RedirectError: as ``exchange``.
        """
        if not response.keep_alive:
            self._end_connection(response)
        if response.status == 401 and self._credentials is not None:
            self._challenges += 1
            if self._challenges > self._policy.max_challenges:
                raise AuthenticationError("HTTP 401 again and again")
            self._take_challenge(response)
            return False
        if response.status in self._policy.redirects and response.values("location"):
            self._redirects += 1
            if self._redirects > MAX_REDIRECTS:
                raise RedirectError("too many redirects")
            self._redirect(response.values("location")[0])
            return False
        if self._auth is not None:
            self._auth.accepted()
        return True

    # Connections.

    def _send(self, body: bytes) -> Response:
        """
        Send one request, over the open connection or a new one; return the response to it.

        A request is repeated only where the server has closed an idle connection (TR-069 3.4.2,
        RFC 7230 6.3.1): one that brought a response before, and not a byte since.
        """
        connection = self._connection
        if connection is not None:
            try:
                return self._request(connection, body)
            except ConnectionLost:
                if connection.answers == 0 or not connection.silent:
                    raise
                self.lose_connection()
        failed, self._failed = self._failed, None
        self._connection = Connection(self._endpoint, self._address, self._local_end, failed=failed)
        return self._request(self._connection, body)

    def lose_connection(self) -> None:
        """The server has closed an idle connection; another one goes on with the same login."""
        self.close()
        if self._auth is None or not self._auth.resume():
            self._auth = self._new_auth()

    def _end_connection(self, response: Response) -> None:
        """The server closes after this response; a challenge in it is answered on a new one."""
        self.close()
        if response.status != 401:
            self._auth = self._new_auth()

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Challenges.

    def _new_auth(self) -> HTTPAuth | None:
        """
        The authentication that a connection begins with.

        It ends with its TCP connection, as a server may bind nonces to that.
        """
        if self._address.scheme == "http" or self._credentials is None:
            return None
        return HTTPAuth(self._shown(), basic=True) if self._policy.basic_over_tls else None

    def _shown(self) -> Credentials:
        assert self._credentials is not None
        return self._credentials() if callable(self._credentials) else self._credentials

    def _take_challenge(self, response: Response) -> None:
        self._auth = self._auth or HTTPAuth(self._shown())
        self._auth.challenge(response.values("www-authenticate"))
        if self._policy.reconnect:
            self.close()

    def _authorization(self, method: str) -> list[tuple[str, str]]:
        """The Authorization header, where there is something to show."""
        auth = self._auth
        value = auth.authorization(method, self._address.target) if auth is not None else None
        return [("Authorization", value)] if value is not None else []

    # Redirects.

    def _redirect(self, location: str) -> None:
        """Go on at another URL; a new host is shown no credentials."""
        old = self._address
        address = allowed_address(
            self._endpoint,
            _joined(old.url, location),
            not_http="redirect to what is no http address",
            not_allowed="redirect to a host that is not allowed",
        )
        if (old.scheme, address.scheme) == ("https", "http"):
            raise RedirectError("redirect from https to http")
        self._address = address
        if old.host != address.host and self._credentials is not None:
            self._credentials = None
            self._endpoint.withhold_credentials(address.host)
        if old[:3] != address[:3]:
            self.close()
            self._auth = self._new_auth()
