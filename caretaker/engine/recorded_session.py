"""
A session in files, for people and for tests: its HTTP messages, with their secrets masked.

Each session has a folder with ``001.request.http``, ``001.response.http`` and so on, and the facts
in ``meta.json`` (docs/recordings.md). The file of a message that was not sent is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

from caretaker.errors import TransportError
from caretaker.http.content_coding import decoded
from caretaker.http.response_parser import Response
from caretaker.masking import masked, masked_body, masked_header
from caretaker.stats.records import SessionRecord


class RecordedExchange:
    """
    One HTTP exchange with its bytes; ``stats.records.ExchangeRecord`` has the figures of one.

    Args:
        at: when it began, in seconds on the endpoint's clock.
        connection: which connection of the session, from 1; 0 if there was none.
        head, body: the request as it was sent; empty if nothing was sent.
        response: the response; None if none came.
        failure: why none came.
    """

    __slots__ = ("at", "body", "connection", "failure", "head", "response")

    def __init__(
        self,
        at: float,
        connection: int,
        head: bytes,
        body: bytes,
        response: Response | None,
        *,
        failure: str = "",
    ) -> None:
        self.at = at
        self.connection = connection
        self.head = head
        self.body = body
        self.response = response
        self.failure = failure

    @property
    def size(self) -> int:
        """Bytes of both messages."""
        size = len(self.head) + len(self.body)
        if self.response is not None:
            size += len(self.response.body) + sum(
                [len(name) + len(value) for name, value in self.response.headers]
            )
        return size


@dataclass(frozen=True)
class RecordedSession:
    """
    A session that is kept in files.

    Args:
        serial_number: of its CPE.
        number: of the session among those of the CPE, from 1.
        profile: the name of the CPE's profile.
        acs_url: the ACS of the fleet.
        began: when it began, in seconds since 1970.
        record: how it went.
        exchanges: its HTTP exchanges in order.
    """

    serial_number: str
    number: int
    profile: str
    acs_url: str
    began: float
    record: SessionRecord
    exchanges: tuple[RecordedExchange, ...]

    @property
    def size(self) -> int:
        """Bytes of all messages."""
        return sum(exchange.size for exchange in self.exchanges)


def write(session: RecordedSession, folder: Path, name: str) -> None:
    """
    Write a session without its secrets into a new folder.

    Args:
        session: to write.
        folder: takes the new folder.
        name: of worker and run; the name of the new folder begins with it.

    Raises:
        OSError: the files can't be written.
    """
    ending = "" if session.record.reason is None else "-failed"
    # A listed one may have slashes, or letters that take more bytes than a name can have.
    serial_number = re.sub(r"[^\w.-]", "_", session.serial_number, flags=re.ASCII)
    session_folder = _new_folder(folder, f"{name}-{serial_number}-{session.number}{ending}")
    for number, exchange in enumerate(session.exchanges, 1):
        (session_folder / f"{number:03}.request.http").write_bytes(_request(exchange))
        (session_folder / f"{number:03}.response.http").write_bytes(_response(exchange))
    # Written last, so that a folder with this file is complete.
    text = json.dumps(_meta(session), indent=1, ensure_ascii=False)
    (session_folder / "meta.json").write_text(f"{text}\n", encoding="utf-8")


def _new_folder(folder: Path, name: str) -> Path:
    """Make a folder; when there is one of that name already, a number follows."""
    for number in count(1):
        path = folder / (name if number == 1 else f"{name}.{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError


_STATUSES = frozenset(HTTPStatus)
_FRAMING = ("content-length", "content-encoding", "transfer-encoding")


def _message(first_line: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """An HTTP message: masked, with the Content-Length of the masked body."""
    headers = list(headers)
    kept = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
    coding = "".join(value for name, value in headers if name.lower() == "content-encoding")
    try:
        shown = masked_body(decoded(body, coding))
    except TransportError as error:
        shown = f"(this body can't be read: {error})".encode()
    lines = [masked(first_line)]
    lines += [f"{name}: {masked_header(name, value)}" for name, value in kept]
    lines += [f"Content-Length: {len(shown)}", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + shown


def _request(exchange: RecordedExchange) -> bytes:
    if not exchange.head:
        return b""
    first, *lines = exchange.head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = [line.partition(":") for line in lines]
    return _message(first, [(name, value.strip()) for name, _, value in parts], exchange.body)


def _response(exchange: RecordedExchange) -> bytes:
    response = exchange.response
    if response is None:
        return b""
    phrase = HTTPStatus(response.status).phrase if response.status in _STATUSES else ""
    return _message(f"HTTP/1.1 {response.status} {phrase}", response.headers, response.body)


_RPC = re.compile(rb"<(?:[\w.-]+:)?Body\b[^<>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")


def _rpc(body: bytes) -> str | None:
    """The name of the first element in the SOAP body; None where there is none to see."""
    match = _RPC.search(body)
    return match[1].decode("latin-1") if match else None


def _meta(session: RecordedSession) -> dict[str, Any]:
    """The facts of ``meta.json``."""
    record, exchanges = session.record, session.exchanges
    return {
        "acs": masked(session.acs_url),
        "cpe": session.serial_number,
        "scenario": record.reason or "sampled",
        "versions": {"cpe": f"Caretaker, profile {session.profile}"},
        "direction": "cwmp",
        "note": "Secrets are masked; lengths and codings are those of what is in the files.",
        "trigger": ", ".join(record.events),
        "began": datetime.fromtimestamp(session.began, UTC).isoformat(timespec="milliseconds"),
        "outcome": record.outcome.value,
        "reason": record.reason,
        "blame": record.blame.value if record.blame is not None else None,
        "seconds": round(record.seconds, 6),
        "exchanges": [
            _exchange_meta(number, exchange, exchanges[0].at)
            for number, exchange in enumerate(exchanges, 1)
        ],
    }


def _exchange_meta(number: int, exchange: RecordedExchange, began: float) -> dict[str, Any]:
    response = exchange.response
    return {
        "n": number,
        "connection": exchange.connection,
        "t_ms": round((exchange.at - began) * 1000, 1),
        "request": masked(exchange.head.partition(b"\r\n")[0].decode("latin-1")),
        "request_rpc": _rpc(exchange.body),
        "status": response.status if response is not None else None,
        "response_rpc": _rpc(response.body) if response is not None else None,
        **({"broken_response": exchange.failure} if exchange.failure else {}),
    }
