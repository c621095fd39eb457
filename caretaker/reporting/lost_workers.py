"""What is said of workers that were lost: a sentence each, for the console, report and verdict."""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.reporting.summary_types import LostWorkerSection


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
    """All of them whose CPEs others took over, or nobody did; empty if there are none."""
    return ". ".join(described(each) for each in lost if each["taken_over"] is taken_over)
