"""What fails in another process; that imports this module, and nothing of Locust with it."""

from __future__ import annotations


class Broken:
    """Fails at what it is told to."""

    def divide(self, number: int) -> float:
        """Divide 1 by a number."""
        return 1 / number
