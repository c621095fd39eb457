"""Profile files: what they change, what is refused, and the example of the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.cpes import ask, context
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_0, CWMP_1_2
from caretaker.cwmp import messages as m
from caretaker.data_model.parameter import Row
from caretaker.data_model.templates import FIELDS
from caretaker.data_model.value_limits import Limits, Range
from caretaker.device.cpe import CPE
from caretaker.errors import ProfileError
from caretaker.profiles import load_profile
from caretaker.profiles.profile import Profile
from caretaker.profiles.profile_file import _Rows
from caretaker.profiles.profile_toml import _ENTRY, _TOP, CWMP_VERSIONS, DEVICE, read_profile_file
from caretaker.profiles.quirks import QUIRKS

SSID = "Device.WiFi.SSID.1.SSID"
INFO = "Device.DeviceInfo."
MS = "Device.ManagementServer."


Load = Callable[[str], Profile]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str) -> Profile:
        path = tmp_path / "box.toml"
        path.write_text(text if "base" in text else f'base = "tr181"\n{text}')
        return load_profile(str(path))

    return load


def cpe(profile: Profile, index: int = 0) -> CPE:
    box = CPE(index, profile, context())
    box.power_on(0.0)
    return box


def example(root: Path) -> str:
    found = re.search(r"```toml\n(.*?)```", (root / "docs/profiles.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


class TestTheExampleOfTheDocumentation:
    def test_it_does_what_it_says(self, load: Load, root: Path) -> None:
        profile = load(example(root))
        box = cpe(profile, 16)
        about = (profile.manufacturer, profile.oui, profile.product_class)
        assert about == ("Acme", "00AABB", "R1")
        assert (profile.cwmp_version, profile.namespace) == ("1.4", CWMP_1_2)
        assert profile.quirks == {"cr-no-qop", "slow-answers"}
        assert box.value("Device.WiFi.Radio.2.TransmitPower", 1.0) == "50"
        assert box.value(f"{MS}PeriodicInformInterval", 1.0) == "900"
        assert box.value(SSID, 1.0) == "Home-000100"
        assert box.value(f"{MS}Username", 1.0) == "00AABB-FLEET-000017"
        assert box.value(f"{INFO}ProvisioningCode", 1.0) == "AREA-000016"
        assert box.value(f"{INFO}SoftwareVersion", 1.0) == "1.2.3"
        assert f"{INFO}X_ACME_Label" in profile.inform_parameters

    def test_it_shows_every_key_but_those_with_a_table_of_their_own(self, root: Path) -> None:
        text = (root / "docs/profiles.md").read_text()
        for key in (*_TOP, *DEVICE, *_ENTRY, *(f"{{{each}}}" for each in FIELDS)):
            assert key in text, key

    def test_its_quirks_are_those_that_there_are(self, root: Path) -> None:
        text = (root / "docs/profiles.md").read_text()
        for quirk, meaning in QUIRKS.items():
            assert f"| `{quirk}` | {meaning} |" in text


class TestValues:
    def test_paths_need_no_quotes(self, load: Load) -> None:
        profile = load('[values]\nDevice.WiFi.SSID.1.SSID = "x"\n')
        assert cpe(profile).value(SSID, 1.0) == "x"

    @pytest.mark.parametrize(
        ("given", "expected"),
        [("true", "true"), ("7", "7"), ('"a b"', "a b"), ("2024-05-06T07:08:09Z", "2024-05-06")],
    )
    def test_any_scalar_is_a_value(self, load: Load, given: str, expected: str) -> None:
        value = cpe(load(f"[values]\n{SSID} = {given}\n")).value(SSID, 1.0)
        assert value.startswith(expected)

    def test_they_replace_what_is_computed(self, load: Load) -> None:
        name = f"{MS}ConnectionRequestUsername"
        assert cpe(load(f'[values]\n{name} = "all"\n')).value(name, 1.0) == "all"

    def test_an_option_of_the_run_beats_the_interval(self, load: Load) -> None:
        profile = load(f"[values]\n{MS}PeriodicInformInterval = 77\n")
        assert profile.model.parameters[f"{MS}PeriodicInformInterval"].source == "inform_interval"

    @pytest.mark.parametrize("last", ["URL", "ConnectionRequestURL"])
    def test_what_the_run_decides_cant_be_given(self, load: Load, last: str) -> None:
        with pytest.raises(ProfileError, match="computed by the run"):
            load(f'[values]\n{MS}{last} = "x"\n')
        with pytest.raises(ProfileError, match="computed by the run"):
            load(f'[identity]\n{INFO}SerialNumber = "X{{index}}"\n')

    def test_the_base_is_found_beside_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("Parameter,Value\nDevice.X.Y,5\n")
        (tmp_path / "r.toml").write_text('base = "r.csv"\n[values]\nDevice.X.Y = 6\n')
        profile = load_profile(str(tmp_path / "r.toml"))
        assert profile.model.constants["Device.X.Y"].value == "6"
        assert profile.name == "r.toml"


class TestIdentity:
    def test_it_is_each_cpes_own_and_the_same_again(self, load: Load) -> None:
        profile = load(f'[identity]\n{SSID} = "{{serial}} {{mac}} {{secret}} {{ip}}"\n')
        values = [cpe(profile, index).value(SSID, 1.0) for index in (0, 1, 0)]
        assert values[0] == values[2] != values[1]
        assert values[1].startswith("FLEET-000002 CA:7E:01:00:00:10 ")

    def test_the_acs_can_change_it(self, load: Load) -> None:
        box = cpe(load(f'[identity]\n{SSID} = "Home-{{index}}"\n'))
        struct = m.ParameterValueStruct(SSID, "mine", "xsd:string")
        ask(box, m.SetParameterValues((struct,), ""))
        assert box.value(SSID, 1.0) == "mine"

    def test_one_template_is_one_secret(self, load: Load) -> None:
        keys = "Device.WiFi.AccessPoint.*.Security.KeyPassphrase"
        box = cpe(load(f'[identity]\n"{keys}" = "{{secret}}"\n'))
        found = {box.value(keys.replace("*", number), 1.0) for number in "12"}
        assert len(found) == 1
        assert len(found.pop()) == 20

    def test_the_pool_gives_all_wan_addresses(self, load: Load) -> None:
        profile = load(f'[identity]\npool = "192.0.2.0/30"\n{SSID} = "{{ip}}"\n')
        wan = next(p for p, each in profile.model.parameters.items() if each.source == "wan_ip")
        found = [cpe(profile, index).value(SSID, 1.0) for index in range(3)]
        assert found == ["192.0.2.1", "192.0.2.2", "192.0.2.1"]
        assert cpe(profile, 1).value(wan, 1.0) == "192.0.2.2"

    def test_braces_are_written_twice(self, load: Load) -> None:
        assert cpe(load(f'[identity]\n{SSID} = "{{{{x}}}}"\n')).value(SSID, 1.0) == "{x}"


class TestParameters:
    def test_limits_are_one_for_all_rows(self, load: Load) -> None:
        profile = load('[[parameter]]\npath = "Device.WiFi.Radio.*.Channel"\nleast = 1\nmost = 13')
        found = [profile.model.parameters[f"Device.WiFi.Radio.{n}.Channel"].limits for n in "12"]
        assert found[0] == Limits(ranges=(Range(1, 13),))
        assert found[0] is found[1]

    def test_they_add_parameters_and_objects(self, load: Load) -> None:
        profile = load(
            '[[parameter]]\npath = "Device.X.T."\nwritable = true\n'
            '[[parameter]]\npath = "Device.X.T.1.A"\ntype = "int"\nvalue = -3\n'
        )
        assert profile.model.objects["Device.X.T."] is True
        constant = profile.model.constants["Device.X.T.1.A"]
        assert (constant.value, constant.type) == ("-3", "xsd:int")

    def test_dynamic_tables_are_rules(self, load: Load) -> None:
        profile = load('[[dynamic]]\npath = "Device.DeviceInfo.ModelName"\nkind = "clock"\n')
        parameter = profile.model.parameters["Device.DeviceInfo.ModelName"]
        assert profile.dynamics[parameter.number].kind == "clock"

    def test_a_bad_dynamic_table_is_one_line(self, load: Load) -> None:
        with pytest.raises(ProfileError, match=r"toml: \[\[dynamic\]\] X.Y: 'kind' must"):
            load('[[dynamic]]\npath = "X.Y"\n')
        with pytest.raises(ProfileError, match=r"toml: \[\[dynamic\]\] Device.X names no"):
            load('[[dynamic]]\npath = "Device.X"\nkind = "clock"\n')


PARTS = st.lists(st.sampled_from(["1", "22", "*", "A"]), min_size=1, max_size=3)


@given(st.lists(PARTS, max_size=9), PARTS)
def test_a_star_is_any_instance_number(found: list[list[str]], path: list[str]) -> None:
    numbers = [["7" if part == "*" else part for part in parts] for parts in found]
    rows = _Rows(Row(".".join(("D", *parts)), False, False) for parts in numbers)
    expected = {
        ".".join(("D", *parts))
        for parts in numbers
        if len(parts) == len(path)
        and all(a == b or (b == "*" and a.isdigit()) for a, b in zip(parts, path, strict=True))
    }
    assert set(rows.named(".".join(("D", *path)))) == expected


@pytest.mark.parametrize("version", CWMP_VERSIONS)
def test_versions_have_their_namespace(load: Load, version: str) -> None:
    assert load(f'cwmp = "{version}"').namespace == CWMP_VERSIONS[version]


def test_the_namespace_can_be_another(load: Load) -> None:
    assert load(f'cwmp = "1.2"\nnamespace = "{CWMP_1_0}"').namespace == CWMP_1_0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("base = ", "not TOML"),
        ('base = ""', "no base"),
        ("base = 5", "write a string"),
        ('base = "no.csv"', r"no\.csv: No such file"),
        ('bases = "tr181"', "no key 'bases'; there are base"),
        ("cwmp = 1.2", "write one of '1.0'"),
        ('namespace = "cwmp"', "write a URN"),
        ('quirks = "cr-basic"', "write a list"),
        ('quirks = ["shy"]', "no 'shy'; there are cr-basic"),
        ('[device]\noui = "12"', "six hexadecimal digits"),
        ('[device]\nserial = "1"', "no key 'serial'"),
        (f'[device]\nmanufacturer = "{"x" * 65}"', "64 characters"),
        ("values = 5", "write a table"),
        ("[values]\nDevice.X.Nothing = 1", "names no parameter of tr181"),
        ("[values]\nInternetGatewayDevice.X = 1", "not below Device"),
        (f"[values]\n{SSID} = [1]", "write a string, number, boolean or date"),
        ('[identity]\npool = "10.0.0.1/8"', "write a network"),
        (f'[identity]\n{SSID} = "{{mood}}"', "no {mood}; there are serial"),
        (f'[identity]\n{SSID} = "{{serial.upper}}"', "there are serial"),
        (f'[identity]\n{SSID} = "{{serial!r}}"', "there are serial"),
        (f'[identity]\n{SSID} = "{{index:{{serial}}}}"', "identity"),
        (f'[identity]\n{SSID} = "{{"', "identity"),
        ("[parameter]", "write a list"),
        ("parameter = [1]", r"write tables, \[\[parameter\]\]"),
        ("[[parameter]]", "no path"),
        ('[[parameter]]\npath = "Device.X.*.Y"', "names no parameter"),
        (f'[[parameter]]\npath = "{SSID}"\nleast = 1', "is no number"),
        (f'[[parameter]]\npath = "{SSID}"\nleast = "1"', "write a number"),
        (f'[[parameter]]\npath = "{SSID}"\ntype = "text"', "write one of xsd:string"),
        (f'[[parameter]]\npath = "{SSID}"\nwritable = 1', "true or false"),
        (f'[[parameter]]\npath = "{SSID}"\nleast = 2\nmost = 1', "least is above most"),
        ('[[parameter]]\npath = "Device.WiFi."\nvalue = 1', "is an object"),
    ],
)
def test_what_cant_be_used_is_one_line_that_names_the_file(
    load: Load, text: str, complaint: str
) -> None:
    with pytest.raises(ProfileError, match=complaint) as error:
        load(text)
    assert "\n" not in str(error.value)
    assert "box.toml" in str(error.value) or "no.csv" in str(error.value)


_ODD = st.sampled_from(["[]", "{}", "[{}]", "{a = [1]}", "1", "'x'", "2024-01-01", "[[1]]"])


@given(st.text(max_size=80) | st.builds("{} = {}".format, st.sampled_from(list(_TOP)), _ODD))
def test_any_text_is_a_profile_file_or_a_profile_error(text: str) -> None:
    for each in (text, f'base = "tr181"\n{text}'):
        try:
            read_profile_file("any", each.encode("utf-8", "replace"))
        except ProfileError as error:
            assert "\n" not in str(error)


@given(st.text(max_size=30))
def test_any_template_is_refused_when_loaded_or_can_be_computed(text: str) -> None:
    quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    try:
        read_profile_file("any", f'base = "tr181"\n[identity]\n"Device.X" = {quoted}'.encode())
    except (ProfileError, UnicodeEncodeError):
        return
    text.format_map({name: 0 if name == "index" else "x" for name in FIELDS})
