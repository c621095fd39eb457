"""How ManagementServer steers a CPE."""

from __future__ import annotations

import pytest
from helpers.cpes import cpe

from caretaker.device.management_server import ManagementServerState, state_of
from caretaker.device.settings import Behaviors
from caretaker.profiles.profile import STEERING_PARAMETERS

ON = ("1", "1", "1", "60", "http://acs/", "GZIP")


def state(**changed: str) -> ManagementServerState:
    """The state where only these parameters differ from a device that informs each minute."""
    values = dict(zip(STEERING_PARAMETERS, ON, strict=True)) | changed
    return state_of(tuple(values.values()), inform_periodically=True)


def test_a_device_with_everything_on() -> None:
    expected = ManagementServerState(True, True, True, 60.0, "http://acs/", "gzip")
    assert state() == expected


@pytest.mark.parametrize("off", ["0", "false"])
def test_what_can_be_switched_off(off: str) -> None:
    assert not state(EnableCWMP=off).enabled
    assert not state(HTTPConnectionRequestEnable=off).reachable
    assert not state(PeriodicInformEnable=off).periodic


def test_what_a_device_lacks_is_on_but_for_periodic_informs() -> None:
    lacking = state(EnableCWMP="", HTTPConnectionRequestEnable="", PeriodicInformEnable="")
    assert (lacking.enabled, lacking.reachable, lacking.periodic) == (True, True, False)


@pytest.mark.parametrize("text", ["", "0", "soon", "-5", "٣"])
def test_an_interval_that_is_no_number_of_seconds_is_the_usual_one(text: str) -> None:
    assert state(PeriodicInformInterval=text).interval == 300.0


def test_a_fleet_can_be_without_periodic_informs() -> None:
    assert not state_of(ON, inform_periodically=False).periodic
    assert not cpe(behaviors=Behaviors(periodic_inform=False)).management_server(0.0).periodic


def test_cpes_that_are_steered_alike_share_their_state() -> None:
    assert cpe(index=1).management_server(0.0) is cpe(index=2).management_server(0.0)


def test_a_value_that_is_set_is_seen_at_once() -> None:
    box = cpe()
    assert box.management_server(1.0).interval == 300.0
    box.set_values([("Device.ManagementServer.PeriodicInformInterval", "77")], 1.0)
    assert box.management_server(1.0).interval == 77.0
