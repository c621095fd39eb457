"""The tables of a run's report: pure functions of its summary (``docs/summary.md``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from caretaker.errors import Blame
from caretaker.reasons import find
from caretaker.reporting import lost_workers
from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits, in_words
from caretaker.reporting.measurement_error import stated
from caretaker.reporting.number_text import NO_DATA, exact, readable
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_types import (
    LevelVerdict,
    Percentiles,
    SessionFailure,
    Summary,
    UnfinishedWait,
)
from caretaker.stats.task_outcomes import POSTED


class TableRow(NamedTuple):
    """A row of a table: its cells as text, and what it is: a ``RunOutcome``, or nothing."""

    cells: tuple[str, ...]
    state: str = ""


@dataclass(frozen=True)
class ReportTable:
    """
    A table of the report.

    Args:
        title: its heading.
        about: how to read it, or why it has no rows.
        head: its columns.
        rows: its lines.
        words: how many columns at the left hold words; numbers stand to the right.
    """

    title: str
    about: str
    head: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()
    words: int = 1


def times(figures: Percentiles, *names: str) -> tuple[str, ...]:
    """Percentiles of a ``_ms`` section as text."""
    return tuple(readable(figures.get(name), "ms") for name in names)


_TIMES = ("p50", "p95", "p99", "max")


def _levels(summary: Summary) -> ReportTable:
    verdicts = summary.get("service_levels", ())
    if not verdicts:
        return ReportTable("Service levels", "None was asked for (--slo, --slo-file).")
    return ReportTable(
        "Service levels",
        "What the run had to keep to.",
        ("Level", "Measured", "Verdict"),
        tuple(map(_level, verdicts)),
    )


def _level(verdict: LevelVerdict) -> TableRow:
    actual = NO_DATA if verdict["actual"] is None else exact(verdict["actual"])
    since = f" since {verdict['broken_at']:g} s" if "broken_at" in verdict else ""
    outcome = verdict["outcome"]
    return TableRow((verdict["level"], actual, f"{outcome}{since}"), outcome)


BLAMES = {
    Blame.ACS.value: "the ACS's",
    Blame.OURS.value: "ours: please report the bug",
    Blame.GENERATOR.value: "a limit of the generating machine (docs/limits.md)",
    Blame.SHED.value: "nobody's: the ACS sheds load (503)",
}
"""Whose fault a failure of a session is."""
_UNFINISHED_BLAMES = {
    **BLAMES,
    Blame.OURS.value: "ours: the run ended while the device was slow on purpose",
}
"""Whose affair it is that a session had not ended when the run did."""


def _failures(summary: Summary) -> ReportTable:
    sessions, tasks, cures = summary["sessions"], summary["tasks"], summary["cures"]
    faults = {f"FaultCode {code}": n for code, n in summary["transfers"]["faults"].items()}
    rows = [
        *(
            _failed_session(failure, cures)
            for failure in sorted(sessions["failures"], key=lambda failure: -failure["number"])
        ),
        *map(_unfinished, sessions["unfinished_waits"]),
        *_reasons("Task", tasks["reasons"], cures),
        *_reasons("Transfer", faults, cures),
        *_reasons("Attempt of a transfer", summary["transfers"]["reasons"], cures),
        *(TableRow(("Other", text, "", "", "", "")) for text in summary.get("other_failures", ())),
    ]
    if not rows:
        return ReportTable("Failures", "None: no session, task or transfer failed or hung.")
    head = ("What", "Reason", "What helps", "Whose fault", "The first one", "Number")
    return ReportTable("Failures", "", head, tuple(rows), words=5)


def _failed_session(failure: SessionFailure, cures: Mapping[str, str]) -> TableRow:
    reason = failure["reason"]
    blame = BLAMES.get(failure["blame"], failure["blame"])
    known = find(reason)
    if known is not None and known.settings and failure["blame"] == Blame.ACS.value:
        blame = f"{blame}, or of this run's settings"
    example = failure["example"]
    first = example and f"{example['cpe']} at {example['at']:g} s: {', '.join(example['events'])}"
    number = readable(failure["number"])
    return TableRow(("Session", reason, cures.get(reason, ""), blame, first or "", number))


def _unfinished(wait: UnfinishedWait) -> TableRow:
    blame = _UNFINISHED_BLAMES.get(wait["blame"], wait["blame"])
    longest = f"the longest for {readable(wait['longest_ms'], 'ms')}"
    number = readable(wait["number"])
    reason = f"waited for {wait['waited_for']}"
    return TableRow(("Session, unfinished", reason, "", blame, longest, number))


def _reasons(what: str, reasons: Mapping[str, int], cures: Mapping[str, str]) -> Iterator[TableRow]:
    for reason, number in sorted(reasons.items(), key=lambda pair: -pair[1]):
        yield TableRow((what, reason, cures.get(reason, ""), "", "", readable(number)))


def _sessions(summary: Summary) -> ReportTable:
    crs, informs = summary["connection_requests"], summary["informs"]
    sections = {
        "planned Inform to InformResponse": informs["from_plan_ms"],
        "session": summary["sessions"]["duration_ms"],
        "Connection Request to Inform": crs["to_inform_ms"],
        "Connection Request to InformResponse": crs["to_informresponse_ms"],
        "Connection Request to session end": crs["to_session_end_ms"],
        "task, from its planned time to done": summary["tasks"]["latency_ms"],
    }
    rows = (TableRow((name, *times(figures, *_TIMES))) for name, figures in sections.items())
    return ReportTable("How long things took", "", ("From and to", *_TIMES), tuple(rows))


def _rpcs(summary: Summary) -> ReportTable:
    by_count = sorted(summary["exchanges"].items(), key=lambda pair: -pair[1]["count"])
    rows = (
        TableRow(
            (
                name,
                readable(exchange["count"]),
                readable(exchange["failed"]),
                *times(exchange["ms"], *_TIMES),
            ),
            RunOutcome.BROKEN if exchange["failed"] else "",
        )
        for name, exchange in by_count
    )
    about = "Each POST of a CPE by the message in it, until the ACS's answer was read."
    return ReportTable("RPCs", about, ("Message", "Number", "Failed", *_TIMES), tuple(rows))


def _informs(summary: Summary) -> ReportTable:
    by_event = summary["informs"]["by_event"]
    total = summary["informs"]["total"]
    rows = (
        TableRow((code, readable(number), readable(number / total if total else None, "ratio")))
        for code, number in sorted(by_event.items(), key=lambda pair: -pair[1])
    )
    about = f"{readable(total)} Informs; one may carry several events."
    return ReportTable("Events of the Informs", about, ("Event", "Informs", "Share"), tuple(rows))


_BookSection = Literal["sessions", "connection_requests", "events", "tasks", "transfers"]
_BOOKS: tuple[tuple[str, _BookSection, str, tuple[str, ...]], ...] = (
    ("Sessions", "sessions", "started",
     ("succeeded", "failed", "shed", "abandoned", "unfinished")),
    ("Connection Requests", "connection_requests", "received",
     ("accepted", "unauthorized", "not_found", "refused")),
    ("... of those accepted", "connection_requests", "accepted",
     ("delivered", "coalesced", "pending", "dropped")),
    ("Events", "events", "raised", ("delivered", "pending", "discarded")),
    ("Tasks", "tasks", "posted", POSTED),
    ("Transfers", "transfers", "requested",
     ("succeeded", "failed", "cancelled", "dropped", "pending")),
)  # fmt: skip
"""Books: name, section of the summary, the whole, and the parts that must add up to it."""


def _books(summary: Summary) -> ReportTable:
    rows = (_book(title, summary[section], whole, parts) for title, section, whole, parts in _BOOKS)
    about = "Nothing may get lost: the two sides are counted at different places."
    return ReportTable("Books", about, ("Book", "Sum", "Verdict"), tuple(rows), words=2)


def _book(
    title: str, section: Mapping[str, object], whole: str, parts: tuple[str, ...]
) -> TableRow:
    counts = {name: _count(section[name]) for name in parts}
    balanced = section.get("books_balance", True) and section[whole] == sum(counts.values())
    terms = " + ".join(f"{readable(n)} {name.replace('_', ' ')}" for name, n in counts.items())
    cells = (title, f"{readable(section[whole])} {whole} = {terms}")
    if balanced:
        return TableRow((*cells, "balanced"), RunOutcome.HELD)
    return TableRow((*cells, "not balanced"), RunOutcome.FAILED)


def _count(number: Any) -> int:
    """A count, or the sum of counts by rule."""
    return sum(number.values()) if isinstance(number, Mapping) else number


def _generator(summary: Summary) -> ReportTable:
    generator = summary["generator"]
    limits = generator_limits(GeneratorFigures.of_run(summary))
    about = (
        f"The generator was the limit, and the ACS may be better than it looks: {in_words(limits)}."
        if limits
        else "The generator was not the limit: it began sessions on time and had CPU to spare."
    )
    about = f"{about} {stated(generator['error'], limited=bool(limits))}"
    rows = (
        TableRow(("sessions began late by", *times(generator["lateness_ms"], "p50", "p99", "max"))),
        TableRow(("... and waited for a place (--max-sessions)",
                  *times(generator["place_wait_ms"], "p50", "p99", "max"))),
        TableRow(("lag of the workers' loops", "", *times(generator["loop_lag_ms"], "p99", "max"))),
        TableRow(("CPU time for each session", readable(generator["cpu_ms_per_session"], "ms"),
                  "", "")),
    )  # fmt: skip
    head = ("", "p50 or mean", "p99", "max")
    return ReportTable("Health of the generator", about, head, rows)


def _workers(summary: Summary) -> ReportTable:
    generator, fleet = summary["generator"], summary["fleet"]
    cpu = generator["cpu_percent"]
    rows = (
        TableRow((
            f"worker {worker}", readable(cpes), readable(cpu["mean"].get(worker), "%"),
            readable(cpu["max"].get(worker), "%"), readable(generator["rss_mb"].get(worker), "MB"),
        ))
        for worker, cpes in fleet["by_worker"].items()
    )  # fmt: skip
    seen = f"{fleet['workers_joined']} joined, {fleet['workers_left']} left early"
    lost = [f"{fleet['workers_lost']} lost", *map(lost_workers.described, fleet["lost"])]
    lost += [anew] if (anew := lost_workers.started_anew(fleet)) else []
    about = f"CPU in percent of one core. {seen}, {'. '.join(lost)}."
    head = ("", "CPEs", "CPU, mean", "CPU, max", "Memory")
    return ReportTable("Workers", about, head, tuple(rows))


LEVELS: Callable[[Summary], ReportTable] = _levels
"""The service levels, which stand near the verdict."""

SESSIONS: Callable[[Summary], ReportTable] = _sessions
"""The times of sessions and of the closed loop."""

TABLES: tuple[Callable[[Summary], ReportTable], ...] = (
    _failures, SESSIONS, _rpcs, _informs, _books, _generator, _workers,
)  # fmt: skip
"""All others, in the order of the report."""
