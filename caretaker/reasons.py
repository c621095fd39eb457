"""The reasons of failures, bounded in number, as what strangers say must not be a reason each."""

from __future__ import annotations

MAX_QUOTED = 50
"""Different reasons with a quotation that one worker keeps apart."""
MAX_REASONS = 200
"""Different reasons of any kind that one worker keeps apart."""
OTHER = "another reason"
"""Stands for those beyond."""


class BoundedReasons:
    """
    The reasons of one worker, as statistics have them.

    A peer that puts an id or a time into what it says would make each failure a reason of its own.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, reason: str, quoted: str = "") -> str:
        """The reason with what was quoted; without it, or ``OTHER``, when there are too many."""
        if quoted and self._keeps(f"{reason}: {quoted}", MAX_QUOTED):
            return f"{reason}: {quoted}"
        return reason if self._keeps(reason, MAX_REASONS) else OTHER

    def _keeps(self, text: str, most: int) -> bool:
        if text not in self._known and len(self._known) < most:
            self._known.add(text)
        return text in self._known
