"""
A session in files, for people and for tests: HTTP messages as they were, but for what is secret.

Each has a folder of its own: ``001.request.http``, ``001.response.http`` and so on, and the facts
in ``meta.json`` (docs/recordings.md). An empty file is of a message that was not sent.
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
from caretaker.http.connection import Reply
from caretaker.http.content_coding import decoded
from caretaker.masking import masked, masked_body, masked_header
from caretaker.stats.records import SessionRecord


class Exchange:
    """
    One HTTP exchange.

    Args:
        at: when it began, in seconds on the endpoint's clock.
        connection: which of the session's, from 1; 0 if there was none.
        head, body: of the request, as they were sent; empty if nothing was.
        reply: None if none came.
        failure: why not.
    """

    __slots__ = ("at", "body", "connection", "failure", "head", "reply")

    def __init__(
        self,
        at: float,
        connection: int,
        head: bytes,
        body: bytes,
        reply: Reply | None,
        *,
        failure: str = "",
    ) -> None:
        self.at = at
        self.connection = connection
        self.head = head
        self.body = body
        self.reply = reply
        self.failure = failure

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.body) + (len(self.reply.body) if self.reply is not None else 0)


@dataclass(frozen=True)
class Session:
    """
    A session that is kept, with all that its files say of it.

    Args:
        serial_number, profile: of its CPE; the profile by name.
        number: of the session among those of the CPE, from 1.
        acs_url: where the fleet informs.
        began: when, in seconds since 1970.
        record: how it went.
        exchanges: what was said.
    """

    serial_number: str
    number: int
    profile: str
    acs_url: str
    began: float
    record: SessionRecord
    exchanges: tuple[Exchange, ...]

    @property
    def size(self) -> int:
        """Bytes of its bodies."""
        return sum(exchange.size for exchange in self.exchanges)


def write(session: Session, folder: Path, name: str) -> None:
    """
    Write a session without its secrets into a folder of its own.

    Args:
        session: to write.
        folder: where.
        name: of worker and run.

    Raises:
        OSError: that does not go.
    """
    ended = "" if session.record.reason is None else "-failed"
    own = _fresh(folder, f"{name}-{session.serial_number}-{session.number}{ended}")
    for number, exchange in enumerate(session.exchanges, 1):
        (own / f"{number:03}.request.http").write_bytes(_request(exchange))
        (own / f"{number:03}.response.http").write_bytes(_response(exchange))
    # The last, so that a folder that has it is whole.
    text = json.dumps(_about(session), indent=1, ensure_ascii=False)
    (own / "meta.json").write_text(f"{text}\n", encoding="utf-8")


def _fresh(folder: Path, name: str) -> Path:
    """A new folder; when there is one of that name already, a number follows."""
    for number in count(1):
        path = folder / (name if number == 1 else f"{name}.{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError


_FRAMING = ("content-length", "content-encoding", "transfer-encoding")


def _message(first_line: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """An HTTP message: masked, and framed by the length that the body then has."""
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


def _request(exchange: Exchange) -> bytes:
    if not exchange.head:
        return b""
    first, *lines = exchange.head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = [line.partition(":") for line in lines]
    return _message(first, [(name, value.strip()) for name, _, value in parts], exchange.body)


def _response(exchange: Exchange) -> bytes:
    reply = exchange.reply
    if reply is None:
        return b""
    return _message(_status_line(reply.status), reply.headers, reply.body)


def _status_line(status: int) -> str:
    try:
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP/1.1 {status} "


_RPC = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")


def _rpc(body: bytes) -> str | None:
    """The message in a body, as far as that is plain to see."""
    found = _RPC.search(body)
    return found[1].decode("latin-1") if found else None


def _about(session: Session) -> dict[str, Any]:
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
            _told(number, exchange, exchanges[0].at) for number, exchange in enumerate(exchanges, 1)
        ],
    }


def _told(number: int, exchange: Exchange, began: float) -> dict[str, Any]:
    reply = exchange.reply
    return {
        "n": number,
        "connection": exchange.connection,
        "t_ms": round((exchange.at - began) * 1000, 1),
        "request": masked(exchange.head.partition(b"\r\n")[0].decode("latin-1")),
        "request_rpc": _rpc(exchange.body),
        "status": reply.status if reply is not None else None,
        "response_rpc": _rpc(reply.body) if reply is not None else None,
        **({"broken_response": exchange.failure} if exchange.failure else {}),
    }
