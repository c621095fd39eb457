"""Summaries of runs that did not take place."""

from __future__ import annotations

from typing import Any

from caretaker.device.cpe import Outcome
from caretaker.errors import Blame
from caretaker.results import VERDICTS, ExchangeRecord, Results, SessionRecord
from caretaker.swarm.summary import summarize

CR = "6 CONNECTION REQUEST"
SUCCEEDED = SessionRecord((CR,), 0.0, 0.001, 0.01, Outcome.SUCCEEDED, None, None, 0.0, 0.001, 0.002)
FAILED = SUCCEEDED._replace(outcome=Outcome.FAILED, reason="no answer in time", blame=Blame.ACS)


def results(succeeded: int = 100, failed: int = 0, **counters: int) -> Results:
    """Of sessions that answered Connection Requests, each with a task."""
    made = Results()
    for record in [SUCCEEDED] * succeeded + [FAILED] * failed:
        made.session(record)
        made.exchange(ExchangeRecord("Inform", 0.0, 0.001, 100, 100, record.reason))
        made.connection_request("accepted", 0.0001)
        made.count(f"events.raised.{CR}")
        made.count(f"events.delivered.{CR}")
        made.count("tasks.posted")
        made.count("tasks.done")
        made.time("tasks.latency", 0.005)
        made.time("generator.loop_lag", 0.001)
    for name, number in counters.items():
        made.count(name.replace("__", "."), number)
    return made


def summary_of(made: Results, seconds: float = 10.0) -> dict[str, Any]:
    """The summary of one worker's results."""
    snapshot = {
        "run": 1,
        "worker": 0,
        "cpes": 10,
        "profiles": {"tr181": 10},
        "results": made.to_wire(),
        "final": True,
        "held": [[0, 10]],
        "cpu_mean": 50.0,
        "cpu_peak": 90.0,
        "rss_mb": 50.0,
    }
    return summarize([snapshot], seconds)


def summary(succeeded: int = 100, failed: int = 0, **counters: int) -> dict[str, Any]:
    """The summary of a run; counters by name, with ``__`` for the dots."""
    return summary_of(results(succeeded, failed, **counters))


def everything() -> dict[str, Any]:
    """A summary in which every family of metrics has a member."""
    made = results(failed=1, tasks__failed=1)
    for verdict in VERDICTS:
        made.connection_request(verdict, 0.0001)
    for blame in Blame:
        made.count(f"sessions.blame.{blame.value}")
    for name in ("tasks.reasons.HTTP 404", "transfers.faults.9010", "transfers.succeeded"):
        made.count(name)
    made.count(f"events.discarded.merged.{CR}")
    return summary_of(made)
