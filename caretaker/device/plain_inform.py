"""
Informs joined from templates: what nearly all sessions send, without an Inform being made.

The Informs of a kind of device differ in few places: who it is, the time, and the parameters whose
values are a CPE's own. A template has these places open. It is made by the writer of all envelopes,
from a real Inform with marks in these places, and what it gives is compared with what that writer
gives: when it is made, and now and then while it is used. A template that differs is used no more.

What a template can't tell (a retry, reported changes, requests of the CPE, rows that were added) is
written as ever.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import DeviceIdStruct, ParameterValueStruct
from caretaker.cwmp.xml import escape
from caretaker.data_model.parameter import Parameter
from caretaker.device import inform
from caretaker.device.base import CPEBase
from caretaker.device.events import Events
from caretaker.profiles.profile import Profile

MAX_TEMPLATES = 256
"""Templates that are kept at once; the events and the own parameters of CPEs make them many."""
COMPARED_EVERY = 1024
"""After so many Informs of a template one is compared again."""

_MARK = "\ue000{}\ue000"  # of a private plane of Unicode, which escaping leaves as it is
_MARKS = re.compile("\ue000[0-9]+\ue000")
_SERIAL = 3
"""The field of DeviceId that each CPE has of its own."""

_log = logging.getLogger(__name__)

_Shape = tuple[int, Events, tuple[str, ...], bool]
"""
The profile by its ``id``, the events, the forced parameters with values of the CPE's own, and
whether it has the DeviceId of its profile.
"""

_Place = tuple[str, str, Parameter | None]
"""
The path and the type of a parameter, and itself if any of its values is of this type. A path that
is empty is the serial number's, as DeviceId has it.
"""


class Template:
    """
    Gives the Informs of CPEs of one kind whose sessions tell the same events.

    Args:
        profile: that it is of; kept, so that no other gets its ``id``.
        pieces: of the Inform, between its places.
        places: the last ones, in order.
        has_usual_id: whether the DeviceId is the profile's but for the serial number.
    """

    __slots__ = ("has_usual_id", "is_right", "pieces", "places", "profile", "used")

    def __init__(
        self, profile: Profile, pieces: list[str], places: tuple[_Place, ...], *, has_usual_id: bool
    ) -> None:
        self.has_usual_id = has_usual_id
        self.profile = profile
        self.pieces = pieces
        self.places = places
        self.used = 0
        """How many Informs it has given."""
        self.is_right = True
        """Whether all that were compared were as they are written."""

    def inform(self, cpe: CPEBase, now: float) -> bytes | None:
        """The Inform of a CPE of this kind; None if it must be written in full."""
        if not self.is_right:
            return None
        self.used += 1
        return self.compare(cpe, now) if self.used % COMPARED_EVERY == 0 else self._joined(cpe, now)

    def compare(self, cpe: CPEBase, now: float) -> bytes | None:
        """As ``inform``; if it is not what is written, the template is not used again."""
        joined = self._joined(cpe, now)
        if joined is None or joined == inform.envelope(cpe, inform.inform_message(cpe, now)):
            return joined
        self.is_right = False
        _log.error("a template of Informs of profile %s was wrong; it is left", cpe.profile.name)
        return None

    def _joined(self, cpe: CPEBase, now: float) -> bytes | None:
        """The Inform of a CPE; None if a value is not of the type that the template has."""
        if self.has_usual_id:
            serial = escape(cpe.serial_number)
            values = [serial]
        else:
            values = [escape(field) for field in cpe.device_id_struct]
            serial = values[_SERIAL]
        values.append(cpe.context.date(now + cpe.profile.clock_offset))
        for path, kind, parameter in self.places:
            if not path:
                values.append(serial)
                continue
            if parameter is not None:
                values.append(escape(cpe.value_of(path, parameter, now)))
                continue
            struct = cpe.find(path, now)
            if struct is None or struct.type != kind:
                return None
            values.append(escape(struct.value))
        parts = [""] * (2 * len(values) + 1)
        parts[::2], parts[1::2] = self.pieces, values
        return "".join(parts).encode()


class InformTemplates:
    """The templates of the CPEs of one worker."""

    __slots__ = ("_templates",)

    def __init__(self) -> None:
        self._templates: dict[_Shape, Template | None] = {}

    def inform(self, cpe: CPEBase, now: float) -> bytes | None:
        """
        The envelope of the Inform of the session that begins; None if it must be written in full.

        Args:
            cpe: whose session has begun.
            now: when.
        """
        template = self.template(cpe, now)
        return None if template is None else template.inform(cpe, now)

    def template(self, cpe: CPEBase, now: float) -> Template | None:
        """The template of the Inform of the session that begins; None if there can't be one."""
        if not _is_plain(cpe):
            return None
        overlay, profile = cpe.overlay, cpe.profile
        own: tuple[str, ...] = ()
        has_usual_id = cpe.context.devices is None
        if overlay is not None and overlay.values:
            values = overlay.values
            own = tuple([path for path in profile.inform_parameters if path in values])
            has_usual_id = has_usual_id and values.keys().isdisjoint(profile.name_paths)
        shape = id(profile), cpe.session_events, own, has_usual_id
        template = self._templates.get(shape)
        if template is None and shape not in self._templates:
            template = self._learn(shape, cpe, now)
        return template

    def _learn(self, shape: _Shape, cpe: CPEBase, now: float) -> Template | None:
        if len(self._templates) >= MAX_TEMPLATES:
            self._templates.clear()
        template = self._templates[shape] = _template_of(cpe, shape, now)
        if template is not None:
            template.compare(cpe, now)
        return template


def _is_plain(cpe: CPEBase) -> bool:
    """Whether a template can have the Inform of the session that has begun, by its CPE."""
    overlay = cpe.overlay
    return not (
        cpe.failures
        or cpe.session_requests
        or cpe.reported_changes
        or (overlay is not None and overlay.rows is not None)
    )


def _template_of(cpe: CPEBase, shape: _Shape, now: float) -> Template | None:
    """The template of the Informs that are as this one; None if there can't be one."""
    # Events with a CommandKey hardly come twice, and rows of the table depend on other values.
    if inform.table_rows(cpe) or any(event.command_key for event in cpe.session_events):
        return None
    message = inform.inform_message(cpe, now)
    _, _, own, has_usual_id = shape
    constants = cpe.profile.inform_constants
    places = [
        struct
        for struct in message.parameter_list
        if struct.name in own or constants[struct.name] is None
    ]
    own_fields = (_SERIAL,) if has_usual_id else tuple(range(len(message.device_id)))
    marked = _marked(message, own_fields, places)
    pieces = _MARKS.split(inform.envelope(cpe, marked).decode())
    if len(pieces) != len(own_fields) + 1 + len(places) + 1:  # a value looks like a mark
        return None
    filled = tuple([_place(cpe, struct, shape) for struct in places])
    return Template(cpe.profile, pieces, filled, has_usual_id=has_usual_id)


def _place(cpe: CPEBase, struct: ParameterValueStruct, shape: _Shape) -> _Place:
    _, _, own, has_usual_id = shape
    parameter = cpe.profile.model.parameter(struct.name, None)
    if parameter is None or parameter.type != "xsd:string" or parameter.hidden:
        return struct.name, struct.type, None
    is_serial = parameter.source == "serial_number" and struct.name not in own and has_usual_id
    return "" if is_serial else struct.name, struct.type, parameter


def _marked(
    message: m.Inform, own_fields: tuple[int, ...], places: list[ParameterValueStruct]
) -> m.Inform:
    """The Inform with marks in these fields of DeviceId, its time and these parameters."""
    marks = iter([_MARK.format(number) for number in range(len(own_fields) + 1 + len(places))])
    device_id = [
        next(marks) if number in own_fields else field
        for number, field in enumerate(message.device_id)
    ]
    current_time = next(marks)
    values = {
        struct.name: struct._replace(value=mark) for struct, mark in zip(places, marks, strict=True)
    }
    return replace(
        message,
        device_id=DeviceIdStruct(*device_id),
        current_time=current_time,
        parameter_list=tuple([values.get(own.name, own) for own in message.parameter_list]),
    )
