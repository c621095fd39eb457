"""Profiles: reading dumps, what is one device's own, mixing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers.cpes import read_profile
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_0, CWMP_1_2
from caretaker.data_model.types import TYPES
from caretaker.device.value_sources import SOURCES
from caretaker.errors import ProfileError
from caretaker.profiles.loader import ProfileMix, load_profile, parse_choice
from caretaker.profiles.profile import BUILT_IN, ESSENTIALS, SIMULATED
from caretaker.profiles.reach_parameters import REACH_PARAMETERS

SMALL = (
    "Parameter,Object,Writable,Value,Value type\n"
    "DeviceID.Manufacturer,false,false,Acme,xsd:string\n"
    "DeviceID.OUI,false,false,00-aa-bb,xsd:string\n"
    "DeviceID.ProductClass,false,false,R1,xsd:string\n"
    "DeviceID.SerialNumber,false,false,ACME00001,xsd:string\n"
    "Device.DeviceInfo.SerialNumber,false,false,ACME00001,xsd:string\n"
    "Device.X.Label,false,false,ACME00001,xsd:string\n"
    "Device.X.Mac1,false,false,00:AA:BB:00:00:01,xsd:string\n"
    "Device.X.Mac2,false,false,00-aa-bb-00-00-02,xsd:string\n"
    "Device.X.NoMac,false,false,00:00:00:00:00:00,xsd:string\n"
    "Device.IP.Interface.1.IPv4Address.1.IPAddress,false,false,203.0.113.9,xsd:string\n"
    "Device.IP.Interface.2.IPv4Address.1.IPAddress,false,true,192.168.1.1,xsd:string\n"
    "Device.Hosts.Host.1.IPAddress,false,false,192.168.1.7,xsd:string\n"
    "Device.Route.Gateway,false,false,203.0.113.9,xsd:string\n"
    "Device.ManagementServer.UDPConnectionRequestAddress,false,false,203.0.113.9:999,xsd:string\n"
    "Device.Table,true,true,,\n"
    "Events.Registered,false,false,2023-01-01T00:00:00Z,xsd:dateTime\n"
)


def sources(text: str) -> dict[str, str]:
    model = read_profile("small", text.encode()).model
    return {path: each.source for path, each in model.parameters.items() if each.source}


@pytest.mark.rule("11-1")
@pytest.mark.parametrize("name", BUILT_IN)
def test_our_own_profiles_are_plausible_routers(name: str) -> None:
    profile = load_profile(name)
    assert len(profile.model.parameters) >= 150
    assert {"Caretaker Networks"} == {profile.manufacturer}
    assert len(profile.inform_parameters) >= 7
    for path, parameter in profile.model.parameters.items():
        fits = TYPES[parameter.type].fits(parameter.value)
        assert fits or parameter.source or parameter.hidden, path


def test_namespaces_follow_the_root() -> None:
    assert [load_profile(name).namespace for name in ("tr181", "tr098")] == [CWMP_1_2, CWMP_1_0]


def test_what_belongs_to_one_device_gets_a_source() -> None:
    found = sources(SMALL)
    assert {
        "Device.DeviceInfo.SerialNumber": "serial_number",
        "Device.X.Label": "serial_number",
        "Device.X.Mac1": "mac",
        "Device.X.Mac2": "mac",
        "Device.IP.Interface.1.IPv4Address.1.IPAddress": "wan_ip",
        "Device.Route.Gateway": "wan_ip",
    }.items() <= found.items()
    assert "Device.X.NoMac" not in found
    assert "Device.IP.Interface.2.IPv4Address.1.IPAddress" not in found
    assert set(found.values()) <= set(SOURCES)


def test_every_source_is_in_use_and_known() -> None:
    used = {row.source for row in (*ESSENTIALS, *REACH_PARAMETERS) if row.source} | {
        "mac",
        "wan_ip",
        "template",
        "dynamic",
        "listed",
        "listed_mac",
    }
    assert used == set(SOURCES)


@pytest.mark.rule("7-2", "7-3")
def test_identity_is_made_one() -> None:
    profile = read_profile("small", SMALL.encode())
    assert (profile.manufacturer, profile.oui, profile.product_class) == ("Acme", "00AABB", "R1")
    constants = profile.model.constants
    assert constants["Device.DeviceInfo.ManufacturerOUI"].value == "00AABB"
    assert constants["Device.DeviceInfo.ProductClass"].value == "R1"


@pytest.mark.rule("7-2")
def test_names_are_no_longer_than_an_inform_takes() -> None:
    text = SMALL.replace(",Acme,", f",{'A' * 70},").replace(",R1,", f",{'R' * 70},")
    profile = read_profile("small", text.encode())
    assert (profile.manufacturer, profile.product_class) == ("A" * 64, "R" * 64)


@pytest.mark.rule("7-5", "7-8")
def test_an_old_device_tells_its_summary_and_lan_address() -> None:
    rows = ("Device.DeviceSummary,,", "Device.LAN.IPAddress,10.0.0.1,")
    text = "Parameter,Value,Value type\nDevice.DeviceInfo.HardwareVersion,7,\n" + "\n".join(rows)
    told = read_profile("old", text.encode()).inform_parameters
    assert told[:2] == ("Device.DeviceSummary", "Device.LAN.IPAddress")


def test_no_acs_is_sent_to_the_dumped_devices_udp_port() -> None:
    constants = read_profile("small", SMALL.encode()).model.constants
    assert constants["Device.ManagementServer.UDPConnectionRequestAddress"].value == ""


def test_rows_of_the_acs_are_left_out() -> None:
    model = read_profile("small", SMALL.encode()).model
    assert all(path.startswith("Device.") for path in model.parameters)


@pytest.mark.parametrize("code", ["", "customer-4711", "SIMULATED"])
def test_a_cpe_says_that_it_is_simulated_and_not_whose_the_dumped_device_was(code: str) -> None:
    path = "Device.DeviceInfo.ProvisioningCode"
    profile = read_profile("router.csv", f"{SMALL}{path},false,true,{code},xsd:string\n".encode())
    assert path in profile.inform_parameters
    constant = profile.model.constants[path]  # it costs a session nothing
    assert constant is not None
    assert constant.value == SIMULATED
    told = [each.by for each in profile.replaced if each.path == path]
    assert told == ([SIMULATED] if code == "customer-4711" else [])


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_own_profiles_are_marked_too(name: str) -> None:
    profile = load_profile(name)
    parameter = profile.model.parameters[f"{profile.device_info}ProvisioningCode"]
    assert parameter.value == SIMULATED


@pytest.mark.rule("11-1")
def test_what_every_cpe_needs_is_added() -> None:
    text = "Parameter,Value\nDevice.DeviceInfo.HardwareVersion,7\n"
    profile = read_profile("bare", text.encode())
    assert {f"Device.{row.path}" for row in ESSENTIALS} <= set(profile.model.parameters)
    assert profile.oui == "000000"


def test_without_types_and_access_a_dump_still_serves() -> None:
    profile = read_profile(
        "bare",
        b"Parameter,Value\nDevice.ManagementServer.PeriodicInformInterval,600\nDevice.X.Y,5\n"
        b"Device.ManagementServer.PeriodicInformEnable,FALSE\n",
    )
    interval = profile.model.parameters["Device.ManagementServer.PeriodicInformInterval"]
    assert (interval.type, interval.writable) == ("xsd:unsignedInt", True)
    assert profile.model.constants["Device.X.Y"].type == "xsd:string"
    enable = profile.model.parameters["Device.ManagementServer.PeriodicInformEnable"]
    assert (enable.value, enable.type) == ("false", "xsd:boolean")


def test_a_product_class_may_look_like_a_serial_number_or_a_mac() -> None:
    text = SMALL.replace("ProductClass,false,false,R1", "ProductClass,false,false,ACME00001")
    assert read_profile("x", text.encode()).product_class == "ACME00001"
    text = SMALL.replace(
        "ProductClass,false,false,R1", "ProductClass,false,false,00:AA:BB:00:00:01"
    )
    assert read_profile("x", text.encode()).product_class == "00:AA:BB:00:00:01"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SMALL.replace("\n", "\r\n"), id="other line ends"),
        pytest.param("\ufeff" + SMALL, id="a byte order mark"),
        pytest.param(SMALL.replace(",", ";"), id="semicolons"),
        pytest.param(SMALL.replace("Parameter,Object", "PARAMETER,object", 1), id="other case"),
    ],
)
def test_layouts_of_csv_do_not_matter(text: str) -> None:
    assert sources(SMALL) == sources(text)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no columns 'Parameter' and 'Value'"),
        (b"a,b\n1,2\n", "no columns"),
        (b"\x00\x01\x02", "no columns"),
        (b'<dm:document spec="urn:x">', "caretaker profile import"),
        (b'[{"_id": "00AABB-1"}]', "caretaker profile import"),
        (b"Parameter,Value\nDeviceID.OUI,00AABB\n", "no row below Device"),
        (b"Parameter,Value\nDevice.X,1\nInternetGatewayDevice.X,1\n", "keep one root"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_one_line(data: bytes, complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint) as error:
        read_profile("dump.csv", data)
    assert "dump.csv" in str(error.value)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    try:
        read_profile("any", data)
    except ProfileError:
        pass


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=8)), max_size=8))
def test_any_rows_are_a_profile_or_a_profile_error(rows: list[tuple[str, str]]) -> None:
    lines = [f'"Device.{path}","{value}"'.replace("\x00", "") for path, value in rows]
    try:
        read_profile("any", "\n".join(["Parameter,Value", *lines]).encode("utf-8", "replace"))
    except ProfileError:
        pass


def test_a_missing_file_is_one_line_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nothing\.csv: No such file .* tr181"):
        load_profile(str(tmp_path / "nothing.csv"))
    with pytest.raises(ProfileError, match="Is a directory"):
        load_profile(str(tmp_path))


@pytest.mark.rule("11-5")
def test_real_dumps_are_read(devices: Path) -> None:
    expected = {
        "huawei-bm632w.tr098.csv": ("202BC1", "BM632w", 780),
        "zte-h199a.tr098.csv": ("C0B102", "ZXHNH199Z", 1450),
        "tplink-ec220-g5.tr181.csv": ("9CA2F4", "EC220-G5", 750),
        "tplink-ex220.tr181.csv": ("1C61B4", "Device2", 4400),
    }
    for name, (oui, product_class, least) in expected.items():
        profile = load_profile(str(devices / name))
        assert (oui, product_class) == (profile.oui, profile.product_class)
        assert len(profile.model.parameters) >= least
        wan = [path for path, each in profile.model.parameters.items() if each.source == "wan_ip"]
        assert wan, name
        for struct in profile.model.constants.values():
            assert TYPES[struct.type].fits(struct.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dump.csv", ("dump.csv", 1.0)),
        ("dump.csv:3", ("dump.csv", 3.0)),
        ("dump.csv:0.5", ("dump.csv", 0.5)),
        ("a:b.csv", ("a:b.csv", 1.0)),
        (f"{'x' * 5000}:3", ("x" * 5000, 3.0)),
    ],
)
def test_a_choice_has_a_weight(text: str, expected: tuple[str, float]) -> None:
    assert expected == parse_choice(text)


@pytest.mark.parametrize("weight", ["0", "-1", "1.2.3"])
def test_a_weight_must_be_above_zero(weight: str) -> None:
    with pytest.raises(ProfileError, match="above 0"):
        parse_choice(f"dump.csv:{weight}")


@given(st.integers(0, 10**6))
def test_any_run_of_indices_is_mixed_by_weight(start: int) -> None:
    mix = _MIX
    counts = Counter(mix[index].name for index in range(start, start + 200))
    assert abs(counts["tr098"] - 150) <= 3


_MIX = ProfileMix.of(["tr098:3", "tr181:1"])
