"""The profiles of a run as the master names them to its workers, without their content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from caretaker.profiles.loader import ProfileChoice, chosen
from caretaker.profiles.profile_source import ProfileSource, SourceFile


class ProfileOffer(NamedTuple):
    """
    A profile of a run.

    Args:
        source: its files, by the hash of their content.
        weight: its weight among all profiles of the run.
        parameters: how many it has.
    """

    source: ProfileSource
    weight: float
    parameters: int

    @classmethod
    def of(cls, choice: ProfileChoice) -> Self:
        """The offer of a profile that this process has read."""
        return cls(choice.source, choice.weight, len(choice.profile.model.parameters))

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        files = [(file.name, file.digest, file.size) for file in self.source.files]
        return {"files": files, "weight": self.weight, "parameters": self.parameters}

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """What ``to_wire`` made."""
        files = [SourceFile(name, digest, size) for name, digest, size in wire["files"]]
        return cls(ProfileSource(*files), wire["weight"], wire["parameters"])

    def __str__(self) -> str:
        return f"profile {self.source.own.name} ({self.parameters:,} parameters)"


def offers(choices: Iterable[ProfileChoice]) -> tuple[ProfileOffer, ...]:
    """The offers of a run with these profiles; of the built-in ones when there are none."""
    return tuple(map(ProfileOffer.of, chosen(choices)))
