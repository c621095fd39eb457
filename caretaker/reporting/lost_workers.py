"""What is said of workers that were lost: a sentence each, for the console, report and verdict."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.reporting.summary_types import FleetSection, LostWorkerSection

NAMED = 4
"""How many lost workers a sentence names."""


def described(lost: LostWorkerSection) -> str:
    """What was lost with a worker, and what became of its CPEs."""
    pending, unknown = lost["pending_connection_requests"], lost["unknown_s"]
    with_it = (
        f"{lost['cpes']:,} CPEs",
        *([f"{pending:,} pending Connection Requests"] if pending else []),
        f"results of its last {unknown:.1f} s unknown" if unknown is not None
        else "all of its results unknown",
    )  # fmt: skip
    return f"lost with worker {lost['worker']}: {', '.join(with_it)}{_after(lost)}"


def _after(lost: LostWorkerSection) -> str:
    """What became of the CPEs of a worker."""
    if not lost["cpes"]:
        return ""
    if not lost["cpes_back"]:
        return "; others ran as many" if lost["taken_over"] else "; nobody took them over"
    times = f"after {lost['first_back_s']} to {lost['last_back_s']} s"
    return f"; others took over {lost['cpes_back']:,} of them, {times}"


def losses(lost: Iterable[LostWorkerSection], *, taken_over: bool) -> str:
    """
    One sentence on those whose CPEs others took over, or nobody did; empty if there are none.

    It names a few of them; ``fleet.lost`` of the summary has all.
    """
    found = [each for each in lost if each["taken_over"] is taken_over]
    if len(found) < 2:
        return "".join(map(described, found))
    cpes = sum(each["cpes"] for each in found)
    pending = sum(each["pending_connection_requests"] for each in found)
    after = "others took over their CPEs" if taken_over else "nobody took them over"
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    named = ", ".join(map(_named, found[:NAMED]))
    what = f"{cpes:,} CPEs, {pending:,} pending Connection Requests"
    return f"lost with {len(found)} workers: {what}; {after}: {named}{more}"


def _named(lost: LostWorkerSection) -> str:
    at = lost["reported_at"]
    when = "before its first report" if at is None else f"at {at:.0f} s"
    return f"{lost['worker']} {when} with {lost['cpes']:,}"


def started_anew(fleet: FleetSection) -> str:
    """That CPEs started from the factory on other workers; empty if none did."""
    if not fleet["from_factory"]:
        return ""
    cpes = f"{fleet['from_factory']:,} CPEs that were taken over"
    return f"{cpes} started from the factory; --state keeps what the ACS has set"
