"""
Profiles by name, from files and from the package, and mixed by weight.

The other modules of the package make profiles of bytes and read no files (decision D1).
"""

from __future__ import annotations

import os
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.errors import ContentUnknownError, InputError, ProfileError
from caretaker.input_file import read_input
from caretaker.plain_numbers import decimal_number
from caretaker.profiles.genieacs_csv import Export, read_export
from caretaker.profiles.profile import BUILT_IN, DEFAULT_MIX, KNOWN, Profile, build
from caretaker.profiles.profile_file import ProfileFile
from caretaker.profiles.profile_source import ProfileSource, SourceFile
from caretaker.profiles.profile_toml import read_profile_file

MAX_CACHED = 128
"""Profiles that a process keeps when it has read them; of more, the oldest are read again."""


def load_profile(name: str) -> Profile:
    """
    The profile of a built-in name (``BUILT_IN``), a CSV export, or a profile file.

    A profile file (``.toml``) bases itself on one of the others: ``profile_file``.

    Raises:
        ProfileError: there is no such file, or it is not what it must be.
    """
    return read_profile(load_source(name))


def load_source(name: str) -> ProfileSource:
    """
    The files of a profile, with their content.

    Args:
        name: as for ``load_profile``.

    Raises:
        ProfileError: there is no such file, or a profile file is not what it must be.
    """
    own = _load_file(name)
    if not name.lower().endswith(".toml"):
        return ProfileSource(own)
    base = _profile_file(own).base
    return ProfileSource(
        own, _load_file(base if base in BUILT_IN else str(Path(name).parent / base))
    )


@lru_cache(MAX_CACHED)
def read_profile(source: ProfileSource) -> Profile:
    """
    The profile of these files; read only once in a process, and in those forked from it.

    Raises:
        ProfileError: a file is not what it must be.
        ContentUnknownError: it was not read before, and the content of a file is not known.
    """
    own, base = source.own, source.base
    if base is None:
        return build(own.name, _export(own), _file_of_built_in(own))
    file = _profile_file(own)
    if not base.digest:  # built in, with a profile file of its own
        file = file.on(_file_of_built_in(base))
    return build(own.name, _export(base), file)


@lru_cache(MAX_CACHED)
def _profile_file(file: SourceFile) -> ProfileFile:
    return read_profile_file(file.name, _content(file))


def _file_of_built_in(file: SourceFile) -> ProfileFile:
    """The profile file of a built-in profile; an empty one of any other."""
    if file.digest:
        return ProfileFile(file.name)
    return read_profile_file(file.name, _built_in(file, "toml"))


def _export(file: SourceFile) -> Export:
    if file.digest:
        return read_export(file.name, _content(file), KNOWN)
    return replace(read_export(file.name, _built_in(file, "csv"), KNOWN), is_real=False)


def _content(file: SourceFile) -> bytes:
    if file.content is None:
        raise ContentUnknownError(file.name)
    return file.content


def _built_in(file: SourceFile, suffix: str) -> bytes:
    if file.name not in BUILT_IN:
        raise ProfileError(f"profile {file.name}: not one of {', '.join(BUILT_IN)}")
    return (resources.files("caretaker.profiles.builtin") / f"{file.name}.{suffix}").read_bytes()


def _load_file(name: str) -> SourceFile:
    return SourceFile(name) if name in BUILT_IN else SourceFile.of(Path(name).name, _read(name))


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
    value = decimal_number(weight) or 0.0
    if not 0 < value < float("inf"):
        raise ProfileError(f"profile {text}: weight {weight} is not a number above 0")
    return name, value


class ProfileChoice(NamedTuple):
    """
    A profile of a mix.

    Args:
        text: ``FILE[:weight]``, which named it.
        source: the files of the profile.
        profile: the profile itself.
        weight: its weight among all profiles of the mix.
    """

    text: str
    source: ProfileSource
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
        source = load_source(name)
        return cls(text, source, read_profile(source), weight)

    def __str__(self) -> str:
        return self.text


def chosen(choices: Iterable[ProfileChoice]) -> tuple[ProfileChoice, ...]:
    """These profiles; those of ``DEFAULT_MIX``, in equal parts, when there are none."""
    return tuple(choices) or tuple(map(ProfileChoice.parse, DEFAULT_MIX))


_GOLDEN = 0.6180339887498949
"""The golden ratio: the step by which indices walk."""


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
        """The mix of these profiles, as ``chosen``."""
        return cls([(choice.profile, choice.weight) for choice in chosen(choices)])

    def __getitem__(self, index: int) -> Profile:
        """The profile of the CPE with this index."""
        return self.profiles[self.place_of(index)]

    def place_of(self, index: int) -> int:
        """Where the profile of the CPE with this index is among ``profiles``."""
        return bisect(self._bounds, (index + 0.5) * _GOLDEN % 1.0)

    def places_of(self, indices: range) -> list[int]:
        """``place_of`` for neighbouring CPEs."""
        bounds = self._bounds
        return [bisect(bounds, (index + 0.5) * _GOLDEN % 1.0) for index in indices]

    def prepared(self, prepare: Callable[[Profile], Profile]) -> Self:
        """The same mix of profiles that a function has made of these."""
        mix = copy(self)
        mix.profiles = list(map(prepare, self.profiles))
        return mix
