"""
Messages of CPEs joined from templates: what nearly all sessions send, without a message being made.

The messages of one kind differ in few places: texts that the caller has, and the values of a CPE's
own. A template has these places open. It is made by the writer of all envelopes, from a real
message with marks in these places, and what it gives is compared with what that writer gives: when
it is made, and now and then while it is used. A template that differs is used no more.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.cwmp.xml import escape
from caretaker.data_model.parameter import Parameter
from caretaker.device.base import CPEBase
from caretaker.profiles.profile import Profile

COMPARED_EVERY = 1024
"""After so many messages of a template one is compared again."""

_MARK = "\ue000{}\ue000"  # of a private plane of Unicode, which escaping leaves as it is
_MARKS = re.compile("\ue000[0-9]+\ue000")

_log = logging.getLogger(__name__)

Place = tuple[str, str, Parameter | None]
"""
The path and the type of a parameter, and itself if any of its values is of this type. A path that
is empty is the serial number's, as the caller has it.
"""


class MessageTemplate:
    """
    What messages of one kind have in common.

    Args:
        what: the messages, for the log.
        profile: that it is of; kept, so that no other gets its ``id``.
        pieces: of the message, between its places.
        places: the last ones, in order.
    """

    __slots__ = ("_what", "is_right", "pieces", "places", "profile", "used")

    def __init__(
        self, what: str, profile: Profile, pieces: list[str], places: tuple[Place, ...]
    ) -> None:
        self._what = what
        self.profile = profile
        self.pieces = pieces
        self.places = places
        self.used = 0
        """How many messages it has given."""
        self.is_right = True
        """Whether all that were compared were as they are written."""

    def is_to_compare(self) -> bool:
        """Count a message; whether it is one of those that are compared."""
        self.used += 1
        return self.used % COMPARED_EVERY == 0

    def join(self, texts: list[str], cpe: CPEBase, now: float, serial: str = "") -> bytes | None:
        """
        The message of a CPE.

        Args:
            texts: for the first places, escaped; those of the others are added to it.
            cpe: whose message it is.
            now: when.
            serial: the serial number, escaped.

        Returns:
            None if a value is not of the type that the template has.
        """
        for path, kind, parameter in self.places:
            if not path:
                texts.append(serial)
                continue
            if parameter is not None:
                texts.append(escape(cpe.value_of(path, parameter, now)))
                continue
            struct = cpe.find(path, now)
            if struct is None or struct.type != kind:
                return None
            texts.append(escape(struct.value))
        parts = [""] * (2 * len(texts) + 1)
        parts[::2], parts[1::2] = self.pieces, texts
        return "".join(parts).encode()

    def judged(self, joined: bytes, written: bytes) -> bytes | None:
        """What was joined, if it is what is written; else the template is not used again."""
        if joined == written:
            return joined
        self.is_right = False
        what, profile = self._what, self.profile.name
        _log.error("a template of %s of profile %s was wrong; it is left", what, profile)
        return None


def marks_for(count: int) -> list[str]:
    """What stands for the texts of places while a template is made."""
    return [_MARK.format(number) for number in range(count)]


def pieces_between(marked: bytes, count: int) -> list[str] | None:
    """The pieces of a message with so many marks; None if a value of it looks like a mark."""
    pieces = _MARKS.split(marked.decode())
    return pieces if len(pieces) == count + 1 else None


def place_of(cpe: CPEBase, struct: ParameterValueStruct) -> Place:
    """The place of a parameter's value."""
    parameter = cpe.profile.model.parameter(struct.name, None)
    if parameter is None or parameter.type != "xsd:string" or parameter.hidden:
        return struct.name, struct.type, None
    return struct.name, struct.type, parameter


def marked_values(
    structs: Sequence[ParameterValueStruct], open_paths: Sequence[str], marks: Sequence[str]
) -> tuple[ParameterValueStruct, ...]:
    """Parameters with marks in place of the values that are open, in their order."""
    of_path = dict(zip(open_paths, marks, strict=True))
    return tuple(
        [
            struct._replace(value=of_path[struct.name]) if struct.name in of_path else struct
            for struct in structs
        ]
    )
