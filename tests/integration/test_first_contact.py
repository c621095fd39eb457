"""
A first contact as GenieACS holds one: the whole tree level by level, all values, all attributes.

There is no network: the ACS's side of the session asks, the CPE's answers, and whatever either
sends is validated against the schemas, where they are.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import pytest
from helpers.cpes import context

from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import State
from caretaker.data_model.types import ANY, TYPES
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.testing import ScriptedACS

BATCH = 32
"""Names in one request for values or attributes, GenieACS's default."""
DUMPS = ("tplink-ex220.tr181.csv", "zte-h199a.tr098.csv")
PROFILES = (*DUMPS, "tr181", "tr098")


class FirstContact(ScriptedACS):
    """The ACS of one session, which wants to know all."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[m.ParameterInfoStruct] = []
        self.values: list[m.ParameterValueStruct] = []
        self.attributes: list[m.ParameterAttributeStruct] = []
        self._steps = self._discover()

    def next_request(self) -> m.Request | None:
        answered = self.responses[-1] if self.responses else None
        try:
            return self._steps.send(answered)
        except StopIteration:
            return None

    def _discover(self) -> Generator[m.Request, m.Response | None, None]:
        levels = [""]
        while levels:
            found = yield m.GetParameterNames(levels.pop(0), True)
            assert isinstance(found, m.GetParameterNamesResponse)
            self.names += found.parameter_list
            levels += [info.name for info in found.parameter_list if info.name.endswith(".")]
        for batch in batches([info.name for info in self.names if not info.name.endswith(".")]):
            values = yield m.GetParameterValues(batch)
            assert isinstance(values, m.GetParameterValuesResponse)
            self.values += values.parameter_list
            attributes = yield m.GetParameterAttributes(batch)
            assert isinstance(attributes, m.GetParameterAttributesResponse)
            self.attributes += attributes.parameter_list


def batches(names: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(names[start : start + BATCH]) for start in range(0, len(names), BATCH)]


class Contact(NamedTuple):
    """What has come of it."""

    cpe: CPE
    acs: FirstContact
    state: State


@pytest.fixture(params=PROFILES)
def contact(request: pytest.FixtureRequest) -> Contact:
    """A CPE that has just been switched on, and the ACS when the session is over."""
    name = request.param
    if name in DUMPS:
        name = str(request.getfixturevalue("devices") / name)
    cpe = CPE(0, load_profile(name), context())
    cpe.power_on(0.0)
    acs = FirstContact()
    session = cpe.begin_session(0.0)
    assert session is not None
    other = ACSSession(acs)
    while (body := session.next_post()) is not None:
        session.receive(other.receive(body), 1.0)
    cpe.end_session(Outcome.SUCCEEDED, 1.0)
    return Contact(cpe, acs, session.state)


def test_one_session_tells_it_all_without_a_fault(contact: Contact) -> None:
    assert contact.state is State.DONE
    assert contact.acs.events == ["0 BOOTSTRAP", "1 BOOT"]
    assert contact.cpe.pending == ()
    assert not [each for each in contact.acs.responses if isinstance(each, m.Fault)]


def test_the_names_are_those_of_the_model(contact: Contact) -> None:
    names = [info.name for info in contact.acs.names]
    model = contact.cpe.model
    assert len(names) == len(model.parameters) + len(model.objects)
    assert set(names) == {*model.parameters, *model.objects}
    writable = {path: each.writable for path, each in model.parameters.items()}
    assert dict(contact.acs.names) == {**writable, **model.objects}


def test_walking_level_by_level_finds_what_one_request_for_all_does(contact: Contact) -> None:
    everything = contact.cpe.answer(m.GetParameterNames("", False), 2.0)
    assert isinstance(everything, m.GetParameterNamesResponse)
    assert sorted(everything.parameter_list) == sorted(contact.acs.names)


def test_every_value_is_of_its_type(contact: Contact) -> None:
    parameters = contact.cpe.model.parameters
    assert [value.name for value in contact.acs.values] == [
        info.name for info in contact.acs.names if not info.name.endswith(".")
    ]
    for name, value, kind in contact.acs.values:
        assert kind in TYPES, name
        assert TYPES[kind].fits(value), name
        known = parameters[name].type
        if known != ANY and TYPES[known].fits(value):
            assert kind == known, name


def test_no_secret_leaves_the_device(contact: Contact) -> None:
    hidden = {
        path: TYPES[each.type].null
        for path, each in contact.cpe.model.parameters.items()
        if each.hidden
    }
    told = {name: value for name, value, _ in contact.acs.values}
    assert "" in hidden.values()
    assert {path: told[path] for path in hidden} == hidden


def test_every_parameter_has_attributes(contact: Contact) -> None:
    assert [each.name for each in contact.acs.attributes] == [
        value.name for value in contact.acs.values
    ]
    assert {each.notification for each in contact.acs.attributes} <= {0, 1, 2}
    active = {each.name for each in contact.acs.attributes if each.notification == 2}
    prefix = contact.cpe.model.root
    assert f"{prefix}DeviceInfo.SoftwareVersion" in active
    assert f"{prefix}ManagementServer.ConnectionRequestURL" in active
