"""
What a CPE does and changes by itself, without the ACS asking.

``Behaviors`` are the settings, shared by a fleet; ``DynamicBehavior`` is one CPE's behaviour as a
user of ``Fleet.get_device`` sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from caretaker.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from caretaker.device.events import Events


@dataclass(frozen=True, slots=True)
class Behaviors:
    """
    What the CPEs of a fleet do by themselves.

    Args:
        periodic_inform: whether they inform periodically, as PeriodicInformEnable says.
        inform_interval: seconds; instead of the profile's PeriodicInformInterval. 0 is off.
        value_change_events: whether a changed parameter with notification on raises
            ``4 VALUE CHANGE``.
        dynamic_params: whether what changes by itself does; otherwise it stays as in the profile.
        inform_jitter: seconds by which each periodic Inform is late at most, by chance.
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


class DynamicBehavior:
    """
    The behaviour of one CPE.

    Args:
        settings: of its fleet.
        events: returns the CPE's pending events.
    """

    def __init__(self, settings: Behaviors, events: Callable[[], Events]) -> None:
        self.settings = settings
        self._events = events

    def pending_events(self) -> list[str]:
        """The codes of the events that the ACS has not been told yet, in the order raised."""
        return [event.event_code for event in self._events()]
