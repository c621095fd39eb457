"""What happened in one step of a run: counts, gauges and times, of one worker or of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.histogram import CoarseHistogram
from caretaker.stats.records import SessionColumns, succeeded


@dataclass(slots=True)
class Point:
    """
    What happened in one step of the run.

    Args:
        informs_planned: due times of Informs.
        informs: Informs written.
        sessions_succeeded, sessions_failed, sessions_shed, sessions_abandoned: ended sessions by
            outcome; a session that was planned and has not ended is open.
        failed_ours, failed_acs, failed_generator: failed sessions by blame.
        crs_received, crs_accepted: Connection Requests.
        crs_delivered: Connection Requests whose Inform the ACS answered.
        cpes_on: CPEs with power at the end of the step; below 0 without a sample.
        retrying: CPEs with power that wait for the retry of a session; below 0 without a sample.
        absent: CPEs without a good session since their power was cut; below 0 without a sample.
        sessions: how long the succeeded sessions took.
        from_plan: from the planned time of an Inform to its InformResponse.
        to_inform: from an accepted Connection Request to its Inform.
    """

    informs_planned: int = 0
    informs: int = 0
    sessions_succeeded: int = 0
    sessions_failed: int = 0
    sessions_shed: int = 0
    sessions_abandoned: int = 0
    failed_ours: int = 0
    failed_acs: int = 0
    failed_generator: int = 0
    crs_received: int = 0
    crs_accepted: int = 0
    crs_delivered: int = 0
    cpes_on: int = -1
    retrying: int = -1
    absent: int = -1
    sessions: CoarseHistogram = field(default_factory=CoarseHistogram)
    from_plan: CoarseHistogram = field(default_factory=CoarseHistogram)
    to_inform: CoarseHistogram = field(default_factory=CoarseHistogram)

    def merge(self, other: Point) -> None:
        """Add counts and times of another worker, or of the next step; gauges are not added up."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in TIMES:
            getattr(self, name).merge(getattr(other, name))

    def take_gauges(self, newer: Point) -> None:
        """Have the gauges of a later point, if it has a sample."""
        if newer.cpes_on >= 0:
            for name in GAUGES:
                setattr(self, name, getattr(newer, name))

    def count_sessions(self, columns: SessionColumns) -> None:
        """Count sessions that have ended in this step."""
        durations, abandoned = succeeded(columns), columns.outcome.count(Outcome.ABANDONED)
        self.sessions_succeeded += len(durations)
        self.sessions_abandoned += abandoned
        if len(durations) + abandoned < len(columns.outcome):
            self._count_failures(columns)
        from_plan = [
            at - planned
            for at, planned in zip(columns.informed, columns.planned, strict=True)
            if at is not None
        ]
        for times, histogram in (durations, self.sessions), (from_plan, self.from_plan):
            if times:
                histogram.extend(times)
        if columns.accepted.count(None) < len(columns.accepted):
            self._count_requests(columns)

    def _count_requests(self, columns: SessionColumns) -> None:
        """Count what has become of accepted Connection Requests."""
        to_inform: list[float] = []
        for accepted, sent, informed in zip(
            columns.accepted, columns.inform_sent, columns.informed, strict=True
        ):
            if accepted is not None:
                self.crs_delivered += informed is not None
                if sent is not None:
                    to_inform.append(sent - accepted)
        if to_inform:
            self.to_inform.extend(to_inform)

    def _count_failures(self, columns: SessionColumns) -> None:
        for outcome, blame in zip(columns.outcome, columns.blame, strict=True):
            if outcome is Outcome.FAILED or outcome is Outcome.SHED:
                if blame is Blame.SHED:
                    self.sessions_shed += 1
                else:
                    self.sessions_failed += 1
                    name = BLAMES[blame or Blame.OURS]
                    setattr(self, name, getattr(self, name) + 1)

    def to_wire(self) -> list[Any]:
        """The point as plain data, for ``from_wire``."""
        numbers = [getattr(self, name) for name in (*COUNTS, *GAUGES)]
        return [*numbers, *(getattr(self, name).to_wire() for name in TIMES)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Point:
        """The point that ``to_wire`` made plain data of."""
        size = len(COUNTS) + len(GAUGES)
        return cls(*wire[:size], *map(CoarseHistogram.from_wire, wire[size:]))


COUNTS = (
    "informs_planned",
    "informs",
    "sessions_succeeded",
    "sessions_failed",
    "sessions_shed",
    "sessions_abandoned",
    "failed_ours",
    "failed_acs",
    "failed_generator",
    "crs_received",
    "crs_accepted",
    "crs_delivered",
)
GAUGES = ("cpes_on", "retrying", "absent")
TIMES = ("sessions", "from_plan", "to_inform")
BLAMES = {
    Blame.OURS: "failed_ours",
    Blame.ACS: "failed_acs",
    Blame.GENERATOR: "failed_generator",
}
"""The count of failed sessions by each blame."""
