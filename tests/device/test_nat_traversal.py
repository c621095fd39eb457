from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import cpe, extended, run, talk

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.device.nat_traversal import (
    STUNSettings,
    credentials,
    report_binding,
    stun_settings,
)

AT = "Device.ManagementServer."
ADDRESS = f"{AT}UDPConnectionRequestAddress"


def write(box: CPE, **values: str) -> None:
    box.set_values([(f"{AT}{last}", value) for last, value in values.items()], 1.0)


def test_a_device_does_not_use_stun_until_it_is_switched_on() -> None:
    box = cpe()
    assert stun_settings(box, 1.0) is None
    write(box, STUNEnable="1")
    assert stun_settings(box, 1.0) is not None


def test_a_device_without_the_parameters_never_uses_stun() -> None:
    box = cpe("stb")
    assert stun_settings(box, 1.0) is None
    assert not report_binding(box, "192.0.2.1:7547", 1.0, nat_detected=True)


@pytest.mark.rule("9.3-3")
def test_the_server_is_that_of_the_acs_unless_another_is_set() -> None:
    box = cpe(acs_url="http://acs.example:7547/")
    write(box, STUNEnable="true")
    assert stun_settings(box, 1.0) == STUNSettings("acs.example", 3478, 60.0, inf)
    write(box, STUNServerAddress="stun.example", STUNServerPort="3479")
    assert stun_settings(box, 1.0) == STUNSettings("stun.example", 3479, 60.0, inf)


@pytest.mark.rule("9.3-4")
@pytest.mark.parametrize(
    ("shortest", "longest", "period"),
    [("20", "-1", 30.0), ("60", "-1", 60.0), ("5", "10", 10.0), ("20", "40", 30.0)],
)
def test_keep_alives_are_between_the_minimum_and_the_maximum(
    shortest: str, longest: str, period: float
) -> None:
    box = cpe()
    write(
        box,
        STUNEnable="1",
        STUNMinimumKeepAlivePeriod=shortest,
        STUNMaximumKeepAlivePeriod=longest,
    )
    settings = stun_settings(box, 1.0)
    assert settings is not None
    assert settings.keep_alive(30.0) == period


def test_devices_with_equal_settings_share_them() -> None:
    first, second = cpe(), cpe(index=1)
    for box in (first, second):
        write(box, STUNEnable="1")
    assert stun_settings(first, 1.0) is stun_settings(second, 1.0)


def test_credentials_of_stun_are_those_that_the_acs_has_set() -> None:
    box = cpe()
    write(box, STUNUsername="user", STUNPassword="secret")
    assert credentials(box, 1.0) == ("user", "secret")


@pytest.mark.rule("9.3-5")
def test_a_binding_is_told_by_its_parameters() -> None:
    box = cpe()
    run(box, 1.0)
    assert report_binding(box, "198.51.100.7:4711", 2.0, nat_detected=True)
    assert box.value(ADDRESS, 2.0) == "198.51.100.7:4711"
    assert box.value(f"{AT}NATDetected", 2.0) == "1"


@pytest.mark.rule("9.3-5")
def test_a_new_binding_is_notified_at_once_and_an_old_one_never_again() -> None:
    box = cpe()
    run(box, 1.0)
    report_binding(box, "198.51.100.7:4711", 2.0, nat_detected=True)
    assert EventStruct(ev.VALUE_CHANGE) in box.events
    assert ADDRESS in box.changed
    assert box.due == 2.0
    run(box, 2.0)
    assert not report_binding(box, "198.51.100.7:4711", 3.0, nat_detected=True)
    assert box.events == ()


def test_a_binding_that_is_found_before_the_first_contact_waits_for_it() -> None:
    box = cpe()
    box.reboot(0.0)
    due = box.reschedule(0.0)
    report_binding(box, "198.51.100.7:4711", 1.0, nat_detected=True)
    assert box.due == due
    assert EventStruct(ev.VALUE_CHANGE) in box.events


@pytest.mark.rule("9.3-5")
def test_a_binding_that_is_found_during_the_first_contact_is_told_after_it() -> None:
    box = cpe()
    box.reboot(0.0)
    session = box.begin_session(box.reschedule(0.0))
    assert session is not None
    report_binding(box, "198.51.100.7:4711", 60.0, nat_detected=True)
    talk(box, session, 60.0)
    assert box.events == (EventStruct(ev.VALUE_CHANGE),)
    assert box.due == 60.0


@pytest.mark.rule("9.3-5")
def test_notifications_of_the_address_keep_their_distance() -> None:
    box = CPE(
        0,
        extended(f"{AT}UDPConnectionRequestAddressNotificationLimit,false,true,50,xsd:unsignedInt"),
        cpe().context,
    )
    box.power_on(0.0)
    run(box, 1.0)
    report_binding(box, "198.51.100.7:4711", 2.0, nat_detected=False)
    assert box.due == 51.0


def test_a_device_that_stops_using_stun_has_no_address() -> None:
    box = cpe()
    run(box, 1.0)
    report_binding(box, "198.51.100.7:4711", 2.0, nat_detected=True)
    assert report_binding(box, "", 3.0, nat_detected=False)
    assert box.value(ADDRESS, 3.0) == ""
