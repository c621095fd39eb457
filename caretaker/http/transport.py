"""
How a CWMP session reaches its ACS: ``post(body) -> Answer`` (decision D4; TR-069 3.4).

``HTTPTransport`` is the transport of one session over connections of our own: an ``HTTPClient``
with the headers, the cookies and the content coding of that session.

Nothing here knows what is in a body.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Protocol

from mypy_extensions import mypyc_attr

from caretaker.http.authentication import HTTPAuth
from caretaker.http.client import USER_AGENT, ClientPolicy, HTTPClient, allowed_address
from caretaker.http.connection import Connection, FailedTarget
from caretaker.http.content_coding import decoded, encoded
from caretaker.http.cookies import CookieJar, only_cookies, sent_cookies
from caretaker.http.credentials import CredentialsSource
from caretaker.http.endpoint import ANY_END, Address, Endpoint, LocalEnd
from caretaker.http.logins import Login
from caretaker.http.request_head import header_lines, request_line
from caretaker.http.response_parser import Response


class Answer:
    """The final response to a POST: its HTTP status and its body, without content coding."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class Transport(Protocol):
    """How one CWMP session reaches its ACS."""

    @property
    def sent_at(self) -> float | None:
        """
        When the last POST had been written, on the endpoint's clock; None until then.

        After a 401 or a redirect, when it had been written first.
        """

    def post(self, body: bytes) -> Answer:
        """
        POST a body (empty for the empty POST) and return the final answer.

        Raises:
            TransportError: there is no answer.
        """

    def close(self) -> None:
        """End the session's connection."""


_POLICY: Final = ClientPolicy(redirects=(301, 302, 303, 307, 308), basic_over_tls=True)
_RECONNECTING: Final = _POLICY._replace(reconnect=True)
_CONTENT_TYPE: Final = ("Content-Type", 'text/xml; charset="utf-8"')
Headers = tuple[tuple[str, str], ...]


@lru_cache(64)
def _fixed_headers(coding: str, *, empty: bool, typed: bool) -> Headers:
    """The same headers for all sessions; an empty POST has no SOAPAction (TR-069 3.4.1)."""
    if empty:
        return (("User-Agent", USER_AGENT), *((_CONTENT_TYPE,) if typed else ()))
    coded = (("Content-Encoding", coding),) if coding else ()
    return (("User-Agent", USER_AGENT), _CONTENT_TYPE, ("SOAPAction", ""), *coded)


@lru_cache(64)
def _head_start(address: Address, coding: str, empty: bool, typed: bool) -> str:  # noqa: FBT001  # cheaper
    """The beginning of the head of every POST to an address."""
    headers = _fixed_headers(coding, empty=empty, typed=typed)
    return request_line("POST", address) + header_lines(headers)


@mypyc_attr(allow_interpreted_subclasses=True)
class HTTPTransport(HTTPClient):
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
        content_type_always: whether an empty POST has a Content-Type, too; some devices send it.
        local_end: who the client is.

    Raises:
        RedirectError: the URL is no http URL, or of a host that is not allowed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialsSource = None,
        url: str = "",
        coding: str = "",
        *,
        reconnect: bool = False,
        content_type_always: bool = False,
        local_end: LocalEnd = ANY_END,
    ) -> None:
        address = _acs_address(endpoint, url) if url else endpoint.address
        policy = _RECONNECTING if reconnect else _POLICY
        super().__init__(endpoint, address, credentials, policy, local_end)
        self._coding = coding
        self._content_type_always = content_type_always
        self._cookies: CookieJar | None = None
        self._sent_at: float | None = None

    @property
    def sent_at(self) -> float | None:
        """See ``Transport.sent_at``; known while the answer is awaited, too."""
        if self._sent_at is None and self._connection is not None:
            return self._connection.sent_at
        return self._sent_at

    def post(self, body: bytes) -> Answer:
        """POST a body; see ``Transport.post``."""
        self._sent_at = None
        response = self.exchange(encoded(body, self._coding) if self._coding else body)
        if response.status == 415 and self._coding:
            self._coding = ""
            response = self.exchange(body)
        return answer_of(response)

    def _request(self, connection: Connection, body: bytes) -> Response:
        # The head of a request that is under way was made, and has used its nonce.
        head = b"" if connection.has_request else self._head(body)
        try:
            response = connection.request(head, body)
        finally:
            if self._sent_at is None:
                self._sent_at = connection.sent_at
        self.take_cookies(response)
        return response

    def take_cookies(self, response: Response) -> None:
        """Keep the cookies of a response for the rest of the session."""
        for name, value in response.headers:
            if name == "set-cookie":
                self._cookies = self._cookies or CookieJar()
                self._cookies.take(value, self._address.host, self._address.target)

    # For who sends and receives in place of connections of ours.

    def message(self, body: bytes) -> bytes:
        """The whole of the next request: its head, with cookies and credentials, and its body."""
        return self._head(body) + body

    def message_showing(self, login: Login, body: bytes) -> bytes:
        """As ``message`` of a transport as this one that has this login, and no cookies."""
        start = _head_start(self._address, self._coding, not body, self._content_type_always)
        shown = login.header("POST", self._address.target)
        head = f"{start}Authorization: {shown}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def message_after(self, response: Response, login: Login | None, body: bytes) -> bytes | None:
        """
        As ``message``, of a transport as this one that has had the cookies of this response alone.

        Args:
            response: to the POST before.
            login: what the transport has to show.
            body: of the request.

        Returns:
            None where that transport must tell, by ``take_cookies`` and ``message``.
        """
        host, target, scheme = self._address.host, self._address.target, self._address.scheme
        cookies = only_cookies(response.values("set-cookie"), host, target, scheme)
        if cookies is None:
            return None
        start = _head_start(self._address, self._coding, not body, self._content_type_always)
        own = f"Cookie: {cookies}\r\n" if cookies else ""
        if login is not None:
            own += f"Authorization: {login.header('POST', target)}\r\n"
        return f"{start}{own}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def cookies_after(self, response: Response) -> tuple[bytes, int] | None:
        """
        Which cookies an empty POST has by ``message_after``, and where its Cookie header begins.

        Returns:
            Their numbers among the headers of the response, in order; None as there.
        """
        host, target, scheme = self._address.host, self._address.target, self._address.scheme
        sent = sent_cookies(response.values("set-cookie"), host, target, scheme)
        start = _head_start(self._address, self._coding, True, self._content_type_always)
        return None if sent is None else (sent, len(start.encode()))

    def go_on_with(self, login: Login, *, is_accepted: bool) -> None:
        """Show a login that has answered a challenge, and whether the server has accepted it."""
        self._auth = HTTPAuth.going_on(login, is_accepted=is_accepted)
        self._challenges = int(not is_accepted)

    def go_on_over(self, connection: Connection) -> None:
        """Send the rest of the session over this connection, which is open."""
        self._connection = connection

    def go_on_without(self, failed: FailedTarget) -> None:
        """Connect to the server's other addresses, as this one has failed."""
        self._failed = failed

    # Heads.

    def _own_headers(self) -> list[tuple[str, str]]:
        """The headers that only this session has: its cookies and its credentials."""
        cookies = ""
        if self._cookies is not None:
            cookies = self._cookies.header(self._address.target, self._address.scheme)
        return [*([("Cookie", cookies)] if cookies else []), *self._authorization("POST")]

    def _headers(self, body: bytes) -> list[tuple[str, str]]:
        typed = self._content_type_always
        fixed = _fixed_headers(self._coding, empty=not body, typed=typed)
        return [*fixed, *self._own_headers()]

    def _head(self, body: bytes) -> bytes:
        start = _head_start(self._address, self._coding, not body, self._content_type_always)
        own = header_lines(self._own_headers()) if self._cookies or self._auth else ""
        return f"{start}{own}Content-Length: {len(body)}\r\n\r\n".encode()

    def _redirect(self, location: str) -> None:
        """Use the new URL for the rest of the session; a new host gets no cookies."""
        host = self._address.host
        super()._redirect(location)
        if self._address.host != host:
            self._cookies = None


def answer_of(response: Response) -> Answer:
    """The answer of a final response, without its content coding."""
    if not response.body:
        return Answer(response.status, b"")
    coding = "".join(response.values("content-encoding"))
    return Answer(response.status, decoded(response.body, coding) if coding else response.body)


def _acs_address(endpoint: Endpoint, url: str) -> Address:
    return allowed_address(
        endpoint,
        url,
        not_http="ACS URL is no http address",
        not_allowed="ACS URL of a host that is not allowed",
    )
