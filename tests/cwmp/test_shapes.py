"""Reading envelopes of a shape that is known: it makes no difference but in time."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from helpers.recordings import recordings
from helpers.strategies import ENVELOPES
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_2, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp import shapes as module
from caretaker.cwmp.codec import decode_by_parser
from caretaker.cwmp.shapes import MAX_BYTES, MAX_SHAPES, Shapes
from caretaker.errors import EnvelopeError

TEXTS = [
    "1", "0", "true", "-7", "12", "x", "a b", "a,b", "1.0,1.1", "cwmp:9005", "9005", "]]", "--",
    "'", '"', "%41", "~{VPND~}", "+AGE-", "Device.A.", "YWJj", "#13;", "",
]  # fmt: skip
DEVICE = m.DeviceIdStruct("Acme", "00AABB", "Router", "S1")


class Counting:
    """The parser, and how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.shapes = Shapes(self)

    def __call__(self, data: bytes) -> Envelope:
        self.times += 1
        return decode_by_parser(data)

    def reads(self, data: bytes) -> int:
        """How often the parser is needed for what comes out as it must."""
        self.times = 0
        assert self.shapes.read(data) == decode_by_parser(data)
        return self.times


def inform(serial_number: str, uptime: str = "12", retry_count: int = 0) -> bytes:
    values = (m.ParameterValueStruct("Device.DeviceInfo.UpTime", uptime, "xsd:unsignedInt"),)
    about = DEVICE._replace(serial_number=serial_number)
    event = (m.EventStruct("2 PERIODIC"),)
    return encode(
        Envelope(
            m.Inform(about, event, 1, "2026-11-25T10:00:00Z", retry_count, values), serial_number
        )
    )


def outcome(read: object, data: bytes) -> object:
    try:
        return read(data)  # type: ignore[operator]
    except EnvelopeError as error:
        return str(error)


def test_the_parser_is_not_needed_from_the_fifth_of_a_shape_on() -> None:
    counting = Counting()
    needed = [counting.reads(inform(f"S{number}", str(number))) for number in range(1, 7)]
    assert (needed[0], needed[1] > 1, needed[3:]) == (1, True, [2, 0, 0])


def templates(shapes: Shapes) -> int:
    return sum(map(len, shapes._templates.values()))


def test_a_template_reads_what_has_differed_before() -> None:
    counting = Counting()
    for number in range(20):
        counting.reads(inform(f"S{number}"))
    assert templates(counting.shapes) == 1
    (template,) = next(iter(counting.shapes._templates.values()))
    assert template.read(inform("S77").decode()) == decode_by_parser(inform("S77"))
    assert template.read(inform("S77", "13").decode()) is None
    assert counting.reads(inform("S77", "13")) == 1  # the template is made anew
    assert template.read(inform("S78", "14").decode()) == decode_by_parser(inform("S78", "14"))
    assert (counting.reads(inform("S79", "15")), templates(counting.shapes)) == (0, 1)


@given(st.sets(st.integers(0, 40), max_size=6), st.data())
def test_templates_read_what_the_parser_reads(places: set[int], data: st.DataObject) -> None:
    shapes, pieces = Shapes(decode_by_parser), module._TEXT.split(inform("S0").decode())
    changing = sorted(at for at in range(1, len(pieces), 2) if at in places)
    for number in range(3 + module.NEEDED):
        shapes.read(
            _joined([f"T{number}" if i in changing else p for i, p in enumerate(pieces)]).encode()
        )
    texts = st.sampled_from([*TEXTS, " x", "x ", "a<b", "a>b", "&amp;", "a\tb", "\x7f", "x</y><y>"])
    for _ in range(8):
        changed = list(pieces)
        for at in data.draw(
            st.lists(st.sampled_from([0, *changing, *range(1, len(pieces), 2)]), max_size=3)
        ):
            changed[at] = data.draw(texts) if at else changed[at]
        body = _joined(changed).encode()
        assert outcome(shapes.read, body) == outcome(decode_by_parser, body)
        cut = body[: data.draw(st.integers(0, len(body)))]
        assert outcome(shapes.read, cut) == outcome(decode_by_parser, cut)


def test_no_more_than_some_templates_are_made() -> None:
    counting = Counting()
    good = encode(Envelope(m.Reboot("KEY"), "1", CWMP_1_2)).decode()
    for number in range(module.MAX_TEMPLATES + 3):
        body = good.replace("<CommandKey>", f"<Own{number}/><CommandKey>")
        body = body.replace("</soap-env:Envelope>", f"</soap-env:Envelope>{' ' * (number // 4)}")
        for key in range(4 + module.NEEDED):
            counting.reads(body.replace("KEY", f"k{key}").encode())
    assert templates(counting.shapes) == module.MAX_TEMPLATES
    assert max(map(len, counting.shapes._templates.values())) <= module.MAX_ALIKE


def test_what_is_no_text_of_the_message_belongs_to_the_shape() -> None:
    counting = Counting()
    for number in range(5):
        counting.reads(inform(f"S{number}"))
    again = [counting.reads(inform(f"S{number}", retry_count=3)) for number in range(3)]
    assert again == [1, 2, 0]
    assert counting.reads(inform("S9")) == 0


def test_messages_are_made_anew() -> None:
    counting = Counting()
    read = [counting.shapes.read(inform(f"S{number}")) for number in range(6)]
    numbers = [each.message.device_id.serial_number for each in read]  # type: ignore[attr-defined]
    assert (numbers, [each.id for each in read]) == ([f"S{n}" for n in range(6)],) * 2


@given(ENVELOPES, st.data())
def test_it_reads_what_the_parser_reads(envelope: Envelope, data: st.DataObject) -> None:
    shapes, pieces = Shapes(decode_by_parser), module._TEXT.split(encode(envelope).decode())
    places = st.sampled_from(range(1, len(pieces), 2) or [0])
    for _ in range(12):
        changed = list(pieces)
        for at in data.draw(st.lists(places, max_size=2)):
            changed[at] = data.draw(st.sampled_from(TEXTS)) if at else changed[at]
        body, expected = (
            _joined(changed).encode(),
            outcome(decode_by_parser, _joined(changed).encode()),
        )
        assert [outcome(shapes.read, body) for _ in range(2)] == [expected] * 2


def _joined(pieces: list[str]) -> str:
    return "".join(f">{piece}</" if at % 2 else piece for at, piece in enumerate(pieces))


def test_recorded_envelopes_are_read_as_by_the_parser(captures: Path) -> None:
    counting, chance = Counting(), Random(1)
    messages = [
        each for recording in recordings(captures) for pair in recording.exchanges for each in pair
    ]
    bodies = [each.body for each in messages if each.has_envelope]
    for body in bodies * 2 + [_altered(body, chance) for body in bodies * 8]:
        assert outcome(counting.shapes.read, body) == outcome(decode_by_parser, body)


def _altered(body: bytes, chance: Random) -> bytes:
    """A body with one text of it replaced, if it has any."""
    pieces = module._TEXT.split(body.decode("latin-1"))
    if len(pieces) > 1:
        pieces[chance.randrange(1, len(pieces), 2)] = chance.choice(TEXTS)
    return _joined(pieces).encode("latin-1")


@pytest.mark.parametrize(
    "inside",
    [
        "<!-- <x>a</x> --><CommandKey>k</CommandKey>",
        "<CommandKey><![CDATA[<x>a</x>]]></CommandKey>",
        "<CommandKey>a<b/>c</CommandKey>",
        '<CommandKey y="><x>a">k</CommandKey>',
        "<CommandKey>k</CommandKey><CommandKey>l</CommandKey>",
        "<Other>1</Other><CommandKey> k</CommandKey>",
    ],
)
def test_odd_markup_is_read_as_by_the_parser(inside: str) -> None:
    counting = Counting()
    good = encode(Envelope(m.Reboot("KEY"), "1", CWMP_1_2)).decode()
    for text in ("a", "b", "--", "1", "a", "]]", "a--b", "c", "b"):
        body = good.replace("<CommandKey>KEY</CommandKey>", inside.replace("a", text)).encode()
        assert outcome(counting.shapes.read, body) == outcome(decode_by_parser, body)


@pytest.mark.parametrize("equals", ["=", " = ", "=\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "HZ", "UTF-7", "ISO-2022-JP", "iso-8859-1"])
def test_ascii_that_is_none_is_left_to_the_parser(encoding: str, equals: str) -> None:
    counting = Counting()
    good = encode(Envelope(m.Reboot("KEY"), "1", CWMP_1_2))
    good = good.replace(b'encoding="UTF-8"', f'encoding{equals}"{encoding}"'.encode())
    for text in (b"a", b"b", b"c", b"d", b"~{VPND~}", b"+AGE-", b"\x1b(B"):
        body = good.replace(b"KEY", text)
        assert outcome(counting.shapes.read, body) == outcome(decode_by_parser, body)


def test_no_more_than_some_shapes_are_known() -> None:
    counting = Counting()
    for number in range(3 * MAX_SHAPES):
        good = encode(Envelope(m.Reboot("KEY"), "1", CWMP_1_2)).decode()
        counting.reads(good.replace("<CommandKey>", f"<Own{number}/><CommandKey>").encode())
    assert len(counting.shapes._shapes) <= MAX_SHAPES


def test_long_envelopes_are_left_to_the_parser() -> None:
    counting = Counting()
    names = tuple(f"Device.A.{number:08}" for number in range(MAX_BYTES // 20))
    body = encode(Envelope(m.GetParameterValues(names), "1"))
    assert [counting.reads(body) for _ in range(5)] == [1] * 5


def test_shapes_that_are_dear_to_find_out_about_are_left_to_the_parser() -> None:
    counting = Counting()
    infos = tuple(m.ParameterInfoStruct(f"Device.A{n}", n % 2 == 0) for n in range(60))
    body = encode(Envelope(m.GetParameterNamesResponse(infos), "1"))
    needed = [counting.reads(body.replace(b"A7", f"B{n}".encode())) for n in range(6)]
    assert (needed[1] <= 1 + module.MAX_TRIALS + 1, needed[2:]) == (True, [1] * 4)


def test_decode_reads_so() -> None:
    read = [decode(inform(f"D{number}" + "x" * 900)) for number in range(6)]
    assert read[5] == decode_by_parser(inform("D5" + "x" * 900))
