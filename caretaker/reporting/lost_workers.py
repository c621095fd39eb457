"""What is said of workers that were lost: a sentence each, for the console, report and verdict."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.reporting.summary_types import LostWorkerSection

NAMED = 4
"""How many lost workers a sentence names."""


def described(lost: LostWorkerSection) -> str:
    """A lost worker, what is unknown of it, and what became of its CPEs."""
    cpes, at = f"{lost['cpes']:,} CPEs", lost["reported_at"]
    when, unknown = (
        ("before its first report", "what they did is unknown") if at is None
        else (f"at {at:.0f} s", "what they did since is unknown")
    )  # fmt: skip
    after = "others took over its CPEs" if lost["taken_over"] else "nobody took them over"
    if not lost["cpes"]:
        return f"worker {lost['worker']} was lost {when}, without CPEs"
    return f"worker {lost['worker']} was lost {when} with {cpes}; {unknown}; {after}"


def losses(lost: Iterable[LostWorkerSection], *, taken_over: bool) -> str:
    """
    One sentence on those whose CPEs others took over, or nobody did; empty if there are none.

    It names a few of them; ``fleet.lost`` of the summary has all.
    """
    found = [each for each in lost if each["taken_over"] is taken_over]
    if len(found) < 2:
        return "".join(map(described, found))
    cpes = sum(each["cpes"] for each in found)
    after = "others took over their CPEs" if taken_over else "nobody took them over"
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    named = ", ".join(map(_named, found[:NAMED]))
    return f"{len(found)} workers were lost with {cpes:,} CPEs; {after}: {named}{more}"


def _named(lost: LostWorkerSection) -> str:
    at = lost["reported_at"]
    when = "before its first report" if at is None else f"at {at:.0f} s"
    return f"{lost['worker']} {when} with {lost['cpes']:,}"
