"""Summaries of runs that did not take place; of type Any, as tests bend them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.reporting.summary import summarize
from caretaker.reporting.verdict import judge
from caretaker.stats.records import VERDICTS, ExchangeRecord, SessionRecord, path_of
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.way import Way
from helpers.snapshots import usage, worker_snapshot

CR = "6 CONNECTION REQUEST"
SUCCEEDED = SessionRecord(
    (CR,), 0.0, 0.001, seconds=0.01, outcome=Outcome.SUCCEEDED, accepted=0.0, inform_sent=0.001,
    informed=0.002, lateness=0.001,
)  # fmt: skip
FAILED = SUCCEEDED._replace(outcome=Outcome.FAILED, reason="no answer in time", blame=Blame.ACS)


def results(succeeded: int = 100, failed: int = 0, **counters: int) -> Results:
    """Of sessions that answered Connection Requests, each with a task."""
    made = Results()
    for record in [SUCCEEDED] * succeeded + [FAILED] * failed:
        made.session(record)
        made.exchange(ExchangeRecord("Inform", 0.0, 0.001, 100, 100, reason=record.reason))
        made.connection_request("accepted", 0.0001)
        made.count(f"events.raised.{CR}")
        made.count(f"events.delivered.{CR}")
        made.count(f"{path_of(Way.HTTP)}.delivered")
        made.count("tasks.posted")
        made.count("tasks.done")
        made.time("tasks.latency", 0.005)
        made.time("generator.loop_lag", 0.001)
    for name, number in counters.items():
        made.count(name.replace("__", "."), number)
    return made


def summary_of(made: Results, seconds: float = 10.0) -> Any:
    """The summary of one worker's results."""
    snapshot = worker_snapshot(
        results=made,
        final=True,
        held=[(0, 10)],
        usage=usage(cpu_mean=50.0, cpu_peak=90.0, rss_mb=50.0),
    )
    return summarize([snapshot], seconds)


def summary(succeeded: int = 100, failed: int = 0, **counters: int) -> Any:
    """The summary of a run; counters by name, with ``__`` for the dots."""
    return summary_of(results(succeeded, failed, **counters))


def everything() -> Any:
    """A summary in which every family of metrics has a member."""
    made = results(failed=1, tasks__faulted=1)
    for verdict in VERDICTS:
        made.connection_request(verdict, 0.0001)
    for blame in Blame:
        made.count(f"sessions.blame.{blame.value}")
    for name in (
        "tasks.reasons.HTTP 404",
        "tasks.by_way.http.done",
        "tasks.by_way.http.reasons.HTTP 404",
        "transfers.reasons.HTTP 404",
        "transfers.faults.9010",
        "transfers.succeeded",
        "xmpp.failed.connection refused",
        "xmpp.not_connected.connection refused",
        "addresses.passed_over.connection refused",
        "engine.handed_over.HTTP 302",
        "engine.by_greenlet.TLS",
        "stun.errors.401",
        "stun.unanswered.error 401",
        "stun.unsent.host not allowed",
    ):
        made.count(name)
    made.count(f"events.discarded.merged.{CR}")
    made.count(f"{path_of(Way.HTTP)}.coalesced")
    whole = summary_of(made)
    whole["fleet"]["by_reach"] = {"direct": 10}
    return whole


def reached() -> Any:
    """The summary of a run whose CPEs were reached by all ways."""
    made = results()
    for way, number in {Way.UDP: 2, Way.XMPP: 1}.items():
        for _ in range(number):
            made.connection_request("accepted", 0.0001, way)
            made.count(f"{path_of(way)}.delivered")
    made.time(f"{path_of(Way.UDP)}.to_inform", 0.003)
    for name, number in {
        "tasks.by_way.http.done": 7,
        "tasks.by_way.xmpp.done": 1,
        "tasks.by_way.xmpp.offline": 4,
        "tasks.by_way.xmpp.reasons.Device is offline": 4,
        "stun.cpes": 9,
        "stun.sent": 9,
        "stun.answered": 8,
        "stun.errors.401": 1,
        "stun.unanswered.error 401": 1,
        "stun.unsent.host not allowed": 3,
        "xmpp.cpes": 5,
        "xmpp.logins": 5,
        "xmpp.bound": 3,
        "xmpp.failed.login refused: not-authorized": 2,
        "xmpp.not_connected.login refused: not-authorized": 2,
    }.items():
        made.count(name, number)
    return summary_of(made)


def lost_worker(**changes: Any) -> Any:
    """A worker that was lost with its CPEs."""
    lost = {
        "worker": "1 (host_ab12)", "cpes": 500, "pending_connection_requests": 0,
        "reported_at": 33.2, "unknown_s": 2.1, "taken_over": False, "cpes_back": 0,
        "first_back_s": None, "last_back_s": None,
    }  # fmt: skip
    return lost | changes


def with_timeline(**columns: Any) -> Any:
    """A summary with columns of its timeline, of a second each unless ``step`` tells."""
    made = summary()
    step = columns.get("step", 1.0)
    size = max((len(column) for column in _columns(columns)), default=0)
    at = [step * number for number in range(size)]
    made["timeline"] = {**Timeline().summary(), "step": step, "at": at, **columns}
    return made


def _columns(columns: dict[str, Any]) -> Iterator[list[Any]]:
    for name, column in columns.items():
        if isinstance(column, dict):
            yield from column.values()
        elif isinstance(column, list) and name != "marks":
            yield column


def grounds(summary: Any) -> list[str]:
    """What kept a run from having held, each as a sentence."""
    return [ground["text"] for ground in judge(summary)["grounds"]]


def scenario(**changes: Any) -> Any:
    """The section of a scenario that found nothing."""
    nothing = {"name": "steady", "kpis": {}, "findings": [], "curves": {}, "marks": []}
    return {**nothing, **changes}


def told() -> Any:
    """A summary with all that a report can show."""
    made = everything()
    made["timeline"] = with_timeline(
        informs=[5, 9, 7], informs_planned=[5, 9, 8], sessions_succeeded=[5, 8, 7],
        failed_by={"acs": [0, 1, 0]}, cpes_on=[10, 10, 10], crs_received=[2, 4, 2],
        to_inform_ms={"p50": [1.0, 2.0, 1.0]}, from_plan_ms={"p50": [1.0, 2.0, 1.0]},
        marks=[{"at": 1.0, "text": "power cut: half of the fleet"}],
    )["timeline"]  # fmt: skip
    made["scenario"] = scenario(
        name="power-cut",
        kpis={"time_to_steady_state_s": 5.9, "peak_over_before": None},
        findings=["Steady state 5.9 s after the power was back."],
        curves={"converged": [[0, 0.0], [3, 1.0]]},
        marks=[{"at": 2.0, "text": "steady state"}],
    )
    made["service_levels"] = [
        {"level": "sessions.per_second > 1", "actual": 10.1, "outcome": "held"},
        {"level": "tasks.failed < 1", "actual": 1, "outcome": "broken", "broken_at": 7.0},
        {"level": "transfers.failed_ratio < 1", "actual": None, "outcome": "not shown"},
    ]
    made["settings"] = {"--host": "http://acs:7547/", "--seed": 7, "--users": 10,
                        "--spawn-rate": 5, "--profile": ["a", "b"]}  # fmt: skip
    return {
        **made,
        "version": "9.8.7",
        "started": "2026-01-02T03:04:05+00:00",
        "embedded_acs": False,
        "command": "./scripts/loadtest --seed 7",
        "other_failures": ["3 exceptions in users"],
    }


def with_latency(p99: float | None) -> Any:
    """A summary of tasks that took so many milliseconds (p99), by a generator that added none."""
    made = summary()
    none = {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    own = dict.fromkeys(("lateness_ms", "loop_lag_ms", "place_wait_ms"), none)
    made["generator"] = {**made["generator"], **own}
    times = {"p50": 1.0, "p95": 1.0, "p99": p99, "max": 99.0}
    made["tasks"] = {**made["tasks"], "latency_ms": times}
    return made
