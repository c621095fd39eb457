"""
Reading envelopes of a shape that is known (decision 0025).

Most envelopes of a fleet and its ACS differ in a few texts only: serial numbers, values, IDs. The
rest, the *markup*, is the same bytes again and again. From the fifth envelope of a markup on, the
message is made of the texts alone, without a parser, and is what the parser would give.

Trials show which texts may differ: the parser reads an envelope with a mark in place of each text.
A text is *free* if its mark stands unchanged in the message. All other texts are *fixed* and belong
to the shape: numbers, texts that the codec splits, texts that nobody reads. Only printable ASCII
without white space around it counts as a text, so no rule of XML applies to one.
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
"""The parser reads longer envelopes: there are few, and few of the same shape."""
MAX_SHAPES, MAX_VARIANTS = 256, 16
"""Known shapes, and known sets of fixed texts of each; beyond them learning begins anew."""
MAX_TRIALS = 40
"""Trials of one shape at most; a shape that would take more is left to the parser."""

_TEXT = re.compile(r">([!-%'-;=?-~](?:[ -%'-;=?-~]*[!-%'-;=?-~])?)</")
_ENCODING = re.compile(
    r"""encoding\s*=\s*["'](?!utf-8["']|us-ascii["']|iso-8859-1["'])""", re.IGNORECASE
)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+|true|false", re.IGNORECASE)

_MARK = "a Z-9,.:;/Caretaker's mark"
"""Part of every mark: it has the characters that a codec may split at, and is in no envelope."""

Make = Callable[[Sequence[str]], Any]
"""Makes a value from the pieces of an envelope."""


class _Shape:
    """The knowledge about envelopes with the same markup."""

    __slots__ = ("fixed", "makers", "tried")

    def __init__(self) -> None:
        self.tried = False
        """Whether the trials were made; they are made once."""
        self.fixed: tuple[int, ...] | None = None
        """The places of the fixed texts; None before the trials, or if these failed."""
        self.makers: dict[tuple[str, ...], Make | None] = {}
        """Makers of envelopes by their fixed texts; None after the first envelope with these."""


class Shapes:
    """
    Reads envelopes, and learns their shapes.

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
            return self._read_unknown(data, pieces)
        if shape.fixed is None:
            return self._read_and_try(data, pieces, shape)
        known = tuple([pieces[at] for at in shape.fixed])
        make = shape.makers.get(known)
        if make is None:
            return self._read_variant(data, pieces, shape, known)
        envelope: Envelope = make(pieces)
        return envelope

    def _read_unknown(self, data: bytes, pieces: list[str]) -> Envelope:
        envelope = self._parse(data)
        if not _ENCODING.search(pieces[0]):
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[tuple(pieces[::2])] = _Shape()
        return envelope

    def _read_and_try(self, data: bytes, pieces: list[str], shape: _Shape) -> Envelope:
        envelope = self._parse(data)
        if not shape.tried:
            shape.tried = True
            trials = _Trials(self._parse, pieces)
            free = trials.free()
            if free is not None:
                shape.fixed = tuple(at for at in trials.places if at not in free)
        return envelope

    def _read_variant(
        self, data: bytes, pieces: list[str], shape: _Shape, known: tuple[str, ...]
    ) -> Envelope:
        """Read an envelope whose fixed texts were seen never or once before."""
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
        """The maker of envelopes that can't be made of their texts."""
        return self._parse(_joined(pieces))


def _joined(pieces: Sequence[str]) -> bytes:
    texts = [f">{piece}</" if at % 2 else piece for at, piece in enumerate(pieces)]
    return "".join(texts).encode("ascii")


class _Trials:
    """
    Trials that show which texts of an envelope are free.

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
        """The places of the free texts; None if the trials give no clear result."""
        numbers: list[int] = []  # tried apart, as most of them are fixed
        others: list[int] = []
        for at in self.places:
            (numbers if _PLAIN_NUMBER.fullmatch(self._pieces[at]) else others).append(at)
        free = {*self._free_of(others), *self._free_of(numbers)}
        return free if self._left > 0 and self._marked(sorted(free)) is not None else None

    def _free_of(self, places: list[int]) -> list[int]:
        if not places or self._left <= 0:
            return []
        self._left -= 1
        if self._marked(places) is not None:
            return places
        half = len(places) // 2
        return [*self._free_of(places[:half]), *self._free_of(places[half:])] if half else []

    def _marked(self, places: Iterable[int]) -> Envelope | None:
        """The envelope with marks at these places; None unless each mark shows unchanged."""
        marks = {at: _mark(at) for at in places}
        marked = [marks.get(at, piece) for at, piece in enumerate(self._pieces)]
        try:
            envelope = self._parse(_joined(marked))
        except EnvelopeError:
            return None
        shown = {text for text in _strings(envelope) if _MARK in text}
        return envelope if shown == set(marks.values()) else None

    def maker(self, fixed: Sequence[int]) -> Make | None:
        """A maker of envelopes with these fixed texts; None if marks don't show unchanged."""
        free = [at for at in self.places if at not in fixed]
        envelope = self._marked(free)
        if envelope is None:
            return None
        return _maker(envelope, {_mark(at): at for at in free}) or _always(envelope)


def _mark(at: int) -> str:
    return f"{_MARK} {at}!"


def _parts(value: Any) -> list[Any] | None:
    """The parts of a message, struct or list; None for any other value."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, m.Message):
        return [getattr(value, field.name) for field in fields(value)]  # type: ignore[arg-type]
    return None


def _strings(value: Any) -> Iterator[str]:
    """All texts in a value and its parts."""
    if isinstance(value, str):
        yield value
    for part in _parts(value) or ():
        yield from _strings(part)


def _maker(value: Any, places: dict[str, int]) -> Make | None:
    """A maker of values like this, with texts in place of marks; None if it has no mark."""
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
