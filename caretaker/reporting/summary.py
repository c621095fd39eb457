"""
The summary of a run: the snapshots of its workers as one.

``summarize`` is a pure function; its result is the JSON of ``--summary-json``, documented in
``docs/summary.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from caretaker.index_set import IndexSet
from caretaker.reasons import cure
from caretaker.reporting.connection_request_books import ConnectionRequestBooks
from caretaker.reporting.counted_sections import counted, counted_and_standing
from caretaker.reporting.measurement_error import measurement_error
from caretaker.reporting.summary_types import (
    ConnectionRequestsSection,
    EngineSection,
    EventsSection,
    ExchangeSection,
    ExportSection,
    FailureExampleSection,
    FleetSection,
    GeneratorSection,
    LostWorkerSection,
    RecordingsSection,
    SessionFailure,
    SessionsSection,
    STUNSection,
    Summary,
    TasksSection,
    TLSSection,
    TransfersSection,
    UnfinishedWait,
    WaySection,
    WayTasksSection,
    XMPPSection,
)
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import LOOP_TIMES, path_of
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import FAILED, POSTED, UNJUDGED
from caretaker.stats.worker_snapshot import FailureExample, WorkerSnapshot
from caretaker.way import Way


class WorkersSeen(NamedTuple):
    """
    The workers of a run as its master has seen them.

    Args:
        joined: how many took part, whether they have reported or not.
        left: how many said their last word before the end of the run, and were gone.
        lost: those that were gone without a last word; their last report stands for them.
        taken_over: how often a CPE of one that was dead or silent went to another.
        from_factory: how often such a CPE started from the factory.
    """

    joined: int
    left: int
    lost: Sequence[LostWorkerSection]
    taken_over: int = 0
    from_factory: int = 0


def summarize(
    snapshots: Sequence[WorkerSnapshot],
    seconds: float,
    workers: WorkersSeen | None = None,
    warm_up: float = 0.0,
) -> Summary:
    """
    The summary of a run.

    Args:
        snapshots: the last one of each worker that took part.
        seconds: how long the run took.
        workers: as the master has seen them; None if all of them have stayed to the end.
        warm_up: seconds at the begin that only the books and the timeline tell of.
    """
    whole, total = Results(), Results()
    for snapshot in snapshots:
        whole.merge(snapshot.results)
        total.merge(snapshot.results if snapshot.measured is None else snapshot.measured)
    return {
        "fleet": _fleet(snapshots, workers or WorkersSeen(len(snapshots), 0, ())),
        "informs": {
            "planned": total.counters["informs.planned"],
            "not_begun": total.counters["informs.not_begun"],
            "total": total.counters["informs.total"],
            "by_event": total.with_prefix("informs.by_event"),
            "from_plan_ms": total.histogram("informs.from_plan").summary(50, 95, 99),
        },
        "sessions": _sessions(total, snapshots, seconds - warm_up),
        "connection_requests": _connection_requests(total, snapshots),
        "events": _events(whole, snapshots),
        "tasks": _tasks(total),
        "transfers": _transfers(whole),
        "exchanges": _exchanges(total),
        "xmpp": counted_and_standing(
            XMPPSection, "xmpp", whole, snapshots, "cpes", "not_connected"
        ),
        "addresses": {
            "passed_over": sum(total.with_prefix("addresses.passed_over").values()),
            "reasons": total.with_prefix("addresses.passed_over"),
        },
        "engine": counted(EngineSection, "engine", whole),
        "stun": counted_and_standing(STUNSection, "stun", whole, snapshots, "cpes", "unanswered"),
        "recordings": counted(RecordingsSection, "recordings", whole),
        "tls": _tls(total),
        "export": counted(ExportSection, "export", whole),
        "state": {
            "kept": 0,
            "taken_up": whole.counters["state.taken_up"],
            "unreadable": whole.counters["state.unreadable"],
            "outdated": 0,
            "unwritten": 0,
        },
        "generator": _generator(total, whole, snapshots, seconds),
        "cures": _cures(total),
        "seconds": round(seconds, 1),
        "warm_up_s": warm_up,
    }


def _cures(total: Results) -> dict[str, str]:
    """What helps against each reason of this run, where something does."""
    sections = ("sessions", "tasks", "transfers")
    reasons = (name for each in sections for name in total.with_prefix(f"{each}.reasons"))
    return {reason: text for reason in reasons if (text := cure(reason))}


def _fleet(snapshots: Sequence[WorkerSnapshot], seen: WorkersSeen) -> FleetSection:
    profiles, reach = Counter[str](), Counter[str]()
    for snapshot in snapshots:
        profiles.update(snapshot.profiles)
        reach.update(snapshot.reach)
    all_held, twice = IndexSet(), 0
    for snapshot in snapshots:
        held = IndexSet(snapshot.held)
        twice += len(all_held & held)
        for start, stop in held.ranges:
            all_held.add(start, stop)
    return {
        "cpes": sum(snapshot.cpes for snapshot in snapshots),
        "workers": len(snapshots),
        "by_worker": {str(snapshot.worker): snapshot.cpes for snapshot in snapshots},
        "profiles": dict(profiles),
        "by_reach": dict(reach.most_common()),
        "duplicate_serial_numbers": twice,
        "workers_joined": seen.joined,
        "workers_left": seen.left,
        "workers_lost": len(seen.lost),
        "lost": seen.lost,
        "taken_over": seen.taken_over,
        "from_factory": seen.from_factory,
    }


def _ratio(part: int, whole: int) -> float | None:
    """None of nothing: that is no good ratio, and no bad one."""
    return round(part / whole, 9) if whole else None


def _sessions(
    total: Results, snapshots: Sequence[WorkerSnapshot], seconds: float
) -> SessionsSection:
    count = total.counters
    ended = sum(count[f"sessions.{end}"] for end in ("succeeded", "failed", "shed"))
    return {
        "started": count["sessions.started"],
        "succeeded": count["sessions.succeeded"],
        "failed": count["sessions.failed"],
        "shed": count["sessions.shed"],
        "abandoned": count["sessions.abandoned"],
        "unfinished": count["sessions.unfinished"],
        "failed_ratio": _ratio(count["sessions.failed"], ended),
        "shed_ratio": _ratio(count["sessions.shed"], ended),
        "unfinished_ratio": _ratio(count["sessions.unfinished"], count["sessions.started"]),
        "unfinished_waits": _unfinished_waits(total),
        "per_second": round(count["sessions.succeeded"] / seconds, 2) if seconds > 0 else None,
        "duration_ms": total.histogram("sessions.duration").summary(50, 95, 99),
        "blame": total.with_prefix("sessions.blame"),
        "reasons": total.with_prefix("sessions.reasons"),
        "failures": _failures(total, snapshots),
    }


def _unfinished_waits(total: Results) -> list[UnfinishedWait]:
    """What the unfinished sessions waited for, the most of them first."""
    waits: list[UnfinishedWait] = []
    for name, times in total.histograms_with_prefix("sessions.unfinished_waits").items():
        blame, _, waited_for = name.partition(".")
        waits.append(
            {
                "waited_for": waited_for,
                "blame": blame,
                "number": times.count,
                "longest_ms": round(times.longest * 1000, 3),
            }
        )
    return sorted(waits, key=lambda wait: -wait["number"])


def _failures(total: Results, snapshots: Iterable[WorkerSnapshot]) -> list[SessionFailure]:
    examples: dict[str, list[FailureExample]] = {}
    for snapshot in snapshots:
        for reason, example in snapshot.examples.items():
            examples.setdefault(reason, []).append(example)
    failures: list[SessionFailure] = []
    for name, number in total.with_prefix("sessions.failures").items():
        blame, _, reason = name.partition(".")
        first = _first(examples.get(reason, ()))
        failures.append({"reason": reason, "blame": blame, "number": number, "example": first})
    return failures


def _first(examples: Iterable[FailureExample]) -> FailureExampleSection | None:
    first = min(examples, key=attrgetter("at", "serial_number"), default=None)
    return first and {
        "cpe": first.serial_number, "at": round(first.at, 3), "events": [*first.events]
    }  # fmt: skip


def _connection_requests(
    total: Results, snapshots: Sequence[WorkerSnapshot]
) -> ConnectionRequestsSection:
    by_worker = [ConnectionRequestBooks.of(s.results, final=s.final) for s in snapshots]
    by_way = {
        way: [ConnectionRequestBooks.of_way(way, s.results, final=s.final) for s in snapshots]
        for way in Way
    }
    books = ConnectionRequestBooks.added(by_worker)
    accepted, refused = (
        total.counters[f"connection_requests.{name}"] for name in ("accepted", "refused")
    )
    return {
        **_way(books, total, "connection_requests"),
        "refused_ratio": _ratio(refused, accepted + refused),
        "dropped_ratio": _ratio(books.dropped, books.accepted),
        "books_balance": all(own.balance() for own in chain(by_worker, *by_way.values())),
        "to_inform_cdf": total.histogram("connection_requests.to_inform").cdf(),
        "by_way": {
            way.value: _way(ConnectionRequestBooks.added(own), total, path_of(way))
            for way, own in by_way.items()
            if any(map(any, own))
        },
    }


def _way(books: ConnectionRequestBooks, total: Results, path: str) -> WaySection:
    to_inform, to_informresponse, to_session_end = (
        total.histogram(f"{path}.{name}").summary(50, 95, 99) for name in LOOP_TIMES
    )
    return {
        "received": books.received,
        "accepted": books.accepted,
        "unauthorized": books.unauthorized,
        "not_found": books.not_found,
        "refused": books.refused,
        "coalesced": books.coalesced,
        "delivered": books.delivered,
        "dropped": books.dropped,
        "pending": books.pending,
        "to_inform_ms": to_inform,
        "to_informresponse_ms": to_informresponse,
        "to_session_end_ms": to_session_end,
    }


def _events(total: Results, snapshots: Sequence[WorkerSnapshot]) -> EventsSection:
    finals = [s.results for s in snapshots if s.final]
    pending = sum(total.with_prefix("events.pending").values())
    return {
        "raised": sum(total.with_prefix("events.raised").values()),
        "delivered": sum(total.with_prefix("events.delivered").values()),
        "pending": pending + sum(_events_left(s.results) for s in snapshots if not s.final),
        "discarded": total.with_prefix("events.discarded"),
        "books_balance": all(map(_events_balance, finals)),
    }


def _events_left(results: Results) -> int:
    """Events whose end a report does not say; they were pending, or are lost with the worker."""
    ends = (*results.with_prefix("events.delivered").values(),
            *results.with_prefix("events.discarded").values())  # fmt: skip
    return sum(results.with_prefix("events.raised").values()) - sum(ends)


def _events_balance(results: Results) -> bool:
    """For every code: raised = delivered + pending + discarded."""
    ends: dict[str, int] = {}
    for end in ("delivered", "pending"):
        for code, number in results.with_prefix(f"events.{end}").items():
            ends[code] = ends.get(code, 0) + number
    for name, number in results.with_prefix("events.discarded").items():
        code = name.partition(".")[2]
        ends[code] = ends.get(code, 0) + number
    raised = results.with_prefix("events.raised")
    return {code: n for code, n in raised.items() if n} == {c: n for c, n in ends.items() if n}


def _tasks(total: Results) -> TasksSection:
    count = total.counters
    judged = count["tasks.posted"] - sum(count[f"tasks.{outcome}"] for outcome in UNJUDGED)
    failed = sum(count[f"tasks.{outcome}"] for outcome in FAILED)
    return {
        "posted": count["tasks.posted"],
        "done": count["tasks.done"],
        "queued": count["tasks.queued"],
        "offline": count["tasks.offline"],
        "credentials_refused": count["tasks.credentials_refused"],
        "faulted": count["tasks.faulted"],
        "unexpected_status": count["tasks.unexpected_status"],
        "api_error": count["tasks.api_error"],
        "device_down": count["tasks.device_down"],
        "unreachable": count["tasks.unreachable"],
        "cut": count["tasks.cut"],
        "failed": failed,
        "not_posted": count["tasks.not_posted"],
        "done_ratio": _ratio(count["tasks.done"], judged),
        "failed_ratio": _ratio(failed, judged),
        "latency_ms": total.histogram("tasks.latency").summary(50, 95, 99),
        "reasons": total.with_prefix("tasks.reasons"),
        "by_way": {way.value: own for way in Way if (own := _tasks_of(total, way))["posted"]},
    }


def _tasks_of(total: Results, way: Way) -> WayTasksSection:
    path = f"tasks.by_way.{way.value}"
    count = total.counters
    return {
        "posted": sum([count[f"{path}.{outcome}"] for outcome in POSTED]),
        "done": count[f"{path}.done"],
        "queued": count[f"{path}.queued"],
        "failed": sum([count[f"{path}.{outcome}"] for outcome in FAILED]),
        "latency_ms": total.histogram(f"{path}.latency").summary(50, 95, 99),
        "reasons": total.with_prefix(f"{path}.reasons"),
    }


def _transfers(total: Results) -> TransfersSection:
    count, faults = total.counters, total.with_prefix("transfers.faults")
    failed = sum(faults.values())
    return {
        "requested": count["transfers.requested"],
        "succeeded": count["transfers.succeeded"],
        "failed": failed,
        "cancelled": count["transfers.cancelled"],
        "dropped": count["transfers.dropped"],
        "pending": count["transfers.pending"],
        "retried": count["transfers.retried"],
        "bytes_received": count["transfers.bytes_received"],
        "bytes_sent": count["transfers.bytes_sent"],
        "failed_ratio": _ratio(failed, count["transfers.succeeded"] + failed),
        "faults": faults,
        "reasons": total.with_prefix("transfers.reasons"),
    }


def _tls(total: Results) -> TLSSection:
    full, resumed = (total.counters[f"tls.{kind}"] for kind in ("full", "resumed"))
    ratio, lost = _ratio(resumed, full + resumed), total.counters["tls.lost"]
    return {"full": full, "resumed": resumed, "resumed_ratio": ratio, "lost": lost}


def _exchanges(total: Results) -> dict[str, ExchangeSection]:
    named = total.histograms_with_prefix("exchanges")
    return {
        name: _exchange(times, total.counters[f"exchanges.failed.{name}"])
        for name, times in named.items()
    }


def _exchange(times: Histogram, failed: int) -> ExchangeSection:
    return {
        "count": times.count,
        "failed": failed,
        "failed_ratio": _ratio(failed, times.count),
        "ms": times.summary(50, 95, 99),
    }


def _generator(
    total: Results, whole: Results, snapshots: Sequence[WorkerSnapshot], seconds: float
) -> GeneratorSection:
    cpu = sum(snapshot.usage.cpu_mean for snapshot in snapshots) / 100 * seconds
    sessions = whole.counters["sessions.succeeded"]  # as the CPU time is of the whole run
    cpu_ms = round(1000 * cpu / sessions, 3) if sessions else None
    return {
        "lateness_ms": total.histogram("generator.lateness").summary(50, 99),
        "place_wait_ms": total.histogram("generator.place_wait").summary(50, 99),
        "loop_lag_ms": total.histogram("generator.loop_lag").summary(99),
        "cpu_ms_per_session": cpu_ms,
        "cpu_percent": {
            "mean": {str(s.worker): s.usage.cpu_mean for s in snapshots},
            "max": {str(s.worker): s.usage.cpu_peak for s in snapshots},
        },
        "rss_mb": {str(s.worker): s.usage.rss_mb for s in snapshots},
        "error": measurement_error(total, cpu_ms),
    }
