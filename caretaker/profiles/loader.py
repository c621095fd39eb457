"""
Profiles by name, from files and from the package, and mixed by weight.

The other modules of the package make profiles of bytes and read no files (decision D1).
"""

from __future__ import annotations

import os
import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import resources
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.errors import InputError, ProfileError
from caretaker.input_file import read_input
from caretaker.profiles.genieacs_csv import Export, read_export
from caretaker.profiles.profile import BUILT_IN, KNOWN, Profile, build
from caretaker.profiles.profile_file import ProfileFile
from caretaker.profiles.profile_toml import read_profile_file


def load_profile(name: str) -> Profile:
    """
    The profile of a built-in name (``tr098``, ``tr181``), a CSV export, or a profile file.

    A profile file (``.toml``) bases itself on one of the others: ``profile_file``.

    Raises:
        ProfileError: there is no such file, or it is not what it must be.
    """
    if not name.lower().endswith(".toml"):
        return build(Path(name).name, _load_export(name), _own_file(name))
    file = read_profile_file(Path(name).name, _read(name))
    base = file.base if file.base in BUILT_IN else str(Path(name).parent / file.base)
    file = replace(file, dynamic=(*file.dynamic, *_own_file(base).dynamic))
    return build(Path(name).name, _load_export(base), file)


def _own_file(name: str) -> ProfileFile:
    """The profile file of a built-in profile; an empty one of any other."""
    if name not in BUILT_IN:
        return ProfileFile(Path(name).name)
    data = (resources.files("caretaker.profiles.builtin") / f"{name}.toml").read_bytes()
    return read_profile_file(name, data)


def _load_export(name: str) -> Export:
    if name in BUILT_IN:
        data = (resources.files("caretaker.profiles.builtin") / f"{name}.csv").read_bytes()
        return read_export(name, data, KNOWN)
    return read_export(Path(name).name, _read(name), KNOWN)


def _read(name: str) -> bytes:
    try:
        return read_input(name)
    except InputError as error:
        cure = f"give a CSV export, a profile file (.toml), or one of {', '.join(BUILT_IN)}"
        raise ProfileError(f"profile {error}; {cure}") from error


def _exists(name: str) -> bool:
    return os.path.exists(name)  # noqa: PTH110  # Path's fails for a name that is too long


def parse_choice(text: str) -> tuple[str, float]:
    """
    The name and weight of ``FILE[:weight]``.

    Raises:
        ProfileError: the weight is not a number above 0.
    """
    name, colon, weight = text.rpartition(":")
    if not colon or not re.fullmatch(r"-?[0-9.]+", weight) or _exists(text):
        return text, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ProfileError(f"profile {text}: weight {weight} is not a number above 0")
    return name, value


class ProfileChoice(NamedTuple):
    """
    A profile of a mix.

    Args:
        text: ``FILE[:weight]``, which named it.
        profile: the profile itself.
        weight: its weight among all profiles of the mix.
    """

    text: str
    profile: Profile
    weight: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``FILE[:weight]`` and the file.

        Raises:
            ProfileError: the weight or the profile can't be used.
        """
        name, weight = parse_choice(text)
        return cls(text, load_profile(name), weight)

    def __str__(self) -> str:
        return self.text


class ProfileMix:
    """
    Profiles mixed by weight; which one a CPE has follows from its index alone.

    Indices walk round the unit circle by the golden ratio, so any run of them, from whichever
    worker, holds the profiles in very nearly these proportions.

    Args:
        choices: the profiles with their weights; at least one.
    """

    def __init__(self, choices: Sequence[tuple[Profile, float]]) -> None:
        total = sum(weight for _, weight in choices)
        self.profiles = [profile for profile, _ in choices]
        self._bounds = list(accumulate(weight / total for _, weight in choices))[:-1]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The mix of ``FILE[:weight]`` texts, as ``choose``."""
        return cls.choose(map(ProfileChoice.parse, texts))

    @classmethod
    def choose(cls, choices: Iterable[ProfileChoice]) -> Self:
        """The mix of these profiles; of the built-in ones, in equal parts, when there are none."""
        chosen = tuple(choices) or tuple(map(ProfileChoice.parse, BUILT_IN))
        return cls([(choice.profile, choice.weight) for choice in chosen])

    def __getitem__(self, index: int) -> Profile:
        """The profile of the CPE with this index."""
        golden = 0.6180339887498949
        return self.profiles[bisect(self._bounds, (index + 0.5) * golden % 1.0)]
