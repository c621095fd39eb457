"""The states that CPEs which rest have in common, each by a number."""

from __future__ import annotations

from collections.abc import Iterator

from caretaker.device.resting_state import CommonState
from caretaker.profiles.profile import Profile

MOST = 65_535
"""How many there are at once; a number has two bytes."""

SharedState = tuple[Profile, CommonState]


class SharedStates:
    """Numbers, from 1, for the states of CPEs; one that no CPE has any more is forgotten."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, CommonState], int] = {}
        self._states: list[SharedState | None] = [None]
        self._counts: list[int] = [0]
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many different states there are."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[tuple[int, CommonState]]:
        """How many CPEs have each state."""
        for count, state in zip(self._counts, self._states, strict=True):
            if state is not None:
                yield count, state[1]

    def state(self, number: int) -> SharedState:
        """The profile and the state of a number that some CPE has."""
        state = self._states[number]
        assert state is not None
        return state

    def take(self, profile: Profile, state: CommonState, count: int = 1) -> int:
        """The number of a state that so many CPEs take; 0 if there are too many states."""
        key = id(profile), state  # each profile is one object; to hash one takes long
        number = self._numbers.get(key, 0)
        if not number:
            if len(self._numbers) >= MOST:
                return 0
            number = self._new(profile, state)
            self._numbers[key] = number
        self._counts[number] += count
        return number

    def _new(self, profile: Profile, state: CommonState) -> int:
        if self._free:
            number = self._free.pop()
            self._states[number] = profile, state
            return number
        self._states.append((profile, state))
        self._counts.append(0)
        return len(self._states) - 1

    def drop(self, number: int) -> None:
        """Note that a CPE does not have the state of this number any more."""
        self._counts[number] -= 1
        if not self._counts[number]:
            profile, state = self.state(number)
            del self._numbers[id(profile), state]
            self._states[number] = None
            self._free.append(number)
