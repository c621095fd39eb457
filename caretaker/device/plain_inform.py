"""
Informs joined from templates: what nearly all sessions send, without an Inform being made.

The Informs of a kind of device differ in few places: who it is, the time, and the parameters whose
values are a CPE's own. What a template can't tell (a retry, reported changes, requests of the CPE,
rows that were added) is written as ever.
"""

from __future__ import annotations

from dataclasses import replace

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import DeviceIdStruct, ParameterValueStruct
from caretaker.cwmp.xml import escape
from caretaker.device import inform
from caretaker.device.base import CPEBase
from caretaker.device.events import Events
from caretaker.device.message_template import (
    MessageTemplate,
    Place,
    marked_values,
    marks_for,
    pieces_between,
    place_of,
)
from caretaker.profiles.profile import Profile

MAX_TEMPLATES = 256
"""Templates that are kept at once; the events and the own parameters of CPEs make them many."""
_SERIAL = 3
"""The field of DeviceId that each CPE has of its own."""

_Shape = tuple[int, Events, tuple[str, ...], bool]
"""
The profile by its ``id``, the events, the forced parameters with values of the CPE's own, and
whether it has the DeviceId of its profile.
"""


class Template(MessageTemplate):
    """
    Gives the Informs of CPEs of one kind whose sessions tell the same events.

    Args:
        profile, pieces, places: as of ``MessageTemplate``.
        has_usual_id: whether the DeviceId is the profile's but for the serial number.
    """

    __slots__ = ("has_usual_id",)

    def __init__(
        self, profile: Profile, pieces: list[str], places: tuple[Place, ...], *, has_usual_id: bool
    ) -> None:
        super().__init__("Informs", profile, pieces, places)
        self.has_usual_id = has_usual_id

    def inform(self, cpe: CPEBase, now: float) -> bytes | None:
        """The Inform of a CPE of this kind; None if it must be written in full."""
        if not self.is_right:
            return None
        return self.compare(cpe, now) if self.is_to_compare() else self._joined(cpe, now)

    def compare(self, cpe: CPEBase, now: float) -> bytes | None:
        """As ``inform``; if it is not what is written, the template is not used again."""
        joined = self._joined(cpe, now)
        if joined is None:
            return None
        return self.judged(joined, inform.envelope(cpe, inform.inform_message(cpe, now)))

    def _joined(self, cpe: CPEBase, now: float) -> bytes | None:
        """The Inform of a CPE; None if a value is not of the type that the template has."""
        if self.has_usual_id:
            serial = escape(cpe.serial_number)
            texts = [serial]
        else:
            texts = [escape(field) for field in cpe.device_id_struct]
            serial = texts[_SERIAL]
        texts.append(cpe.context.date(now + cpe.profile.clock_offset))
        return self.join(texts, cpe, now, serial)


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
    count = len(own_fields) + 1 + len(places)
    marked = _marked(message, own_fields, places, marks_for(count))
    pieces = pieces_between(inform.envelope(cpe, marked), count)
    if pieces is None:
        return None
    filled = tuple([_place(cpe, struct, shape) for struct in places])
    return Template(cpe.profile, pieces, filled, has_usual_id=has_usual_id)


def _place(cpe: CPEBase, struct: ParameterValueStruct, shape: _Shape) -> Place:
    _, _, own, has_usual_id = shape
    path, kind, parameter = place_of(cpe, struct)
    is_serial = parameter is not None and parameter.source == "serial_number" and path not in own
    return "" if is_serial and has_usual_id else path, kind, parameter


def _marked(
    message: m.Inform,
    own_fields: tuple[int, ...],
    places: list[ParameterValueStruct],
    marks: list[str],
) -> m.Inform:
    """The Inform with marks in these fields of DeviceId, its time and these parameters."""
    of_field = dict(zip(own_fields, marks, strict=False))
    device_id = [of_field.get(number, field) for number, field in enumerate(message.device_id)]
    current_time, *others = marks[len(own_fields) :]
    return replace(
        message,
        device_id=DeviceIdStruct(*device_id),
        current_time=current_time,
        parameter_list=marked_values(message.parameter_list, [own.name for own in places], others),
    )
