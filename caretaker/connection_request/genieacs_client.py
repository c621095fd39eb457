"""
Sending a Connection Request as GenieACS 1.2.16 does, with all that it does not put up with.

A CPE that GenieACS would not reach is not reached by this client either. What it does was measured;
``docs/embedded-acs.md`` lists it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from contextlib import closing
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import gevent.socket
import httptools

from caretaker.connection_request import phrases
from caretaker.connection_request.client import TIMEOUT
from caretaker.connection_request.steps import Observer, Step, nobody
from caretaker.errors import ConnectError, InputError, LimitError, TransportError
from caretaker.http.connect_errors import connect_error
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.request_head import request_head
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings

MAX_ANSWER_BYTES = 64 * 1024
"""Of one answer; the rest would not be read."""
_PARSE_ERROR = "Parse Error"
_CLOSED = "socket hang up"
"""What Node says of a connection that ends, or brings nothing in time."""


class _Answer(NamedTuple):
    status: int
    challenges: tuple[str, ...]
    keep_alive: bool


class _NoAnswer(Exception):
    """
    There was no answer.

    Args:
        reason: why.
        is_offline: whether GenieACS takes the device for offline.
    """

    def __init__(self, reason: str, *, is_offline: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_offline = is_offline

    @property
    def phrase(self) -> str:
        """What GenieACS says."""
        return phrases.OFFLINE if self.is_offline else phrases.failed(self.reason)


class _Reader:
    """Reads one answer as strictly as Node, whose parser httptools has."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._challenges: list[str] = []
        self._size = 0
        self._keep_alive = False
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"www-authenticate":
            self._challenges.append(value.decode("latin-1"))

    def on_message_complete(self) -> None:
        self.is_complete = self._parser.get_status_code() >= 200
        self._keep_alive = self._parser.should_keep_alive()

    def feed(self, data: bytes) -> None:
        """Read the next bytes; ``_NoAnswer`` if they are not HTTP."""
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.is_complete:
                raise _NoAnswer(_PARSE_ERROR, is_offline=False) from error
        if self._size > MAX_ANSWER_BYTES:
            raise _NoAnswer(_PARSE_ERROR, is_offline=False)

    def answer(self) -> _Answer:
        status = self._parser.get_status_code()
        return _Answer(status, tuple(self._challenges), self._keep_alive)


class _Agent:
    """Sends GETs to one URL, over one connection as long as the device keeps that open."""

    def __init__(
        self, url: str, timeout: float, observer: Observer, version: IPVersion = IPVersion.ANY
    ) -> None:
        self.address = Address.of(url)
        self._version = version
        self._timeout = timeout
        self._observer = observer
        self._socket: gevent.socket.socket | None = None

    def get(self, authorization: str) -> _Answer:
        """The answer to a GET with this Authorization header, if it is not empty."""
        step = Step(self.address.url, self._socket is None, authorization)
        try:
            answer = self._exchange(authorization)
        except _NoAnswer as error:
            self.close()
            self._observer(step._replace(error=error.reason))
            raise
        if not answer.keep_alive:
            self.close()
        self._observer(step._replace(status=answer.status, challenges=answer.challenges))
        return answer

    def _exchange(self, authorization: str) -> _Answer:
        sock = self._socket = self._socket or self._connect()
        headers = [("Authorization", authorization)] if authorization else []
        reader = _Reader()
        try:
            sock.sendall(request_head("GET", self.address, headers, None))
            while not reader.is_complete:
                data = sock.recv(16 * 1024)
                if not data:
                    raise _NoAnswer(_CLOSED, is_offline=True)
                reader.feed(data)
        except OSError as error:  # also a timeout
            raise _NoAnswer(_CLOSED, is_offline=True) from error
        return reader.answer()

    def _connect(self) -> gevent.socket.socket:
        try:
            return gevent.socket.create_connection(self._target(), self._timeout)
        except ConnectError as error:
            raise _NoAnswer(error.reason, is_offline=False) from error
        except OSError as error:
            failure: TransportError = connect_error(error)
            if isinstance(failure, LimitError):
                raise failure from error
            is_offline = isinstance(error, ConnectionError | TimeoutError)
            raise _NoAnswer(failure.reason, is_offline=is_offline) from error
        except UnicodeError as error:
            reason = ConnectError("host name not found").reason
            raise _NoAnswer(reason, is_offline=False) from error

    def _target(self) -> tuple[str, int]:
        """Host and port, with the first address of one version where that is asked for."""
        if self._version is IPVersion.ANY:
            return self.address.host, self.address.port
        address = self.address.resolve(self._version)[0][1]
        return address[0], address[1]

    def close(self) -> None:
        """Close the connection; a later GET opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def send_as_genieacs(
    url: str,
    credentials: Credentials | None,
    observer: Observer = nobody,
    _: TLSSettings = SYSTEM_TRUST,
    version: IPVersion = IPVersion.ANY,
) -> str | None:
    """
    Send a Connection Request as GenieACS does; its words if it was not accepted, None if it was.

    Args:
        url: the CPE's ConnectionRequestURL.
        credentials: its ConnectionRequestUsername and -Password; empty ones if None.
        observer: is told each step.
        version: of IP, that the CPE is reached by.

    Raises:
        InputError: the URL is not an http URL.
        LimitError: this machine has no sockets left.
    """
    agent = _Agent(url.strip().replace(" ", "%20"), TIMEOUT, observer, version)
    if agent.address.scheme != "http":
        raise InputError(f"URL {url!r}: GenieACS sends Connection Requests to http URLs only")
    with closing(agent):
        try:
            first = agent.get(_login_in_url(url))
            phrase = _phrase(first)
            if first.status != 401 or phrase is not None:
                return phrase
            return _authorized(agent, first, credentials or Credentials("", ""))
        except _NoAnswer as error:
            return error.phrase


def _login_in_url(url: str) -> str:
    """GenieACS shows the login in a URL unasked."""
    parts = urlsplit(url)
    if not parts.username:
        return ""
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _phrase(answer: _Answer) -> str | None:
    """What GenieACS says of an answer; None of one that accepts, or that has a challenge."""
    if answer.status in (200, 204) or (answer.status == 401 and answer.challenges):
        return None
    return phrases.unexpected(answer.status)


def _authorized(agent: _Agent, first: _Answer, credentials: Credentials) -> str | None:
    """Answer the challenge of the first answer; what GenieACS says then."""
    scheme, _, rest = ", ".join(first.challenges).strip().partition(" ")
    try:
        fields = _fields(rest)
    except ValueError:
        return phrases.BAD_CHALLENGE
    if scheme != "Digest":
        return phrases.NO_BASIC if scheme == "Basic" else phrases.UNKNOWN_SCHEME
    digest = _digest(fields, credentials, agent.address.target)
    try:
        answer = agent.get(digest)
    except _NoAnswer as error:
        try:  # GenieACS tries again, and does not look at what it gets
            agent.get(digest)
        except _NoAnswer as second:
            return phrases.failed(second.reason)
        return error.phrase
    return phrases.REFUSED if answer.status == 401 else _phrase(answer)


_FIELD = re.compile(r'\s*([^=,]*?)\s*=\s*(?:("(?:[^"\\]|\\.)*")|([^",][^,]*|))\s*(?:,|$)')


def _fields(text: str) -> dict[str, str]:
    """
    The fields of all challenges together: one that comes again counts.

    Raises:
        ValueError: they are malformed.
    """
    fields: dict[str, str] = {}
    text = text[:MAX_ANSWER_BYTES].strip(" ,")
    place = 0
    while place < len(text):
        match = _FIELD.match(text, place)
        if match is None:
            raise ValueError(text)
        fields[match[1]] = json.loads(match[2]) if match[2] else match[3].strip()
        place = match.end()
    return fields


def _digest(fields: dict[str, str], credentials: Credentials, target: str) -> str:
    """The answer to a challenge: always MD5, whatever the algorithm that is asked for."""
    qop = fields.get("qop", "")
    qop = "auth" if "," in qop else qop
    realm, nonce, cnonce = fields.get("realm", ""), fields.get("nonce", ""), secrets.token_hex(8)
    a1 = _md5(f"{credentials.username}:{realm}:{credentials.password}")
    entity = f":{_md5('')}" if qop == "auth-int" else ""
    a2 = _md5(f"GET:{target}{entity}")
    middle = f"{nonce}:00000001:{cnonce}:{qop}" if qop else nonce
    response = _md5(f"{a1}:{middle}:{a2}")
    quoted = {"username": credentials.username, "realm": realm, "nonce": nonce, "uri": target}
    parts = [f'{name}="{_without_line_ends(value)}"' for name, value in quoted.items()]
    if fields.get("algorithm"):
        parts.append(f"algorithm={_without_line_ends(fields['algorithm'])}")
    if qop:
        parts += [f"qop={_without_line_ends(qop)}", "nc=00000001", f'cnonce="{cnonce}"']
    parts.append(f'response="{response}"')
    if fields.get("opaque"):
        parts.append(f'opaque="{_without_line_ends(fields["opaque"])}"')
    return f"Digest {','.join(parts)}"


def _without_line_ends(value: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", "", value)


def _md5(text: str) -> str:
    # TR-069 3.4.5 prescribes Digest with MD5, weak as it is today.
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
