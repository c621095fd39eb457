"""Which changes are told, and what Informs carry besides."""

from __future__ import annotations

import pytest
from helpers.cpes import ask, context, cpe, extended, run

from caretaker.cwmp import messages as m
from caretaker.device import notifications
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors

MS = "Device.ManagementServer."
INFO = "Device.DeviceInfo."
ROW = f"{MS}InformParameter.1."
SSID = "Device.WiFi.SSID.*.SSID"
QUIET = Behaviors(periodic_inform=False)
GATEWAY = ("ManufacturerOUI", "ProductClass", "SerialNumber")


def box(events: str = "", name: str = SSID) -> CPE:
    """A CPE with one row in its InformParameter table."""
    profile = extended(
        f"{ROW}Enable,false,true,1,xsd:boolean",
        f"{ROW}ParameterName,false,true,{name},xsd:string",
        f'{ROW}EventList,false,true,"{events}",xsd:string',
        *(f"Device.GatewayInfo.{last},false,false,,xsd:string" for last in GATEWAY),
    )
    made = CPE(0, profile, context(behaviors=QUIET))
    made.power_on(0.0)
    return made


def told(made: CPE, now: float) -> set[str]:
    inform = run(made, now).last_inform
    assert inform is not None
    return {struct.name for struct in inform.parameter_list} - set(made.profile.inform_parameters)


@pytest.mark.rule("7-4", "7-18")
def test_the_table_adds_parameters_to_informs() -> None:
    expected = {f"Device.WiFi.SSID.{number}.SSID" for number in (1, 2)}
    assert expected == told(box(), 0.0)
    assert told(box(name="Device.WiFi.SSID.1."), 0.0) > {"Device.WiFi.SSID.1.SSID"}
    assert told(box(name="Device.Nothing"), 0.0) == set()


@pytest.mark.rule("7-4")
def test_a_row_can_be_for_some_events() -> None:
    made = box("1 BOOT, 2 PERIODIC")
    assert told(made, 0.0)
    made.connection_request(1.0)
    assert told(made, 1.0) == set()


@pytest.mark.rule("7-16", "7-17")
@pytest.mark.parametrize(
    ("last", "value", "code"),
    [
        ("ParameterName", f"{INFO}SoftwareVersion", 9007),
        ("EventList", "1 BOOT,4 VALUE CHANGE", 9007),
        ("ParameterName", f"{INFO}UpTime", None),
        ("EventList", "1 BOOT,14 HEARTBEAT", None),
    ],
)
def test_what_the_table_takes(last: str, value: str, code: int | None) -> None:
    request = m.SetParameterValues((m.ParameterValueStruct(ROW + last, value),))
    response = ask(box(), request)
    if code is None:
        assert response == m.SetParameterValuesResponse(0)
    else:
        assert isinstance(response, m.Fault)
        assert [each.fault_code for each in response.set_parameter_values_fault] == [code]


@pytest.mark.rule("7-10", "7-11")
def test_some_have_active_notification_from_the_factory() -> None:
    made = box()
    for path in (f"{MS}ConnectionRequestURL", *(f"Device.GatewayInfo.{last}" for last in GATEWAY)):
        assert notifications.kind(made, path) == notifications.ACTIVE, path
    wan = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1."
    assert notifications.kind(cpe("tr098"), f"{wan}ExternalIPAddress") == notifications.ACTIVE
    off = m.SetParameterAttributesStruct(f"{MS}ConnectionRequestURL", True, 0, False)
    ask(made, m.SetParameterAttributes((off,)))
    assert notifications.kind(made, f"{MS}ConnectionRequestURL") == 0


@pytest.mark.rule("7-9", "8.2-22")
def test_forced_active_notification_stays() -> None:
    made = cpe()
    for last in ("SoftwareVersion", "ProvisioningCode"):
        off = m.SetParameterAttributesStruct(f"{INFO}{last}", True, 0, False)
        response = ask(made, m.SetParameterAttributes((off,)))
        assert response == m.SetParameterAttributesResponse()
        assert notifications.attribute(made, f"{INFO}{last}") == 2


@pytest.mark.rule("8.2-20", "8.2-21")
@pytest.mark.parametrize("notification", range(7))
def test_no_notification_is_refused(notification: int) -> None:
    every = m.SetParameterAttributesStruct("Device.", True, notification, False)
    response = ask(cpe(), m.SetParameterAttributes((every,)))
    assert response == m.SetParameterAttributesResponse()


@pytest.mark.rule("10-9")
def test_forced_parameters_are_told_but_their_change_only_with_notification() -> None:
    made = cpe(behaviors=QUIET)
    run(made, 0.0)
    made.change(f"{INFO}HardwareVersion", "2", 1.0)
    assert _pending(made) == []
    made.change(f"{INFO}SoftwareVersion", "2", 2.0)
    assert _pending(made) == ["4 VALUE CHANGE"]
    assert made.due == 2.0


def _pending(made: CPE) -> list[str]:
    return [event.event_code for event in made.pending]
