"""What must be true when the faults have ended, each with its figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.build_of_run import other_build
from caretaker.build import build_name

Counts = Mapping[str, int]


@dataclass
class Findings:
    """
    What a run under faults has shown.

    Args:
        summary: of the run; empty if it wrote none.
        cpes: that should have power.
        overlaps: CPEs that opened a session while they had one, as the proxy saw it.
        twice: serial numbers that two workers held at the same time.
        sessions: that the proxy saw begin.
        looks: at the list of all CPEs, for those that two workers hold.
        powered: the serial numbers of the CPEs that have power.
        recovered: those of them that had a good session after the faults.
        steady_after: seconds from the end of the faults to the steady state; None for never.
        bound: seconds that it may take.
        descriptors, greenlets: of each process before and after the faults.
        processes: that did not end with the run.
        surprises: processes that ended by themselves before.
        tracebacks: in the outputs of all processes.
        has_engine: whether the I/O engine can be built here.
    """

    summary: Mapping[str, Any] = field(default_factory=dict)
    cpes: int = 0
    overlaps: Sequence[str] = ()
    twice: Sequence[str] = ()
    sessions: int = 0
    looks: int = 0
    powered: frozenset[str] = frozenset()
    recovered: frozenset[str] = frozenset()
    steady_after: float | None = None
    bound: float = 0.0
    descriptors: tuple[Counts, Counts] = ({}, {})
    greenlets: tuple[Counts, Counts] = ({}, {})
    processes: Sequence[str] = ()
    surprises: Sequence[str] = ()
    tracebacks: Sequence[str] = ()
    has_engine: bool = False


class Judged(NamedTuple):
    """Whether a check is good, and the figure that shows it."""

    good: bool
    figure: str


def _books(findings: Findings) -> Judged:
    if not findings.summary:
        return Judged(good=False, figure="the run wrote no summary")
    crs, events = findings.summary["connection_requests"], findings.summary["events"]
    lost = findings.summary["fleet"]["workers_lost"]
    discarded = sum(events["discarded"].values())
    unknown = events["raised"] - events["delivered"] - events["pending"] - discarded
    figure = (
        f"Connection Requests: {crs['accepted']} accepted = {crs['delivered']} delivered + "
        f"{crs['coalesced']} coalesced + {crs['pending']} pending + {crs['dropped']} dropped; "
        f"events: {events['raised']} raised = {events['delivered']} delivered + "
        f"{events['pending']} pending + {discarded} discarded + {unknown} pending with {lost} lost "
        "workers"
    )
    is_known = unknown == 0 or (lost > 0 and unknown > 0)
    return Judged(crs["books_balance"] and events["books_balance"] and is_known, figure)


def _verdict(findings: Findings) -> Judged:
    """Sessions fail by the faults, so a run may be broken; it must not be a failed one."""
    grounds = findings.summary.get("verdict", {}).get("grounds", ())
    failed = [ground["text"] for ground in grounds if ground["outcome"] == "failed"]
    ours = findings.summary.get("sessions", {}).get("blame", {}).get("ours", 0)
    told = "; ".join(failed) or f"{ours} sessions failed by a bug of ours"
    return Judged(bool(findings.summary) and not failed and not ours, told)


def _twice(findings: Findings) -> Judged:
    held = findings.summary.get("fleet", {}).get("duplicate_serial_numbers", 0)
    number = len(findings.overlaps) + len(findings.twice) + held
    seen = f"{number} in {findings.sessions} sessions and {findings.looks} looks at the fleet"
    is_seen = findings.sessions > 0 and findings.looks > 0
    return Judged(is_seen and not number, ": ".join([seen, *_some(findings)]))


def _some(findings: Findings) -> list[str]:
    """The first of them, if there are any."""
    some = [*findings.overlaps, *findings.twice][:5]
    return [", ".join(some)] if some else []


def _stuck(findings: Findings) -> Judged:
    stuck = sorted(findings.powered - findings.recovered)
    figure = (
        f"{len(findings.recovered)} of {findings.cpes} CPEs had a good session after the faults"
    )
    more = f"; not {', '.join(stuck[:5])}" if stuck else ""
    return Judged(not stuck and len(findings.powered) == findings.cpes, figure + more)


def _steady(findings: Findings) -> Judged:
    after, bound = findings.steady_after, f"(bound {findings.bound:.0f} s)"
    if after is None:
        return Judged(good=False, figure=f"never {bound}")
    return Judged(after <= findings.bound, f"after {after:.1f} s {bound}")


def has_grown(before: Counts, after: Counts, allowed: int) -> bool:
    """Whether a process holds more than before, by more than may come and go."""
    return any(number > before.get(name, 0) + allowed for name, number in after.items())


def _left(before: Counts, after: Counts, allowed: int) -> Judged:
    told = ", ".join(f"{name} {before.get(name, 0)} -> {n}" for name, n in after.items())
    return Judged(bool(after) and not has_grown(before, after, allowed), told or "not counted")


LEAST_CARRIED = 0.9
"""Of all sessions; what the engine began and a greenlet went on with counts."""


def _carried(findings: Findings) -> Judged:
    """As those workers have told it that have not been killed."""
    engine, sessions = (findings.summary.get(name, {}) for name in ("engine", "sessions"))
    number, all_ = engine.get("carried", 0), sessions.get("started", 0)
    other = other_build(findings.summary)
    told = [f"{number} of {all_} sessions by {findings.summary.get('version')}"]
    told += [f"not by {build_name()}"] if other else []
    for name, how in (("handed_over", "handed over"), ("by_greenlet", "by greenlets")):
        reasons = [f"{count} {reason}" for reason, count in engine.get(name, {}).items()]
        told += [f"{how}: {', '.join(reasons)}"] if reasons else []
    is_enough = number >= LEAST_CARRIED * all_ and number > 0
    return Judged(not other and (is_enough or not findings.has_engine), "; ".join(told))


def _none(what: Sequence[str]) -> Judged:
    return Judged(not what, "; ".join([str(len(what)), *what[:5]]))


DESCRIPTORS_ALLOWED, GREENLETS_ALLOWED = 3, 3
"""So many come and go in a fleet at work: a session under way has one of each."""

CHECKS: dict[str, Callable[[Findings], Judged]] = {
    "books balance": _books,
    "the run is not a failed one": _verdict,
    "no serial number twice": _twice,
    "no CPE stuck": _stuck,
    "steady state": _steady,
    "no descriptor left": lambda found: _left(*found.descriptors, DESCRIPTORS_ALLOWED),
    "no greenlet left": lambda found: _left(*found.greenlets, GREENLETS_ALLOWED),
    "no process left": lambda found: _none(found.processes),
    "no process ended by itself": lambda found: _none(found.surprises),
    "carried by the engine": _carried,
    "no traceback": lambda found: _none(found.tracebacks),
}
"""All checks, in the order in which a person reads them."""
