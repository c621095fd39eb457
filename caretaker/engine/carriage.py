"""How a worker's sessions are carried: how many by the I/O engine, and why the others are not."""

from __future__ import annotations

from collections import Counter

from caretaker.stats.results import Results


class Carriage:
    """The sessions so far."""

    def __init__(self) -> None:
        self.carried = 0
        """How many the engine has begun."""
        self.handed_over: Counter[str] = Counter()
        """How many of these a greenlet has gone on with, by reason."""
        self.by_greenlet: Counter[str] = Counter()
        """How many a greenlet has begun, by reason."""

    def book(self, results: Results) -> None:
        """Add these counts."""
        results.count("engine.carried", self.carried)
        for name, reasons in (
            ("handed_over", self.handed_over),
            ("by_greenlet", self.by_greenlet),
        ):
            for reason, number in reasons.items():
                results.count(f"engine.{name}.{reason}", number)
