"""The sessions of the embedded ACS: its WSGI application towards CPEs (TR-069 3.4, 3.7)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from caretaker.acs import files
from caretaker.acs.acs import ACS
from caretaker.acs.controller import Controller
from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode
from caretaker.cwmp.session import ACSSession, is_inform
from caretaker.errors import EnvelopeError, SessionError, TransportError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.certificates import Certificate, common_names, names
from caretaker.http.content_coding import decoded, encoded
from caretaker.http.credentials import Credentials
from caretaker.http.server_tls import CONNECTION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SESSION_SECONDS = 30.0
"""How long a session waits for the CPE's next POST (TR-069 asks for at least this)."""
MAX_SESSION_SECONDS = 600.0
"""How long it waits at most, whatever SessionTimeout the CPE asks for."""
MAX_POSTS = 20_000
"""Of one session; a CPE could go on with requests of its own for ever."""
MAX_LENGTH_SECONDS = 3_600
"""Of one session, from its Inform."""
MAX_SESSIONS = 100_000
"""At once; the one that began first makes room."""
MAX_BODY_BYTES = 32 * 1024 * 1024
CODINGS = ("", "gzip", "deflate")
"""Content codings of requests, as GenieACS takes them: spelled exactly so."""


class _Session:
    """
    One session between its POSTs.

    Args:
        controller: the ACS behind it.
        now: the time of the Inform, on the monotonic clock.
        session_timeout: the CPE's SessionTimeout in seconds, None without one (TR-069 3.5).
    """

    __slots__ = ("began", "controller", "last_post", "machine", "posts", "timeout")

    def __init__(
        self, controller: Controller, now: float, session_timeout: int | None
    ) -> None:  # fmt: skip
        self.controller = controller
        self.machine = ACSSession(controller)
        self.began = self.last_post = now
        self.posts = 0
        self.timeout = min(max(SESSION_SECONDS, session_timeout or 0), MAX_SESSION_SECONDS)

    def count_post(self, now: float) -> None:
        """
        Take note of a POST.

        Raises:
            SessionError: it is one too many, or the session lasts too long.
        """
        self.posts += 1
        self.last_post = now
        if self.posts > MAX_POSTS or now - self.began > MAX_LENGTH_SECONDS:
            raise SessionError("a session without an end")


class CWMPApp:
    """
    The WSGI application that CPEs talk to.

    A cookie names the session of a POST (TR-069 3.4.2), whatever connection it comes over.

    Args:
        acs: the devices.
        credentials: that every CPE must show, by Digest; none are asked for without, and of a CPE
            that has shown a certificate (TR-069 3.4.4).
        check_names: whether that certificate must name the device that informs.
    """

    def __init__(
        self, acs: ACS, credentials: Credentials | None = None, *, check_names: bool = False
    ) -> None:
        self._acs = acs
        self._check_names = check_names
        self._credentials = credentials
        self._verifier = DigestVerifier("Caretaker ACS", time.monotonic, nonce_seconds=300)
        self._sessions: dict[str, _Session] = {}
        self._last_check = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST of a CPE."""
        if environ["REQUEST_METHOD"] != "POST":
            return self._file(environ, start_response)
        if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:  # sent by browsers alone
            return _reply(start_response, "403 Forbidden", [], "pages of the web are no CPEs")
        coding = str(environ.get("HTTP_CONTENT_ENCODING", ""))
        if coding not in CODINGS:
            return _reply(start_response, "415 Unsupported Media Type", _CLOSE)
        try:
            body = _read(environ, coding)
        except (TransportError, ValueError) as error:
            return _reply(start_response, "400 Bad Request", [], str(error))
        challenges = self._challenges(environ)
        if challenges is not None:
            headers = [("WWW-Authenticate", challenge) for challenge in challenges]
            return _reply(start_response, "401 Unauthorized", headers)
        return self._session(environ, start_response, body, coding)

    def _file(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a GET of a file that a task has told a CPE to download."""
        path = str(environ["PATH_INFO"])
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(files.PATH):
            return _reply(start_response, "405 Method Not Allowed", [("Allow", "POST")])
        target = str(environ.get("REQUEST_URI") or path).partition("?")[0]
        file = self._acs.files.get(unquote(target.rpartition("/")[2]))
        if file is None:
            return _reply(start_response, "404 Not Found", [], "no such file")
        kind = ("Content-Type", "application/octet-stream")
        start_response("200 OK", [kind, ("Content-Length", str(len(file.content)))])
        return [file.content]

    def _challenges(self, environ: WSGIEnvironment) -> list[str] | None:
        """
        The challenges of a 401, None if there is to be none.

        As in GenieACS, a password that is wrong gets no challenge. Basic is no answer to one.
        """
        if self._credentials is None or client_certificate(environ) is not None:
            return None
        target = environ.get("REQUEST_URI") or environ["PATH_INFO"]
        header = environ.get("HTTP_AUTHORIZATION")
        challenges = self._verifier.check(self._credentials, "POST", target, header)
        if not challenges:
            return None
        is_refused = (header or "").lower().startswith("digest ")
        return [] if is_refused and not challenges[0].endswith("stale=true") else challenges

    def _session(
        self, environ: WSGIEnvironment, start_response: StartResponse, body: bytes, coding: str
    ) -> Iterable[bytes]:
        now = time.monotonic()
        self._close_silent(now)
        token = _token(environ.get("HTTP_COOKIE", ""))
        try:
            envelope = decode(body) if body.strip() else None
            if envelope is not None and is_inform(envelope.message):
                inform = envelope.message
                if isinstance(inform, m.Inform):
                    if self._check_names and not is_named(inform, client_certificate(environ)):
                        return _reply(start_response, "403 Forbidden", _CLOSE, _OTHER_DEVICE)
                    if not self._acs.has_room(inform):
                        return _reply(start_response, "503 Service Unavailable", _CLOSE)
                token = self._open(token, environ, envelope.session_timeout)
            session = self._sessions[token]
            session.count_post(now)
            answer = session.machine.take(envelope)
        except KeyError:
            return _reply(start_response, "400 Bad Request", _CLOSE, "Invalid session")
        except (EnvelopeError, SessionError) as error:
            self._close(token)
            return _reply(start_response, "400 Bad Request", _CLOSE, str(error))
        if not answer:
            self._close(token)
            start_response("204 No Content", _CLOSE)
            return []
        cookie = ("Set-Cookie", f"session={token}; Path=/; HttpOnly")
        return _envelope(start_response, answer, cookie, coding if body else "")

    def _open(self, old: str, environ: WSGIEnvironment, session_timeout: int | None) -> str:
        """The token of a new session; the one of an old token ends."""
        peer, host = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_HOST", "")
        self._close(old)
        while len(self._sessions) >= MAX_SESSIONS:
            self._close(next(iter(self._sessions)))
        token = secrets.token_hex(8)
        self._sessions[token] = _Session(
            Controller(self._acs, peer, host), time.monotonic(), session_timeout
        )
        return token

    def _close(self, token: str) -> None:
        session = self._sessions.pop(token, None)
        if session is not None:
            session.controller.abandon()

    def _close_silent(self, now: float) -> None:
        """Abandon the sessions whose CPE has gone silent; looks at them once in a while."""
        if now - self._last_check < SESSION_SECONDS / 3:
            return
        self._last_check = now
        for token, session in list(self._sessions.items()):
            if now - session.last_post > session.timeout:
                self._close(token)


_XML = ("Content-Type", 'text/xml; charset="utf-8"')
_CLOSE = [("Connection", "close")]
_OTHER_DEVICE = "the certificate is that of another device"


def client_certificate(environ: WSGIEnvironment) -> Certificate | None:
    """The certificate that a CPE has shown; None if it was asked for none."""
    connection = environ.get(CONNECTION)
    return connection.client_certificate() if connection is not None else None


def is_named(inform: m.Inform, certificate: Certificate | None) -> bool:
    """
    Whether a certificate names the device of an Inform, in its common name or another of its names.

    A name is the serial number, ``OUI-SerialNumber`` or ``OUI-ProductClass-SerialNumber``, with or
    without a domain behind a dot.
    """
    about = inform.device_id
    short = f"{about.oui}-{about.serial_number}"
    wanted = {about.serial_number, short, about.device_id}
    found = [*names(certificate), *common_names(certificate)] if certificate else []
    return any(name in wanted or name.partition(".")[0] in wanted for name in found)


def _envelope(
    start_response: StartResponse, answer: bytes, cookie: tuple[str, str], coding: str
) -> Iterable[bytes]:
    """Answer with an envelope, as in GenieACS in the content coding of the request."""
    headers = [_XML, cookie]
    if coding:
        answer = encoded(answer, coding)
        headers.append(("Content-Encoding", coding))
    start_response("200 OK", [*headers, ("Content-Length", str(len(answer)))])
    return [answer]


def _token(cookies: str) -> str:
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == "session":
            return value
    return ""


def _read(environ: WSGIEnvironment, coding: str) -> bytes:
    """The body with its content coding undone; TransportError if it is broken or too large."""
    if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise ValueError("body is too large")
    body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("body is too large")
    return decoded(body, coding, MAX_BODY_BYTES) if coding else body


def _reply(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]], text: str = ""
) -> Iterable[bytes]:
    body = text.encode()
    kind = [("Content-Type", "text/plain; charset=utf-8")] if body else []
    start_response(status, [*headers, *kind, ("Content-Length", str(len(body)))])
    return [body] if body else []
