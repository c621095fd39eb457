"""Settings and counters that the CPEs of a worker share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from caretaker.device.accepted_requests import AcceptedRequests
from caretaker.device.events import EventAccounting
from caretaker.device.identity import Identities
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.reachability import Reachability
from caretaker.device.settings import Behaviors, TransferSettings


@dataclass(slots=True)
class FleetContext:
    """
    Settings and counters that the CPEs of a worker share.

    Args:
        identities: make serial numbers, credentials and addresses of the index of a CPE.
        acs_url: the URL of the ACS, until the ACS sets another.
        connection_request_url: returns the ConnectionRequestURL of a serial number.
        behaviors: what the CPEs do by themselves.
        acs_username, acs_password: credentials towards the ACS, the same for all CPEs; None: each
            CPE has its own.
        reboot_seconds: the shortest and longest outage of a reboot.
        wall_offset: seconds since 1970 minus the clock of ``now``.
        check_id: whether answers must carry the cwmp:ID of the request.
        books: counts events raised, delivered and discarded.
        accepted: the Connection Requests that CPEs have accepted.
        transfers: how Download and Upload go.
        transfer_counts: how transfers ended, by the names in docs/summary.md.
        devices: the list that CPEs have their identities of, each that of its index; None: they
            have those of ``identities``.
        unsaved: the indices of the CPEs whose ``PersistentState`` has changed, for who keeps it
            to take; None: nobody keeps it.
        reach_watchers: those of ``watch_reach``.
        reach: how the CPEs can be reached; None: all at their ConnectionRequestURL.
        on_restart: called with the index of a CPE that loses power or reboots, and so forgets
            what devices hold in RAM alone.
    """

    identities: Identities = field(default_factory=Identities)
    acs_url: str = ""
    connection_request_url: Callable[[str], str] = "http://127.0.0.1/cr/{}".format
    behaviors: Behaviors = field(default_factory=Behaviors)
    acs_username: str | None = None
    acs_password: str | None = None
    reboot_seconds: tuple[float, float] = (10.0, 30.0)
    wall_offset: float = 0.0
    check_id: bool = True
    books: EventAccounting = field(default_factory=EventAccounting)
    accepted: AcceptedRequests = field(default_factory=AcceptedRequests)
    transfers: TransferSettings = field(default_factory=TransferSettings)
    transfer_counts: Counter[str] = field(default_factory=Counter)
    devices: ListedDevices | None = None
    unsaved: set[int] | None = None
    reach_watchers: list[set[int]] = field(default_factory=list)
    reach: Reachability | None = None
    on_restart: Callable[[int], None] | None = None

    def watch_reach(self) -> set[int]:
        """
        A set that takes the indices of CPEs from now on, for who watches the ways to them.

        Taken are CPEs whose parameters on the ways of Connection Requests may have changed.
        """
        changed: set[int] = set()
        self.reach_watchers.append(changed)
        return changed

    def unwatch_reach(self, changed: set[int]) -> None:
        """Have a set of ``watch_reach`` take no more; once more does nothing."""
        # By identity: two empty sets are equal, and the other one's watcher still needs it.
        self.reach_watchers = [each for each in self.reach_watchers if each is not changed]

    def serial_number(self, index: int) -> str:
        """The serial number of the CPE with this index."""
        if self.devices is None:
            return self.identities.serial_number(index)
        return self.devices.serial_number(index)

    def index_of(self, serial_number: str) -> int | None:
        """The index of a serial number of the fleet, None if it can't be one."""
        return (self.devices or self.identities).index_of(serial_number)

    def starting_with(self, text: str) -> list[tuple[int, int]]:
        """Where the serial numbers are that begin so, as half-open ranges, lowest first."""
        return (self.devices or self.identities).starting_with(text)

    def date(self, now: float) -> str:
        """``now`` as Inform's CurrentTime: local time with a numeric offset (A.3.3.1)."""
        return _local_time(int(now + self.wall_offset))


@lru_cache(8)
def _local_time(wall: int) -> str:
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")
