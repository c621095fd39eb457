"""Profiles whose CPEs can be reached by UDP and XMPP."""

from __future__ import annotations

import pytest
from helpers.cpes import extended, profile

from caretaker.device.value_sources import SOURCES
from caretaker.profiles.profile import BUILT_IN
from caretaker.profiles.reach_parameters import REACH_PARAMETERS, with_reach_parameters


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_profile_gets_what_it_lacks_and_keeps_what_it_has(name: str) -> None:
    before = profile(name)
    after = with_reach_parameters(before)
    root = after.model.root
    for row in REACH_PARAMETERS:
        assert (root + row.path) in (
            after.model.objects if row.is_object else after.model.parameters
        )
    for path, parameter in before.model.parameters.items():
        assert after.model.parameters[path]._replace(source="") == parameter._replace(source="")
    assert set(before.model.children) <= set(after.model.children)
    assert f"{root}XMPP." in after.model.children[root]
    assert after.model.info(f"{root}XMPP.", None).writable is False


def test_all_of_its_sources_compute_something() -> None:
    assert {row.source for row in REACH_PARAMETERS if row.source} <= set(SOURCES)


def test_a_table_without_rows_says_that_it_has_one_then() -> None:
    path = "Device.XMPP.ConnectionNumberOfEntries"
    before = extended(f"{path},false,false,0,xsd:unsignedInt")
    after = with_reach_parameters(before)
    assert before.model.parameters[path].value == "0"
    assert after.model.parameters[path].value == "1"
    assert "Device.XMPP.Connection.1." in after.model.children["Device.XMPP.Connection."]


def test_the_profile_itself_stays_as_it_is() -> None:
    before = profile("tr181")
    paths = set(before.model.parameters)
    with_reach_parameters(before)
    assert set(before.model.parameters) == paths
    assert "Device.XMPP." not in before.model.objects
