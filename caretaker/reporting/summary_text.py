"""A run as text for a terminal: the live line while it goes on, and its summary at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from caretaker.reporting.summary_types import (
    LevelVerdict,
    Percentiles,
    ScenarioSection,
    Summary,
    TasksSection,
    UnfinishedWait,
)
from caretaker.reporting.verdict import described, failures
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import failed_parts
from caretaker.stats.worker_snapshot import WorkerSnapshot

_SESSIONS = ("started", "succeeded", "failed", "shed", "abandoned", "unfinished")
_TRANSFERS = ("requested", "succeeded", "failed", "cancelled", "dropped", "pending")
_RECORDINGS = ("sampled", "failed", "left_out", "unwritten")


def live_line(
    snapshots: Sequence[WorkerSnapshot], before: Results, seconds: float
) -> tuple[str, Results]:
    """
    One line on how the run stands, and the results it was made of.

    Args:
        snapshots: the newest of each worker.
        before: what the last line was made of; rates are of the time since.
        seconds: that time.
    """
    total = Results()
    for snapshot in snapshots:
        total.merge(snapshot.results)

    def rate(name: str) -> float:
        return (total.counters[name] - before.counters[name]) / max(seconds, 1e-9)

    loop = total.histogram("connection_requests.to_inform")
    lag = total.histogram("generator.loop_lag")
    count = total.counters
    parts = (
        f"CPEs {sum(s.cpes for s in snapshots):>6}",
        f"sessions/s {rate('sessions.succeeded'):7.1f}",
        f"failed {count['sessions.failed']} shed {count['sessions.shed']}",
        f"CR/s {rate('connection_requests.accepted'):6.1f}",
        f"CR to Inform p50 {_figure(loop.percentile(50))} p99 {_figure(loop.percentile(99))}",
        f"loop lag p99 {_figure(lag.percentile(99))}",
    )
    return " | ".join(parts), total


def _figure(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def render(summary: Summary) -> str:
    """The summary as text for a terminal."""
    fleet, sessions = summary["fleet"], summary["sessions"]
    crs, tasks = summary["connection_requests"], summary["tasks"]
    informs, generator = summary["informs"], summary["generator"]
    profiles = ", ".join(f"{name} {number}" for name, number in fleet["profiles"].items())
    workers = " + ".join(str(number) for number in fleet["by_worker"].values())
    events = ", ".join(f"{code} {n}" for code, n in informs["by_event"].items())
    figures = {
        "Fleet": f"{fleet['cpes']} CPEs over {fleet['workers']} workers ({workers}): {profiles}",
        "Informs": f"{informs['total']} of {informs['planned']} planned: {events}",
        "  from plan": _ms(informs["from_plan_ms"]),
        "Sessions": _outcomes(sessions, *_SESSIONS) + f"; {sessions['per_second']:g} per second",
        "  duration": _ms(sessions["duration_ms"]),
        "CRs": _outcomes(crs, "received", "accepted", "unauthorized", "not_found", "refused"),
        "  books": f"{crs['accepted']} accepted = {crs['delivered']} delivered + "
        f"{crs['coalesced']} coalesced + {crs['pending']} pending + {crs['dropped']} dropped: "
        + ("balanced" if crs["books_balance"] else "NOT BALANCED"),
        "  to Inform": _ms(crs["to_inform_ms"]),
        "  to InformResponse": _ms(crs["to_informresponse_ms"]),
        "  to session end": _ms(crs["to_session_end_ms"]),
        "Tasks": _tasks(tasks),
        "  latency": _ms(tasks["latency_ms"]),
        "Generator": f"CPU {_by_worker(generator['cpu_percent']['mean'], '%')}; "
        f"memory {_by_worker(generator['rss_mb'], ' MB')}",
        "  lateness": _ms(generator["lateness_ms"]),
        "  wait for a place": _ms(generator["place_wait_ms"]),
        "  loop lag": _ms(generator["loop_lag_ms"]),
    }
    if summary["transfers"]["requested"]:
        figures["Transfers"] = _outcomes(summary["transfers"], *_TRANSFERS)
    if any(summary["recordings"].values()):
        figures["Recordings"] = _outcomes(summary["recordings"], *_RECORDINGS)
    lines = [f"{name:<20}{figure}" for name, figure in figures.items()]
    if "scenario" in summary:
        lines += _scenario(summary["scenario"])
    reasons = (*sessions["reasons"].items(), *tasks["reasons"].items())
    lines += [f"{'  failure':<20}{number} x {why}" for why, number in reasons]
    lines += map(_unfinished, sessions["unfinished_waits"])
    lines += _levels(summary.get("service_levels", ()))
    broken = failures(summary)
    lines.append(f"{'Result':<20}{'FAILED: ' + '; '.join(broken) if broken else 'passed'}")
    return "\n".join(lines)


def _unfinished(wait: UnfinishedWait) -> str:
    longest = f"longest {wait['longest_ms'] / 1000:.1f} s"
    what = f"{wait['number']} x waited for {wait['waited_for']} ({wait['blame']}), {longest}"
    return f"{'  unfinished':<20}{what}"


def _levels(verdicts: Sequence[LevelVerdict]) -> Iterator[str]:
    if not verdicts:
        return
    number = Counter(verdict["outcome"] for verdict in verdicts)
    yield f"{'Service levels':<20}" + ", ".join(f"{n} {outcome}" for outcome, n in number.items())
    for verdict in verdicts:
        yield f"{'  ' + verdict['outcome']:<20}{described(verdict)}"


def _scenario(scenario: ScenarioSection) -> Iterator[str]:
    """What was played, its KPIs and findings."""
    yield f"{'Scenario':<20}{scenario['name']}"
    for name, value in scenario["kpis"].items():
        yield f"  {name.replace('_', ' ')} {'-' if value is None else f'{value:g}'}"
    for sentence in scenario["findings"]:
        yield f"  * {sentence}"


def _ms(figures: Percentiles) -> str:
    return ", ".join(
        f"{name} -" if value is None else f"{name} {value:g} ms" for name, value in figures.items()
    )


def _outcomes(section: Mapping[str, object], *names: str) -> str:
    return ", ".join(f"{section[name]} {name.replace('_', ' ')}" for name in names)


def _tasks(tasks: TasksSection) -> str:
    """The tasks by outcome: failures only where there are some."""
    text = _outcomes(tasks, "posted", "done", "queued", "failed", "cut")
    failed = failed_parts(tasks)
    text += f" ({failed})" if failed else ""
    return text + (f"; {tasks['not_posted']} not posted" if tasks["not_posted"] else "")


def _by_worker(figures: Mapping[str, float], unit: str) -> str:
    return " / ".join(f"{value:g}{unit}" for value in figures.values())
