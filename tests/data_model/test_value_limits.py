"""What parameters take beyond their type, and what becomes of it in the RPC methods."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.cpes import ask, context
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.data_model.value_limits import Limits, ListLimits, Range, Size
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.profiles.profile import Profile

FILE = """
base = "tr181"
[[parameter]]
path = "Device.WiFi.Radio.*.Channel"
least = 1
most = 13
[[parameter]]
path = "Device.WiFi.AccessPoint.*.Security.ModeEnabled"
enumeration = ["None", "WPA2-Personal"]
[[parameter]]
path = "Device.WiFi.SSID.*.SSID"
size = [1, 8]
default = "new"
[[parameter]]
path = "Device.DeviceInfo.UpTime"
deny_active = true
[[parameter]]
path = "Device.ManagementServer.InformParameter.1.ParameterName"
writable = true
[[parameter]]
path = "Device.ManagementServer.InformParameter.1.EventList"
writable = true
"""
CHANNEL = "Device.WiFi.Radio.1.Channel"
SSID = "Device.WiFi.SSID.1.SSID"
UP_TIME = "Device.DeviceInfo.UpTime"
ROW = "Device.ManagementServer.InformParameter.1."


@cache
def profile() -> Profile:
    with TemporaryDirectory() as folder:
        path = Path(folder, "box.toml")
        path.write_text(FILE)
        return load_profile(str(path))


def cpe() -> CPE:
    box = CPE(0, profile(), context())
    box.power_on(0.0)
    return box


def set_(box: CPE, name: str, value: str, kind: str = "") -> int:
    """The fault code of setting a parameter, 0 if it is set."""
    struct = m.ParameterValueStruct(name, value, kind)
    response = ask(box, m.SetParameterValues((struct,), "key"))
    if isinstance(response, m.Fault):
        assert response.fault_code == 9003
        assert [fault.parameter_name for fault in response.set_parameter_values_fault] == [name]
        return response.set_parameter_values_fault[0].fault_code
    return 0


def notify(box: CPE, name: str, notification: int) -> int:
    struct = m.SetParameterAttributesStruct(name, True, notification, False, ())
    response = ask(box, m.SetParameterAttributes((struct,)))
    return response.fault_code if isinstance(response, m.Fault) else 0


LETTERS = Limits(listed=ListLimits(Limits(enumeration=("A", "B"))))


@pytest.mark.parametrize(
    ("limits", "good", "bad"),
    [
        (Limits(), ["", "x", "5"], []),
        (Limits(ranges=(Range(1),)), ["1", "99", "+1"], ["0", "-1", "x", ""]),
        (Limits(ranges=(Range(most=5),)), ["5", "-9"], ["6"]),
        (Limits(ranges=(Range(0, 0), Range(60))), ["0", "60", "999"], ["1", "59", "-1"]),
        (Limits(ranges=(Range(-10, 30, 20),)), ["-10", "10", "30"], ["0", "20", "50"]),
        (Limits(ranges=(Range(Decimal("0.5"), 2),)), ["0.5", "1.25", "2"], ["0.4", "2.1", "x.y"]),
        (
            Limits(ranges=(Range(Decimal("0.1"), step=Decimal("0.1")),)),
            ["0.1", "0.3", "0.70", "9" * 38],
            ["0.35", "0", "0.3000000000000000000000001"],
        ),
        (Limits(enumeration=("A", "B")), ["A", "B"], ["", "a", "A,B"]),
        (Limits(sizes=(Size(1, 3),)), ["a", "abc"], ["", "abcd"]),
        (Limits(sizes=(Size(0, 0), Size(5))), ["", "abcde", "x" * 99], ["a", "abcd"]),
        (Limits(patterns=("", r"\d+(\.\d+)*")), ["", "1.2.3"], ["1.", "x1"]),
        (Limits(patterns=("$^a[$^]",)), ["$^a$"], ["a$"]),
        (Limits(patterns=("[-a][a-]",)), ["--", "aa"], ["b-"]),
        (LETTERS, ["", "A", "A,B", "B, A"], ["A,C", "A,,B"]),
    ],
)
def test_what_limits_take(limits: Limits, good: list[str], bad: list[str]) -> None:
    assert all(limits.take(each) for each in good)
    assert not any(limits.take(each) for each in bad)


@given(
    st.integers(-99, 0), st.integers(0, 99), st.lists(st.text(min_size=1), max_size=3), st.text()
)
def test_the_default_of_a_new_row_is_taken_where_something_is(
    least: int, most: int, texts: list[str], usual: str
) -> None:
    number, text = Limits(ranges=(Range(least, most),)), Limits(enumeration=tuple(texts))
    assert number.take(number.default_of(usual))
    assert text.take(text.default_of(usual))


@pytest.mark.rule("8.2-18")
@pytest.mark.parametrize(
    ("name", "value", "kind", "code"),
    [
        (CHANNEL, "13", "xsd:unsignedInt", 0),
        (CHANNEL, " 13 ", "", 0),
        (CHANNEL, "14", "xsd:unsignedInt", 9007),
        (CHANNEL, "x", "xsd:unsignedInt", 9007),
        (CHANNEL, "6", "xsd:boolean", 9006),
        ("Device.WiFi.AccessPoint.2.Security.ModeEnabled", "None", "xsd:string", 0),
        ("Device.WiFi.AccessPoint.2.Security.ModeEnabled", "WEP", "xsd:string", 9007),
        (SSID, "Home", "xsd:string", 0),
        (SSID, "", "xsd:string", 9007),
        (SSID, "much too long", "xsd:string", 9007),
        (UP_TIME, "1", "xsd:unsignedInt", 9008),
        ("Device.Nothing", "1", "xsd:string", 9005),
    ],
)
def test_each_reason_has_its_fault(name: str, value: str, kind: str, code: int) -> None:
    box = cpe()
    assert set_(box, name, value, kind) == code
    assert bool(box.value("Device.ManagementServer.ParameterKey", 1.0)) is not bool(code)


def test_new_rows_have_limits_too_and_begin_within_them() -> None:
    box = cpe()
    response = ask(box, m.AddObject("Device.WiFi.SSID.", ""))
    assert isinstance(response, m.AddObjectResponse)
    name = f"Device.WiFi.SSID.{response.instance_number}.SSID"
    assert box.value(name, 1.0) == "new"
    assert set_(box, name, "much too long") == 9007


@pytest.mark.rule("8.2-21")
@pytest.mark.parametrize(("notification", "code"), [(0, 0), (1, 0), (2, 9009), (4, 0), (6, 9009)])
def test_only_active_notification_can_be_denied(notification: int, code: int) -> None:
    assert notify(cpe(), UP_TIME, notification) == code
    assert notify(cpe(), CHANNEL, notification) == 0


def test_a_denied_one_leaves_all_others_as_they_were() -> None:
    box = cpe()
    assert notify(box, "Device.DeviceInfo.", 2) == 9009
    assert box.overlay is None or not box.overlay.attributes


@pytest.mark.parametrize(
    ("last", "value", "code"),
    [
        ("ParameterName", "Device.WiFi.SSID.*.SSID", 0),
        ("ParameterName", "Device.DeviceInfo.SoftwareVersion", 9007),
        ("EventList", "2 PERIODIC,1 BOOT", 0),
        ("EventList", "2,4", 9007),
        ("EventList", "1 BOOT, 4 VALUE CHANGE", 9007),
        ("EventList", "14 HEARTBEAT", 0),
        ("EventList", "", 0),
    ],
)
def test_rows_of_inform_parameter_have_rules(last: str, value: str, code: int) -> None:
    assert set_(cpe(), ROW + last, value, "xsd:string") == code
