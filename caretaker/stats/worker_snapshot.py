"""
What a worker tells the master in each of its reports.

Snapshots are cumulative (decision 0008): the newest one of a worker stands for all of its run, so a
report that is lost does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from caretaker.index_set import Ranges
from caretaker.stats.results import Results
from caretaker.stats.timeline import TimelineReport


class FailureExample(NamedTuple):
    """
    The first session that failed for a reason.

    Args:
        serial_number: of the CPE.
        at: when the session began, in seconds of the run.
        events: the event codes of its Inform.
    """

    serial_number: str
    at: float
    events: Sequence[str]


class ResourceUsage(NamedTuple):
    """
    What a worker's process uses of its machine.

    Args:
        cpu_mean: CPU since the run began, in percent of one core.
        cpu_peak: the highest CPU of a second.
        cpu_now: CPU of the last second; None in the first one.
        rss_mb: resident memory in MB.
    """

    cpu_mean: float
    cpu_peak: float
    cpu_now: float | None
    rss_mb: float


@dataclass(frozen=True)
class WorkerSnapshot:
    """
    How a run stands on one worker.

    Args:
        run: the number of the run.
        worker: Locust's index of the worker.
        at: when it was taken, in seconds of the run.
        cpes: how many CPEs have power.
        states: how many CPEs are in each of ``cpe_states.STATES``.
        profiles: how many CPEs have each profile.
        results: counters and histograms of the whole run so far.
        examples: the first failed session by reason.
        timeline: the points that have changed of late, all of them when ``final``.
        final: whether the run has ended on this worker.
        held: the indices of its CPEs when ``final``, to prove that no other worker had them.
        usage: CPU and memory of the process.
        measured: those of the results that came after the warm-up; None if there is none.
        reach: how many CPEs are of each kind of ``--reach``; empty without it.
    """

    run: int
    worker: int
    at: float
    cpes: int
    states: Mapping[str, int]
    profiles: Mapping[str, int]
    results: Results
    examples: Mapping[str, FailureExample]
    timeline: TimelineReport
    final: bool
    held: Ranges
    usage: ResourceUsage
    measured: Results | None = None
    reach: Mapping[str, int] = field(default_factory=dict)

    def without_cpes(self) -> WorkerSnapshot:
        """The same, after the CPEs have gone to other workers: what they did still counts."""
        return replace(self, cpes=0, states={}, profiles={}, reach={}, held=[])

    def to_wire(self) -> dict[str, Any]:
        """As plain data, for Locust's messages."""
        return {
            "run": self.run,
            "worker": self.worker,
            "at": self.at,
            "cpes": self.cpes,
            "states": dict(self.states),
            "profiles": dict(self.profiles),
            "reach": dict(self.reach),
            "results": self.results.to_wire(),
            "measured": None if self.measured is None else self.measured.to_wire(),
            "examples": {reason: list(example) for reason, example in self.examples.items()},
            "timeline": self.timeline,
            "final": self.final,
            "held": self.held,
            **self.usage._asdict(),
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> WorkerSnapshot:
        """What ``to_wire`` made."""
        return cls(
            run=wire["run"],
            worker=wire["worker"],
            at=wire["at"],
            cpes=wire["cpes"],
            states=wire["states"],
            profiles=wire["profiles"],
            reach=wire["reach"],
            results=Results.from_wire(wire["results"]),
            measured=None if wire["measured"] is None else Results.from_wire(wire["measured"]),
            examples={reason: FailureExample(*own) for reason, own in wire["examples"].items()},
            timeline=wire["timeline"],
            final=wire["final"],
            held=[(start, stop) for start, stop in wire["held"]],
            usage=ResourceUsage(*(wire[name] for name in ResourceUsage._fields)),
        )
