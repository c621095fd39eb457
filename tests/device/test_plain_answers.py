"""Answers joined from templates are the bytes that a session gives."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from helpers.cpes import context, cpe, extended, profile
from helpers.random_walk import RandomWalk
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_0, CWMP_1_2, CPESession, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.data_model.overlay import TableRows
from caretaker.device import message_template, plain_answers
from caretaker.device.cpe import CPE
from caretaker.device.plain_answers import AnswerTemplates
from caretaker.profiles.profile import BUILT_IN

MS = "Device.ManagementServer."
KEY = f"{MS}ParameterKey"
UP_TIME = "Device.DeviceInfo.UpTime"
NAMES = (KEY, UP_TIME, f"{MS}ConnectionRequestURL", "Device.DeviceInfo.SerialNumber", f"{MS}URL")


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request that is not known is looked at."""
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 1)


def asked(names: tuple[str, ...] = NAMES, id_: str | None = "1", space: str = CWMP_1_2) -> bytes:
    return encode(Envelope(m.GetParameterValues(names), id_, space))


def written(box: CPE, request: bytes, now: float) -> bytes:
    """What the session of a CPE answers."""
    session = CPESession(None, box)
    session.skip_inform()
    assert session.next_post() == b""
    session.receive(request, now)
    answer = session.next_post()
    assert answer is not None
    return answer


def joined(templates: AnswerTemplates, box: CPE, request: bytes, now: float = 0.0) -> bytes | None:
    of_kind = templates.of(box)
    return None if of_kind is None else of_kind.answer(request, box, now)


def learn(templates: AnswerTemplates, box: CPE, request: bytes, now: float = 0.0) -> None:
    """Have a request come as often as is needed."""
    for _ in range(2):
        of_kind = templates.of(box)
        assert of_kind is not None
        of_kind.learn(request, box, now)


def assert_known(templates: AnswerTemplates, box: CPE, request: bytes, now: float = 0.0) -> None:
    assert joined(templates, box, request, now) == written(box, request, now)


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_kind_of_device_answers_for_all_its_cpes(name: str) -> None:
    templates, chance = AnswerTemplates(), Random(1)
    paths = list(profile(name).model.parameters)
    for number in range(40):
        request = asked(tuple(chance.sample(paths, 8)), f"acs-{number}")
        learn(templates, cpe(name), request)
        types = _types(written(cpe(name), request, 0.0))
        for index in (0, 1, 999_999, 12_345_678):
            box, now = cpe(name, index), 70.0 * number
            answer = written(box, request, now)
            is_alike = _types(answer) == types  # a value that does not fit its type is a string
            assert joined(templates, box, request, now) == (answer if is_alike else None)


def _types(answer: bytes) -> list[str]:
    message = decode(answer).message
    assert isinstance(message, m.GetParameterValuesResponse)
    return [struct.type for struct in message.parameter_list]


@pytest.mark.parametrize("id_", ["1", "a-b_c.d:e@f/g=", "Z" * plain_answers.MAX_ID])
def test_another_id_is_the_same_request(id_: str) -> None:
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    assert_known(templates, cpe(index=1), asked(id_=id_), 5.0)


@pytest.mark.parametrize("id_", ["", " 1", "<&>", "a b", "ä", "+AAA-", "Z" * 65, None])
def test_an_odd_id_is_for_the_session(id_: str | None) -> None:
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    assert joined(templates, cpe(), asked(id_=id_)) is None
    others = AnswerTemplates()
    learn(others, cpe(), asked(id_=id_))
    if id_ is None or not id_.strip():
        assert joined(others, cpe(), asked(id_=id_)) is None


def test_a_request_is_another_by_anything_but_its_id() -> None:
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    for request in (
        asked((*NAMES, f"{MS}Username")),
        asked(NAMES[::-1]),
        asked(space=CWMP_1_0),
        asked() + b"\n",
        asked().replace(b"Header>", b"Header >", 1),
        asked(id_="</cwmp:ID>"),
        b"",
        b"x" * 700,
    ):
        assert joined(templates, cpe(), request) is None


def test_the_id_may_stand_elsewhere_before() -> None:
    odd = asked(id_="acs1").replace(b"<cwmp:ID", b"<cwmp:X>acs1</cwmp:X><cwmp:ID", 1)
    templates = AnswerTemplates()
    learn(templates, cpe(), odd)
    assert joined(templates, cpe(), odd) is None


@pytest.mark.parametrize(
    "names",
    [
        ("Device.No",),
        ("Device.",),
        (KEY, KEY),
        (MS, KEY),
    ],
)
def test_what_no_template_has_is_for_the_session(names: tuple[str, ...]) -> None:
    templates, request = AnswerTemplates(), asked(names)
    if names != ("Device.No",):
        learn(templates, cpe(), request)
    assert joined(templates, cpe(), request) is None


def test_a_partial_path_and_no_names_are_requests_as_others() -> None:
    for names in (("Device.Time.",), ()):
        templates, request = AnswerTemplates(), asked(names)
        learn(templates, cpe(), request)
        assert_known(templates, cpe(index=1), request)


@pytest.mark.parametrize("value", ["", "plain", "<&>\r\"'%s %d 100%", "\ue000", "\x01\ud800", "ä€"])
def test_own_values_are_escaped_as_ever(value: str) -> None:
    templates = AnswerTemplates()
    for index in range(3):
        box = cpe(index=index)
        box.ensure_overlay().values[KEY] = f"{value}{index}"
        if index == 0:
            learn(templates, box, asked())
        assert_known(templates, box, asked())


def test_cpes_with_own_values_of_other_parameters_are_of_another_kind() -> None:
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    box = cpe(index=1)
    box.set_values([(KEY, "own")], 0.0)
    assert joined(templates, box, asked()) is None
    learn(templates, box, asked())
    assert_known(templates, box, asked())
    assert_known(templates, cpe(index=2), asked())


def test_a_value_that_is_not_of_its_type_is_for_the_session() -> None:
    templates, path = AnswerTemplates(), f"{MS}PeriodicInformInterval"
    for value in ("60", "61", "odd"):
        box = cpe()
        box.ensure_overlay().values[path] = value
        if value == "60":
            learn(templates, box, asked((path,)))
        told = joined(templates, box, asked((path,)))
        assert told == (None if value == "odd" else written(box, asked((path,)), 0.0))


def test_a_cpe_with_added_rows_has_no_template() -> None:
    box = cpe()
    box.ensure_overlay().rows = TableRows()
    assert AnswerTemplates().of(box) is None


def test_a_value_of_the_profile_may_look_like_a_mark() -> None:
    kind = extended("Device.X_Odd,false,false,\ue0001\ue000,xsd:string")
    templates, request = AnswerTemplates(), asked(("Device.X_Odd",))
    box = CPE(0, kind, context())
    learn(templates, box, request)
    assert joined(templates, box, request) is None


class _Walk(RandomWalk):
    """A life in which an ACS asks the same again and again."""

    templates: AnswerTemplates
    ways: Counter[bool]

    def _talk(self, session: CPESession) -> None:
        own = list(self.box.overlay.values) if self.box.overlay is not None else []
        for names in (NAMES, ("Device.Time.",), tuple(own[:3])):
            known = [name for name in names if self.box.parameter(name) or name.endswith(".")]
            request = asked(tuple(known), str(self.chance.randrange(10**6)))
            told = joined(self.templates, self.box, request, self.now)
            self.ways[told is not None] += 1
            if told is not None:
                assert told == written(self.box, request, self.now)
            elif (of_kind := self.templates.of(self.box)) is not None:
                of_kind.learn(request, self.box, self.now)
        super()._talk(session)


TEMPLATES = AnswerTemplates()


@settings(max_examples=60)
@given(st.integers(0, 10**9))
def test_in_a_random_life_each_answer_is_as_the_session_gives_it(seed: int) -> None:
    life(seed)


def test_random_lives_have_answers_of_both_kinds() -> None:
    ways = sum((life(seed) for seed in range(20)), Counter[bool]())
    assert min(ways[True], ways[False]) > 50


def life(seed: int) -> Counter[bool]:
    """How many answers of a random life were joined, and how many were not."""
    walk = _Walk(seed)
    if walk.box.model.root != "Device.":
        return Counter()
    walk.templates, walk.ways = TEMPLATES, Counter()
    for _ in range(40):
        walk.chance.choice(walk.steps)()
    return walk.ways


def test_a_request_is_learnt_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 3)
    templates, box = AnswerTemplates(), cpe()
    of_kind = templates.of(box)
    assert of_kind is not None
    for number in range(6):
        assert joined(templates, box, asked()) is None
        of_kind.learn(asked(id_=str(number + 1)), box, 0.0)
    assert_known(templates, box, asked())


def test_a_template_that_gives_something_else_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(message_template, "COMPARED_EVERY", 2)
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    of_kind = templates.of(cpe())
    assert of_kind is not None
    (template,) = of_kind._templates
    assert_known(templates, cpe(), asked())
    template.pieces = [each.replace("Envelope", "Envelops") for each in template.pieces]
    with caplog.at_level(logging.ERROR):
        assert joined(templates, cpe(), asked()) is None
        assert joined(templates, cpe(), asked()) is None
    assert [record.message for record in caplog.records] == [
        "a template of answers of profile tr181 was wrong; it is left"
    ]


def test_kinds_requests_and_what_was_seen_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_answers, "MAX_KINDS", 3)
    monkeypatch.setattr(plain_answers, "MAX_REQUESTS", 2)
    monkeypatch.setattr(plain_answers, "MAX_SEEN", 4)
    templates = AnswerTemplates()
    for number in range(10):
        kind = replace(profile(), manufacturer=str(number))
        learn(templates, CPE(0, kind, context()), asked())
        assert len(templates._asked) <= 3
    of_kind = templates.of(cpe())
    assert of_kind is not None
    for path in list(profile().model.parameters)[:10]:
        learn(templates, cpe(), asked((path,)))
        assert_known(templates, cpe(index=1), asked((path,)))
        assert len(of_kind._templates) <= 2
        assert len(of_kind._seen) <= 4


def test_long_requests_and_long_answers_are_for_the_session() -> None:
    paths = tuple(profile().model.parameters)
    short, long_ = paths[: plain_answers.MAX_PARAMETERS], paths[: plain_answers.MAX_PARAMETERS + 1]
    many = asked(short)
    assert len(many) > plain_answers.MAX_BYTES
    for path in (f"{MS}", "Device.DeviceInfo."):
        count = len(profile().model.parameters_at(path, None))
        templates = AnswerTemplates()
        learn(templates, cpe(), asked((path,)))
        is_known = joined(templates, cpe(), asked((path,))) is not None
        assert is_known == (count <= plain_answers.MAX_PARAMETERS)
    templates = AnswerTemplates()
    for request in (many, asked(long_)):
        learn(templates, cpe(), request)
        assert joined(templates, cpe(), request) is None


def test_the_answer_is_one_that_can_be_read() -> None:
    templates = AnswerTemplates()
    learn(templates, cpe(), asked())
    told = joined(templates, cpe(index=5), asked(id_="abc"), 7.0)
    assert told is not None
    envelope = decode(told)
    assert isinstance(envelope.message, m.GetParameterValuesResponse)
    assert envelope.id == "abc"
    values = {struct.name: struct.value for struct in envelope.message.parameter_list}
    assert values[UP_TIME] == "7"
