"""The behaviour of one CPE as a user of ``Fleet.get_device`` sees it."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.device.events import Events
from caretaker.device.settings import Behaviors


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
        """The codes of the events that are not delivered yet, in the order raised."""
        return [event.event_code for event in self._events()]
