"""
Values that each CPE computes for itself when they are read (decision D2).

A function takes the CPE, the parameter as the data model has it, and the time.
"""

from __future__ import annotations

from collections.abc import Callable

from caretaker.data_model.dynamic_values import DYNAMIC, Dynamic, IndexedRandom
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.templates import TEMPLATE
from caretaker.data_model.types import cleaned
from caretaker.device.base import CPEBase
from caretaker.device.listed_devices import MAC, OUI, PRODUCT_CLASS
from caretaker.device.reach_values import REACH_SOURCES, connection_request_url
from caretaker.profiles.profile import LISTED, LISTED_MAC


def _serial_number(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.serial_number


def _up_time(cpe: CPEBase, parameter: Parameter, now: float) -> str:
    if not cpe.context.behaviors.dynamic_params:
        return parameter.value
    return str(max(0, int(now - cpe.booted_at)))


def _acs_url(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.context.acs_url


def _acs_username(cpe: CPEBase, _: Parameter, __: float) -> str:
    username = cpe.context.acs_username
    return cpe.device_id_struct.device_id if username is None else username


def _acs_password(cpe: CPEBase, _: Parameter, __: float) -> str:
    password = cpe.context.acs_password
    return cpe.context.identities.secret(cpe.index, "ACS") if password is None else password


def _inform_enable(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    interval = cpe.context.behaviors.inform_interval
    return parameter.value if interval is None else str(int(interval > 0))


def _inform_interval(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    interval = cpe.context.behaviors.inform_interval
    return parameter.value if not interval else str(max(1, round(interval)))


def _connection_request_url(cpe: CPEBase, _: Parameter, now: float) -> str:
    if not cpe.management_server(now).reachable:
        return ""
    return connection_request_url(cpe)


def _cr_username(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.serial_number


def _cr_password(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.context.identities.secret(cpe.index, "Connection Request")


def _wan_ip(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.context.identities.wan_ip(cpe.index, cpe.profile.pool)


def _mac(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    """The address of the profile, in its notation, with the last three octets the CPE's own."""
    dumped = parameter.value
    tail = cpe.context.identities.mac_tail(cpe.index, parameter.number)
    tail = tail.upper() if dumped != dumped.lower() else tail
    colon = dumped[2]
    return dumped[:9] + colon.join((tail[:2], tail[2:4], tail[4:]))


def _listed_mac(cpe: CPEBase, parameter: Parameter, now: float) -> str:
    """The address so many after that of the list, in the notation of the profile."""
    first, dumped = cpe.listed(MAC), parameter.value
    if not first:
        return _mac(cpe, parameter, now)
    digits = f"{(int(first, 16) + parameter.number) % (1 << 48):012x}"
    digits = digits.upper() if dumped != dumped.lower() else digits
    return dumped[2].join(digits[at : at + 2] for at in range(0, 12, 2))


def _listed(cpe: CPEBase, parameter: Parameter, now: float) -> str:
    """What the list of devices has, else what the profile has."""
    value = _text_of_list(cpe, parameter)
    if value:
        return cleaned(value, parameter.type)
    usual = cpe.profile.usual(parameter)
    return SOURCES[usual.source](cpe, usual, now) if usual.source else usual.value


def _text_of_list(cpe: CPEBase, parameter: Parameter) -> str:
    devices = cpe.context.devices
    assert devices is not None
    return devices.text_at(cpe.index, cpe.profile.listed[parameter.number].place)


def _index(cpe: CPEBase, _: Parameter, __: float) -> int:
    return cpe.index


def _oui(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.listed(OUI) or cpe.profile.oui


def _product_class(cpe: CPEBase, _: Parameter, __: float) -> str:
    return cpe.listed(PRODUCT_CLASS) or cpe.profile.product_class


def _own_mac(cpe: CPEBase, _: Parameter, __: float) -> str:
    digits = cpe.listed(MAC) or _oui(cpe, _, __) + _mac_tail(cpe, _, __)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _mac_tail(cpe: CPEBase, _: Parameter, __: float) -> str:
    listed = cpe.listed(MAC)
    return listed[6:] if listed else cpe.context.identities.mac_tail(cpe.index, 0).upper()


def _secret(cpe: CPEBase, parameter: Parameter, _: float) -> str:
    """The same in all parameters of a CPE with the same template: one passphrase for two bands."""
    return cpe.context.identities.secret(cpe.index, f"template {parameter.value}")


TEMPLATE_FIELDS: dict[str, Callable[[CPEBase, Parameter, float], str | int]] = {
    "serial": _serial_number,
    "index": _index,
    "oui": _oui,
    "product_class": _product_class,
    "mac": _own_mac,
    "mac_tail": _mac_tail,
    "ip": _wan_ip,
    "secret": _secret,
}
"""What computes each field of a template; the value of the parameter is the template."""


class _Fields(dict[str, str | int]):
    """The fields of a template, computed when they are asked for."""

    def __init__(self, compute: Callable[[str], str | int]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, name: str) -> str | int:
        return self._compute(name)


def _template(cpe: CPEBase, parameter: Parameter, now: float) -> str:
    fields = _Fields(lambda name: TEMPLATE_FIELDS[name](cpe, parameter, now))
    return parameter.value.format_map(fields)


def _dynamic(cpe: CPEBase, parameter: Parameter, now: float) -> str:
    if not cpe.context.behaviors.dynamic_params:
        return parameter.value
    return dynamic_value(cpe, parameter.number, now)


SOURCES: dict[str, Callable[[CPEBase, Parameter, float], str]] = {
    "serial_number": _serial_number,
    "up_time": _up_time,
    "acs_url": _acs_url,
    "acs_username": _acs_username,
    "acs_password": _acs_password,
    "inform_enable": _inform_enable,
    "inform_interval": _inform_interval,
    "connection_request_url": _connection_request_url,
    "cr_username": _cr_username,
    "cr_password": _cr_password,
    "wan_ip": _wan_ip,
    "mac": _mac,
    LISTED_MAC: _listed_mac,
    TEMPLATE: _template,
    DYNAMIC: _dynamic,
    LISTED: _listed,
    **REACH_SOURCES,
}
"""What computes the value of a parameter, by ``Parameter.source``."""


def rule_of(cpe: CPEBase, parameter: Parameter) -> int | None:
    """The number of the profile's rule by which a value changes with time; None if it does not."""
    usual = cpe.profile.usual(parameter)
    if usual.source != DYNAMIC or (usual is not parameter and _text_of_list(cpe, parameter)):
        return None
    return usual.number


def dynamic_value(cpe: CPEBase, number: int, now: float) -> str:
    """The value of the profile's rule of this number, for a CPE at a time."""
    spec, wall = cpe.profile.dynamics[number], now + cpe.context.wall_offset
    return spec.value(_rng(cpe, spec, number), now - cpe.booted_at, wall)


def next_dynamic_change(cpe: CPEBase, number: int, now: float) -> float:
    """When that value may change next, on the clock of ``now``."""
    spec, offset = cpe.profile.dynamics[number], cpe.context.wall_offset
    return spec.next_change(_rng(cpe, spec, number), now + offset) - offset


_COUNTERS = -1
"""Stands for the number of a parameter."""


def _rng(cpe: CPEBase, spec: Dynamic, number: int) -> IndexedRandom:
    """The numbers of a parameter; counters share theirs, so that more bytes are more packets."""
    number = _COUNTERS if spec.kind == "counter" else number
    return IndexedRandom(cpe.context.identities.seed, cpe.index, number)
