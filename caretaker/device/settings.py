"""Settings of a fleet: what its CPEs do by themselves, and how their transfers go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from caretaker.device.transfer_record import FAULT_CODES
from caretaker.errors import InputError


@dataclass(frozen=True, slots=True)
class Behaviors:
    """
    What the CPEs of a fleet do by themselves.

    Args:
        periodic_inform: whether they inform periodically, as PeriodicInformEnable says.
        inform_interval: seconds; instead of the profile's PeriodicInformInterval. 0 is off.
        value_change_events: whether a changed parameter with notification on raises
            ``4 VALUE CHANGE``.
        dynamic_params: whether values that change by themselves do so; otherwise they stay as in
            the profile.
        inform_jitter: the most seconds by which a periodic Inform is late; random for each.
        inform_together: whether CPEs follow the PeriodicInformTime of their profile, all at once;
            otherwise each has a phase of its own until the ACS sets a time.
        boot_delay: the least and most seconds from a boot to its Inform.
    """

    periodic_inform: bool = True
    inform_interval: float | None = None
    value_change_events: bool = True
    dynamic_params: bool = True
    inform_jitter: float = 0.0
    inform_together: bool = False
    boot_delay: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, given: Behaviors | Mapping[str, Any] | None) -> Behaviors:
        """
        The settings of a mapping by name; the defaults of None.

        Raises:
            InputError: a name that is no behaviour.
        """
        if isinstance(given, Behaviors):
            return given
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(given or ()) - set(names))
        if unknown:
            raise InputError(f"behaviors: no {unknown[0]!r}; there are {', '.join(names)}")
        return cls(**(given or {}))


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """
    How transfers go, the same for a fleet.

    Args:
        seconds: the shortest and longest time that a simulated transfer takes.
        failures: the share of simulated transfers that fail, from 0 to 1.
        fault_code: of failed ones; None: 9010, or 9011 for an upload.
        bandwidth: bytes per second of each CPE, 0 for no limit. The time of a simulated download
            with a FileSize follows from it.
        real_hosts: file servers that bytes are really moved to and from; transfers with all
            others are simulated.

    Raises:
        InputError: a value is out of its range.
    """

    seconds: tuple[float, float] = (5.0, 30.0)
    failures: float = 0.0
    fault_code: int | None = None
    bandwidth: float = 0.0
    real_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse values out of their range with InputError."""
        if not 0 <= self.seconds[0] <= self.seconds[1]:
            raise InputError(f"transfer seconds {self.seconds}: not (shortest, longest)")
        if not 0 <= self.failures <= 1:
            raise InputError(f"transfer failures {self.failures}: must be from 0 to 1")
        if self.bandwidth < 0:
            raise InputError(f"bandwidth {self.bandwidth}: can't be below 0")
        if self.fault_code is not None and self.fault_code not in FAULT_CODES:
            raise InputError(f"fault code {self.fault_code}: not one that a transfer can end with")

    @classmethod
    def of(
        cls,
        mode: str,
        hosts: frozenset[str],
        seconds: tuple[float, float],
        failures: float,
        bandwidth: float,
    ) -> TransferSettings:
        """
        The settings of a mode: ``simulated``, or ``real`` with files of these hosts.

        Raises:
            InputError: the mode is neither of the two, or a value is out of its range.
        """
        if mode not in ("simulated", "real"):
            raise InputError(f"transfers {mode!r}: give simulated or real")
        return cls(seconds, failures, None, bandwidth, hosts if mode == "real" else frozenset())
