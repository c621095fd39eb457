"""Harnesses of HTTP and its parts, of both roles, and of the servers behind it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from caretaker import north_bound_client
from caretaker.acs import acs, devices, north_bound, posted_json, presets, queries, task_rpcs
from caretaker.connection_request import genieacs_client, server
from caretaker.cwmp import messages as m
from caretaker.device import identity
from caretaker.engine import recorded_session
from caretaker.errors import (
    AnswerError,
    AuthenticationError,
    DeviceNotFound,
    InputError,
    ReasonError,
    RedirectError,
)
from caretaker.http import (
    authentication,
    challenges,
    client,
    connect_errors,
    content_coding,
    cookies,
    digest,
    endpoint,
    ip_addresses,
    known_heads,
    logins,
    request_parser,
    response_parser,
    wsgi_environ,
)
from caretaker.http.credentials import Credentials
from fuzz.extensions import engine_module
from fuzz.harness import CONTROLS, LINE, MAX_BYTES, Harness
from fuzz.wsgi import asked, request, served

Read = tuple[int, list[tuple[str, str]], bytes, bool]


def _response(data: bytes, piece: int) -> Read | None:
    """The response as the parser reads it in pieces; None where it is not complete."""
    reader = response_parser.ResponseReader()
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece], MAX_BYTES)
    if not reader.complete:
        return None
    read = reader.response()
    return read.status, list(read.headers), read.body, read.keep_alive


def _http_response(data: bytes) -> object:
    """What is read without the parser, or by the I/O engine, is as the parser reads it."""
    plain = response_parser.plain_response(data)
    taken = _engine_framing(data)
    read = _response(data, len(data) or 1)
    if plain is not None:
        assert read == (plain.status, list(plain.headers), plain.body, plain.keep_alive)
    if isinstance(taken, tuple):
        status, head, closes, _ = taken
        assert plain is not None
        assert (status, data[head + 4 :], not closes) == (
            plain.status,
            plain.body,
            plain.keep_alive,
        )
    elif taken is not None:
        assert plain is None
        assert read is None or not taken  # the engine awaits more than has come
    return read


def _engine_framing(data: bytes) -> bool | tuple[int, int, bool, bool] | None:
    """How the I/O engine takes an answer; None where there is no engine."""
    module = engine_module()
    return None if isinstance(module, str) else module.framing(data)


def _requests(data: bytes, piece: int) -> list[Any]:
    reader = request_parser.RequestReader({})
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    told = [
        (
            request.refusal,
            request.environ.pop("wsgi.input").read() if not request.refusal else b"",
            sorted(request.environ.items()),
            request.keep_alive,
        )
        for request in reader.requests
    ]
    reader.close()
    return told


def _http_request(data: bytes) -> object:
    """How the bytes are split makes no difference."""
    read = _requests(data, len(data) or 1)
    assert read == _requests(data, 7)
    return read


_MOST_LINES = 4


def _lines(data: bytes) -> list[str]:
    """The values of some headers of one name; more than a few show nothing new."""
    return data.decode("latin-1").splitlines()[:_MOST_LINES]


_WHO = Credentials("user", "password")


def _authentication(data: bytes) -> object:
    """A challenge is answered with a header, in one line; any answer is judged."""
    values = _lines(data)
    side = authentication.HTTPAuth(_WHO)
    verifier = authentication.DigestVerifier("realm", lambda: 1.0, allow_basic=True)
    judged = [len(verifier.check(_WHO, "GET", "/", value)) for value in values]
    alone = _answer_alone(values)
    try:
        side.challenge(values)
    except AuthenticationError:
        assert alone is None
        raise
    if isinstance(side._login, digest.DigestAnswers):
        side._login.cnonce = ""
    answer = side.authorization("POST", "/")
    assert answer is not None
    assert not CONTROLS.search(answer)
    assert alone in (None, answer)
    return judged, answer


def _answer_alone(values: list[str]) -> str | None:
    """The answer to a 401 with these challenges if all but the nonce of its head is known."""
    lines = [f"WWW-Authenticate: {value}" for value in values]
    head = "\r\n".join(("HTTP/1.1 401 Unauthorized", *lines, "Content-Length: 0"))
    if challenges.asks_for_basic(head.encode("latin-1")):
        return logins.BasicLogin(_WHO).header("POST", "/")
    found = challenges.only_challenge(head.encode("latin-1"))
    if found is None:
        return None
    answers = digest.DigestAnswers(*found, _WHO)
    answers.cnonce = ""
    return answers.header("POST", "/")


def _set_cookie(data: bytes) -> object:
    jar = cookies.CookieJar()
    for value in _lines(data):
        jar.take(value)
    header = jar.header("/acs")
    assert not CONTROLS.search(header)
    return header


_CODINGS = ("gzip", "deflate", "identity", "br")


def _content_coding(data: bytes) -> object:
    coding = _CODINGS[data[0] % len(_CODINGS)] if data else ""
    body = content_coding.decoded(data[1:], coding, MAX_BYTES)
    assert len(body) <= max(MAX_BYTES, len(data))
    return body


def _url(data: bytes) -> object:
    """A URL is read the same again; whatever was in it, its parts fit into a request."""
    address = endpoint.Address.of(data.decode("utf-8", "replace"))
    assert endpoint.Address.of(address.url) == address
    one = ip_addresses.same_host(address.host)
    assert ip_addresses.same_host(one) == one
    assert not CONTROLS.search(f"{address.target}{address.host_header}")
    return address


_ACS = endpoint.Endpoint(endpoint.Address.of("http://acs/path"), allowed_hosts=frozenset({"b"}))


def _redirect(data: bytes) -> object:
    """Redirects lead to allowed hosts only, and other hosts are shown no credentials."""
    sent = client.HTTPClient(_ACS, _ACS.address, lambda: _WHO, client.ClientPolicy((302,)))
    for location in _lines(data):
        sent._redirect(location)
        assert sent._address.host in _ACS.hosts
        assert sent._address.host == "acs" or sent._credentials is None
    return sent._address


_IDENTITIES = identity.Identities(7)


def _find(serial_number: str) -> None:
    if _IDENTITIES.index_of(serial_number) is None:
        raise DeviceNotFound(serial_number)


def _connection_request(data: bytes) -> object:
    """Whatever comes over a connection, the server of Connection Requests has answers to it."""
    return served(server.ConnectionRequestApp(_find, _WHO, clock=lambda: 1.0), data)


def _acs_with_a_device() -> acs.ACS:
    known = acs.ACS()
    about = m.DeviceIdStruct("Acme", "00AABB", "R-1", "S1")
    known.devices["D"] = devices.KnownDevice("D", about, 1.7e9)
    known.devices["D"].parameters.learn_values([m.ParameterValueStruct("Device.A.B", "c", "")], 1.0)
    return known


def _north_bound(data: bytes) -> object:
    """Any query and any task has an answer, which is not a 500."""
    api = north_bound.NorthBoundApp(_acs_with_a_device())
    text = quote(data)
    found = asked(api, request("GET", "/devices", QUERY_STRING=f"query={text}"))
    ordered = asked(api, request("GET", "/devices", QUERY_STRING=f"sort={text}"))
    posted = asked(api, request("POST", "/devices/D/tasks", data))
    preset = asked(api, request("PUT", "/presets/P", data))
    return found.status, ordered.status, posted.status, preset.status


def _north_bound_request(data: bytes) -> object:
    """Whatever comes over a connection, the north-bound API has answers to it."""
    return served(north_bound.NorthBoundApp(_acs_with_a_device()), data)


def _connection_request_url(data: bytes) -> object:
    """A CPE aims the Connection Requests of the embedded ACS at itself only."""
    known = _acs_with_a_device()
    device = known.devices["D"]
    device.url, device.peer = data.decode("utf-8", "replace"), "198.51.100.7"
    host = endpoint.Address.of(device.url).host
    reaches = known._may_reach(device, host)
    assert not reaches or host == device.peer
    return reaches


def _genieacs_challenge(data: bytes) -> object:
    """Any challenge has an answer, which goes into one header."""
    fields = genieacs_client._fields(data.decode("latin-1"))
    answer = genieacs_client._digest(fields, _WHO, "/cr")
    assert not re.search(r"[\x00-\x1f\x7f]", answer)
    return re.sub(r'(cnonce|response)="[^"]*"', r"\1", answer)  # which are others each time


def _north_bound_answer(data: bytes) -> object:
    """The answer of any north-bound API is an outcome, with a reason in one line."""
    phrase, _, body = data.partition(b"\n")
    said = phrase.decode("latin-1")
    return [north_bound_client.task_result(status, said, body) for status in (200, 202, 404, 504)]


def _recorded_answer(data: bytes) -> object:
    """Any response is kept, as HTTP that can be read again."""
    reader = response_parser.ResponseReader()
    reader.feed(data, MAX_BYTES)
    if not reader.complete:
        return None
    exchange = recorded_session.RecordedExchange(0.0, 1, b"", data, reader.response())
    kept = recorded_session._response(exchange)
    again = response_parser.ResponseReader()
    again.feed(kept, 10 * MAX_BYTES)
    return kept, recorded_session._exchange_meta(1, exchange, 0.0)


HTTP: dict[str, Harness] = {
    "http_response": Harness(_http_response, (response_parser, connect_errors), (ReasonError,)),
    "http_request": Harness(_http_request, (request_parser, known_heads, wsgi_environ)),
    "authentication": Harness(
        _authentication,
        (authentication, challenges, digest),
        (AuthenticationError,),
        max_bytes=LINE,
    ),
    "set_cookie": Harness(_set_cookie, (cookies,), max_bytes=LINE),
    "content_coding": Harness(_content_coding, (content_coding,), (AnswerError,)),
    "url": Harness(_url, (endpoint, ip_addresses), (InputError,), max_bytes=LINE),
    "redirect": Harness(_redirect, (client, endpoint), (RedirectError,), max_bytes=LINE),
    "connection_request": Harness(_connection_request, (server, authentication, identity)),
    "connection_request_url": Harness(
        _connection_request_url, (acs,), (InputError,), max_bytes=LINE
    ),
    "genieacs_challenge": Harness(
        _genieacs_challenge, (genieacs_client,), (ValueError,), max_bytes=LINE
    ),
    "recorded_answer": Harness(_recorded_answer, (recorded_session,), (ReasonError,)),
    "north_bound_answer": Harness(_north_bound_answer, (north_bound_client,)),
    "north_bound": Harness(
        _north_bound,
        (north_bound, devices, task_rpcs, queries, posted_json, presets),
        max_bytes=LINE,
    ),
    "north_bound_request": Harness(_north_bound_request, (north_bound, request_parser)),
}
"""The harnesses by their names."""
