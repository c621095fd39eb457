"""
An ACS that writes a log of its sessions, and what the log says of a fleet.

As a program (``python -m benchmarks.witness LOG HOST SECONDS ROUTER``) it is the embedded ACS at
ports 7547 and 7557 of an address, which takes so many seconds for each answer, and also sends
Connection Requests to the router's address. Each line of its log is an event of a session, in the
order in which the ACS took them.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent

from caretaker.acs.acs import ACS
from caretaker.acs.north_bound import NorthBoundApp
from caretaker.acs.sessions import CWMPApp
from caretaker.http.server import WSGIServer
from caretaker.server_command import serve

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PORT, NORTH_BOUND_PORT = 7547, 7557
BEGIN, POST, END = "begin", "post", "end"
"""An Inform, any other POST, and the last one of a session."""
LATE_SECONDS = 2.0
"""So late a busy ACS may read what has come: it does not read connections in the order of time."""
_SERIAL_NUMBER = re.compile(rb"<SerialNumber>([^<]+)<")
_EVENT_CODE = re.compile(rb"<EventCode>([^<]+)<")
_SESSION = re.compile(r"session=([0-9a-f]+)")


class SessionEvent(NamedTuple):
    """
    What the ACS has seen of a session.

    Args:
        at: when (``time.time``).
        kind: ``BEGIN``, ``POST`` or ``END``.
        session: its name.
        serial: the serial number of the CPE, for ``BEGIN``; else empty.
        codes: the event codes of the Inform, for ``BEGIN``.
        peer: the address that it came from.
    """

    at: float
    kind: str
    session: str
    serial: str
    codes: Sequence[str]
    peer: str


class Witness:
    """The log of the ACS, as far as it has been written."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self.events: list[SessionEvent] = []

    def look(self) -> list[SessionEvent]:
        """All events so far."""
        if self._log.exists():
            with self._log.open("rb") as file:
                file.seek(self._read)
                lines = file.read().split(b"\n")
            self._read += sum(len(line) + 1 for line in lines[:-1])
            self.events += [SessionEvent(*json.loads(line)) for line in lines[:-1]]
        return self.events

    def informs(self, since: float = 0.0) -> list[SessionEvent]:
        """The Informs after a time."""
        return [event for event in self.look() if event.kind == BEGIN and event.at > since]

    def first_informs(self, since: float, code: str = "") -> dict[str, SessionEvent]:
        """The first Inform of each CPE after a time, with this event code if one is given."""
        first: dict[str, SessionEvent] = {}
        for event in self.informs(since):
            if not code or code in event.codes:
                first.setdefault(event.serial, event)
        return first

    def peers(self, before: float) -> dict[str, str]:
        """Where each CPE has informed from for the last time before that."""
        return {event.serial: event.peer for event in self.informs() if event.at <= before}

    def first_contacts(self) -> int:
        """How many Informs were of a CPE's first contact."""
        return sum("0 BOOTSTRAP" in event.codes for event in self.informs())

    def twice(self) -> list[str]:
        """Each time that a CPE went on with a session after it had begun a newer one."""
        return overlaps(self.look())


def overlaps(events: Iterable[SessionEvent]) -> list[str]:
    """Each POST of a session whose CPE had begun a newer one, ``LATE_SECONDS`` before at least."""
    newest: dict[str, SessionEvent] = {}
    newer: dict[str, SessionEvent] = {}
    found = []
    for event in events:
        if event.kind == BEGIN:
            if event.serial in newest:
                newer[newest[event.serial].session] = event
            newest[event.serial] = event
            continue
        now = newer.get(event.session)
        if now is not None and event.at - now.at > LATE_SECONDS:
            found.append(f"{now.serial} from {event.peer} at {event.at:.3f}, and from {now.peer}")
    return found


class WitnessApp:
    """
    Hands requests to an ACS, and writes the log.

    Args:
        app: of the ACS towards CPEs.
        log: to write.
        seconds: that each answer takes.
    """

    def __init__(self, app: CWMPApp, log: Path, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._log = log.open("w", buffering=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST of a CPE."""
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = _Body(body)
        at, peer = time.time(), environ["REMOTE_ADDR"]
        old = _SESSION.search(environ.get("HTTP_COOKIE", ""))
        is_inform = b":Inform>" in body
        if old is not None and not is_inform:
            self._write(SessionEvent(at, POST, old[1], "", (), peer))

        def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if is_inform and (new := _SESSION.search(str(headers))) is not None:
                serial = _SERIAL_NUMBER.search(body)
                codes = tuple(code.decode() for code in _EVENT_CODE.findall(body))
                number = serial[1].decode() if serial is not None else ""
                self._write(SessionEvent(at, BEGIN, new[1], number, codes, peer))
            elif old is not None and status.startswith("204"):
                self._write(SessionEvent(time.time(), END, old[1], "", (), peer))
            return start_response(status, headers, *rest)

        body_of_answer = self._app(environ, answer)
        gevent.sleep(self._seconds)
        return body_of_answer

    def _write(self, event: SessionEvent) -> None:
        self._log.write(json.dumps(event) + "\n")


class _Body:
    """A body that has been read already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """All of it, or so much."""
        piece = self._body if size < 0 else self._body[:size]
        self._body = self._body[len(piece) :]
        return piece


class WitnessServer(WSGIServer):
    """The embedded ACS, which writes a log."""

    def __init__(
        self, log: Path, host: str, seconds: float, allowed_hosts: Iterable[str]
    ) -> None:  # fmt: skip
        super().__init__()
        acs = ACS(allowed_hosts=allowed_hosts)
        self._host_app(WitnessApp(CWMPApp(acs), log, seconds), host, PORT)
        self._host_app(NorthBoundApp(acs), host, NORTH_BOUND_PORT)


def main(log: str, host: str, seconds: str, *allowed_hosts: str) -> int:
    """Serve until interrupted."""
    server = WitnessServer(Path(log), host, float(seconds), allowed_hosts)
    return serve(server, dict, "The ACS is ready", until_eof=False)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
