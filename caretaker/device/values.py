"""
Values that are each CPE's own, computed when they are read (decision D2).

A function takes the CPE, the parameter as its model has it, and the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from caretaker.device.data_model import Parameter

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE


def _serial_number(cpe: CPE, _: Parameter, __: float) -> str:
    return cpe.serial_number


def _up_time(cpe: CPE, parameter: Parameter, now: float) -> str:
    if not cpe.premises.behaviors.dynamic_params:
        return parameter.value
    return str(max(0, int(now - cpe.booted_at)))


def _acs_url(cpe: CPE, _: Parameter, __: float) -> str:
    return cpe.premises.acs_url


def _acs_username(cpe: CPE, _: Parameter, __: float) -> str:
    given = cpe.premises.acs_username
    return cpe.about.device_id if given is None else given


def _acs_password(cpe: CPE, _: Parameter, __: float) -> str:
    given = cpe.premises.acs_password
    return cpe.premises.identities.secret(cpe.index, "ACS") if given is None else given


def _inform_enable(cpe: CPE, parameter: Parameter, _: float) -> str:
    interval = cpe.premises.behaviors.inform_interval
    return parameter.value if interval is None else str(int(interval > 0))


def _inform_interval(cpe: CPE, parameter: Parameter, _: float) -> str:
    interval = cpe.premises.behaviors.inform_interval
    return parameter.value if not interval else str(max(1, round(interval)))


def _connection_request_url(cpe: CPE, _: Parameter, now: float) -> str:
    if not cpe.reachable(now):
        return ""
    return cpe.premises.connection_request_url(cpe.serial_number)


def _cr_username(cpe: CPE, _: Parameter, __: float) -> str:
    return cpe.serial_number


def _cr_password(cpe: CPE, _: Parameter, __: float) -> str:
    return cpe.premises.identities.secret(cpe.index, "Connection Request")


def _wan_ip(cpe: CPE, _: Parameter, __: float) -> str:
    return cpe.premises.identities.wan_ip(cpe.index)


def _mac(cpe: CPE, parameter: Parameter, _: float) -> str:
    """The dumped address with the vendor's octets and the dress kept, the last three its own."""
    dumped = parameter.value
    tail = cpe.premises.identities.mac_tail(cpe.index, parameter.number)
    tail = tail.upper() if dumped != dumped.lower() else tail
    colon = dumped[2]
    return dumped[:9] + colon.join((tail[:2], tail[2:4], tail[4:]))


SOURCES: dict[str, Callable[[CPE, Parameter, float], str]] = {
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
}
"""What computes the values that are each CPE's own, by ``Parameter.source``."""
