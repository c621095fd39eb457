"""
The summary of a run: the snapshots of its workers as one, for machines and for people.

``summarize`` is a pure function; its result is the JSON of ``--summary-json``, documented in
``docs/summary.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from caretaker.device.events import CONNECTION_REQUEST
from caretaker.index_set import IndexSet
from caretaker.reporting.checks import described, failures
from caretaker.stats.records import VERDICTS
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import FailureExample, WorkerSnapshot


def summarize(
    snapshots: Sequence[WorkerSnapshot], seconds: float, lost: int = 0, left: int = 0
) -> dict[str, Any]:
    """
    The summary of a run.

    Args:
        snapshots: the last one of each worker that took part.
        seconds: how long the run took.
        lost: workers that did not say how they ended; their last report stands for them.
        left: workers that said goodbye before the end; their CPEs went to others.
    """
    total = Results()
    for snapshot in snapshots:
        total.merge(snapshot.results)
    return {
        "fleet": {**_fleet(snapshots), "workers_lost": lost, "workers_left": left},
        "informs": {
            "planned": total.counters["informs.planned"],
            "total": total.counters["informs.total"],
            "by_event": total.with_prefix("informs.by_event"),
            "from_plan_ms": total.histogram("informs.from_plan").summary(50, 95, 99),
        },
        "sessions": {**_sessions(total, seconds), "failures": _failures(total, snapshots)},
        "connection_requests": _connection_requests(total, snapshots),
        "events": _events(total, snapshots),
        "tasks": _tasks(total),
        "transfers": _transfers(total),
        "exchanges": _exchanges(total),
        "recordings": {name: total.counters[f"recordings.{name}"] for name in _RECORDINGS},
        "generator": _generator(total, snapshots, seconds),
        "seconds": round(seconds, 1),
    }


def _fleet(snapshots: Sequence[WorkerSnapshot]) -> dict[str, Any]:
    profiles: dict[str, int] = {}
    for snapshot in snapshots:
        for name, number in snapshot.profiles.items():
            profiles[name] = profiles.get(name, 0) + number
    seen, twice = IndexSet(), 0
    for snapshot in snapshots:
        held = IndexSet(snapshot.held)
        twice += len(seen & held)
        for start, stop in held.ranges:
            seen.add(start, stop)
    return {
        "cpes": sum(snapshot.cpes for snapshot in snapshots),
        "workers": len(snapshots),
        "by_worker": {str(snapshot.worker): snapshot.cpes for snapshot in snapshots},
        "profiles": profiles,
        "duplicate_serial_numbers": twice,
    }


_OUTCOMES = ("started", "succeeded", "failed", "shed", "abandoned", "unfinished")


def _ratio(part: int, whole: int) -> float | None:
    """None of nothing: that is no good ratio, and no bad one."""
    return round(part / whole, 9) if whole else None


def _sessions(total: Results, seconds: float) -> dict[str, Any]:
    counts = {outcome: total.counters[f"sessions.{outcome}"] for outcome in _OUTCOMES}
    judged = counts["started"] - counts["abandoned"]
    return {
        **counts,
        "failed_ratio": _ratio(counts["failed"], judged),
        "shed_ratio": _ratio(counts["shed"], judged),
        "per_second": round(total.counters["sessions.succeeded"] / max(seconds, 1e-9), 2),
        "duration_ms": total.histogram("sessions.duration").summary(50, 95, 99),
        "blame": total.with_prefix("sessions.blame"),
        "reasons": total.with_prefix("sessions.reasons"),
    }


def _failures(total: Results, snapshots: Iterable[WorkerSnapshot]) -> list[dict[str, Any]]:
    examples: dict[str, list[FailureExample]] = {}
    for snapshot in snapshots:
        for reason, example in snapshot.examples.items():
            examples.setdefault(reason, []).append(example)
    failures = []
    for name, number in total.with_prefix("sessions.failures").items():
        blame, _, reason = name.partition(".")
        first = min(examples.get(reason, ()), key=attrgetter("at", "serial_number"), default=None)
        failures.append({
            "reason": reason, "blame": blame, "number": number, "example": first and _example(first)
        })  # fmt: skip
    return failures


def _example(first: FailureExample) -> dict[str, Any]:
    return {"cpe": first.serial_number, "at": round(first.at, 3), "events": [*first.events]}


def _crs(results: Results, *, final: bool) -> dict[str, int]:
    """
    The books of Connection Requests (decision D9).

    What is pending was counted CPE by CPE in a final snapshot; a worker that was lost has only
    the difference.
    """
    count = results.counters
    merged = f"events.discarded.merged.{CONNECTION_REQUEST}"
    dropped = sum(
        number
        for name, number in count.items()
        if name.startswith("events.discarded.")
        and name.endswith(f".{CONNECTION_REQUEST}")
        and name != merged
    )
    books = {name: count[f"connection_requests.{name}"] for name in ("received", *VERDICTS)}
    books["coalesced"] = count[merged]
    books["delivered"] = count[f"events.delivered.{CONNECTION_REQUEST}"]
    books["dropped"] = dropped
    pending = books["accepted"] - books["coalesced"] - books["delivered"] - dropped
    books["pending"] = count[f"events.pending.{CONNECTION_REQUEST}"] if final else pending
    return books


def _balances(books: Mapping[str, int]) -> bool:
    ends = ("delivered", "coalesced", "pending", "dropped")
    return books["accepted"] == sum(books[end] for end in ends) and books["received"] == sum(
        books[verdict] for verdict in VERDICTS
    )


def _connection_requests(total: Results, snapshots: Sequence[WorkerSnapshot]) -> dict[str, Any]:
    each = [_crs(s.results, final=s.final) for s in snapshots]
    names = _crs(Results(), final=True)
    books = {name: sum(one[name] for one in each) for name in names}
    stages = ("to_inform", "to_informresponse", "to_session_end")
    return {
        **books,
        "refused_ratio": _ratio(books["refused"], books["accepted"] + books["refused"]),
        "dropped_ratio": _ratio(books["dropped"], books["accepted"]),
        "books_balance": all(map(_balances, each)),
        **{
            f"{stage}_ms": total.histogram(f"connection_requests.{stage}").summary(50, 95, 99)
            for stage in stages
        },
        "to_inform_cdf": total.histogram("connection_requests.to_inform").cdf(),
    }


def _events(total: Results, snapshots: Sequence[WorkerSnapshot]) -> dict[str, Any]:
    finals = [s.results for s in snapshots if s.final]
    return {
        "raised": sum(total.with_prefix("events.raised").values()),
        "delivered": sum(total.with_prefix("events.delivered").values()),
        "pending": sum(total.with_prefix("events.pending").values()),
        "discarded": total.with_prefix("events.discarded"),
        "books_balance": all(map(_events_balance, finals)),
    }


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


def _tasks(total: Results) -> dict[str, Any]:
    outcomes = ("posted", "done", "queued", "failed", "cut")
    counts = {outcome: total.counters[f"tasks.{outcome}"] for outcome in outcomes}
    judged = counts["posted"] - counts["cut"]
    return {
        **counts,
        "done_ratio": _ratio(counts["done"], judged),
        "failed_ratio": _ratio(counts["failed"], judged),
        "latency_ms": total.histogram("tasks.latency").summary(50, 95, 99),
        "reasons": total.with_prefix("tasks.reasons"),
    }


_TRANSFERS = ("requested", "succeeded", "failed", "cancelled", "dropped", "pending")


def _transfers(total: Results) -> dict[str, Any]:
    faults = total.with_prefix("transfers.faults")
    counts = (*_TRANSFERS, "retried", "bytes_received", "bytes_sent")
    failed = sum(faults.values())
    return {
        **{name: total.counters[f"transfers.{name}"] for name in counts},
        "failed": failed,
        "failed_ratio": _ratio(failed, total.counters["transfers.succeeded"] + failed),
        "faults": faults,
    }


_RECORDINGS = ("sampled", "failed", "left_out", "unwritten")


def _exchanges(total: Results) -> dict[str, Any]:
    prefix = "exchanges."
    names = sorted(name[len(prefix) :] for name in total.histograms if name.startswith(prefix))
    return {name: _exchange(total, name) for name in names}


def _exchange(total: Results, name: str) -> dict[str, Any]:
    times, failed = total.histogram(f"exchanges.{name}"), total.counters[f"exchanges.failed.{name}"]
    return {
        "count": times.count,
        "failed": failed,
        "failed_ratio": _ratio(failed, times.count),
        "ms": times.summary(50, 95, 99),
    }


def _generator(
    total: Results, snapshots: Sequence[WorkerSnapshot], seconds: float
) -> dict[str, Any]:
    cpu = sum(snapshot.usage.cpu_mean for snapshot in snapshots) / 100 * seconds
    sessions = total.counters["sessions.succeeded"]
    lag = total.histogram("generator.loop_lag").summary(99)
    return {
        "lateness_ms": total.histogram("generator.lateness").summary(50, 99),
        "loop_lag_ms": lag,
        "cpu_ms_per_session": round(1000 * cpu / sessions, 3) if sessions else None,
        "cpu_percent": {
            "mean": {str(s.worker): s.usage.cpu_mean for s in snapshots},
            "max": {str(s.worker): s.usage.cpu_peak for s in snapshots},
        },
        "rss_mb": {str(s.worker): s.usage.rss_mb for s in snapshots},
    }


# -- for people -----------------------------------------------------------------------------------


def live_line(
    snapshots: Iterable[WorkerSnapshot], before: Results, seconds: float
) -> tuple[str, Results]:
    """
    One line on how the run stands, and the results it was made of.

    Args:
        snapshots: the newest of each worker.
        before: what the last line was made of; rates are of the time since.
        seconds: that time.
    """
    snapshots = list(snapshots)
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


def _figure(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def render(summary: Mapping[str, Any]) -> str:
    """The summary as text for a terminal."""
    fleet, sessions = summary["fleet"], summary["sessions"]
    crs, tasks, generator = (
        summary["connection_requests"],
        summary["tasks"],
        summary["generator"],
    )
    profiles = ", ".join(f"{name} {number}" for name, number in fleet["profiles"].items())
    workers = " + ".join(str(number) for number in fleet["by_worker"].values())
    events = ", ".join(f"{code} {n}" for code, n in summary["informs"]["by_event"].items())
    figures = {
        "Fleet": f"{fleet['cpes']} CPEs over {fleet['workers']} workers ({workers}): {profiles}",
        "Informs": f"{summary['informs']['total']}: {events}",
        "  from plan": _ms(summary["informs"]["from_plan_ms"]),
        "Sessions": _outcomes(sessions, *_OUTCOMES) + f"; {sessions['per_second']:g} per second",
        "  duration": _ms(sessions["duration_ms"]),
        "CRs": _outcomes(crs, "received", "accepted", "unauthorized", "not_found", "refused"),
        "  books": f"{crs['accepted']} accepted = {crs['delivered']} delivered + "
        f"{crs['coalesced']} coalesced + {crs['pending']} pending + {crs['dropped']} dropped: "
        + ("balanced" if crs["books_balance"] else "NOT BALANCED"),
        "  to Inform": _ms(crs["to_inform_ms"]),
        "  to InformResponse": _ms(crs["to_informresponse_ms"]),
        "  to session end": _ms(crs["to_session_end_ms"]),
        "Tasks": _outcomes(tasks, "posted", "done", "queued", "failed", "cut"),
        "  latency": _ms(tasks["latency_ms"]),
        "Generator": f"CPU {_each(generator['cpu_percent']['mean'], '%')}; "
        f"memory {_each(generator['rss_mb'], ' MB')}",
        "  lateness": _ms(generator["lateness_ms"]),
        "  loop lag": _ms(generator["loop_lag_ms"]),
    }
    if summary["transfers"]["requested"]:
        figures["Transfers"] = _outcomes(summary["transfers"], *_TRANSFERS)
    if any(summary["recordings"].values()):
        figures["Recordings"] = _outcomes(summary["recordings"], *_RECORDINGS)
    lines = [f"{name:<20}{figure}" for name, figure in figures.items()]
    lines += _scenario(summary.get("scenario"))
    reasons = (*sessions["reasons"].items(), *tasks["reasons"].items())
    lines += [f"{'  failure':<20}{number} x {why}" for why, number in reasons]
    lines += _levels(summary.get("service_levels", ()))
    broken = failures(summary)
    lines.append(f"{'Result':<20}{'FAILED: ' + '; '.join(broken) if broken else 'passed'}")
    return "\n".join(lines)


def _levels(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not verdicts:
        return []
    broken = sum(not verdict["holds"] for verdict in verdicts)
    told = [("  holds" if v["holds"] else "  BROKEN", described(v)) for v in verdicts]
    rows = [("Service levels", f"{len(verdicts) - broken} hold, {broken} broken"), *told]
    return [f"{name:<20}{figure}" for name, figure in rows]


def _scenario(found: Mapping[str, Any] | None) -> list[str]:
    """What was played, its KPIs and findings."""
    if found is None:
        return []
    kpis = ((name.replace("_", " "), value) for name, value in found["kpis"].items())
    return [
        f"{'Scenario':<20}{found['name']}",
        *(f"  {name} {'-' if value is None else f'{value:g}'}" for name, value in kpis),
        *(f"  * {sentence}" for sentence in found["findings"]),
    ]


def _ms(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g} ms" for name, value in figures.items())


def _outcomes(section: Mapping[str, Any], *names: str) -> str:
    return ", ".join(f"{section[name]} {name.replace('_', ' ')}" for name in names)


def _each(by_worker: Mapping[str, float], unit: str) -> str:
    return " / ".join(f"{value:g}{unit}" for value in by_worker.values())
