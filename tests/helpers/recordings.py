"""Reading the recorded HTTP messages of ``../shared/captures``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from caretaker.http.content_coding import decoded


@dataclass
class Message:
    """One recorded HTTP message."""

    first_line: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, path: Path) -> Message:
        """The message of a file, its framing and coding undone."""
        data = path.read_bytes()
        while True:
            head, _, rest = data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            if not lines[0].startswith("HTTP/1.1 100"):
                break
            data = rest
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            rest = _dechunked(rest)
        return cls(lines[0], headers, decoded(rest, headers.get("content-encoding", "")))

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.first_line.split()[1])

    @property
    def has_envelope(self) -> bool:
        """Whether the body is SOAP."""
        return b"Envelope" in self.body


def _dechunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2 :]
    return body


@dataclass
class Recording:
    """One recorded scenario."""

    name: str
    direction: str
    exchanges: list[tuple[Message, Message]]


def recordings(folder: Path) -> list[Recording]:
    """All recordings of a folder; exchanges that were cut off are left out."""
    return [_recording(path.parent) for path in sorted(folder.glob("*/meta.json"))]


def _recording(folder: Path) -> Recording:
    exchanges = []
    for request in sorted(folder.glob("*.request.http")):
        response = request.with_name(request.name.replace("request", "response"))
        if request.stat().st_size and response.stat().st_size:
            exchanges.append((Message.read(request), Message.read(response)))
    direction = json.loads((folder / "meta.json").read_text())["direction"]
    return Recording(folder.name, direction, exchanges)
