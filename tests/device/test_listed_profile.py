"""CPEs that are the devices of a list."""

from __future__ import annotations

import pytest
from helpers.cpes import ask, context, profile, run, talk

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.device_csv import read_devices
from caretaker.device.listed_devices import ACS_CREDENTIALS
from caretaker.device.listed_mix import ListedMix
from caretaker.device.listed_profile import check_columns
from caretaker.device.settings import Behaviors
from caretaker.errors import InputError
from caretaker.profiles import ProfileMix

LIST = b"""serial,manufacturer,oui,product_class,acs_username,acs_password,cr_username,cr_password,\
mac,profile,Device.DeviceInfo.ProvisioningCode,Device.ManagementServer.PeriodicInformInterval
S-1,Acme,AABBCC,Box,user1,pass1,cruser1,crpass1,02:00:00:00:00:FE,,code1,77
S-2,,,,,,,,,tr098,,
"""
PASSWORDS = {"user1", "pass1", "cruser1", "crpass1"}


def box(index: int = 0, *, withheld: tuple[str, ...] = (), **settings: object) -> CPE:
    devices = read_devices("fleet.csv", LIST)
    mix = ListedMix(ProfileMix([(profile(), 1.0)]), devices, [profile("tr098")], withheld)
    made = CPE(index, mix[index], context(devices=devices, **settings))
    made.power_on(0.0)
    return made


def server(cpe: CPE, *lasts: str) -> list[str]:
    return [cpe.management_value(last, 1.0) for last in lasts]


CREDENTIALS = ("Username", "Password", "ConnectionRequestUsername", "ConnectionRequestPassword")


def test_a_listed_device_is_what_its_row_says() -> None:
    inform = run(box(), 0.0).informs[0]
    assert inform.device_id == m.DeviceIdStruct("Acme", "AABBCC", "Box", "S-1")
    values = {each.name: each.value for each in inform.parameter_list}
    assert values["Device.DeviceInfo.ProvisioningCode"] == "code1"


def test_its_credentials_and_parameters_are_those_of_the_row() -> None:
    assert server(box(), *CREDENTIALS) == ["user1", "pass1", "cruser1", "crpass1"]
    assert box().management_server(0.0).interval == 77
    info = "Device.DeviceInfo."
    about = [box().value(f"{info}{last}", 0.0) for last in ("SerialNumber", "ManufacturerOUI")]
    assert about == ["S-1", "AABBCC"]


def test_passwords_read_as_null_all_the_same() -> None:
    answer = ask(box(), m.GetParameterValues(("Device.ManagementServer.",)))
    assert isinstance(answer, m.GetParameterValuesResponse)
    read = {each.name: each.value for each in answer.parameter_list}
    assert read["Device.ManagementServer.Password"] == ""
    assert read["Device.ManagementServer.Username"] == "user1"


def test_empty_cells_are_what_the_profile_has() -> None:
    other = box(1)
    assert other.profile.name == "tr098"
    usual = CPE(1, profile("tr098"), context())
    assert server(other, "Password", "PeriodicInformInterval") == server(
        usual, "Password", "PeriodicInformInterval"
    )
    struct = other.device_id_struct
    assert (struct.oui, struct.serial_number) == (profile("tr098").oui, "S-2")
    assert server(other, "Username")[0] == struct.device_id


CPU = "Device.DeviceInfo.ProcessStatus.CPUUsage"


@pytest.mark.parametrize(("cell", "changes"), [("", True), ("50", False)])
def test_a_value_changes_by_itself_where_the_cell_is_empty(cell: str, *, changes: bool) -> None:
    devices = read_devices("fleet.csv", f"serial,{CPU}\nA1,{cell}\n".encode())
    mix = ListedMix(ProfileMix([(profile(), 1.0)]), devices, [])
    made = CPE(0, mix[0], context(devices=devices, behaviors=Behaviors(periodic_inform=False)))
    made.power_on(0.0)
    asked = m.SetParameterAttributesStruct(CPU, True, 2, False)
    run(made, 0.0, m.SetParameterAttributes((asked,)))
    assert [job.kind for job in made.jobs] == (["change"] if changes else [])
    values = [made.value(CPU, float(now)) for now in range(0, 3600, 60)]
    assert (len(set(values)) > 1) is changes
    if changes:
        usual = CPE(0, profile(), context())
        assert values == [usual.value(CPU, float(now)) for now in range(0, 3600, 60)]
        while (session := made.begin_session(made.due)) is None:
            pass
        assert talk(made, session, made.due).events == ["4 VALUE CHANGE"]


@pytest.mark.parametrize("name", ["tr181", "lte"])
def test_macs_of_the_device_count_from_that_of_the_row_and_those_of_hosts_do_not(name: str) -> None:
    devices = read_devices("fleet.csv", b"serial,mac\nS-1,02:00:00:00:00:FE\nS-2,\n")
    model = profile(name).model
    mix = ListedMix(ProfileMix([(profile(name), 1.0)]), devices, [])
    first, second = (CPE(index, mix[index], context(devices=devices)) for index in range(2))
    macs = {path: each for path, each in model.parameters.items() if each.source == "mac"}
    own = {path for path, each in macs.items() if each.value.upper().startswith("CA:7E:01")}
    assert own
    for path, each in macs.items():
        usual = [CPE(index, profile(name), context()).value(path, 0.0) for index in range(2)]
        assert second.value(path, 0.0) == usual[1]
        if path in own:
            digits = first.value(path, 0.0).replace(":", "")
            assert int(digits, 16) == 0x0200000000FE + each.number
        else:
            assert first.value(path, 0.0) == usual[0]


def test_what_the_acs_sets_wins_until_a_factory_reset() -> None:
    cpe = box()
    cpe.set_values([("Device.ManagementServer.Password", "new")], 1.0)
    assert server(cpe, "Password") == ["new"]
    cpe.factory_reset(2.0)
    assert server(cpe, "Password") == ["pass1"]


def test_credentials_of_another_acs_are_withheld() -> None:
    cpe = box(withheld=ACS_CREDENTIALS)
    shown = server(cpe, *CREDENTIALS)
    assert shown[0] == "AABBCC-Box-S%2D1"
    assert shown[1] not in PASSWORDS
    assert shown[2:] == ["cruser1", "crpass1"]


def test_its_connection_request_url_follows_from_its_index() -> None:
    assert server(box(), "ConnectionRequestURL")[0].endswith("/FLEET-000001")


def check(columns: bytes, row: bytes) -> str:
    devices = read_devices("fleet.csv", b"serial," + columns + b"\nA1," + row)
    with pytest.raises(InputError) as caught:
        check_columns(devices, [profile(), profile("tr098")])
    return str(caught.value)


def test_columns_are_of_parameters_with_values_of_their_type() -> None:
    check_columns(read_devices("fleet.csv", LIST), [profile()])
    absent = check(b"Device.No.Such", b"1")
    assert absent.startswith("column 'Device.No.Such': no such parameter in tr181, tr098; ")
    path = b"Device.ManagementServer.PeriodicInformInterval"
    assert "the device A1 has no unsignedInt there" in check(path, b"often")
