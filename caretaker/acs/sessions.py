"""The sessions of the embedded ACS: its WSGI application towards CPEs (TR-069 3.4, 3.7)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from caretaker.acs.acs import ACS
from caretaker.acs.devices import KnownDevice
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import RPCs, rpcs_of
from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.session import ACSSession
from caretaker.errors import EnvelopeError, FaultError, SessionError, TransportError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.content_coding import decoded
from caretaker.http.credentials import Credentials

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


class _Controller:
    """The ACS behind one session: it finds the device and does its tasks, one RPC at a time."""

    def __init__(self, acs: ACS, peer: str) -> None:
        self._acs = acs
        self._peer = peer
        self._rpcs: RPCs | None = None
        self._task: Task | None = None
        self._response: m.Response | None = None
        self.device: KnownDevice | None = None

    def inform(self, inform: m.Inform) -> None:
        """A CPE opens a session; one that it has left half-way ends here."""
        self.device = self._acs.informed(inform, self._peer)
        old, self.device.session = self.device.session, self
        if old is not None:
            old.abandon()
        for task in self.device.tasks:
            task.begun.set()
        self._rpcs = self._acs.provision(self.device)

    def answer(self, request: m.Request) -> m.Response:
        """The response to a request of the CPE (``_METHODS``)."""
        if isinstance(request, m.UnreadableRequest) and m.REQUESTS[request.name] in _METHODS:
            raise FaultError(FaultCode.ACS_INVALID_ARGUMENTS, request.reason)
        method = _METHODS.get(type(request))
        if method is None:
            raise FaultError(FaultCode.ACS_METHOD_NOT_SUPPORTED)
        return method(request)

    def next_request(self) -> m.Request | None:
        """The next RPC of the present task, or the first of the next task."""
        while self._rpcs is not None or self._next_task():
            request = self._next_rpc()
            if request is not None:
                return request
        return None

    def _next_task(self) -> bool:
        assert self.device is not None
        if self.device.session is not self or not self.device.tasks:
            return False
        self._task = self.device.tasks.pop(0)
        self._rpcs = rpcs_of(self._task, self.device)
        return True

    def _next_rpc(self) -> m.Request | None:
        assert self._rpcs is not None
        response, self._response = self._response, None
        fault: FaultError | None = None
        try:
            return next(self._rpcs) if response is None else self._rpcs.send(response)
        except StopIteration:
            pass
        except FaultError as error:
            fault = error
        task, self._task, self._rpcs = self._task, None, None
        if task is not None:
            task.end(fault)
        return None

    def responded(self, response: m.Response) -> None:
        """The CPE has answered the last request."""
        self._response = response

    def abandon(self) -> None:
        """End a session that the CPE has left half-way: its task waits for the next one."""
        if self.device is not None and self._task is not None:
            self.device.tasks.insert(0, self._task)
        self._task = self._rpcs = None
        self.close()

    def close(self) -> None:
        """End the session with its device."""
        if self.device is not None and self.device.session is self:
            self.device.session = None
            for task in self.device.tasks:
                task.ended.set()


def _rpc_methods(_: m.GetRPCMethods) -> m.Response:
    names = [method.__name__ for method in _METHODS]
    return m.GetRPCMethodsResponse(("Inform", *names))


def _acknowledge(request: m.Request) -> m.Response:
    """The response of a method whose response has no arguments."""
    return request.response()


_METHODS: dict[type[m.Request], Callable[[Any], m.Response]] = {
    m.GetRPCMethods: _rpc_methods,
    m.TransferComplete: _acknowledge,
    m.AutonomousTransferComplete: _acknowledge,
    m.Kicked: lambda request: m.KickedResponse(request.next),
    m.RequestDownload: _acknowledge,
    m.DUStateChangeComplete: _acknowledge,
    m.AutonomousDUStateChangeComplete: _acknowledge,
}
"""The methods that a CPE may call, beside Inform, which opens the session (A.3.3, A.4.2)."""


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
        self, controller: _Controller, now: float, session_timeout: int | None
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
        credentials: that every CPE must show, by Digest; none are asked for without.
    """

    def __init__(self, acs: ACS, credentials: Credentials | None = None) -> None:
        self._acs = acs
        self._credentials = credentials
        self._verifier = DigestVerifier("Caretaker ACS", time.monotonic, nonce_seconds=300)
        self._sessions: dict[str, _Session] = {}
        self._last_check = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST of a CPE."""
        if environ["REQUEST_METHOD"] != "POST":
            return _reply(start_response, "405 Method Not Allowed", [("Allow", "POST")])
        if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:  # sent by browsers alone
            return _reply(start_response, "403 Forbidden", [], "pages of the web are no CPEs")
        try:
            body = _read(environ)
        except (TransportError, ValueError) as error:
            return _reply(start_response, "400 Bad Request", [], str(error))
        challenges = self._challenges(environ)
        if challenges:
            headers = [("WWW-Authenticate", challenge) for challenge in challenges]
            return _reply(start_response, "401 Unauthorized", headers)
        return self._session(environ, start_response, body)

    def _challenges(self, environ: WSGIEnvironment) -> list[str]:
        if self._credentials is None:
            return []
        target = environ.get("REQUEST_URI") or environ["PATH_INFO"]
        header = environ.get("HTTP_AUTHORIZATION")
        return self._verifier.check(self._credentials, "POST", target, header)

    def _session(
        self, environ: WSGIEnvironment, start_response: StartResponse, body: bytes
    ) -> Iterable[bytes]:
        now = time.monotonic()
        self._close_silent(now)
        token = _token(environ.get("HTTP_COOKIE", ""))
        try:
            envelope = decode(body) if body.strip() else None
            if envelope is not None and isinstance(envelope.message, m.Inform):
                if not self._acs.has_room(envelope.message):
                    return _reply(start_response, "503 Service Unavailable", _CLOSE)
                token = self._open(token, environ.get("REMOTE_ADDR", ""), envelope.session_timeout)
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
            session.controller.close()
            start_response("204 No Content", _CLOSE)
            return []
        cookie = ("Set-Cookie", f"session={token}; Path=/; HttpOnly")
        start_response("200 OK", [_XML, cookie, ("Content-Length", str(len(answer)))])
        return [answer]

    def _open(self, old: str, peer: str, session_timeout: int | None) -> str:
        """The token of a new session; the one of an old token ends."""
        self._close(old)
        while len(self._sessions) >= MAX_SESSIONS:
            self._close(next(iter(self._sessions)))
        token = secrets.token_hex(8)
        self._sessions[token] = _Session(
            _Controller(self._acs, peer), time.monotonic(), session_timeout
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


def _token(cookies: str) -> str:
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == "session":
            return value
    return ""


def _read(environ: WSGIEnvironment) -> bytes:
    """The body with its content coding undone; TransportError if it is broken or too large."""
    if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise ValueError("body is too large")
    body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("body is too large")
    return decoded(body, environ.get("HTTP_CONTENT_ENCODING", ""), MAX_BODY_BYTES)


def _reply(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]], text: str = ""
) -> Iterable[bytes]:
    body = text.encode()
    kind = [("Content-Type", "text/plain; charset=utf-8")] if body else []
    start_response(status, [*headers, *kind, ("Content-Length", str(len(body)))])
    return [body] if body else []
