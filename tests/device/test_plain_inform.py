"""Informs joined from templates are the bytes that the writer of envelopes gives."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace

import pytest
from helpers.cpes import context, cpe, extended, fail, profile, run
from helpers.random_walk import RandomWalk
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.session import CPESession
from caretaker.data_model.overlay import TableRows
from caretaker.device import message_template, plain_inform
from caretaker.device.cpe import CPE
from caretaker.device.plain_inform import InformTemplates
from caretaker.profiles.profile import BUILT_IN, Profile
from caretaker.profiles.quirks import CLOCK_AHEAD, CLOCK_OFFSETS

MS = "Device.ManagementServer."
KEY = f"{MS}ParameterKey"
FLEET = InformTemplates()
"""Those of all random lives together, as of a worker's CPEs."""


def both(templates: InformTemplates, box: CPE, now: float) -> tuple[bytes | None, bytes]:
    """The Inform of a session that begins now, joined and written; it is repeated as it is."""
    assert box.open_session(now)
    joined, written = templates.inform(box, now), box.cwmp_session(now).next_post()
    assert written is not None
    assert box.cwmp_session(now, written).next_post() == written
    return joined, written


def assert_joined(templates: InformTemplates, box: CPE, now: float = 0.0) -> None:
    joined, written = both(templates, box, now)
    assert joined == written


def assert_written(templates: InformTemplates, box: CPE, now: float = 0.0) -> None:
    assert both(templates, box, now)[0] is None


class _Walk(RandomWalk):
    """A life in which each Inform is joined, too."""

    ways: Counter[bool]

    def _talk(self, session: CPESession) -> None:
        joined = FLEET.inform(self.box, self.now)
        written = self.box.cwmp_session(self.now).next_post()
        assert written is not None
        assert self.box.cwmp_session(self.now, written).next_post() == written
        self.ways[joined is not None] += 1
        if joined is not None:
            assert joined == written
        super()._talk(session)


def life(seed: int) -> Counter[bool]:
    """How many Informs of a random life were joined, and how many were not."""
    walk = _Walk(seed)
    walk.ways = Counter()
    for _ in range(40):
        walk.chance.choice(walk.steps)()
    return walk.ways


@settings(max_examples=100)
@given(st.integers(0, 10**9))
def test_in_a_random_life_each_inform_is_joined_as_it_is_written_or_not_at_all(seed: int) -> None:
    life(seed)


def test_random_lives_have_informs_of_both_kinds() -> None:
    ways = sum((life(seed) for seed in range(20)), Counter[bool]())
    assert min(ways[True], ways[False]) > 50


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_kind_of_device_is_joined_for_all_its_cpes(name: str) -> None:
    templates = InformTemplates()
    for index in (0, 1, 999_999, 12_345_678):
        assert_joined(templates, cpe(name, index), 70.0 * index)


@pytest.mark.parametrize("value", ["", "plain", "<&>\r\"'%s %d 100%", "\ue000", "\x01\ud800", "ä€"])
def test_own_values_are_escaped_as_ever(value: str) -> None:
    templates = InformTemplates()
    for index in range(2):
        box = cpe(index=index)
        box.set_values([(KEY, value)], 0.0)
        box.ensure_overlay().values[KEY] = value
        assert_joined(templates, box)


def test_the_identity_may_be_of_the_overlay() -> None:
    templates = InformTemplates()
    assert_joined(templates, cpe())
    box = cpe(index=1)
    names = zip(box.profile.name_paths, ("A & B", "0A0B0C", "<box>", "7"), strict=True)
    box.set_values(names, 0.0)
    assert_joined(templates, box)


def test_a_value_of_the_profile_may_look_like_a_place_or_a_mark() -> None:
    path = f"{MS}AliasBasedAddressing"
    for odd, is_joined in (("100 %s", True), ("\ue0001\ue000", False)):
        kind = _booted(_with_constant(path, odd))
        joined, written = both(InformTemplates(), kind, 0.0)
        assert odd.encode() in written
        assert joined == (written if is_joined else None)


def _with_constant(path: str, value: str) -> Profile:
    constants = {path: m.ParameterValueStruct(path, value)}
    kind = replace(profile(), inform_parameters=(path,))
    kind.__dict__["inform_constants"] = constants
    return kind


def _booted(kind: Profile) -> CPE:
    box = CPE(0, kind, context())
    box.power_on(0.0)
    return box


def test_the_clock_may_be_wrong_and_the_version_may_have_headers() -> None:
    offset = CLOCK_OFFSETS[CLOCK_AHEAD]
    for version in ("", "1.3", "1.4"):
        kind = replace(profile(), clock_offset=offset, cwmp_version=version)
        assert_joined(InformTemplates(), _booted(kind), 3.5)


def test_events_that_cwmp_1_0_does_not_have_change_the_namespace() -> None:
    templates = InformTemplates()
    box = cpe("tr098")
    assert_joined(templates, box)
    late = cpe("tr098", 1)
    late.raise_event(m.EventStruct("14 HEARTBEAT"), 0.0)
    assert_joined(templates, late)


def test_a_fleet_has_one_template_for_the_informs_of_a_kind() -> None:
    templates = InformTemplates()
    for index in range(50):
        box = cpe(index=index)
        run(box, 0.0)
        box.connection_request(1.0)
        assert_joined(templates, box, 1.0)
    assert len(templates._templates) == 1


class TestWrittenInFull:
    def test_a_retry(self) -> None:
        box = cpe()
        fail(box, 0.0)
        assert_written(InformTemplates(), box, box.due)

    def test_a_request_of_the_cpe(self) -> None:
        box = cpe()
        box.ask(m.Kicked("", "", "", ""), 0.0)
        assert_written(InformTemplates(), box)

    def test_reported_changes(self) -> None:
        box = cpe()
        run(box, 0.0)
        box.change("Device.DeviceInfo.ProvisioningCode", "new", 1.0)
        assert_written(InformTemplates(), box, 1.0)

    def test_an_event_with_a_command_key(self) -> None:
        box = cpe()
        box.raise_event(m.EventStruct("M Reboot", "key"), 0.0)
        assert_written(InformTemplates(), box)

    def test_a_profile_with_rows_in_the_table_inform_parameter(self) -> None:
        row = f"{MS}InformParameter.1."
        kind = extended(
            f"{MS}InformParameter.,true,true,,",
            f"{row},true,true,,",
            f"{row}Enable,false,true,0,xsd:boolean",
            f"{row}ParameterName,false,true,Device.DeviceInfo.UpTime,xsd:string",
            f"{row}EventList,false,true,,xsd:string",
        )
        assert_written(InformTemplates(), _booted(kind))

    def test_rows_that_were_added(self) -> None:
        box = cpe()
        box.ensure_overlay().rows = TableRows()
        assert_written(InformTemplates(), box)

    def test_a_value_that_is_not_of_the_type_of_the_template(self) -> None:
        kind = replace(profile(), inform_parameters=(f"{MS}PeriodicInformInterval",))
        templates = InformTemplates()
        for index, value in enumerate(("60", "soon")):
            box = CPE(index, kind, context())
            box.power_on(0.0)
            box.ensure_overlay().values[f"{MS}PeriodicInformInterval"] = value
            joined, written = both(templates, box, 0.0)
            assert joined == (written if value == "60" else None)


def test_a_template_that_gives_something_else_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(message_template, "COMPARED_EVERY", 2)
    templates = InformTemplates()
    assert_joined(templates, cpe())
    (template,) = templates._templates.values()
    assert template is not None
    template.pieces = [each.replace("EventStruct", "EventStrict") for each in template.pieces]
    with caplog.at_level(logging.ERROR):
        assert_written(templates, cpe(index=1))
        assert_written(templates, cpe(index=2))
    assert len(caplog.records) == 1


def test_templates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_inform, "MAX_TEMPLATES", 3)
    templates = InformTemplates()
    kinds = [replace(profile(), manufacturer=str(number)) for number in range(10)]
    for kind in kinds:
        assert_joined(templates, _booted(kind))
        assert len(templates._templates) <= 3
