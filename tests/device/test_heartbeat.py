"""The heartbeat: sessions at times of their own."""

from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import ask, codes, cpe, fail, run

from caretaker.cwmp import messages as m
from caretaker.device.behavior import Behaviors
from caretaker.device.cpe import CPE

MS = "Device.ManagementServer."
POLICY = f"{MS}HeartbeatPolicy."
QUIET = Behaviors(periodic_inform=False)


def policy(enable: str = "1", interval: str = "3600", start: str = "") -> m.SetParameterValues:
    values = [("Enable", enable, "xsd:boolean"), ("ReportingInterval", interval, "xsd:unsignedInt")]
    if start:
        values.append(("InitiationTime", start, "xsd:dateTime"))
    structs = [m.ParameterValueStruct(POLICY + last, *rest) for last, *rest in values]
    return m.SetParameterValues(tuple(structs))


def beating(**settings: str) -> CPE:
    """A CPE whose ACS has set the policy at 0, which is 2025-06-15T15:06:40Z."""
    box = cpe(behaviors=QUIET)
    run(box, 0.0, policy(**settings))
    return box


def test_without_the_policy_there_is_none() -> None:
    for name in ("tr181", "tr098"):
        box = cpe(name, behaviors=QUIET)
        run(box, 0.0)
        assert (box.due, box.jobs) == (inf, ())


def test_one_every_interval_however_late_a_session_is() -> None:
    box = beating(interval="100")
    first = box.due
    assert 0 < first <= 100
    assert codes(run(box, first).inform_message) == ["14 HEARTBEAT"]
    assert box.due == pytest.approx(first + 100)
    assert codes(run(box, first + 350).inform_message) == ["14 HEARTBEAT"]
    assert box.due == pytest.approx(first + 400)
    assert len(box.jobs) == 1


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2025-06-15T16:06:40Z", 3600),
        ("2025-06-17T15:06:40Z", 2 * 86400),
        ("2025-06-15T15:06:30Z", 3600 - 10),
        ("2025-06-15T17:06:50+02:00", 10),
        ("1999-01-01T00:06:41", 1),
    ],
)
def test_the_initiation_time_is_the_first_or_gives_the_grid(start: str, due: float) -> None:
    assert beating(start=start).due == due


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "2025-02-31T00:00:00Z"])
def test_without_a_date_the_phase_is_the_cpes_own(start: str) -> None:
    def due(index: int) -> float:
        box = cpe(index=index, behaviors=QUIET)
        run(box, 0.0)
        ask(box, policy(start=start), 0.0)
        return box.reschedule(0.0)

    assert due(1) == due(1) != due(2)
    assert all(0 < due(index) <= 3600 for index in range(20))


def test_it_can_be_changed_and_switched_off() -> None:
    box = beating(start="2025-06-15T15:06:50Z")
    run(box, 10.0, policy(interval="20"))
    assert box.due == 30.0
    run(box, 30.0, policy(enable="0"))
    assert (box.due, box.jobs) == (inf, ())


def test_an_interval_is_at_least_twenty_seconds() -> None:
    response = ask(beating(), policy(interval="19"))
    assert isinstance(response, m.Fault)
    assert response.set_parameter_values_fault[0].fault_code == 9007


def test_an_undelivered_heartbeat_is_told_in_the_retry() -> None:
    box = beating(start="2025-06-15T15:06:50Z")
    fail(box, 10.0)
    assert 15.0 <= box.due <= 20.0
    assert codes(run(box, box.due).inform_message) == ["14 HEARTBEAT"]


def test_a_reboot_and_another_acs_leave_the_policy_and_a_factory_reset_does_not() -> None:
    box = beating(start="2025-06-15T15:08:20Z")
    box.connection_request(1.0)
    run(box, 1.0, m.Reboot())
    run(box, 61.0, m.SetParameterValues((m.ParameterValueStruct(f"{MS}URL", "http://b/"),)))
    run(box, 61.0)
    assert box.due == 100.0
    assert codes(run(box, 100.0, m.FactoryReset()).inform_message) == ["14 HEARTBEAT"]
    run(box, box.due)
    assert (box.due, box.jobs) == (inf, ())
