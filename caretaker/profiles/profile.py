"""
Device profiles: what kind of device a CPE is.

A profile is read from a parameter export (``genieacs_csv``); the built-in ones (``BUILT_IN``) are
such files too, each with a profile file. A profile file (``profile_file``) names an export as its
base, and changes it.

An export shows one real device. Values that belong to that device alone (serial number, MAC and
WAN addresses, credentials, URLs) are replaced (``dumped_identity``) with a source, from which each
CPE computes a value of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from sys import intern
from typing import NamedTuple

from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_2
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.data_model.dynamic_values import DYNAMIC, Dynamic, applied
from caretaker.data_model.model import DataModel
from caretaker.data_model.parameter import Parameter, Row
from caretaker.errors import ProfileError
from caretaker.profiles.dumped_identity import (
    WHAT_IT_IS,
    Anonymous,
    Replacement,
    identity_of,
)
from caretaker.profiles.genieacs_csv import Export
from caretaker.profiles.profile_file import ProfileFile
from caretaker.profiles.profile_toml import normalized_oui
from caretaker.profiles.quirks import CLOCK_OFFSETS, NO_PARAMETER_KEY

NAMESPACES = {"Device.": CWMP_1_2, "InternetGatewayDevice.": CWMP_1_0}
BUILT_IN = ("tr181", "tr098", "cable", "dsl", "gpon", "mesh", "stb", "lte")
"""The names of the built-in profiles, which stand for a file in ``--profile``."""
DEFAULT_MIX = ("tr181", "tr098")
"""The profiles of a run without ``--profile``, in equal parts; measurements compare such runs."""

_BOOLEAN, _NUMBER = "xsd:boolean", "xsd:unsignedInt"

ESSENTIALS: tuple[Row, ...] = (
    Row("DeviceInfo.Manufacturer", False, False),
    Row("DeviceInfo.ManufacturerOUI", False, False),
    Row("DeviceInfo.ProductClass", False, False),
    Row("DeviceInfo.SerialNumber", False, False, source="serial_number"),
    Row("DeviceInfo.HardwareVersion", False, False, "1"),
    Row("DeviceInfo.SoftwareVersion", False, False, "1"),
    Row("DeviceInfo.ProvisioningCode", False, True),
    Row("DeviceInfo.UpTime", False, False, "0", _NUMBER, "up_time"),
    Row("ManagementServer.URL", False, True, source="acs_url"),
    Row("ManagementServer.Username", False, True, source="acs_username"),
    Row("ManagementServer.Password", False, True, source="acs_password"),
    Row("ManagementServer.PeriodicInformEnable", False, True, "1", _BOOLEAN, "inform_enable"),
    Row("ManagementServer.PeriodicInformInterval", False, True, "300", _NUMBER, "inform_interval"),
    Row("ManagementServer.ParameterKey", False, False),
    Row("ManagementServer.ConnectionRequestURL", False, False, source="connection_request_url"),
    Row("ManagementServer.ConnectionRequestUsername", False, True, source="cr_username"),
    Row("ManagementServer.ConnectionRequestPassword", False, True, source="cr_password"),
)
"""What every CPE has (TR-069 3.2, A.3.3.1), with what computes it; below either root."""

SIMULATED = "SIMULATED"
"""ProvisioningCode of every CPE, which tells an operator, and ``caretaker cleanup``, what it is."""
_MARKED = "DeviceInfo.ProvisioningCode"

KNOWN = {row.path: row for row in ESSENTIALS}
"""``ESSENTIALS`` by their path below the root."""

_FORCED: dict[str, tuple[str, ...]] = {
    "Device.": ("RootDataModelVersion", "DeviceSummary", "LAN.IPAddress"),
    "InternetGatewayDevice.": ("DeviceSummary", "DeviceInfo.SpecVersion"),
}
_FORCED_BOTH = (
    "DeviceInfo.HardwareVersion",
    "DeviceInfo.SoftwareVersion",
    "DeviceInfo.ProvisioningCode",
    "ManagementServer.ParameterKey",
    "ManagementServer.ConnectionRequestURL",
    "ManagementServer.AliasBasedAddressing",
)
_EXTERNAL_IP = re.compile(
    r"InternetGatewayDevice\.WANDevice\.[0-9]+\.WANConnectionDevice\.[0-9]+"
    r"\.WAN(IP|PPP)Connection\.[0-9]+\.ExternalIPAddress"
)


STEERING_PARAMETERS = (
    "EnableCWMP",
    "HTTPConnectionRequestEnable",
    "PeriodicInformEnable",
    "PeriodicInformInterval",
    "URL",
    "HTTPCompression",
)
"""The parameters of ManagementServer that steer a CPE: ``device.management_server`` reads them."""


class _PathsBelow(dict[str, str]):
    """The paths below an object by their last part, each made when it is first needed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def __missing__(self, last: str) -> str:
        path = self[last] = intern(f"{self._path}{last}")
        return path


LISTED = "listed"
"""The source of parameters whose values are of a list of devices (``Parameter.source``)."""
LISTED_MAC = "listed_mac"
"""The source of a device's own MAC addresses where a list of devices has the first of them."""


class Listed(NamedTuple):
    """
    A parameter with values of a list of devices.

    Args:
        place: of its column in the list.
        usual: the parameter for devices that have no value there.
    """

    place: int
    usual: Parameter


@dataclass(frozen=True)
class Profile:
    """
    A kind of device; immutable and shared by all its CPEs.

    ``inform_parameters`` are the paths of the forced Inform parameters that this device has
    (TR-069 A.3.3.1 and the data models), in the order to send them.
    """

    name: str
    model: DataModel
    manufacturer: str
    oui: str
    product_class: str
    inform_parameters: tuple[str, ...]
    namespace: str = CWMP_1_0
    cwmp_version: str = ""
    """``1.3`` and ``1.4`` have header elements of their own; empty for neither."""
    quirks: frozenset[str] = frozenset()
    """What it does otherwise than the standard says: names of ``quirks.QUIRKS``."""
    clock_offset: float = 0.0
    """Seconds by which the clock of the device is wrong."""
    pool: IPv4Network | None = None
    """Where WAN addresses are from; the default of ``Identities.wan_ip`` where None."""
    dynamics: tuple[Dynamic, ...] = ()
    """How what changes by itself does, by the numbers of the rows whose source says so."""
    listed: tuple[Listed, ...] = ()
    """Parameters with values of a list of devices, by the numbers of those whose source says so."""
    replaced: tuple[Replacement, ...] = ()
    """What of the exported device each CPE has a value of its own for, or none."""

    @cached_property
    def management_server(self) -> str:
        """The path of the object ManagementServer."""
        return f"{self.model.root}ManagementServer."

    @cached_property
    def management_paths(self) -> Mapping[str, str]:
        """The path of each parameter of ManagementServer by its last name, made only once."""
        return _PathsBelow(self.management_server)

    @cached_property
    def is_steady(self) -> bool:
        """Whether what steers it (``device.management_server``) changes only when it is set."""
        paths = (self.management_paths[last] for last in STEERING_PARAMETERS)
        parameters = (self.model.parameters.get(path) for path in paths)
        there = (self.usual(parameter) for parameter in parameters if parameter is not None)
        return all(parameter.source != DYNAMIC for parameter in there)

    def usual(self, parameter: Parameter) -> Parameter:
        """A parameter as it is for devices without a value of their own in the list."""
        return self.listed[parameter.number].usual if parameter.source == LISTED else parameter

    @cached_property
    def inform_constants(self) -> Mapping[str, ParameterValueStruct | None]:
        """``inform_parameters``, with what the Inform has where that is the same for all."""
        return {path: self.model.constants.get(path) for path in self.inform_parameters}

    @cached_property
    def external_address(self) -> str:
        """The path of the address that a TR-098 device is reached at; empty if it has none."""
        return next((path for path in self.inform_parameters if _EXTERNAL_IP.fullmatch(path)), "")

    @cached_property
    def device_info(self) -> str:
        """The path of the object DeviceInfo."""
        return f"{self.model.root}DeviceInfo."

    @cached_property
    def name_paths(self) -> tuple[str, ...]:
        """The paths of what DeviceId has, in its order."""
        return tuple(intern(f"{self.device_info}{last}") for last in _NAMES)


_NAMES = ("Manufacturer", "ManufacturerOUI", "ProductClass", "SerialNumber")

# -- reading --------------------------------------------------------------------------------------


def build(name: str, export: Export, file: ProfileFile | None = None) -> Profile:
    """
    The profile of an export, with what a profile file changes of it.

    Raises:
        ProfileError: they do not fit together, or are of no device we know the root of.
    """
    file = file or ProfileFile(name)
    root = _root_of(name, export.rows)
    rows = _with_essentials(root, export.rows, export.about)
    anonymous = _without_identity(root, rows, export)
    rows = file.adjusted(root, anonymous.rows)
    try:
        rows, specs = applied(rows, file.dynamic)
    except ProfileError as error:
        raise ProfileError(f"profile {name}: {error}") from error
    model = DataModel(root, rows)
    values = {row.path: row.value for row in rows}
    return Profile(
        name=name,
        model=model,
        manufacturer=values[f"{root}DeviceInfo.Manufacturer"][:64],
        oui=values[f"{root}DeviceInfo.ManufacturerOUI"],
        product_class=values[f"{root}DeviceInfo.ProductClass"][:64],
        inform_parameters=_inform_parameters(model, file),
        namespace=file.namespace or NAMESPACES[root],
        cwmp_version=file.cwmp_version,
        quirks=file.quirks or frozenset(),
        clock_offset=sum(CLOCK_OFFSETS.get(quirk, 0.0) for quirk in file.quirks or ()),
        pool=file.pool,
        dynamics=specs,
        replaced=anonymous.replacements,
    )


def _root_of(name: str, rows: Sequence[Row]) -> str:
    roots = sorted({row.path.partition(".")[0] + "." for row in rows})
    if len(roots) > 1:
        raise ProfileError(f"profile {name}: rows below both {' and '.join(roots)}; keep one root")
    return roots[0]


def _with_essentials(root: str, rows: list[Row], about: dict[str, str]) -> list[Row]:
    """
    The rows, with those that every CPE has added, and the device's identity made one.

    DeviceId of the Inform and the DeviceInfo parameters must be equal (TR-069 A.3.3.1); what a
    dump lacks in DeviceInfo is taken from the ACS's own rows.
    """
    by_path = {row.path: row for row in rows}
    for essential in ESSENTIALS:
        path = root + essential.path
        by_path.setdefault(path, essential._replace(path=path))
    info = f"{root}DeviceInfo."
    for last, about_name in (
        ("Manufacturer", "Manufacturer"),
        ("ManufacturerOUI", "OUI"),
        ("ProductClass", "ProductClass"),
    ):
        row = by_path[info + last]
        by_path[info + last] = row._replace(value=(row.value or about.get(about_name, "")).strip())
    oui = by_path[f"{info}ManufacturerOUI"]
    by_path[oui.path] = oui._replace(
        value=normalized_oui(oui.value) or normalized_oui(about.get("OUI", "")) or "000000"
    )
    return list(by_path.values())


def _inform_parameters(model: DataModel, file: ProfileFile) -> tuple[str, ...]:
    paths = [model.root + last for last in (*_FORCED[model.root], *_FORCED_BOTH)]
    if file.quirks and NO_PARAMETER_KEY in file.quirks:
        paths.remove(f"{model.root}ManagementServer.ParameterKey")
    present = [path for path in paths if path in model.parameters]
    external = [path for path in model.parameters if _EXTERNAL_IP.fullmatch(path)]
    used = [path for path in external if model.parameters[path].value not in _NO_ADDRESS]
    added = file.informed(model.parameters)
    return tuple(dict.fromkeys((*present, *(used or external)[:1], *added)))


# -- what is one device's own ---------------------------------------------------------------------

_NO_ADDRESS = ("", "0.0.0.0")  # noqa: S104
_IPV4 = re.compile(r"([0-9]{1,3}\.){3}[0-9]{1,3}")
_INTERFACE_ADDRESS = re.compile(r"Device\.IP\.Interface\.[0-9]+\.IPv4Address\.[0-9]+\.IPAddress")
_LAN_ADDRESS = re.compile(
    r"Device\.(DHCPv4\.Server\.Pool\.[0-9]+\.(M(in|ax)Address|IPRouters)"
    r"|Hosts\.Host\.[0-9]+\.IPAddress)"
)


def _without_identity(root: str, rows: Sequence[Row], export: Export) -> Anonymous:
    """The rows, with something else where the value belongs to the exported device alone."""
    sources = {root + row.path: row.source for row in ESSENTIALS if row.source}
    kept = {f"{root}DeviceInfo.{last}" for last in WHAT_IT_IS}
    serials = [row.value for row in rows if row.path == f"{root}DeviceInfo.SerialNumber"]
    identity = identity_of(
        [export.about.get("SerialNumber", ""), *serials],
        _wan_addresses(rows),
        rows,
        is_real=export.is_real,
    )
    anonymous: list[Row] = []
    for row in rows:
        if row.path == root + _MARKED:
            anonymous.append(identity.marked(row, SIMULATED))
        elif row.path in sources:
            anonymous.append(row._replace(source=sources[row.path]))
        else:
            anonymous.append(row if row.path in kept else identity.replace(row))
    return Anonymous(anonymous, tuple(identity.replacements))


def _wan_addresses(rows: Sequence[Row]) -> set[str]:
    """The addresses that the dumped device had towards its ISP; those of its LAN are not."""
    lan = {_network(row.value) for row in rows if _LAN_ADDRESS.fullmatch(row.path)}
    wan = {row.value for row in rows if _EXTERNAL_IP.fullmatch(row.path)}
    wan |= {
        row.value
        for row in rows
        if _INTERFACE_ADDRESS.fullmatch(row.path) and _network(row.value) not in lan | {"127.0.0"}
    }
    return {value for value in wan if _IPV4.fullmatch(value)} - set(_NO_ADDRESS)


def _network(address: str) -> str:
    return address.rpartition(".")[0]
