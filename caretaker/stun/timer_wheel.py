"""Due times of very many CPEs, in steps: each costs eight bytes, and no comparison."""

from __future__ import annotations

from array import array
from collections.abc import Iterator


class TimerWheel:
    """
    Keeps which CPEs are due in which step of the clock.

    A due time that is not wanted any more stays until its step; whoever takes the due CPEs knows
    for each which step counts.

    Args:
        step: seconds of a step.
        now: the present time.
    """

    def __init__(self, step: float, now: float) -> None:
        self._step = step
        self._next = int(now / step)
        self._due: dict[int, array[int]] = {}

    def add(self, index: int, at: float) -> int:
        """Have a CPE due at a time, and return its step: none that is over, nor the present one."""
        step = max(int(at / self._step) + 1, self._next)
        due = self._due.get(step)
        if due is None:
            due = self._due[step] = array("q")
        due.append(index)
        return step

    def due(self, now: float) -> Iterator[tuple[int, array[int]]]:
        """Take the CPEs that are due by now, step by step."""
        while self._next <= int(now / self._step):
            step = self._next
            self._next += 1
            indices = self._due.pop(step, None)
            if indices is not None:
                yield step, indices
