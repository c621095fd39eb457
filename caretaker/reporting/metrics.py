"""
The numbers of a run's summary: their names, their units, and which way is worse.

A metric is the dotted path of a number in the summary's JSON (``docs/summary.md``), like
``sessions.failed_ratio`` or ``exchanges.Inform.ms.p99``; keys stand in it as they are, with their
spaces and dots. Service levels and comparisons share this one vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from caretaker.cwmp import messages as m
from caretaker.device.accepted_requests import ENDS
from caretaker.device.events import EVENTS, is_event_code
from caretaker.errors import Blame
from caretaker.nearest_names import nearest_names
from caretaker.plain_numbers import is_digits
from caretaker.reporting.summary_types import Summary
from caretaker.stats.records import LOOP_TIMES, VERDICTS
from caretaker.stats.task_outcomes import TaskOutcome
from caretaker.way import Way

LESS, NEITHER, MORE = -1, 0, 1
"""Which way is worse."""


@dataclass(frozen=True)
class FamilyMembers:
    """
    What may stand for the ``*`` of a family of metrics.

    Args:
        known: the members of most runs, for proposals.
        takes: whether another name may be a member.
    """

    known: tuple[str, ...] = ()
    takes: Callable[[str], bool] = bool

    def __contains__(self, member: str) -> bool:
        """Whether a name may be a member of the family."""
        return member in self.known or self.takes(member)


_WORKERS = FamilyMembers(("0",), is_digits)
_FAULTS = FamilyMembers((), is_digits)
_EVENTS = FamilyMembers(tuple(EVENTS), is_event_code)
_POSTS = tuple(rpc.response.__name__ for rpc in m.CPE_METHODS)
_MESSAGES = FamilyMembers(
    ("(empty)", "Fault", *(rpc.__name__ for rpc in m.ACS_METHODS), *_POSTS), lambda _: False
)
_BLAMES = FamilyMembers(tuple(blame.value for blame in Blame), lambda _: False)
_WAYS = FamilyMembers(tuple(Way), lambda _: False)
_ANY = FamilyMembers()


class MetricKind(NamedTuple):
    """
    What kind of number a metric is.

    Args:
        worse: ``MORE``, ``LESS``, or ``NEITHER``: totals depend on how long and how large a run
            was, and the maximum is one single event.
        unit: how it is counted; see ``UNITS``.
        members: of a family; None for a metric that is in every summary.
        absent: what it means when a member is not there: 0 of a count, None of a measurement.
    """

    worse: int = NEITHER
    unit: str = ""
    members: FamilyMembers | None = None
    absent: float | None = None


UNITS: dict[str, dict[str, float]] = {
    "": {},
    "ms": {"ms": 1, "s": 1000},
    "s": {"s": 1, "min": 60},
    "/s": {"/s": 1},
    "%": {"%": 1},
    "ratio": {"%": 0.01},
    "MB": {"MB": 1, "GB": 1000},
}
"""The units of metrics, with what a number of a service level may be followed by, and its size."""


def _times(path: str) -> dict[str, MetricKind]:
    return {f"{path}.max": MetricKind(NEITHER, "ms"), f"{path}.*": MetricKind(MORE, "ms")}


def _counts(members: FamilyMembers, worse: int = NEITHER) -> MetricKind:
    return MetricKind(worse, "", members, 0)


_MESSAGE_TIME = MetricKind(MORE, "ms", _MESSAGES)
_BY_WAY = "connection_requests.by_way.*"
_FIGURES = (("p50", MORE), ("p95", MORE), ("p99", MORE), ("max", NEITHER))

METRIC_KINDS: dict[str, MetricKind] = {
    "seconds": MetricKind(NEITHER, "s"),
    "warm_up_s": MetricKind(NEITHER, "s"),
    "fleet.cpes": MetricKind(),
    "fleet.workers": MetricKind(),
    "fleet.workers_joined": MetricKind(),
    "fleet.workers_lost": MetricKind(MORE),
    "fleet.taken_over": MetricKind(MORE),
    "fleet.from_factory": MetricKind(MORE),
    "fleet.workers_left": MetricKind(MORE),
    "fleet.by_worker.*": MetricKind(members=_WORKERS),
    "fleet.profiles.*": _counts(_ANY),
    "fleet.by_reach.*": _counts(_ANY),
    "fleet.duplicate_serial_numbers": MetricKind(MORE),
    "informs.total": MetricKind(),
    "informs.planned": MetricKind(),
    "informs.not_begun": MetricKind(MORE),
    "informs.by_event.*": _counts(_EVENTS),
    **_times("informs.from_plan_ms"),
    "sessions.started": MetricKind(),
    "sessions.succeeded": MetricKind(),
    "sessions.failed": MetricKind(),
    "sessions.shed": MetricKind(),
    "sessions.abandoned": MetricKind(),
    "sessions.unfinished": MetricKind(MORE),
    "sessions.failed_ratio": MetricKind(MORE, "ratio"),
    "sessions.shed_ratio": MetricKind(MORE, "ratio"),
    "sessions.unfinished_ratio": MetricKind(MORE, "ratio"),
    "sessions.per_second": MetricKind(LESS, "/s"),
    **_times("sessions.duration_ms"),
    "sessions.blame.ours": _counts(_BLAMES, MORE),
    "sessions.blame.generator": _counts(_BLAMES, MORE),
    "sessions.blame.*": _counts(_BLAMES),
    "sessions.reasons.*": _counts(_ANY),
    "connection_requests.received": MetricKind(),
    "connection_requests.accepted": MetricKind(),
    "connection_requests.unauthorized": MetricKind(),
    "connection_requests.not_found": MetricKind(),
    "connection_requests.refused": MetricKind(),
    "connection_requests.coalesced": MetricKind(),
    "connection_requests.delivered": MetricKind(),
    "connection_requests.dropped": MetricKind(),
    "connection_requests.pending": MetricKind(),
    "connection_requests.refused_ratio": MetricKind(MORE, "ratio"),
    "connection_requests.dropped_ratio": MetricKind(MORE, "ratio"),
    **_times("connection_requests.to_inform_ms"),
    **_times("connection_requests.to_informresponse_ms"),
    **_times("connection_requests.to_session_end_ms"),
    **{f"{_BY_WAY}.{name}": _counts(_WAYS) for name in ("received", *VERDICTS, *ENDS)},
    **{
        f"{_BY_WAY}.{name}_ms.{figure}": MetricKind(worse, "ms", _WAYS)
        for name in LOOP_TIMES
        for figure, worse in _FIGURES
    },
    "events.raised": MetricKind(),
    "events.delivered": MetricKind(),
    "events.pending": MetricKind(),
    "events.discarded.*": _counts(_ANY),
    "tasks.posted": MetricKind(),
    **{f"tasks.{outcome}": MetricKind() for outcome in TaskOutcome},
    "tasks.failed": MetricKind(),
    "tasks.done_ratio": MetricKind(LESS, "ratio"),
    "tasks.failed_ratio": MetricKind(MORE, "ratio"),
    **_times("tasks.latency_ms"),
    "tasks.reasons.*": _counts(_ANY),
    **{f"tasks.by_way.*.{name}": _counts(_WAYS) for name in ("posted", "done", "queued", "failed")},
    **{
        f"tasks.by_way.*.latency_ms.{figure}": MetricKind(worse, "ms", _WAYS)
        for figure, worse in _FIGURES
    },
    "tasks.by_way.*": _counts(_ANY),
    "transfers.requested": MetricKind(),
    "transfers.succeeded": MetricKind(),
    "transfers.failed": MetricKind(),
    "transfers.cancelled": MetricKind(),
    "transfers.dropped": MetricKind(),
    "transfers.pending": MetricKind(),
    "transfers.retried": MetricKind(),
    "transfers.bytes_received": MetricKind(),
    "transfers.bytes_sent": MetricKind(),
    "transfers.failed_ratio": MetricKind(MORE, "ratio"),
    "transfers.faults.*": _counts(_FAULTS),
    "transfers.reasons.*": _counts(_ANY),
    "exchanges.*.count": _counts(_MESSAGES),
    "exchanges.*.failed": _counts(_MESSAGES),
    "exchanges.*.failed_ratio": MetricKind(MORE, "ratio", _MESSAGES),
    "exchanges.*.ms.p50": _MESSAGE_TIME,
    "exchanges.*.ms.p95": _MESSAGE_TIME,
    "exchanges.*.ms.p99": _MESSAGE_TIME,
    "exchanges.*.ms.max": _MESSAGE_TIME._replace(worse=NEITHER),
    "xmpp.cpes": MetricKind(),
    "xmpp.not_connected.*": _counts(_ANY, MORE),
    "xmpp.logins": MetricKind(),
    "xmpp.bound": MetricKind(),
    "xmpp.lost": MetricKind(),
    "xmpp.closed": MetricKind(),
    "xmpp.keep_alives": MetricKind(),
    "xmpp.stanzas": MetricKind(),
    "xmpp.answered": MetricKind(),
    "xmpp.failed.*": _counts(_ANY),
    "stun.cpes": MetricKind(),
    "stun.unanswered.*": _counts(_ANY, MORE),
    "stun.sent": MetricKind(),
    "stun.answered": MetricKind(),
    "stun.silent": MetricKind(MORE),
    "stun.dropped": MetricKind(),
    "stun.waiting": MetricKind(),
    "stun.errors.*": _counts(_ANY, MORE),
    "stun.unsent.*": _counts(_ANY, MORE),
    "stun.found": MetricKind(),
    "stun.changed": MetricKind(),
    "stun.rebound": MetricKind(),
    "stun.late": MetricKind(),
    "stun.malformed": MetricKind(MORE),
    "stun.duplicates": MetricKind(),
    "stun.lost_requests": MetricKind(),
    "engine.carried": MetricKind(),
    "engine.handed_over.*": _counts(_ANY),
    "engine.by_greenlet.*": _counts(_ANY),
    "addresses.passed_over": MetricKind(MORE),
    "addresses.reasons.*": _counts(_ANY),
    "recordings.sampled": MetricKind(),
    "recordings.failed": MetricKind(),
    "recordings.left_out": MetricKind(),
    "recordings.unwritten": MetricKind(),
    "tls.full": MetricKind(),
    "tls.resumed": MetricKind(),
    "tls.resumed_ratio": MetricKind(unit="ratio"),
    "tls.lost": MetricKind(),
    "export.rows": MetricKind(),
    "export.unwritten": MetricKind(MORE),
    "state.kept": MetricKind(),
    "state.taken_up": MetricKind(),
    "state.unreadable": MetricKind(MORE),
    "state.outdated": MetricKind(),
    "state.unwritten": MetricKind(MORE),
    **_times("generator.lateness_ms"),
    **_times("generator.place_wait_ms"),
    **_times("generator.loop_lag_ms"),
    "generator.cpu_ms_per_session": MetricKind(MORE, "ms"),
    "generator.cpu_percent.mean.*": MetricKind(NEITHER, "%", _WORKERS),
    "generator.cpu_percent.max.*": MetricKind(NEITHER, "%", _WORKERS),
    "generator.error.relative": MetricKind(),
    "generator.error.p50_ms": MetricKind(MORE, "ms"),
    "generator.error.p99_ms": MetricKind(MORE, "ms"),
    "generator.rss_mb.*": MetricKind(MORE, "MB", _WORKERS),
    "scenario.kpis.peak_after_s": MetricKind(NEITHER, "s", _ANY),
    "scenario.kpis.peak_informs_per_second": MetricKind(NEITHER, "/s", _ANY),
    "scenario.kpis.sessions_failed": MetricKind(MORE, members=_ANY),
    "scenario.kpis.sessions_shed": MetricKind(MORE, members=_ANY),
    "scenario.kpis.coverage": MetricKind(LESS, members=_ANY),
    "scenario.kpis.converged": MetricKind(LESS, members=_ANY),
    "scenario.kpis.*_s": MetricKind(MORE, "s", _ANY),
    "scenario.kpis.*_ms": MetricKind(MORE, "ms", _ANY),
    "scenario.kpis.memory_growth_mb*": MetricKind(MORE, "MB", _ANY),
    "scenario.kpis.*_per_second": MetricKind(LESS, "/s", _ANY),
    "scenario.kpis.*_ratio": MetricKind(MORE, "ratio", _ANY),
    "scenario.kpis.*": MetricKind(members=_ANY),
}
"""
Every metric with its kind; ``*`` stands for a key, and the first that fits counts.

A test holds it against the summary.
"""

_NO_METRICS = ("settings", "timeline", "verdict")
"""Sections of the summary that hold no results of the whole run."""


def kind(metric: str) -> MetricKind:
    """
    The kind of a metric.

    Raises:
        KeyError: none of that name can be in a summary.
    """
    for pattern, metric_kind in METRIC_KINDS.items():
        member = _member(pattern, metric)
        if member is not None and (
            not member or metric_kind.members is None or member in metric_kind.members
        ):
            return metric_kind
    raise KeyError(metric)


def _member(pattern: str, metric: str) -> str | None:
    """What stands for the ``*``, nothing where there is none; None if the name does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if metric == pattern else None
    fits = metric.startswith(before) and metric.endswith(after)
    return metric[len(before) : len(metric) - len(after)] or None if fits else None


_OF_GENERATOR = (
    "generator.", "fleet.", "recordings.", "sessions.blame.ours", "sessions.blame.generator",
    "scenario.kpis.memory_growth_mb",
)  # fmt: skip


def is_of_generator(metric: str) -> bool:
    """Whether a metric says how the generator did, and nothing of the ACS."""
    return metric.startswith(_OF_GENERATOR)


def numbers(summary: Summary) -> dict[str, float | None]:
    """
    All numbers of a summary by their dotted paths.

    None for those that there is no data for: a ratio of nothing, times of which none was counted,
    what an older build did not write.
    """
    sections = {name: value for name, value in summary.items() if name not in _NO_METRICS}
    not_known = tuple(f"{path}." for path in summary.get("not_known", ()))
    return {
        metric: None if f"{metric}.".startswith(not_known) else number
        for metric, number in _numbers("", sections)
    }


def _numbers(path: str, value: object) -> Iterator[tuple[str, float | None]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _numbers(f"{path}.{name}" if path else name, inner)
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path, value if value is None or isfinite(value) else None


def figure(metric: str, measured: Mapping[str, float | None]) -> float | None:
    """A metric's number among those of a summary; None if there is no data for it."""
    return measured[metric] if metric in measured else kind(metric).absent


def proposals(metric: str, closed: Iterable[str]) -> list[str]:
    """
    The names nearest to one that is none, best first.

    Args:
        metric: what was written.
        closed: the metrics that are in every summary.
    """
    families = (
        pattern.replace("*", member)
        for pattern, metric_kind in METRIC_KINDS.items()
        if metric_kind.members is not None and "*" in pattern
        for member in metric_kind.members.known
    )
    return nearest_names(metric, (*closed, *families), 3, 0.5)
