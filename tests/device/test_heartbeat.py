"""Heartbeats: a clock of their own."""

from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import ask, context, cpe, extended, run
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.device import heartbeat
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors

POLICY = "Device.ManagementServer.HeartbeatPolicy."
PROFILE = extended(
    f"{POLICY}Enable,false,true,0,xsd:boolean",
    f"{POLICY}ReportingInterval,false,true,100,xsd:unsignedInt",
    f"{POLICY}InitiationTime,false,true,0001-01-01T00:00:00Z,xsd:dateTime",
)


def box(time: str = "") -> CPE:
    """A CPE that has informed at 0, and whose heartbeat has been switched on."""
    made = CPE(0, PROFILE, context(behaviors=Behaviors(periodic_inform=False)))
    made.power_on(0.0)
    wanted = {"Enable": "1"} | ({"InitiationTime": time} if time else {})
    structs = [m.ParameterValueStruct(POLICY + last, value, "") for last, value in wanted.items()]
    run(made, 0.0, m.SetParameterValues(tuple(structs)))
    return made


@pytest.mark.rule("4.2-12", "6-22")
def test_it_beats_at_its_interval() -> None:
    made = box()
    for due in (100.0, 200.0, 300.0):
        assert made.due == due
        assert run(made, due).events == ["14 HEARTBEAT"]


@pytest.mark.rule("6-22")
@pytest.mark.parametrize(
    ("time", "first"),
    [
        ("2025-06-15T15:06:47Z", 7.0),
        ("2025-06-15T15:06:47", 7.0),
        ("2025-06-15T17:06:47+02:00", 7.0),
        ("2035-06-15T15:06:47Z", 7.0),
        ("1999-06-15T15:06:40Z", 100.0),
    ],
)
def test_its_grid_holds_the_initiation_time(time: str, first: float) -> None:
    """The wall clock says 15:06:40 at 0; days and years are whole numbers of 100 s."""
    assert box(time).due == pytest.approx(first)


@pytest.mark.rule("6-22")
def test_a_late_beat_is_one_beat() -> None:
    made = box("2025-06-15T15:06:47Z")
    assert run(made, 350.0).events == ["14 HEARTBEAT"]
    assert made.due == pytest.approx(407.0)


@pytest.mark.rule("6-22")
def test_it_can_be_switched_off_and_survives_a_reboot() -> None:
    made = box()
    run(made, 100.0, m.Reboot("k"))
    assert run(made, 160.0).events == ["1 BOOT", "M Reboot"]
    assert made.due == 260.0
    off = m.ParameterValueStruct(f"{POLICY}Enable", "false", "")
    run(made, 260.0, m.SetParameterValues((off,)))
    assert made.due == inf


def test_a_device_without_the_policy_has_none() -> None:
    made = cpe(behaviors=Behaviors(periodic_inform=False))
    run(made, 0.0)
    assert (made.due, made.jobs) == (inf, ())


@pytest.mark.rule("6-22")
def test_another_acs_leaves_the_policy_and_a_factory_reset_does_not() -> None:
    made = box("2025-06-15T15:06:47Z")
    made.connection_request(1.0)
    url = m.ParameterValueStruct("Device.ManagementServer.URL", "http://other/", "")
    run(made, 1.0, m.SetParameterValues((url,)))
    run(made, 1.0)
    assert made.due == pytest.approx(7.0)
    run(made, made.due, m.FactoryReset())
    run(made, made.due)
    assert (made.due, made.jobs) == (inf, ())


@given(st.floats(0, 1e7), st.floats(0.0, 100.0))
def test_the_next_beat_is_always_to_come(now: float, offset: float) -> None:
    """One that is due at once would be due for ever."""
    policy = heartbeat.Policy(20.0, "2025-06-15T15:06:47.3Z")
    due = heartbeat._next(policy, now, 1.75e9 + offset)
    assert now < due <= now + 40.0
    assert heartbeat._next(policy, due, 1.75e9 + offset) > due


def test_an_interval_is_at_least_twenty_seconds() -> None:
    short = m.ParameterValueStruct(f"{POLICY}ReportingInterval", "19", "xsd:unsignedInt")
    response = ask(box(), m.SetParameterValues((short,)))
    assert isinstance(response, m.Fault)
    assert response.set_parameter_values_fault[0].fault_code == 9007
