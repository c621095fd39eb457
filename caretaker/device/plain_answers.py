"""
Answers to GetParameterValues joined from templates: an ACS asks most of its devices the same.

Two requests are the same if only their cwmp:ID differs. What CPEs answer to the same request
differs in that ID and in the values of their own, where they have the same parameters, and values
of their own of the same ones. A template has these places open. It is made of a request that a
session has answered, when that came for the second time.

Which answers no template has: faults, those of CPEs with added rows, long ones, and those to
requests that name a parameter twice (their budget, ``rpc.budget``, is for the session to watch).
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_letters, digits

from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode, decode_by_parser, encode
from caretaker.cwmp.envelope import Envelope
from caretaker.device.base import CPEBase
from caretaker.device.message_template import (
    MessageTemplate,
    Place,
    marked_values,
    marks_for,
    pieces_between,
    place_of,
)
from caretaker.device.rpc.methods import METHODS
from caretaker.errors import EnvelopeError
from caretaker.profiles.profile import Profile

NAME = m.GetParameterValuesResponse.__name__
"""Of the messages that these templates give."""
MAX_KINDS = 64
"""Kinds of CPEs that are known at once, each with what it was asked."""
MAX_REQUESTS = 8
"""Requests that are known of a kind."""
MAX_SEEN = 64
"""Requests of a kind that were seen; beyond them learning begins anew."""
LOOKED_AT_EVERY = 8
"""Of the requests that are not known each so many-th is looked at: ever new ones cost little."""
MAX_BYTES = 4096
"""Of a request that is looked at."""
MAX_PARAMETERS = 64
"""Of an answer; to give longer ones must wait for a turn of the loop."""
MAX_ID = 64

_OF_IDS = f"{ascii_letters}{digits}-_.:@/="
"""Characters that are the same in XML, in all encodings that a request of ASCII may have."""
_ID_BYTES = _OF_IDS.encode()


class AnswerTemplate(MessageTemplate):
    """
    Gives the answers of CPEs of one kind to one request.

    Args:
        request: what it is, but for its ID.
        around: its bytes before and after the ID.
        profile, pieces, places: as of ``MessageTemplate``.
    """

    __slots__ = ("_after", "_before", "_request", "_shortest")

    def __init__(
        self,
        request: Envelope,
        around: tuple[bytes, bytes],
        profile: Profile,
        pieces: list[str],
        places: tuple[Place, ...],
    ) -> None:
        super().__init__("answers", profile, pieces, places)
        self._request = request
        self._before, self._after = around
        self._shortest = len(self._before) + len(self._after)

    def id_of(self, request: bytes) -> str:
        """The cwmp:ID of a request, if it is this one; else nothing."""
        length = len(request) - self._shortest
        if not 0 < length <= MAX_ID:
            return ""
        if not (request.endswith(self._after) and request.startswith(self._before)):
            return ""
        start = len(self._before)
        id_ = request[start : start + length]
        return "" if id_.translate(None, _ID_BYTES) else id_.decode()

    def answer(self, id_: str, cpe: CPEBase, now: float) -> bytes | None:
        """The answer of a CPE of this kind; None if the session must give it."""
        if not self.is_right:
            return None
        is_to_compare = self.is_to_compare()
        joined = self.join([id_], cpe, now)
        return self.compare(joined, id_, cpe, now) if is_to_compare else joined

    def compare(self, joined: bytes | None, id_: str, cpe: CPEBase, now: float) -> bytes | None:
        """What was joined; if it is not what is written, the template is not used again."""
        if joined is None:
            return None
        request = self._request.message
        response = METHODS[m.GetParameterValues](cpe, request, now)
        return self.judged(joined, encode(Envelope(response, id_, self._request.namespace)))


class Asked:
    """
    What CPEs of one kind were asked.

    Args:
        profile: of the CPEs; kept, so that no other gets its ``id``.
    """

    __slots__ = ("_profile", "_seen", "_templates", "_unknown")

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._templates: list[AnswerTemplate] = []
        self._seen: dict[int, bool] = {}
        """The hashes of requests without their IDs, and whether these were tried."""
        self._unknown = 0

    def answer(self, request: bytes, cpe: CPEBase, now: float) -> bytes | None:
        """The answer of a CPE of this kind; None if its session must give it."""
        for template in self._templates:
            id_ = template.id_of(request)
            if id_:
                return template.answer(id_, cpe, now)
        return None

    def learn(self, request: bytes, cpe: CPEBase, now: float) -> None:
        """Take a request that the session of a CPE has answered, without a fault."""
        self._unknown += 1
        if self._unknown % LOOKED_AT_EVERY or len(request) > MAX_BYTES:
            return
        envelope = decode(request)
        around = _around_id(request, envelope)
        if around is None:
            return
        number = hash(around)
        if number not in self._seen:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen[number] = False
        elif not self._seen[number]:
            self._seen[number] = True
            template = _template_of(envelope, around, cpe, now)
            if template is not None:
                self._templates = [template, *self._templates[: MAX_REQUESTS - 1]]


class AnswerTemplates:
    """What the CPEs of one worker were asked, by their kinds."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[tuple[int, tuple[str, ...]], Asked] = {}

    def of(self, cpe: CPEBase) -> Asked | None:
        """What CPEs as this one were asked; None if there are no templates for it."""
        overlay = cpe.overlay
        if overlay is None:
            return self.of_kind(cpe.profile, ())
        if overlay.rows is not None or overlay.units is not None:
            return None
        return self.of_kind(cpe.profile, tuple(overlay.values))

    def of_kind(self, profile: Profile, names: tuple[str, ...]) -> Asked:
        """What CPEs of a profile were asked that have own values of these parameters, no rows."""
        kind = id(profile), names
        asked = self._asked.get(kind)
        if asked is None:
            if len(self._asked) >= MAX_KINDS:
                self._asked.clear()
            asked = self._asked[kind] = Asked(profile)
        return asked


# -- learning -------------------------------------------------------------------------------------


def _around_id(request: bytes, envelope: Envelope) -> tuple[bytes, bytes] | None:
    """The bytes of a request around its ID; None if no template can be of it."""
    id_ = envelope.id
    if not id_ or not envelope.namespace or not isinstance(envelope.message, m.GetParameterValues):
        return None
    before, found, after = request.partition(f">{id_}</".encode())
    return (before + b">", b"</" + after) if found and request.isascii() else None


def _template_of(
    envelope: Envelope, around: tuple[bytes, bytes], cpe: CPEBase, now: float
) -> AnswerTemplate | None:
    """The template of the answers to a request; None if there can't be one."""
    if not _is_the_same(envelope, _ID_BYTES.join(around)):
        return None
    response = METHODS[m.GetParameterValues](cpe, envelope.message, now)
    assert isinstance(response, m.GetParameterValuesResponse)
    structs = response.parameter_list
    if not len({struct.name for struct in structs}) == len(structs) <= MAX_PARAMETERS:
        return None
    own = cpe.overlay.values if cpe.overlay is not None else {}
    constants = cpe.profile.model.constants
    places = [each for each in structs if each.name in own or each.name not in constants]
    count = 1 + len(places)
    id_, *marks = marks_for(count)
    marked = replace(
        response, parameter_list=marked_values(structs, [each.name for each in places], marks)
    )
    pieces = pieces_between(encode(Envelope(marked, id_, envelope.namespace)), count)
    if pieces is None:
        return None
    filled = tuple([place_of(cpe, each) for each in places])
    template = AnswerTemplate(envelope, around, cpe.profile, pieces, filled)
    joined = template.join(["1"], cpe, now)
    return template if template.compare(joined, "1", cpe, now) is not None else None


def _is_the_same(envelope: Envelope, request: bytes) -> bool:
    """Whether a request is another one with all characters of IDs as its ID, and nothing else."""
    try:
        marked = decode_by_parser(request)
    except EnvelopeError:
        return False
    return marked == envelope._replace(id=_OF_IDS)
