"""The Inform of a session: identity, parameters, header and namespace."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from helpers.cpes import NO_PERIODS, ask, context, cpe, extended, profile, run

from caretaker.cwmp import CWMP_1_0, CWMP_1_2, decode
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.profiles.quirks import CLOCK_BEHIND, CLOCK_OFFSETS

MS = "Device.ManagementServer."


INFO = "Device.DeviceInfo."


ROW = f"{MS}InformParameter.1."


SSIDS = "Device.WiFi.SSID.*.SSID"


QUIET = Behaviors(periodic_inform=False)


GATEWAY = ("ManufacturerOUI", "ProductClass", "SerialNumber")


class TestInform:
    @pytest.mark.rule("7-4", "7-5", "7-6", "7-7")
    @pytest.mark.parametrize(
        ("name", "forced"),
        [
            (
                "tr181",
                """RootDataModelVersion DeviceInfo.HardwareVersion DeviceInfo.SoftwareVersion
                DeviceInfo.ProvisioningCode ManagementServer.ParameterKey
                ManagementServer.ConnectionRequestURL ManagementServer.AliasBasedAddressing""",
            ),
            (
                "tr098",
                """DeviceSummary DeviceInfo.SpecVersion DeviceInfo.HardwareVersion
                DeviceInfo.SoftwareVersion DeviceInfo.ProvisioningCode
                ManagementServer.ParameterKey ManagementServer.ConnectionRequestURL
                WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.ExternalIPAddress""",
            ),
        ],
    )
    def test_forced_parameters_of_both_roots(self, name: str, forced: str) -> None:
        box = cpe(name)
        inform = run(box, 0.0).last_inform
        assert inform is not None
        expected = [box.model.root + path for path in forced.split()]
        assert expected == [struct.name for struct in inform.parameter_list]

    @pytest.mark.rule("4.1-20", "7-1", "9.2-3")
    def test_who_it_is(self) -> None:
        box = cpe(connection_request_url="http://127.0.0.1:9/cr/{}".format)
        inform = run(box, 0.0).last_inform
        assert inform is not None
        assert inform.device_id == m.DeviceIdStruct(
            "Caretaker Networks", "CA7E01", "HR181", "FLEET-000001"
        )
        found = {struct.name: struct.value for struct in inform.parameter_list}
        assert found[f"{MS}ConnectionRequestURL"] == "http://127.0.0.1:9/cr/FLEET-000001"
        assert (inform.max_envelopes, inform.retry_count) == (1, 0)
        assert inform.current_time.startswith("2025-06-15T")

    def test_its_time_is_that_of_a_clock_that_is_wrong(self) -> None:
        behind = CPE(0, replace(profile(), clock_offset=CLOCK_OFFSETS[CLOCK_BEHIND]), context())
        behind.power_on(0.0)
        inform = run(behind, 0.0).last_inform
        assert inform is not None
        assert inform.current_time.startswith("2005-06-15T")

    @pytest.mark.rule("3.2-6")
    def test_its_time_is_local_with_a_numeric_offset(self) -> None:
        inform = run(cpe(), 0.0).last_inform
        assert inform is not None
        assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}", inform.current_time)

    @pytest.mark.rule("7-3")
    def test_its_device_id_is_its_device_info(self) -> None:
        box = cpe()
        box.change("Device.DeviceInfo.ProductClass", "HR182", 0.0)
        names = ("Manufacturer", "ManufacturerOUI", "ProductClass", "SerialNumber")
        told = tuple(box.value(f"Device.DeviceInfo.{name}", 0.0) for name in names)
        assert told == box.device_id_struct

    def test_every_cpe_is_its_own(self) -> None:
        paths = (
            "Device.DeviceInfo.SerialNumber",
            "Device.Ethernet.Interface.1.MACAddress",
            "Device.IP.Interface.1.IPv4Address.1.IPAddress",
            f"{MS}Username",
            f"{MS}Password",
            f"{MS}ConnectionRequestUsername",
            f"{MS}ConnectionRequestPassword",
        )
        boxes = [cpe(index=index) for index in range(20)]
        for path in paths:
            assert len({box.value(path, 0.0) for box in boxes}) == 20, path

    def test_macs_keep_vendor_and_dress(self) -> None:
        assert (
            cpe(index=1).value("Device.Ethernet.Interface.1.MACAddress", 0.0) == "CA:7E:01:00:00:10"
        )
        assert (
            cpe(index=1).value("Device.Ethernet.Interface.2.MACAddress", 0.0) == "CA:7E:01:00:00:11"
        )

    def test_credentials_can_be_the_same_for_all(self) -> None:
        box = cpe(acs_username="all", acs_password="pw")
        assert (box.value(f"{MS}Username", 0), box.value(f"{MS}Password", 0)) == ("all", "pw")


@pytest.mark.rule("6-26")
@pytest.mark.parametrize(
    ("code", "expected"), [("2 PERIODIC", CWMP_1_0), ("14 HEARTBEAT", CWMP_1_2)]
)
def test_later_events_are_told_in_a_later_namespace(code: str, expected: str) -> None:
    box = cpe("tr098", behaviors=NO_PERIODS)
    run(box, 0.0)
    box.raise_event(m.EventStruct(code), 1.0)
    session = box.begin_session(1.0)
    assert session is not None
    assert decode(session.next_post() or b"").namespace == expected


@pytest.mark.rule("3.1-5", "3.1-6")
def test_versions_of_cwmp_have_header_elements_of_their_own() -> None:
    for version, expected in (("", (None, ())), ("1.3", (60, ())), ("1.4", (60, 5))):
        box = CPE(0, replace(profile(), cwmp_version=version), context())
        box.power_on(0.0)
        session = box.begin_session(0.0)
        assert session is not None
        envelope = decode(session.next_post() or b"")
        versions = envelope.supported_cwmp_versions
        assert (envelope.session_timeout, len(versions) or ()) == expected


def box(events: str = "", name: str = SSIDS) -> CPE:
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
