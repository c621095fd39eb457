"""The accounting of a shard: each session as it ends, and the books of events (decision D9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from caretaker.device.accepted_requests import PENDING
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.transfer_record import TransferState
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.recorder import Recorder
from caretaker.engine.session_export import SessionExport
from caretaker.stats.records import SessionRecord, Sink, path_of
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import FailureExample


class Accounting:
    """
    Hands each session to all that count or keep sessions, and adds up the books.

    Args:
        context: what the CPEs share, with the books of their events and transfers.
        timeline: counts sessions second by second.
        sink: takes the records.
        recorder: keeps whole sessions in files; None if none are kept.
        exports: write a row for each session into a file.
    """

    def __init__(
        self,
        context: FleetContext,
        timeline: Timeline,
        sink: Sink,
        *,
        recorder: Recorder | None,
        exports: Sequence[SessionExport],
    ) -> None:
        self.examples: dict[str, FailureExample] = {}
        """The first session that failed for each reason."""
        self._context = context
        self._timeline = timeline
        self._sink = sink
        self._recorder = recorder
        self._exports = exports

    def session(self, record: SessionRecord, cpe: CPE | int) -> None:
        """Take a session that has ended, after its CPE has; of one that rests by its index."""
        index = cpe if isinstance(cpe, int) else cpe.index
        if record.reason is not None and record.reason not in self.examples:
            number = self._context.serial_number(index)
            at = self._timeline.seconds(record.started)
            self.examples[record.reason] = FailureExample(number, at, record.events)
        self._timeline.session(record)
        self._sink.session(record)  # which may ask when the CPE is due again
        if self._recorder is not None and isinstance(cpe, CPE):
            self._recorder.session(cpe, record)
        for export in self._exports:
            export.session(index, record)

    def book(
        self,
        results: Results,
        now: float,
        active: Collection[ActiveSession],
        waiting: Collection[int],
    ) -> None:
        """
        Add what has become of events, transfers and sessions so far.

        Args:
            results: to add it to.
            now: the present time.
            active: the sessions that run.
            waiting: the CPEs that wait for a place.
        """
        books = self._context.books
        for code, number in books.raised.items():
            results.count(f"events.raised.{code}", number)
        for code, number in books.delivered.items():
            results.count(f"events.delivered.{code}", number)
        for (code, rule), number in books.discarded.items():
            results.count(f"events.discarded.{rule}.{code}", number)
        for (way, end), number in self._context.accepted.ends.items():
            results.count(f"{path_of(way)}.{end}", number)
        for name, number in self._context.transfer_counts.items():
            results.count(f"transfers.{name}", number)
        planned = self._timeline.count("informs_planned") + len(waiting)
        results.count("informs.planned", planned)
        results.count("sessions.started", len(active))
        results.count("sessions.unfinished", len(active))
        self._book_active(results, now, active)

    def _book_active(self, results: Results, now: float, active: Iterable[ActiveSession]) -> None:
        """Add the Informs of sessions that run, and what those sessions wait for."""
        waits: defaultdict[str, list[float]] = defaultdict(list)
        for session in active:
            session.note_inform()
            if session.inform_sent is not None:
                results.inform(session.events)
                if not session.on_timeline:
                    session.on_timeline = True
                    self._timeline.inform(session.inform_sent)
            waited_for, blame = session.wait
            waits[f"sessions.unfinished_waits.{blame.value}.{waited_for}"].append(
                now - session.since
            )
        results.extend(waits)

    def book_pending(self, results: Results, cpes: CPEStore) -> None:
        """
        Add the events and transfers that are pending at the end of a run.

        They are counted by what the CPEs have and not derived from the other numbers of the books,
        so wrong books show as books that don't balance.
        """
        for events, number in cpes.pending():
            for event in events:
                results.count(f"events.pending.{event.event_code}", number)
        transfers = [transfer for cpe in cpes.objects for transfer in cpe.transfers]
        unfinished = [each for each in transfers if each.state is not TransferState.COMPLETED]
        results.count("transfers.pending", len(unfinished))
        for request in self._context.accepted.pending.values():
            results.count(f"{path_of(request.way)}.{PENDING}")
