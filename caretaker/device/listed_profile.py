"""A profile whose CPEs have values of a list of devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from caretaker.data_model.parameter import Parameter
from caretaker.data_model.types import TYPES
from caretaker.device.listed_devices import MAC, PATHS, ListedDevices
from caretaker.errors import InputError
from caretaker.profiles.profile import LISTED, LISTED_MAC, Listed, Profile


def path_of(column: str, root: str) -> str:
    """The path of the parameter of a column; empty if it has none."""
    return f"{root}{PATHS[column]}" if column in PATHS else column if "." in column else ""


def with_listed(
    profile: Profile, devices: ListedDevices, withheld: Collection[str] = ()
) -> Profile:
    """
    The profile with the columns of a list as the source of their parameters.

    Args:
        profile: as it was read.
        devices: the list.
        withheld: columns that are not used in this run.
    """
    listed: list[Listed] = []
    parameters = _own_macs(profile) if MAC in devices.columns else {}
    for place, column in enumerate(devices.columns):
        path = path_of(column, profile.model.root)
        usual = parameters.get(path) or profile.model.parameters.get(path)
        if usual is not None and column not in withheld:
            parameters[path] = usual._replace(source=LISTED, number=len(listed))
            listed.append(Listed(place, usual))
    return replace(profile, model=profile.model.replacing(parameters), listed=tuple(listed))


def _own_macs(profile: Profile) -> dict[str, Parameter]:
    """
    The MAC addresses of the device itself, which count from that of the list.

    They are those of one vendor: of the profile's OUI, else the one that most of them have. Others
    are of hosts of the LAN, or of other radios, and are numbered by themselves.
    """
    macs = {path: each for path, each in profile.model.parameters.items() if each.source == "mac"}
    vendors = Counter(_vendor(each) for each in macs.values())
    own = max(vendors, key=lambda vendor: (vendor == profile.oui, vendors[vendor]), default="")
    return {
        path: each._replace(source=LISTED_MAC)
        for path, each in macs.items()
        if _vendor(each) == own
    }


def _vendor(mac: Parameter) -> str:
    octets = mac.value[:8]
    return (octets[:2] + octets[3:5] + octets[6:]).upper()


def check_columns(devices: ListedDevices, profiles: Collection[Profile]) -> None:
    """
    Check that each column that is a path is of a parameter, and has values of its type.

    Raises:
        InputError: no profile has the parameter, or a value is not of its type.
    """
    for column in devices.columns:
        if "." in column:
            _check_column(devices, column, profiles)


def _check_column(
    devices: ListedDevices, column: str, profiles: Collection[Profile]
) -> None:  # fmt: skip
    having = [profile for profile in profiles if column in profile.model.parameters]
    if not having:
        names = ", ".join(profile.name for profile in profiles)
        cure = "delete the column, or give a --profile that has it"
        raise InputError(f"column {column!r}: no such parameter in {names}; {cure}")
    kind = having[0].model.parameters[column].type
    for index in range(len(devices)):
        text = devices.text(index, column)
        if text and not TYPES[kind].fits(text):
            serial = devices.serial_number(index)
            raise InputError(
                f"column {column!r}: the device {serial} has no {kind.partition(':')[2]}"
                " there; mend the value"
            )
