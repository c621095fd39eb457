"""Switches CPEs on, with few steps for each where they are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.starting_together import Neighbours, Start, start_like
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.resting_cpes import NeighbouringRows
from caretaker.engine.scheduler import Scheduler
from caretaker.profiles import ProfileMix

_Kind = tuple[int, int]
"""The place of a profile in the mix, and that of a way to be reached in its mix."""


class PowerSwitch:
    """
    Switches CPEs on.

    Args:
        mix: which profile a CPE has.
        context: what the CPEs share.
        cpes: takes them in.
        scheduler: takes their due times.
        clock: seconds, going forward.
    """

    def __init__(
        self,
        mix: ProfileMix,
        context: FleetContext,
        cpes: CPEStore,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self._mix = mix
        self._context = context
        self._cpes = cpes
        self._scheduler = scheduler
        self._clock = clock
        self._starts: dict[tuple[_Kind, bool], Start | None] = {}
        """How those of a kind start that are resumed, or not; None: each by itself."""

    def add(self, index: int) -> CPE:
        """Take in a CPE that has no power yet."""
        cpe = CPE(index, self._mix[index], self._context)
        self._cpes.add(cpe)
        return cpe

    def switch_on(self, indices: range, *, is_running: bool) -> Counter[str]:
        """
        Resume neighbouring CPEs, or power them on.

        Returns:
            how many have each profile, by its name.
        """
        are_new, now = self._cpes.hold(indices), self._clock()
        neighbours = Neighbours(self._context.identities, indices, now)
        rows, names = NeighbouringRows(indices), Counter[str]()
        for kind, alike in self._kinds(indices):
            profile, own = self._mix.profiles[kind[0]], alike
            names[profile.name] += len(own)
            if (kind, is_running) not in self._starts:
                self._starts[kind, is_running] = self._learn(own[0], now, is_running=is_running)
                own = own[1:]
            start = self._starts[kind, is_running] if are_new else None
            number = start and self._cpes.number_of(profile, start.state, len(own))
            if start is not None and number:
                rows.put(own, number, *start.times(own, neighbours))
                start.note(own)
            else:
                for index in own:
                    self._scheduler.schedule(self._alone(index, now, is_running=is_running))
        if are_new:
            self._cpes.fill(rows, now)
            self._scheduler.schedule_all(indices, rows.due)
        return names

    def _kinds(self, indices: range) -> Iterable[tuple[_Kind, Sequence[int]]]:
        """Which of these CPEs are alike, but for what a list of devices has for each."""
        mix, reach = self._mix, self._context.reach
        if len(mix.profiles) == 1 and reach is None:
            return [((0, 0), indices)]
        found: dict[_Kind, list[int]] = {}
        ways: Iterable[int] = repeat(0)
        if reach is not None:
            ways = reach.mix.places_of(self._context.identities, indices)
        for index, place, way in zip(indices, mix.places_of(indices), ways, strict=False):
            found.setdefault((place, way), []).append(index)
        return found.items()

    def _learn(self, index: int, now: float, *, is_running: bool) -> Start | None:
        """Switch on the first CPE of its kind; how the others start."""
        sample = self._alone(index, now, is_running=is_running)
        start = start_like(sample, is_running=is_running, now=now)
        self._scheduler.schedule(sample)
        return start

    def _alone(self, index: int, now: float, *, is_running: bool) -> CPE:
        """Switch on a CPE by itself."""
        cpe = self.add(index)
        if is_running:
            cpe.resume(now)
        else:
            cpe.power_on(now)
        return cpe
