"""What holds for every built-in profile: a plausible device, consistent, that moves, of nobody."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from helpers.cpes import ask, context, run

from caretaker.cwmp import messages as m
from caretaker.data_model.dynamic_values import DYNAMIC
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.types import TYPES
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.profiles.dumped_identity import RULES
from caretaker.profiles.loader import ProfileMix, load_profile
from caretaker.profiles.profile import BUILT_IN, DEFAULT_MIX, ESSENTIALS, Profile

pytestmark = pytest.mark.parametrize("name", BUILT_IN)

FEWEST, MOST = 200, 4_000
OBJECTS = {
    "Device.": ("DeviceInfo.", "ManagementServer.", "Time.", "IP.Interface.1.IPv4Address.1."),
    "InternetGatewayDevice.": (
        "DeviceInfo.",
        "ManagementServer.",
        "Time.",
        "Layer3Forwarding.",
        "LANDevice.1.LANHostConfigManagement.",
        "WANDevice.1.WANCommonInterfaceConfig.",
        "WANDevice.1.WANConnectionDevice.1.",
    ),
}
"""Objects that any device below a root has."""
TABLES = {
    "Forward": "Forwarding",
    "LANEthernetInterface": "LANEthernetInterfaceConfig",
    "LANUSBInterface": "LANUSBInterfaceConfig",
    "LANWLANConfiguration": "WLANConfiguration",
    "WANConnection": "WANConnectionDevice",
}
"""Tables of TR-098 whose number of entries has another name than theirs."""
REFERENCE = re.compile(r"(Device|InternetGatewayDevice)(\.[A-Za-z0-9_-]+)+\.?")
OWN_NAMES = ("account", "line or SIM", "network name", "serial number")
"""Kinds of names whose values tell one customer from another."""
MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
HOST = re.compile(r"(?:[a-z0-9-]+\.)+(?:com|net|org|de|eu|io|example|invalid)\b")
NOBODYS = [
    ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "::/64")
]
"""Networks of documentation (RFC 5737, RFC 3849), and interface identifiers without a network."""
DAYS = 28


@cache
def cpe(name: str, index: int = 0) -> CPE:
    box = CPE(index, load_profile(name), context(behaviors=Behaviors()))
    box.power_on(0.0)
    return box


def parameters(name: str) -> dict[str, Parameter]:
    return load_profile(name).model.parameters


def sent(box: CPE, now: float = 1.0) -> dict[str, m.ParameterValueStruct]:
    """All that the CPE has at a time, as an ACS gets it."""
    root = box.model.root
    answer = ask(box, m.GetParameterValues((root,)), now)
    assert isinstance(answer, m.GetParameterValuesResponse)
    return {struct.name: struct for struct in answer.parameter_list}


def children(profile: Profile, table: str) -> list[str]:
    paths = profile.model.children.get(table, ())
    return [path for path in paths if path.removeprefix(table).rstrip(".").isdigit()]


def test_it_has_the_size_and_objects_of_a_device(name: str) -> None:
    profile = load_profile(name)
    assert FEWEST <= len(profile.model.parameters) <= MOST
    missing = [last for last in OBJECTS[profile.model.root]
               if profile.model.root + last not in profile.model.objects]  # fmt: skip
    assert not missing
    essentials = {profile.model.root + row.path for row in ESSENTIALS}
    assert essentials <= set(profile.model.parameters)


def test_it_is_a_product_of_its_own(name: str) -> None:
    profile = load_profile(name)
    assert (profile.manufacturer, profile.oui) == ("Caretaker Networks", "CA7E01")
    classes = [load_profile(each).product_class for each in BUILT_IN]
    assert classes.count(profile.product_class) == 1
    info = sent(cpe(name))
    for last in ("HardwareVersion", "SoftwareVersion", "ModelName"):
        assert info[f"{profile.device_info}{last}"].value, last


def test_values_fit_their_types_and_limits(name: str) -> None:
    for path, parameter in parameters(name).items():
        if not (parameter.source or parameter.hidden):
            assert TYPES[parameter.type].fits(parameter.value), path
            limits = parameter.limits
            assert limits is None or limits.take(parameter.value), path


def test_numbers_of_entries_are_those_of_the_tables(name: str) -> None:
    profile = load_profile(name)
    for path, parameter in parameters(name).items():
        if path.endswith("NumberOfEntries"):
            place, _, last = path.rpartition(".")
            counted = last.removesuffix("NumberOfEntries")
            table = f"{place}.{TABLES.get(counted, counted)}."
            assert int(parameter.value) == len(children(profile, table)), path


def test_tables_have_the_same_parameters_in_all_rows(name: str) -> None:
    profile = load_profile(name)
    for table in profile.model.children:
        rows = children(profile, table)
        shapes = [{path.removeprefix(row) for path in profile.model.children[row]} for row in rows]
        assert all(shape == shapes[0] for shape in shapes), table


def test_references_name_what_is_there(name: str) -> None:
    profile = load_profile(name)
    known = {*profile.model.parameters, *profile.model.objects}
    for path, parameter in parameters(name).items():
        for item in parameter.value.split(","):
            if REFERENCE.fullmatch(item.strip()):
                assert {item.strip(), f"{item.strip()}."} & known, f"{path} = {item}"


def test_what_moves_does(name: str) -> None:
    moving = [path for path, each in parameters(name).items() if each.source == DYNAMIC]
    assert len(moving) >= 5
    days = [sent(cpe(name), 1.0 + day * 86_400.0 + day) for day in range(DAYS)]
    for path in moving:
        kind = parameters(name)[path].type
        values = [day[path].value for day in days]
        assert len(set(values)) > 1, path
        assert all(TYPES[kind].fits(value) for value in values), path


def test_two_cpes_share_no_name(name: str) -> None:
    """Accounts, lines, serial numbers, SSIDs; but the SSIDs of the default mix are old."""
    one, other = sent(cpe(name)), sent(cpe(name, 1))
    kinds = [kind for kind in OWN_NAMES if name not in DEFAULT_MIX or kind != "network name"]
    rules = [rule for rule in RULES if rule.kind in kinds]
    for path, struct in one.items():
        last = path.rpartition(".")[2]
        named = any(rule.names.fullmatch(last) and rule.within in path for rule in rules)
        if struct.value and struct.type == "xsd:string" and named:
            assert struct.value != other[path].value, path


def test_no_address_or_host_is_anybodys(name: str) -> None:
    for path, struct in sent(cpe(name)).items():
        for mac in MAC.findall(struct.value):
            octet = int(mac[:2], 16)
            own = parameters(name)[path].source in ("mac", "template")
            assert (own and octet & 3 == 2) or set(mac) <= set("0:-"), path
        for host in HOST.findall(struct.value):
            assert re.fullmatch(r"(.*\.)?example(\.(com|net|org))?|.*\.invalid", host), path
        for text in re.split(r"[,;/ \[\]]", struct.value):
            try:
                address = ip_address(text)
            except ValueError:
                continue
            documented = any(address in network for network in NOBODYS)
            assert documented or address.is_multicast or not address.is_global, path


def test_its_messages_keep_the_schemas(name: str) -> None:
    """``conftest`` validates what sessions send, where the schemas are."""
    box = CPE(0, load_profile(name), context())
    box.power_on(0.0)
    root = box.model.root
    acs = run(box, 0.0, m.GetParameterNames(root, next_level=False), m.GetParameterValues((root,)))
    given = {struct.name: struct.value for struct in acs.last_inform.parameter_list}
    assert set(load_profile(name).inform_parameters) <= set(given)
    assert given[f"{root}DeviceInfo.SoftwareVersion"]
    assert given[f"{root}ManagementServer.ConnectionRequestURL"].startswith("http")
    names, values = acs.responses
    assert isinstance(names, m.GetParameterNamesResponse)
    assert isinstance(values, m.GetParameterValuesResponse)
    assert len(names.parameter_list) > len(values.parameter_list) >= FEWEST


def test_passwords_are_hidden(name: str) -> None:
    for path, struct in sent(cpe(name)).items():
        if re.search("(Password|Passphrase|PreSharedKey|WEPKey)$", path):
            assert struct.value == "", path


def test_the_documentation_says_what_it_is(name: str, root: Path) -> None:
    text = (root / "docs" / "profiles.md").read_text()
    table = text.partition("<!-- built in -->")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[3:]]
    assert [row[0] for row in rows] == [f"`{each}`" for each in BUILT_IN]
    _, _, its_root, size, quirks = rows[BUILT_IN.index(name)]
    profile = load_profile(name)
    assert its_root == f"`{profile.model.root}`"
    assert int(size) == len(profile.model.parameters)
    assert re.findall("`(.*?)`", quirks) == sorted(profile.quirks)


def test_a_run_that_names_no_profile_has_the_default_mix(name: str) -> None:
    mixed = [profile.name for profile in ProfileMix.of([]).profiles]
    assert mixed == list(DEFAULT_MIX)
    assert mixed.count(name) == int(name in DEFAULT_MIX)
