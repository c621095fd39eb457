"""How many Connection Requests a CPE accepts (TR-069 3.2.2.2)."""

from __future__ import annotations

from collections import Counter


class RateLimit:
    """
    How many Connection Requests one CPE accepts; TR-069 leaves the number to the CPE.

    Args:
        most: how many in each period; 0 for no limit.
        seconds: the length of a period.
    """

    def __init__(self, most: int = 50, seconds: float = 5.0) -> None:
        self._most = most
        self._seconds = seconds
        self._period = 0
        self._counts: Counter[int] = Counter()

    def allows(self, index: int, now: float) -> bool:
        """Count a request to a CPE; whether the CPE accepts it."""
        if self._most == 0:
            return True
        period = int(now // self._seconds)
        if period != self._period:
            self._period = period
            self._counts.clear()
        self._counts[index] += 1
        return self._counts[index] <= self._most
