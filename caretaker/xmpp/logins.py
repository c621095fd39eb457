"""
When clients may log in: so many a second, and none any more after passwords were refused.

A server that sees wrong passwords bans the whole host: ejabberd (mod_fail2ban) for an hour after
20. So the first login of a worker is alone, and after the first refused ones no login follows.
"""

from __future__ import annotations

MAX_REFUSED = 3
"""Logins whose credentials are refused before no more are tried."""


class Logins:
    """
    Counts logins, and says how many may begin.

    Args:
        rate: logins a second, and the most that are under way at once.
        now: the time.
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._allowance = 1.0
        self._at = now
        self._under_way = 0
        self._has_succeeded = False
        self.refused = 0
        """Logins whose credentials were refused."""

    @property
    def is_stopped(self) -> bool:
        """Whether no more logins are tried."""
        return self.refused >= MAX_REFUSED

    def allowed(self, now: float) -> int:
        """How many logins may begin now."""
        self._allowance = min(max(1.0, self._rate), self._allowance + (now - self._at) * self._rate)
        self._at = now
        return max(0, min(int(self._allowance), self._most() - self._under_way))

    def _most(self) -> int:
        """Of logins under way at once."""
        if self.refused or not self._has_succeeded:
            return 0 if self.is_stopped else 1
        return max(1, int(self._rate))

    def begin(self) -> None:
        """A login begins."""
        self._allowance -= 1.0
        self._under_way += 1

    def succeeded(self) -> None:
        """A login that was under way has succeeded."""
        self._under_way -= 1
        self._has_succeeded = True

    def failed(self, *, is_refused: bool) -> None:
        """A login that was under way has failed, perhaps by its credentials."""
        self._under_way -= 1
        self.refused += is_refused
