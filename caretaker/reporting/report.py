"""
The report of a run: one page for a person who was not there.

``page`` is a pure function of the summary (``docs/summary.md``). A load test writes it with
``--report``; ``python -m caretaker report summary.json`` makes it afterwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caretaker.reporting import tables
from caretaker.reporting.charts import marks_of, of_run, step_of
from caretaker.reporting.kept_runs import file_of
from caretaker.reporting.number_text import readable
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.pages import render, save
from caretaker.reporting.reach_tables import reach_tables
from caretaker.reporting.summary_file import read_summary
from caretaker.reporting.summary_types import Summary, TasksSection
from caretaker.reporting.tables import TABLES, ReportTable, times
from caretaker.reporting.verdict import (
    further_grounds,
    judge,
    tightest_levels,
    what_broke_first,
)


def _settings(summary: Summary) -> Mapping[str, Any]:
    return summary.get("settings", {})


# -- the figures at the top -----------------------------------------------------------------------


class KeyFigure(NamedTuple):
    """A figure at the top of the report: what it is, its value, and a remark beside it."""

    label: str
    figure: str
    beside: str
    state: str = ""


def key_figures(summary: Summary) -> list[KeyFigure]:
    """The figures at the top of the report."""
    fleet, sessions = summary["fleet"], summary["sessions"]
    crs, tasks, generator = (
        summary["connection_requests"], summary["tasks"], summary["generator"]
    )  # fmt: skip
    to_inform = times(crs["to_inform_ms"], "p50", "p99")
    from_plan = times(summary["informs"]["from_plan_ms"], "p50", "p99")
    (lag,) = times(generator["loop_lag_ms"], "p99")
    cpu = max(generator["cpu_percent"]["mean"].values(), default=None)
    failed = f"{readable(sessions['shed'])} shed, {readable(sessions['abandoned'])} abandoned"
    return [
        KeyFigure("CPEs", readable(fleet["cpes"]), f"on {readable(fleet['workers'])} workers"),
        KeyFigure("Sessions succeeded", readable(sessions["succeeded"]),
             f"{readable(sessions['per_second'])} per second"),
        KeyFigure("Sessions failed", readable(sessions["failed"]), failed,
             RunOutcome.BROKEN if sessions["failed"] else ""),
        KeyFigure("Connection Request to Inform", to_inform[1], f"p99; p50 {to_inform[0]}"),
        KeyFigure("Planned Inform to InformResponse", from_plan[1], f"p99; p50 {from_plan[0]}"),
        *([KeyFigure("Tasks done", readable(tasks["done"]),
                     ", ".join([f"of {readable(tasks['posted'])} posted", *_not_done(tasks)]),
                     RunOutcome.BROKEN if tasks["failed"] else "")] if tasks["posted"] else []),
        KeyFigure("Generator's CPU", readable(cpu, "%"), f"of a core, at most; loop lag p99 {lag}"),
    ]  # fmt: skip


def _not_done(tasks: TasksSection) -> Iterator[str]:
    """What became of the tasks that were not done, where it was nothing that is drawn below."""
    ends = {"unreachable": tasks["unreachable"], "device down": tasks["device_down"],
            "failed": tasks["failed"]}  # fmt: skip
    yield from (f"{readable(number)} {end}" for end, number in ends.items() if number)


# -- the scenario ---------------------------------------------------------------------------------

_KPI_UNITS = {"_s": "s", "_ms": "ms", "_mb": "MB", "_ratio": "ratio"}
"""What the end of a KPI's name says of its unit."""

KPI_NAMES = {
    "all_informed_s": "until the last CPE had informed",
    "from_plan_max_ms": "longest wait for an InformResponse",
    "informs_over_planned": "Informs written, of those planned",
    "most_retrying": "most CPEs that waited for a retry",
    "peak_after_s": "the peak came after",
    "peak_over_before": "the peak, times the rate before",
    "peak_informs_per_second": "peak of Informs per second",
}
"""What KPIs are called in the report, where that is not their name in plain words."""


def kpis(summary: Summary) -> list[tuple[str, str]]:
    """The KPIs of the scenario as names and figures."""
    scenario = summary.get("scenario")
    return [_kpi(name, value) for name, value in scenario["kpis"].items()] if scenario else []


def _kpi(name: str, value: float | None) -> tuple[str, str]:
    ending = next((end for end in _KPI_UNITS if name.endswith(end)), "")
    known = next((end for end in KPI_NAMES if name.endswith(end)), "")
    # With several scenarios the names of KPIs begin with those of their scenarios.
    plain_name = name.removesuffix(known) + KPI_NAMES[known] if known else name.removesuffix(ending)
    is_goal = ending == "_s"
    figure = (
        "not reached" if value is None and is_goal else readable(value, _KPI_UNITS.get(ending, ""))
    )
    return plain_name.replace("_", " "), figure


TIGHTEST = 3
"""How many service levels are drawn at the top of the report."""

# -- the page -------------------------------------------------------------------------------------


def page(summary: Summary) -> str:
    """
    The report as HTML that needs no network.

    Args:
        summary: of a run, as ``--summary-json`` writes it.
    """
    scenario, first, verdict = summary.get("scenario"), what_broke_first(summary), judge(summary)
    return render(
        "report.html",
        of_run(summary),
        title=_title(summary),
        facts=list(_facts(summary)),
        verdict=verdict,
        grounds=further_grounds(verdict),
        first=first,
        first_mark=marks_of(summary).index(first.mark()) + 1 if first else 0,
        tightest=tightest_levels(summary)[:TIGHTEST],
        key_figures=key_figures(summary),
        kpis=kpis(summary),
        findings=scenario["findings"] if scenario else (),
        levels=tables.LEVELS(summary),
        tables=_tables(summary),
        opening=_opening(summary),
        marks=marks_of(summary),
        step=step_of(summary),
        command=summary.get("command"),
        settings={name: _setting(value) for name, value in _settings(summary).items()},
        version=summary.get("version", "unknown"),
    )


def _tables(summary: Summary) -> list[ReportTable]:
    """All tables in figures; how CPEs were reached stands behind how long that took."""
    made = [table(summary) for table in TABLES]
    behind = 1 + TABLES.index(tables.SESSIONS)
    return [*made[:behind], *reach_tables(summary), *made[behind:]]


def _title(summary: Summary) -> str:
    scenario = summary.get("scenario")
    name = (scenario and scenario["name"]) or "Load test"
    return f"{name}: {readable(summary['fleet']['cpes'])} CPEs for {_length(summary['seconds'])}"


def _opening(summary: Summary) -> str:
    """What the curves begin with, which a reader would take for something that happened."""
    settings = _settings(summary)
    users, rate = settings.get("--users"), settings.get("--spawn-rate")
    per_user = settings.get("--cpes-per-user") or 1
    numbers = [n for n in (users, rate, per_user) if isinstance(n, int | float) and n]
    if len(numbers) < 3:
        return ""
    users, rate, per_user = numbers
    first = "" if settings.get("--start") == "running" else ", each with its first contact"
    return (
        f"The run begins with the fleet being powered on: {readable(users * per_user)} CPEs at "
        f"{readable(rate * per_user)} per second{first}."
    )


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    """What was run, in short."""
    settings, fleet = _settings(summary), summary["fleet"]
    embedded = " (embedded)" if summary.get("embedded_acs") else ""
    if "--host" in settings:
        yield "ACS", f"{settings['--host']}{embedded}"
    if "started" in summary:
        yield "Started", _time(str(summary["started"]))
    yield (
        "Profiles",
        ", ".join(f"{name} {readable(n)}" for name, n in fleet["profiles"].items()),
    )
    if summary["warm_up_s"]:
        yield "Warm-up", f"{_length(summary['warm_up_s'])}, only in timeline and books"
    if "--seed" in settings:
        yield "Seed", str(settings["--seed"])
    yield "Caretaker", str(summary.get("version", "unknown"))


def _time(iso: str) -> str:
    """An ISO time in UTC as people read it."""
    return iso.replace("T", " ").replace("+00:00", " UTC")


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return str(value)


# -- the command ----------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "summary",
        metavar="SUMMARY.json",
        help="what --summary-json has written, or the folder of a run",
    )
    parser.add_argument(
        "--output", "-o", metavar="FILE.html", help="default: beside the summary, ending in .html"
    )


def run(options: argparse.Namespace) -> int:
    """
    Make the report of an earlier run.

    Raises:
        InputError: a file can't be read or written.
    """
    file = file_of(options.summary)
    summary = read_summary(file)
    path = options.output or str(Path(file).with_suffix(".html"))
    save("--output", path, page(summary))
    print(f"wrote {path}")  # noqa: T201  # a command prints
    return 0
