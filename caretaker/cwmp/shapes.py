"""
Reading envelopes of a shape that is known (decision 0025).

Most envelopes of a fleet and its ACS differ in a few texts only: serial numbers, values, IDs. The
rest, the *markup*, is the same bytes again and again. From the fifth envelope of a markup on, the
message is made of the texts alone, without a parser, and is what the parser would give.

Of these texts most are the same again, too. An envelope in which only those texts differ that have
differed before is compared with what it must be in a few large parts (``TextTemplate``).

Trials show which texts may differ: the parser reads an envelope with a mark in place of each text.
A text is *free* if its mark stands unchanged in the message. All other texts are *fixed* and belong
to the shape: numbers, texts that the codec splits, texts that nobody reads. Only printable ASCII
without white space around it counts as a text, so no rule of XML applies to one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from operator import itemgetter
from typing import Any

from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import Envelope
from caretaker.errors import EnvelopeError
from caretaker.text_template import TextTemplate

MAX_BYTES = 16 * 1024
"""The parser reads longer envelopes: there are few, and few of the same shape."""
MAX_SHAPES, MAX_VARIANTS = 256, 16
"""Known shapes, and known sets of fixed texts of each; beyond them learning begins anew."""
MAX_TEMPLATES, MAX_ALIKE = 64, 8
"""Templates, and those of envelopes with the same end; the others do without."""
NEEDED = 8
"""Envelopes that show which texts differ, before there is a template of them."""
MAX_TRIALS = 40
"""Trials of one shape at most; a shape that would take more is left to the parser."""

_TEXT = re.compile(r">([!-%'-;=?-~](?:[ -%'-;=?-~]*[!-%'-;=?-~])?)</")
_ENCODING = re.compile(
    r"""encoding\s*=\s*["'](?!utf-8["']|us-ascii["']|iso-8859-1["'])""", re.IGNORECASE
)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+|true|false", re.IGNORECASE)

_END = 64
"""Characters at the end of an envelope that templates are found by."""

_MARK = "a Z-9,.:;/Caretaker's mark"
"""Part of every mark: it has the characters that a codec may split at, and is in no envelope."""

Make = Callable[[Sequence[str]], Any]
"""Makes a value from the pieces of an envelope."""


class _Template:
    """Reads envelopes in which only the texts at a few places differ."""

    __slots__ = ("_make", "_template")

    def __init__(self, make: Make, parts: Sequence[str]) -> None:
        self.learn(make, parts)

    def learn(self, make: Make, parts: Sequence[str]) -> None:
        """Take what makes an envelope of the texts between these parts."""
        self._make = make
        self._template = TextTemplate(parts)

    def read(self, text: str) -> Envelope | None:
        """The envelope; None if others than its free texts differ."""
        found = self._template.read(text)
        if found is None or found[1] != len(text):
            return None
        for piece in found[0]:
            if not _is_text(piece):
                return None
        envelope: Envelope = self._make(found[0])
        return envelope


def _is_text(piece: str) -> bool:
    """Whether ``_TEXT`` would find this piece of ASCII, which ends before a ``<``."""
    if not piece.isprintable() or ">" in piece or "&" in piece:
        return False
    return piece != "" and piece[0] != " " and piece[-1] != " "


class _Variant:
    """
    The envelopes of a shape with the same fixed texts.

    Args:
        make: makes an envelope of its pieces.
        example: the pieces of one.
    """

    __slots__ = ("differing", "example", "is_left", "make", "reads", "template")

    def __init__(self, make: Make, example: list[str]) -> None:
        self.make = make
        self.example = example
        self.differing: set[int] = set()
        """The places of the texts that were not always those of the example."""
        self.reads = 0
        self.template: _Template | None = None
        self.is_left = False
        """Whether there is no template to be made."""

    def compare(self, pieces: list[str]) -> bool:
        """Look where an envelope differs from the example; whether a template is to be made."""
        self.reads += 1
        before = len(self.differing)
        places = range(1, len(pieces), 2)
        self.differing.update([at for at in places if pieces[at] != self.example[at]])
        is_new = len(self.differing) > before
        return self.reads >= NEEDED and (is_new or self.template is None)


class _Shape:
    """The knowledge about envelopes with the same markup."""

    __slots__ = ("fixed", "tried", "variants")

    def __init__(self) -> None:
        self.tried = False
        """Whether the trials were made; they are made once."""
        self.fixed: tuple[int, ...] | None = None
        """The places of the fixed texts; None before the trials, or if these failed."""
        self.variants: dict[tuple[str, ...], _Variant | None] = {}
        """By their fixed texts; None after the first envelope with these."""


class Shapes:
    """
    Reads envelopes, and learns their shapes.

    Args:
        parse: reads an envelope, whatever its shape; raises EnvelopeError.
    """

    def __init__(self, parse: Callable[[bytes], Envelope]) -> None:
        self._parse = parse
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._templates: dict[str, list[_Template]] = {}
        """Templates by the end of their envelopes."""
        self._made = 0

    def read(self, data: bytes) -> Envelope:
        """
        The envelope that these bytes hold.

        Raises:
            EnvelopeError: they can't be read.
        """
        if len(data) > MAX_BYTES or not data.isascii():
            return self._parse(data)
        text = data.decode("ascii")
        for template in self._templates.get(text[-_END:], ()):
            envelope = template.read(text)
            if envelope is not None:
                return envelope
        return self._read_by_shape(data, text)

    def _read_by_shape(self, data: bytes, text: str) -> Envelope:
        pieces = _TEXT.split(text)
        shape = self._shapes.get(tuple(pieces[::2]))
        if shape is None:
            return self._read_unknown(data, pieces)
        if shape.fixed is None:
            return self._read_and_try(data, pieces, shape)
        known = tuple([pieces[at] for at in shape.fixed])
        variant = shape.variants.get(known)
        if variant is None:
            return self._read_variant(data, pieces, shape, known)
        if not variant.is_left and variant.compare(pieces):
            self._make_template(variant, text[-_END:])
        envelope: Envelope = variant.make(pieces)
        return envelope

    def _make_template(self, variant: _Variant, end: str) -> None:
        """Make or renew the template of a variant, where there is room for it."""
        places = sorted(variant.differing)
        make = _Trials(self._parse, variant.example).make({at: n for n, at in enumerate(places)})
        alike = self._templates.get(end, [])
        has_room = self._made < MAX_TEMPLATES and len(alike) < MAX_ALIKE
        if make is None or (variant.template is None and not has_room):
            variant.is_left = True
            return
        parts = _parts_around(variant.example, places)
        if variant.template is not None:
            variant.template.learn(make, parts)
            return
        variant.template = _Template(make, parts)
        self._templates[end] = [*alike, variant.template]
        self._made += 1

    def _read_unknown(self, data: bytes, pieces: list[str]) -> Envelope:
        envelope = self._parse(data)
        if not _ENCODING.search(pieces[0]):
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
                self._templates.clear()
                self._made = 0
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
        if known in shape.variants:
            make = _Trials(self._parse, pieces).maker(shape.fixed or ())
            is_good = make is not None and make(pieces) == envelope
            variant = _Variant(make if is_good and make else self._parse_pieces, pieces)
            variant.is_left = not is_good
            shape.variants[known] = variant
        else:
            if len(shape.variants) >= MAX_VARIANTS:
                shape.variants.clear()
            shape.variants[known] = None
        return envelope

    def _parse_pieces(self, pieces: Sequence[str]) -> Envelope:
        """The maker of envelopes that can't be made of their texts."""
        return self._parse(_joined(pieces))


def _parts_around(pieces: Sequence[str], places: Sequence[int]) -> list[str]:
    """What stands before, between and after the texts at some places."""
    bounds = [-1, *places, len(pieces)]
    parts = []
    for start, stop in pairwise(bounds):
        inner = [_framed(pieces[at], at) for at in range(start + 1, stop)]
        before = "</" if start >= 0 else ""
        parts.append("".join([before, *inner, ">" if stop < len(pieces) else ""]))
    return parts


def _framed(piece: str, at: int) -> str:
    return f">{piece}</" if at % 2 else piece


def _joined(pieces: Sequence[str]) -> bytes:
    return "".join([_framed(piece, at) for at, piece in enumerate(pieces)]).encode("ascii")


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
        return self.make({at: at for at in self.places if at not in fixed})

    def make(self, sources: dict[int, int]) -> Make | None:
        """
        A maker of envelopes like this; None if marks don't show unchanged.

        Args:
            sources: the places where texts differ, and which piece the maker finds them at.
        """
        envelope = self._marked(sources)
        if envelope is None:
            return None
        return _maker(envelope, {_mark(at): sources[at] for at in sources}) or _always(envelope)


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
