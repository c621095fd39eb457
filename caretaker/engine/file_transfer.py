"""
File transfers over HTTP: GET for a Download, PUT for an Upload (TR-069 A.3.2.8, A.4.1.5).

Received bytes are counted and dropped, sent bytes are made up. No file is ever read or written, and
only allowed hosts are contacted (decision D10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import gevent

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.device.cpe import CPE
from caretaker.engine.device_tls import local_end
from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    LimitError,
    LoadShed,
    RedirectError,
    TransportError,
)
from caretaker.http.client import USER_AGENT, ClientPolicy, HTTPClient, allowed_address
from caretaker.http.connection import Connection
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import ANY_END, Endpoint, LocalEnd
from caretaker.http.request_head import request_head
from caretaker.http.response_parser import Response

MAX_FILE_BYTES = 1 << 30
"""A larger download fails."""
MAX_SECONDS = 3600.0
"""A transfer that takes longer fails."""
CONFIGURATION_BYTES = 20_000
LOG_BYTES = 100_000
"""Sizes of the files that an Upload sends, as of a typical home router."""

_POLICY = ClientPolicy(redirects=(301, 302, 303, 307, 308))
_LINE = b"# Made up by Caretaker, a load generator; this is no file of a device.\n"
_PIECE = _LINE * 100

Request = m.Download | m.Upload | m.ScheduleDownload


class FileTransferResult(NamedTuple):
    """
    The outcome of a transfer.

    Args:
        fault_code: 0 after success, else the fault for TransferComplete.
        sent, received: bytes of the file; 0 if the transfer was cut off.
        reason: why it failed; empty after success.
        quoted: what the file server said to it.
    """

    fault_code: int
    sent: int = 0
    received: int = 0
    reason: str = ""
    quoted: str = ""


class _Faults(NamedTuple):
    """The fault code of one problem, for a Download and for an Upload."""

    download: FaultCode
    upload: FaultCode

    def of(self, request: Request) -> FaultCode:
        """The fault code for this request."""
        return self.upload if isinstance(request, m.Upload) else self.download


_F = FaultCode
_ANY = _Faults(_F.FILE_TRANSFER_FAILURE, _F.UPLOAD_FAILURE)
_CUT = _Faults(_F.CANNOT_COMPLETE_DOWNLOAD, _F.UPLOAD_FAILURE)
_ABSENT = _Faults(_F.CANNOT_ACCESS_FILE, _F.CANNOT_ACCESS_FILE)
_REFUSED = _Faults(_F.FILE_SERVER_AUTHENTICATION_FAILURE, _F.FILE_SERVER_AUTHENTICATION_FAILURE)
ERRORS: dict[type[TransportError], _Faults] = {
    TransportError: _ANY,
    ConnectError: _Faults(_F.CANNOT_CONTACT_FILE_SERVER, _F.CANNOT_CONTACT_FILE_SERVER),
    LimitError: _Faults(_F.INTERNAL_ERROR, _F.INTERNAL_ERROR),
    ConnectionLost: _CUT,
    AnswerTimeout: _CUT,
    AnswerError: _ANY,
    AuthenticationError: _REFUSED,
    LoadShed: _ANY,
    RedirectError: _ABSENT,
}
"""The fault codes of each error."""
STATUSES = {401: _REFUSED, 403: _ABSENT, 404: _ABSENT, 410: _ABSENT}
"""The fault codes of each HTTP status; other statuses beside 2xx have the general ones."""


@dataclass
class FileTransferClient:
    """
    Transfers the files of all CPEs of a process; each ``move`` runs in a greenlet of its own.

    Args:
        endpoint: of the ACS; its host and the allowed hosts may be file servers.
        bandwidth: bytes per second of each transfer (0: unlimited).
        sleep: waits for a number of seconds.
    """

    endpoint: Endpoint
    bandwidth: float = 0.0
    sleep: Callable[[float], None] = gevent.sleep

    def move(self, request: Request, cpe: CPE | None = None) -> FileTransferResult:
        """
        Transfer the file of a Download, ScheduleDownload or Upload; waits until it is done.

        Args:
            request: of the ACS.
            cpe: whose transfer it is; None for none, which shows no certificate.
        """
        # The addresses of CPEs need not reach a file server.
        own = ANY_END if cpe is None else local_end(self.endpoint, cpe)._replace(source="")
        try:
            with closing(_Transfer(self, request, own)) as transfer:
                return transfer.result()
        except TransportError as error:
            fault_code = ERRORS[type(error)].of(request)
            return FileTransferResult(fault_code, reason=error.reason, quoted=error.quoted)


class _Transfer(HTTPClient):
    """One transfer under way: GET or PUT at the URL of its request."""

    def __init__(self, client: FileTransferClient, request: Request, own: LocalEnd) -> None:
        address = allowed_address(
            client.endpoint,
            request.url,
            not_http="URL is no http address",
            not_allowed="URL of a host that is not allowed",
        )
        credentials = Credentials(request.username, request.password)
        shown = credentials if any(credentials) else None
        super().__init__(client.endpoint, address, shown, _POLICY, own)
        self._client = client
        self._rpc = request
        self._upload_size = (
            upload_bytes(request.file_type) if isinstance(request, m.Upload) else None
        )
        self._received = 0

    def result(self) -> FileTransferResult:
        """Transfer the file, and return the outcome."""
        status = self.exchange().status
        if not 200 <= status < 300:
            fault_code = STATUSES.get(status, _ANY).of(self._rpc)
            return FileTransferResult(fault_code, reason=f"HTTP {status}")
        if isinstance(self._rpc, m.Upload):
            return FileTransferResult(0, sent=self._upload_size or 0)
        if self._rpc.file_size not in (0, self._received):
            return FileTransferResult(
                FaultCode.FILE_CORRUPTED, received=self._received, reason="not FileSize bytes"
            )
        return FileTransferResult(0, received=self._received)

    def _request(self, connection: Connection, body: bytes) -> Response:  # noqa: ARG002
        """Stream the file, which is made up piece by piece and so not in ``body``."""
        method = "GET" if self._upload_size is None else "PUT"
        head = request_head(method, self._address, self._headers(method), self._upload_size)
        pieces, pace = _made_up(self._upload_size or 0), _BandwidthLimit(self._client)
        response, self._received = connection.stream(head, pieces, pace, MAX_FILE_BYTES)
        return response

    def _headers(self, method: str) -> list[tuple[str, str]]:
        described = [("Content-Type", "application/octet-stream")] if method == "PUT" else []
        return [("User-Agent", USER_AGENT), *described, *self._authorization(method)]


class _BandwidthLimit:
    """Slows one exchange down to the bandwidth, and ends it after ``MAX_SECONDS``."""

    def __init__(self, client: FileTransferClient) -> None:
        self._client = client
        self._began = client.endpoint.clock()
        self._moved = 0

    def __call__(self, number: int) -> None:
        """Count bytes that were moved, and sleep while they are ahead of the bandwidth."""
        client = self._client
        self._moved += number
        passed = client.endpoint.clock() - self._began
        if passed > MAX_SECONDS:
            raise AnswerTimeout("transfer took too long")
        if client.bandwidth and (ahead := self._moved / client.bandwidth - passed) > 0:
            client.sleep(ahead)


def upload_bytes(file_type: str) -> int:
    """The size of the made-up file of this type."""
    return LOG_BYTES if "Log" in file_type else CONFIGURATION_BYTES


def _made_up(size: int) -> Iterator[bytes]:
    """The pieces of a made-up file of this size."""
    while size > 0:
        yield _PIECE[:size]
        size -= len(_PIECE)
