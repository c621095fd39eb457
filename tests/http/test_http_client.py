"""The 401, redirects and lost connections before a final response, the same for all clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from helpers.wire import CLOSE, RESET, Wire, answer, challenging, wire

from caretaker.connection_request import send_connection_request
from caretaker.cwmp import messages as m
from caretaker.engine.file_transfer import FileTransferClient
from caretaker.errors import AuthenticationError, ConnectionLost, RedirectError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.client import MAX_REDIRECTS, ClientPolicy, HTTPClient
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.response_parser import Response
from caretaker.http.transport import HTTPTransport

ME = Credentials("cpe", "secret")
WRONG = Credentials("cpe", "wrong")
BASIC = 'WWW-Authenticate: Basic realm="r"'

# How each client ends, in words that are the same for all.
DONE, UNAUTHORIZED, LOST, REFUSED = "done", "unauthorized", "connection lost", "redirect refused"
_ERRORS = {AuthenticationError: UNAUTHORIZED, ConnectionLost: LOST, RedirectError: REFUSED}
_STATUSES = {200: DONE, 401: UNAUTHORIZED}
_FAULTS = {0: DONE, 9012: UNAUTHORIZED, 9016: REFUSED, 9011: LOST, 9017: LOST}


def endpoint_of(server: Wire) -> Endpoint:
    return Endpoint(Address.of(server.url), 60.0, frozenset({"localhost"}))


def session(server: Wire, credentials: Credentials | None) -> str:
    transport = HTTPTransport(endpoint_of(server), credentials)
    try:
        return _STATUSES[transport.post(b"<Envelope/>").status]
    except tuple(_ERRORS) as error:
        return _ERRORS[type(error)]
    finally:
        transport.close()


def download(server: Wire, credentials: Credentials | None) -> str:
    request = m.Download("k", "2 Web Content", server.url, *(credentials or ("", "")))
    return _FAULTS[FileTransferClient(endpoint_of(server)).move(request).fault_code]


def upload(server: Wire, credentials: Credentials | None) -> str:
    request = m.Upload("k", "2 Vendor Log File", server.url, *(credentials or ("", "")))
    return _FAULTS[FileTransferClient(endpoint_of(server)).move(request).fault_code]


def connection_request(server: Wire, credentials: Credentials | None) -> str:
    try:
        return _STATUSES[send_connection_request(server.url, credentials)]
    except tuple(_ERRORS) as error:
        return _ERRORS[type(error)]


Client = Callable[[Wire, Credentials | None], str]
CLIENTS: Sequence[Client] = (session, download, upload, connection_request)
every_client = pytest.mark.parametrize("client", CLIENTS)
every_client_that_is_redirected = pytest.mark.parametrize("client", CLIENTS[:3])


def verifier() -> DigestVerifier:
    return DigestVerifier("r", lambda: 1.0)


@pytest.mark.sockets
class TestChallenges:
    @pytest.mark.rule("2.2-3", "8.3-16", "9.2-18")
    @every_client
    def test_a_401_is_answered_on_the_same_connection(self, client: Client) -> None:
        response = challenging(verifier(), ME)
        with wire(response, response) as server:
            assert client(server, ME) == DONE
        assert [request[0] for request in server.requests] == [1, 1]
        first, second = (request[2].get("authorization", "") for request in server.requests)
        assert first == ""
        assert all(field in second for field in ('uri="/acs"', "nc=00000001", "qop=auth"))
        assert server.requests[0][3] == server.requests[1][3], "the same body again"

    @pytest.mark.rule("2.2-3", "2.4-5", "9.2-17")
    @pytest.mark.parametrize("announced", [True, False])
    @every_client
    def test_a_401_that_closes_the_connection_is_answered_on_a_new_one(
        self, client: Client, *, announced: bool
    ) -> None:
        checked = verifier()
        response = challenging(checked, ME, *(["Connection: close"] if announced else []))
        first = response if announced else lambda request: (response(request), CLOSE)
        with wire(first, response) as server:
            assert client(server, ME) == DONE
        assert [request[0] for request in server.requests] == [1, 2]

    @pytest.mark.rule("2.3-8", "4.1-16")
    @pytest.mark.parametrize("headers", [[], ["Connection: close"]])
    @every_client
    def test_wrong_credentials_are_shown_once(self, client: Client, headers: list[str]) -> None:
        response = challenging(verifier(), ME, *headers)
        with wire(response, response, response) as server:
            assert client(server, WRONG) == UNAUTHORIZED
        assert len(server.requests) == 2

    @every_client
    def test_a_nonce_that_another_server_gave_is_asked_anew(self, client: Client) -> None:
        """As by a router whose worker has given the CPE to another one."""
        one, other = verifier(), verifier()
        with wire(*(challenging(each, ME) for each in (one, other, other))) as server:
            assert client(server, ME) == DONE
        assert len(server.requests) == 3

    @every_client
    def test_without_credentials_a_401_is_final(self, client: Client) -> None:
        with wire(answer("401 Unauthorized", b"", BASIC)) as server:
            assert client(server, None) == UNAUTHORIZED
        assert len(server.requests) == 1

    @every_client
    def test_a_challenge_that_can_not_be_answered_is_final(self, client: Client) -> None:
        with wire(answer("401 Unauthorized", b"", "WWW-Authenticate: Negotiate")) as server:
            assert client(server, ME) == UNAUTHORIZED
        assert len(server.requests) == 1

    @every_client
    def test_stale_nonces_have_an_end(self, client: Client) -> None:
        stale = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", stale=true'
        with wire(*[answer("401 Unauthorized", b"", stale)] * 9) as server:
            assert client(server, ME) == UNAUTHORIZED
        assert len(server.requests) <= 4


@pytest.mark.sockets
class TestConnections:
    @pytest.mark.rule("2.2-4", "4.1-16")
    @pytest.mark.parametrize("loss", [CLOSE, RESET, (b"HTTP/1.1 200", CLOSE)])
    @every_client
    def test_a_request_is_not_repeated_when_the_first_answer_is_lost(
        self, client: Client, loss: Any
    ) -> None:
        with wire(loss) as server:
            assert client(server, ME) == LOST
        assert server.connections == 1

    @every_client
    def test_a_request_is_not_repeated_when_half_an_answer_is_lost(self, client: Client) -> None:
        challenge = answer("401 Unauthorized", b"", BASIC)
        with wire(challenge, (b"HTTP/1.1 200", CLOSE)) as server:
            assert client(server, ME) == LOST
        assert len(server.requests) == 2


@pytest.mark.sockets
class TestRedirects:
    @every_client_that_is_redirected
    def test_they_are_followed_with_the_same_request(self, client: Client) -> None:
        with wire(answer("302 Found", b"", "Location: other?x=1"), answer()) as server:
            assert client(server, ME) == DONE
        (_, first, _, body), (_, second, _, again) = server.requests
        assert second == first.replace("/acs", "/other?x=1")
        assert body == again

    @pytest.mark.rule("2.2-11")
    @every_client_that_is_redirected
    def test_they_have_limits(self, client: Client) -> None:
        with wire(*[answer("302 Found", b"", "Location: /acs")] * 10) as server:
            assert client(server, ME) == REFUSED
        assert len(server.requests) == MAX_REDIRECTS + 1

    @pytest.mark.parametrize(
        "location", ["http://192.0.2.1/", "file:///etc/passwd", "mailto:acs@example.com"]
    )
    @every_client_that_is_redirected
    def test_they_stay_with_the_allowed_hosts(self, client: Client, location: str) -> None:
        with wire(answer("302 Found", b"", f"Location: {location}")) as server:
            assert client(server, ME) == REFUSED

    @pytest.mark.rule("2.2-13")
    @every_client_that_is_redirected
    def test_another_host_gets_no_secrets(self, client: Client) -> None:
        challenge = answer("401 Unauthorized", b"", BASIC)
        with wire(challenge) as other:
            url = other.url.replace("127.0.0.1", "localhost")
            redirect = answer("302 Found", b"", f"Location: {url}", "Set-Cookie: s=1")
            with wire(challenge, redirect) as server:
                assert client(server, ME) == UNAUTHORIZED
        assert "authorization" in server.requests[1][2]
        assert [set(r[2]) & {"authorization", "cookie"} for r in other.requests] == [set()]

    def test_a_connection_request_follows_none(self) -> None:
        with wire(answer("302 Found", b"", "Location: /other")) as server:
            assert send_connection_request(server.url, ME) == 302


class ScriptedExchange(HTTPClient):
    """Has its responses from a list, and keeps what was shown for each."""

    def __init__(self, url: str, policy: ClientPolicy, *responses: Response) -> None:
        endpoint = Endpoint(Address.of(url), allowed_hosts=frozenset({"other"}))
        super().__init__(endpoint, endpoint.address, ME, policy)
        self.responses = list(responses)
        self.shown: list[tuple[str, str]] = []

    def _send(self, body: bytes) -> Response:
        self.shown.append((self._address.url, str(dict(self._authorization("GET")))))
        return self.responses.pop(0)


def redirect(url: str) -> Response:
    return Response(302, [("location", url)], b"", keep_alive=True)


OK = Response(200, [], b"", keep_alive=True)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://192.0.2.1/", "redirect to a host that is not allowed"),
        ("file:///etc/passwd", "redirect to what is no http address"),
        ("mailto:acs@example.com", "redirect to what is no http address"),
        ("http://acs[/", "redirect to what is no http address"),
        ("//[acs/", "redirect to what is no http address"),
        ("http://acs/", "redirect from https to http"),
    ],
)
def test_a_redirect_that_is_not_followed_has_a_reason(location: str, reason: str) -> None:
    exchange = ScriptedExchange("https://acs/", ClientPolicy(redirects=(302,)), redirect(location))
    with pytest.raises(RedirectError, match=reason):
        exchange.exchange()


@pytest.mark.parametrize(
    ("challenges", "reason"),
    [
        (['Basic realm="r"'] * 2, "credentials refused"),
        (['Digest realm="r", nonce="n", stale=true'] * 4, "again and again"),
        (["Negotiate"], "asks for what is not supported: Negotiate"),
    ],
)
def test_a_401_that_is_not_answered_has_a_reason(challenges: list[str], reason: str) -> None:
    responses = [
        Response(401, [("www-authenticate", each)], b"", keep_alive=True) for each in challenges
    ]
    exchange = ScriptedExchange("http://acs/", ClientPolicy(), *responses)
    with pytest.raises(AuthenticationError, match=reason):
        exchange.exchange()


@pytest.mark.parametrize(
    ("url", "basic_over_tls", "is_shown"),
    [("https://acs/", True, True), ("https://acs/", False, False), ("http://acs/", True, False)],
)
def test_basic_is_shown_unasked_over_tls_by_clients_whose_policy_it_is(
    url: str, *, basic_over_tls: bool, is_shown: bool
) -> None:
    exchange = ScriptedExchange(url, ClientPolicy(basic_over_tls=basic_over_tls), OK)
    exchange.exchange()
    assert ("Basic Y3BlOnNlY3JldA==" in exchange.shown[0][1]) is is_shown


def test_another_host_is_not_shown_basic_even_over_tls(caplog: pytest.LogCaptureFixture) -> None:
    policy = ClientPolicy(redirects=(302,), basic_over_tls=True)
    exchange = ScriptedExchange("https://acs/", policy, redirect("https://other/"), OK)
    exchange.exchange()
    assert exchange.shown[1] == ("https://other/", "{}")
    assert caplog.messages == ["Credentials for acs are not shown to other, where it has sent CPEs"]
