"""
What a CPE knows of the NAT in front of it: its STUN settings and its binding (TR-069 Annex G).

The engine sends the Binding Requests and takes the Connection Requests; here is what they read of
the parameters of ManagementServer, and write to them.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import NamedTuple
from urllib.parse import urlsplit

from caretaker.device import events as ev
from caretaker.device import notifications
from caretaker.device.base import CPEBase
from caretaker.plain_numbers import is_digits

DEFAULT_PORT = 3478
_ADDRESS, _NAT_DETECTED = "UDPConnectionRequestAddress", "NATDetected"
_LIMIT = "UDPConnectionRequestAddressNotificationLimit"
_PARAMETERS = (
    "STUNEnable",
    "STUNServerAddress",
    "STUNServerPort",
    "STUNMinimumKeepAlivePeriod",
    "STUNMaximumKeepAlivePeriod",
    "URL",
)
_ON = ("1", "true")


class STUNSettings(NamedTuple):
    """
    How a CPE uses STUN; nearly all CPEs of a fleet have equal settings, and share one.

    Args:
        host: of the STUN server.
        port: of the STUN server.
        shortest: seconds between Binding Requests, at least.
        longest: seconds between Binding Requests, at most.
    """

    host: str
    port: int
    shortest: float
    longest: float

    def keep_alive(self, wanted: float) -> float:
        """The period of the Binding Requests that is nearest to the wanted one, in seconds."""
        return max(self.shortest, min(wanted, self.longest))


def stun_settings(cpe: CPEBase, now: float) -> STUNSettings | None:
    """How the CPE uses STUN by its parameters; None where it does not."""
    if cpe.management_value(_PARAMETERS[0], now) not in _ON:
        return None
    return _settings_of(tuple([cpe.management_value(last, now) for last in _PARAMETERS[1:]]))


@lru_cache(1024)
def _settings_of(values: tuple[str, ...]) -> STUNSettings:
    host, port, shortest, longest, url = values
    return STUNSettings(
        host or _host_of(url),
        int(port) if _is_number(port) and 0 < int(port) < 1 << 16 else DEFAULT_PORT,
        max(1.0, float(shortest)) if _is_number(shortest) else 1.0,
        float(longest) if _is_number(longest) and int(longest) else inf,  # -1: no maximum
    )


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_number(text: str) -> bool:
    return is_digits(text) and len(text) <= 10  # of 32 bits


def credentials(cpe: CPEBase, now: float) -> tuple[str, str]:
    """STUNUsername and STUNPassword, for a server that has asked for them."""
    return cpe.management_value("STUNUsername", now), cpe.management_value("STUNPassword", now)


def report_binding(cpe: CPEBase, address: str, now: float, *, nat_detected: bool) -> bool:
    """
    Set what the ACS must know of the binding, and report it as the ACS has asked for.

    Args:
        cpe: whose binding it is.
        address: where datagrams reach the CPE, as ``host:port``; empty without STUN.
        now: the present time.
        nat_detected: whether that is another address than the CPE's own.

    Returns:
        Whether something has changed; the CPE may be due then.
    """
    changed = {}
    for last, value in ((_ADDRESS, address), (_NAT_DETECTED, "1" if nat_detected else "0")):
        path = cpe.profile.management_paths[last]
        if cpe.parameter(path) is not None and _differs(cpe.value(path, now), value):
            changed[path] = value
    if not changed:
        return False
    cpe.ensure_overlay().values.update(changed)  # nothing else follows from these two
    for path in changed:
        notifications.notify(cpe, path, now, _earliest(cpe, path, now))
    cpe.reschedule(now)
    return True


def _differs(old: str, new: str) -> bool:
    return old != new and not (new == "0" and old in ("false", "0"))


def _earliest(cpe: CPEBase, path: str, now: float) -> float:
    """When a change may open a session: never before that of the boot, which reports it, too."""
    if any(event.event_code in (ev.BOOTSTRAP, ev.BOOT) for event in cpe.events):
        return inf
    limit = cpe.setting(_LIMIT, 0.0, now) if path.endswith(_ADDRESS) else 0.0
    return cpe.ended_at + limit if limit else now
