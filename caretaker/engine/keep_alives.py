"""How often CPEs keep their NAT bindings alive."""

from __future__ import annotations

from caretaker.device.nat_traversal import STUNSettings


class KeepAlives:
    """
    The periods of keep-alives, within the limits of the ACS.

    Few NATs forget early, so what was learnt of one is kept by the index of its CPE.

    Args:
        usual: seconds between the keep-alives of a CPE that has learnt nothing of its NAT.
    """

    def __init__(self, usual: float) -> None:
        self._usual = usual
        self._periods: dict[int, float] = {}

    def period(self, index: int, settings: STUNSettings) -> float:
        """Seconds between the keep-alives of a CPE."""
        return settings.keep_alive(self._periods.get(index, self._usual))

    def shorten(self, index: int, settings: STUNSettings) -> None:
        """A binding has not lasted until its next keep-alive: send them twice as often."""
        period = self.period(index, settings)
        if period > settings.shortest:
            self._periods[index] = period / 2

    def forget(self, index: int) -> None:
        """A CPE has another server or other limits, or is gone."""
        self._periods.pop(index, None)
