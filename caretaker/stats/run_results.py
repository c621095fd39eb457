"""The results of a worker's run, with its warm-up apart."""

from __future__ import annotations

from caretaker.stats.results import Results

_WAITS = "sessions.unfinished_waits"


class RunResults:
    """
    Keeps what the warm-up has brought apart from what came after it.

    Args:
        has_warm_up: whether the run begins with one, which lasts until ``end_warm_up``.
    """

    def __init__(self, *, has_warm_up: bool) -> None:
        self.current = Results()
        """Where everything is counted; emptied at the end of the warm-up."""
        self._has_warm_up = has_warm_up
        self._warm_up: Results | None = None
        """Of the warm-up that has ended."""

    def end_warm_up(self, informs_planned: int) -> None:
        """
        Begin the measured part.

        Args:
            informs_planned: due times that have come; these are counted by the timeline.
        """
        self._warm_up = self.current.take_all()
        self._warm_up.count("informs.planned", informs_planned)

    def whole(self) -> Results:
        """A copy of the results so far, for the books to be added."""
        whole = Results()
        for part in (self._warm_up, self.current):
            if part is not None:
                whole.merge(part)
        if self._warm_up is not None:
            del whole.counters["informs.planned"]
        return whole

    def measured(self, whole: Results) -> Results | None:
        """
        Those of the whole run's results that came after the warm-up; None if there was none.

        Args:
            whole: as ``whole`` made it, with the books. Events, Connection Requests and transfers
                are counted in the books alone, of the whole run, as they must balance.
        """
        if not self._has_warm_up:
            return None
        measured = Results()
        if self._warm_up is not None:
            measured.counters = whole.since(self._warm_up).counters
            waits = {name: own for name, own in whole.histograms.items() if name.startswith(_WAITS)}
            # Not by a difference, so that the longest times are exact.
            measured.histograms = {**self.current.histograms, **waits}
        return measured
