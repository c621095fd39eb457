"""The sessions of a run that a worker keeps in files: recordings of some, exports of all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.open_transport import OpenTransport, make_open_transport
from caretaker.engine.recorder import Recorder, RecordingTransport
from caretaker.engine.session_export import SessionExport, part
from caretaker.errors import InputError
from caretaker.http.endpoint import Endpoint
from caretaker.http.transport import HTTPTransport
from caretaker.stats.results import Results
from caretaker.swarm.options import Settings

WRITE_SECONDS = 5.0
"""How long the end of a run waits for sessions that are still to be written."""
HASTY_SECONDS = 0.5
"""The same, where nobody wants to wait."""


class KeptSessions:
    """
    The files of one run on a worker.

    Args:
        settings: of the run.
        worker_index: names the files, as no other worker's.
        started: of the run, on the clock of the records.
        serial_number: of the CPE with an index.

    Raises:
        InputError: a file can't be written.
    """

    def __init__(
        self,
        settings: Settings,
        worker_index: int,
        started: float,
        serial_number: Callable[[int], str],
    ) -> None:
        self.recorder = _recorder(settings, worker_index)
        self.exports = _exports(settings, worker_index, started, serial_number)

    def open_transport(self, endpoint: Endpoint) -> OpenTransport:
        """Opens transports, whose sessions are recorded if any are."""
        if self.recorder is None:
            return make_open_transport(endpoint, HTTPTransport)
        return self.recorder.wrap(make_open_transport(endpoint, RecordingTransport))

    def close_recordings(self, *, is_hasty: bool) -> None:
        """Record no more sessions, and wait until those that are recorded are written."""
        if self.recorder is not None:
            self.recorder.close(HASTY_SECONDS if is_hasty else WRITE_SECONDS)

    def stop_exports(self, running: Collection[ActiveSession]) -> None:
        """Export the sessions that still run, and no more after them. Does not wait."""
        for export in self.exports:
            export.stop(running)

    def close_exports(self, *, is_hasty: bool) -> None:
        """Wait until the rows of all sessions are written."""
        for export in self.exports:
            export.close(HASTY_SECONDS if is_hasty else WRITE_SECONDS)

    def book(self, results: Results) -> None:
        """Add how many sessions are in the files, and how many are not."""
        if self.recorder is not None:
            self.recorder.book(results)
        for export in self.exports:
            export.book(results)


def _recorder(settings: Settings, worker_index: int) -> Recorder | None:
    """What keeps sessions, if any are to be kept, by names that no other worker or run gives."""
    if settings.record is None:
        return None
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-w{worker_index}"
    try:
        return Recorder(settings.record, settings.record_rate, name)
    except OSError as error:
        raise InputError(f"--record: {settings.record}: {error.strerror}") from error


def _exports(
    settings: Settings, worker_index: int, started: float, serial_number: Callable[[int], str]
) -> tuple[SessionExport, ...]:
    paths = [part(path, f"w{worker_index}") for path in settings.exports]
    try:
        return tuple(SessionExport(path, started, serial_number) for path in paths)
    except OSError as error:
        raise InputError(f"--export: {error.filename}: {error.strerror}") from error
