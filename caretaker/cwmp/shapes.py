"""
Reading envelopes of a shape that is known (decision 0025).

Most of what a fleet and its ACS say differs in a few texts only: serial numbers, values, IDs. All
else, the *markup*, is the same bytes again and again. When a markup is known, from its fifth
envelope on, they are made out of their texts, without a parser, and are what the parser would give.

Which texts may differ is found out by trying: an envelope is read with marks in place of its texts.
A text is *free* if its mark then stands in the message just as it is; all others (numbers, what is
looked into or passed over) are *fixed*, and belong to the shape. Only texts of printable ASCII
without white space around them are told from the markup, so no rule of XML applies to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any

from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import Envelope
from caretaker.errors import EnvelopeError

MAX_BYTES = 16 * 1024
"""Longer envelopes are left to the parser: there are few, and few of the same shape."""
MAX_SHAPES, MAX_VARIANTS = 256, 16
"""Shapes, and of each the sets of fixed texts; beyond them all are found out anew."""
MAX_TRIALS = 40
"""Envelopes that are read to find out about a shape; one that would take more stays unknown."""

_TEXT = re.compile(r">([!-%'-;=?-~](?:[ -%'-;=?-~]*[!-%'-;=?-~])?)</")
_ENCODING = re.compile(
    r"""encoding\s*=\s*["'](?!utf-8["']|us-ascii["']|iso-8859-1["'])""", re.IGNORECASE
)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+|true|false", re.IGNORECASE)

_MARK = "a Z-9,.:;/Caretaker's mark"
"""In every mark: with all that could be looked into, and in no envelope by chance."""

Make = Callable[[Sequence[str]], Any]
"""Makes something out of the texts of an envelope."""


class _Shape:
    """What is known of the envelopes with the same markup."""

    __slots__ = ("fixed", "makers", "tried")

    def __init__(self) -> None:
        self.tried = False
        """Whether it was tried to find out about its texts; that is done once."""
        self.fixed: tuple[int, ...] | None = None
        """Which of its texts are fixed; None while that is not known, or never will be."""
        self.makers: dict[tuple[str, ...], Make | None] = {}
        """What makes an envelope, by its fixed texts; None at the first one with these."""


class Shapes:
    """
    Reads envelopes, and knows the shapes of those that it has read.

    Args:
        parse: reads an envelope, whatever its shape; raises EnvelopeError.
    """

    def __init__(self, parse: Callable[[bytes], Envelope]) -> None:
        self._parse = parse
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def read(self, data: bytes) -> Envelope:
        """
        The envelope that these bytes hold.

        Raises:
            EnvelopeError: they can't be read.
        """
        if len(data) > MAX_BYTES or not data.isascii():
            return self._parse(data)
        pieces = _TEXT.split(data.decode("ascii"))
        shape = self._shapes.get(tuple(pieces[::2]))
        if shape is None:
            return self._first(data, pieces)
        if shape.fixed is None:
            return self._second(data, pieces, shape)
        known = tuple([pieces[at] for at in shape.fixed])
        make = shape.makers.get(known)
        if make is None:
            return self._another(data, pieces, shape, known)
        envelope: Envelope = make(pieces)
        return envelope

    def _first(self, data: bytes, pieces: list[str]) -> Envelope:
        envelope = self._parse(data)
        if not _ENCODING.search(pieces[0]):
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[tuple(pieces[::2])] = _Shape()
        return envelope

    def _second(self, data: bytes, pieces: list[str], shape: _Shape) -> Envelope:
        envelope = self._parse(data)
        if not shape.tried:
            shape.tried = True
            trials = _Trials(self._parse, pieces)
            free = trials.free()
            if free is not None:
                shape.fixed = tuple(at for at in trials.places if at not in free)
        return envelope

    def _another(
        self, data: bytes, pieces: list[str], shape: _Shape, known: tuple[str, ...]
    ) -> Envelope:
        """An envelope with fixed texts that were not seen before, or once."""
        envelope = self._parse(data)
        if known in shape.makers:
            make = _Trials(self._parse, pieces).maker(shape.fixed or ())
            is_good = make is not None and make(pieces) == envelope
            shape.makers[known] = make if is_good else self._parse_pieces
        else:
            if len(shape.makers) >= MAX_VARIANTS:
                shape.makers.clear()
            shape.makers[known] = None
        return envelope

    def _parse_pieces(self, pieces: Sequence[str]) -> Envelope:
        """What makes envelopes that nothing else is found for."""
        return self._parse(_joined(pieces))


def _joined(pieces: Sequence[str]) -> bytes:
    texts = [f">{piece}</" if at % 2 else piece for at, piece in enumerate(pieces)]
    return "".join(texts).encode("ascii")


class _Trials:
    """
    Finds out about the texts of an envelope.

    Args:
        parse: as for ``Shapes``.
        pieces: markup and texts in turns; the texts stand at the odd places.
    """

    def __init__(self, parse: Callable[[bytes], Envelope], pieces: list[str]) -> None:
        self._parse = parse
        self._pieces = pieces
        self._left = MAX_TRIALS
        self.places = range(1, len(pieces), 2)

    def free(self) -> set[int] | None:
        """The places of the texts that stand in the message as they are; None if it is unclear."""
        numbers: list[int] = []  # what looks like one is tried apart: it may well be fixed
        others: list[int] = []
        for at in self.places:
            (numbers if _PLAIN_NUMBER.fullmatch(self._pieces[at]) else others).append(at)
        found = {*self._free_of(others), *self._free_of(numbers)}
        return found if self._left > 0 and self._marked(sorted(found)) is not None else None

    def _free_of(self, places: list[int]) -> list[int]:
        if not places or self._left <= 0:
            return []
        self._left -= 1
        if self._marked(places) is not None:
            return places
        half = len(places) // 2
        return [*self._free_of(places[:half]), *self._free_of(places[half:])] if half else []

    def _marked(self, places: Iterable[int]) -> Envelope | None:
        """The envelope with marks at these places; None if one of them does not show as it is."""
        marks = {at: _mark(at) for at in places}
        marked = [marks.get(at, piece) for at, piece in enumerate(self._pieces)]
        try:
            envelope = self._parse(_joined(marked))
        except EnvelopeError:
            return None
        shown = {each for each in _strings(envelope) if _MARK in each}
        return envelope if shown == set(marks.values()) else None

    def maker(self, fixed: Sequence[int]) -> Make | None:
        """What makes an envelope like this of other texts but the fixed; None if nothing does."""
        free = [at for at in self.places if at not in fixed]
        envelope = self._marked(free)
        if envelope is None:
            return None
        return _maker(envelope, {_mark(at): at for at in free}) or _always(envelope)


def _mark(at: int) -> str:
    return f"{_MARK} {at}!"


def _parts(value: Any) -> list[Any] | None:
    """What a message, struct or list is made of; None for anything else."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, m.Message):
        return [getattr(value, each.name) for each in fields(value)]  # type: ignore[arg-type]
    return None


def _strings(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    for part in _parts(value) or ():
        yield from _strings(part)


def _maker(value: Any, places: dict[str, int]) -> Make | None:
    """What makes a value like this, with the texts of these places for the marks in it."""
    if isinstance(value, str):
        return itemgetter(places[value]) if value in places else None
    parts = _parts(value) or []
    makers = [_maker(part, places) for part in parts]
    if not any(makers):
        return None
    makes = [make or _always(part) for make, part in zip(makers, parts, strict=True)]
    kind: Any = type(value)
    if isinstance(value, tuple):  # a NamedTuple's own __new__ takes twice as long
        new: Any = tuple.__new__
        return lambda pieces: new(kind, [make(pieces) for make in makes])
    return lambda pieces: kind(*[make(pieces) for make in makes])


def _always(value: Any) -> Make:
    return lambda _: value
