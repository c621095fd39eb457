"""
Moving the bytes of a transfer over HTTP: GET or PUT (TR-069 A.3.2.8, A.4.1.5).

What comes is counted and dropped; what is sent is made up. No file is ever read or written, and no
host is asked that is not allowed (decision D10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urljoin

import gevent

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    InputError,
    LimitError,
    LoadShed,
    RedirectError,
    TransportError,
)
from caretaker.http.connection import Connection, Reply
from caretaker.http.credentials import Credentials
from caretaker.http.digest import HTTPAuth
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head
from caretaker.http.transport import MAX_CHALLENGES, MAX_REDIRECTS, USER_AGENT

MAX_FILE_BYTES = 1 << 30
"""A download that is larger has failed."""
MAX_SECONDS = 3600.0
"""A transfer that takes longer has failed."""
CONFIGURATION_BYTES = 20_000
LOG_BYTES = 100_000
"""What an Upload sends: about what a home router has."""

_REDIRECTS = (301, 302, 303, 307, 308)
_LINE = b"# Made up by Caretaker, a load generator; this is no file of a device.\n"
_PIECE = _LINE * 100

Request = m.Download | m.Upload | m.ScheduleDownload


class FileTransferResult(NamedTuple):
    """
    How a transfer went.

    Args:
        fault_code: 0 if it succeeded, else the fault that TransferComplete tells.
        sent, received: bytes of the file; none of one that was cut.
    """

    fault_code: int
    sent: int = 0
    received: int = 0


class _Verdict(NamedTuple):
    """The fault of a Download and of an Upload."""

    download: FaultCode
    upload: FaultCode


_F = FaultCode
_ANY = _Verdict(_F.FILE_TRANSFER_FAILURE, _F.UPLOAD_FAILURE)
_CUT = _Verdict(_F.CANNOT_COMPLETE_DOWNLOAD, _F.UPLOAD_FAILURE)
_ABSENT = _Verdict(_F.CANNOT_ACCESS_FILE, _F.CANNOT_ACCESS_FILE)
ERRORS: dict[type[TransportError], _Verdict] = {
    TransportError: _ANY,
    ConnectError: _Verdict(_F.CANNOT_CONTACT_FILE_SERVER, _F.CANNOT_CONTACT_FILE_SERVER),
    LimitError: _Verdict(_F.INTERNAL_ERROR, _F.INTERNAL_ERROR),
    ConnectionLost: _CUT,
    AnswerTimeout: _CUT,
    AnswerError: _ANY,
    AuthenticationError: _Verdict(
        _F.FILE_SERVER_AUTHENTICATION_FAILURE, _F.FILE_SERVER_AUTHENTICATION_FAILURE
    ),
    LoadShed: _ANY,
    RedirectError: _ABSENT,
}
"""The fault of each error."""
STATUSES = {403: _ABSENT, 404: _ABSENT, 410: _ABSENT}
"""The fault of each HTTP status; of any other that is no success a general one."""


@dataclass
class FileTransferClient:
    """
    Moves the files of all CPEs of a process; ``move`` runs in a greenlet of its own for each.

    Args:
        endpoint: of the ACS; its host and the other allowed ones may be file servers.
        bandwidth: bytes per second of each transfer; 0 for no limit.
        sleep: waits, in seconds.
    """

    endpoint: Endpoint
    bandwidth: float = 0.0
    sleep: Callable[[float], None] = gevent.sleep

    def move(self, request: Request) -> FileTransferResult:
        """Do what a Download, ScheduleDownload or Upload asks for; takes its time."""
        attempt = _Attempt(self, request)
        try:
            verdict = attempt.run()
        except TransportError as error:
            verdict = ERRORS[type(error)]
        finally:
            attempt.close()
        if verdict is None:
            return FileTransferResult(0, attempt.sent, attempt.received)
        code = verdict.upload if isinstance(request, m.Upload) else verdict.download
        return FileTransferResult(code, attempt.sent, attempt.received)


@dataclass
class _Attempt:
    """One transfer under way: its connection, auth and counts."""

    mover: FileTransferClient
    request: Request
    sent: int = 0
    received: int = 0
    _address: Address = field(init=False)
    _connection: Connection | None = None
    _auth: HTTPAuth | None = None

    def run(self) -> _Verdict | None:
        """Move the file; None if all went well."""
        self._address = self._allowed(self.request.url)
        if self.request.username or self.request.password:
            self._auth = HTTPAuth(Credentials(self.request.username, self.request.password))
        reply = self._final()
        if not 200 <= reply.status < 300:
            return STATUSES.get(reply.status, _ANY)
        size = 0 if isinstance(self.request, m.Upload) else self.request.file_size
        if size and size != self.received:
            return _Verdict(FaultCode.FILE_CORRUPTED, FaultCode.UPLOAD_FAILURE)
        return None

    def _final(self) -> Reply:
        """The reply when challenges are answered and redirects followed."""
        redirects = challenges = 0
        while True:
            reply = self._send()
            if reply.status == 401:
                challenges += 1
                if self._auth is None or challenges > MAX_CHALLENGES:
                    raise AuthenticationError("401: credentials refused")
                self._auth.challenge(reply.values("www-authenticate"))
            elif reply.status in _REDIRECTS and reply.values("location"):
                redirects += 1
                if redirects > MAX_REDIRECTS:
                    raise RedirectError("too many redirects")
                self._redirect(reply.values("location")[0])
            else:
                return reply

    def _send(self) -> Reply:
        """Over the open connection, or a new one if the server has closed it."""
        if self._connection is not None:
            try:
                return self._over(self._connection)
            except ConnectionLost:
                if not self._connection.silent:
                    raise
                self.close()
        self._connection = Connection(self.mover.endpoint, self._address)
        return self._over(self._connection)

    def _over(self, connection: Connection) -> Reply:
        is_upload = isinstance(self.request, m.Upload)
        method, size = ("PUT", upload_bytes(self.request.file_type)) if is_upload else ("GET", None)
        head = request_head(method, self._address, self._headers(method), size)
        pace = _Pace(self.mover)
        reply, taken = connection.stream(head, _made_up(size or 0), pace, MAX_FILE_BYTES)
        if 200 <= reply.status < 300:
            self.sent, self.received = size or 0, 0 if is_upload else taken
        if not reply.keep_alive:
            self.close()
        return reply

    def _headers(self, method: str) -> list[tuple[str, str]]:
        headers = [("User-Agent", USER_AGENT)]
        if method == "PUT":
            headers.append(("Content-Type", "application/octet-stream"))
        shown = self._auth.authorization(method, self._address.target) if self._auth else None
        return [*headers, ("Authorization", shown)] if shown else headers

    def _allowed(self, url: str) -> Address:
        try:
            address = Address.of(url)
        except InputError as error:
            raise RedirectError("URL is no http address") from error
        if address.host not in self.mover.endpoint.hosts:
            raise RedirectError("URL of a host that is not allowed")
        return address

    def _redirect(self, location: str) -> None:
        """A new host gets none of our secrets."""
        old, self._address = self._address, self._allowed(urljoin(self._address.url, location))
        if (old.scheme, self._address.scheme) == ("https", "http"):
            raise RedirectError("redirect from https to http")
        if old[:3] != self._address[:3]:
            self.close()
        if old.host != self._address.host:
            self._auth = None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Pace:
    """Holds one exchange to the bandwidth and to its time."""

    def __init__(self, mover: FileTransferClient) -> None:
        self._mover = mover
        self._began = mover.endpoint.clock()
        self._moved = 0

    def __call__(self, number: int) -> None:
        """So many bytes more have been moved."""
        mover = self._mover
        self._moved += number
        passed = mover.endpoint.clock() - self._began
        if passed > MAX_SECONDS:
            raise AnswerTimeout("transfer took too long")
        if mover.bandwidth and (ahead := self._moved / mover.bandwidth - passed) > 0:
            mover.sleep(ahead)


def upload_bytes(file_type: str) -> int:
    """How large a file of this type is made."""
    return LOG_BYTES if "Log" in file_type else CONFIGURATION_BYTES


def _made_up(size: int) -> Iterator[bytes]:
    while size > 0:
        yield _PIECE[:size]
        size -= len(_PIECE)
