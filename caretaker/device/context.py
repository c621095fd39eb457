"""What the CPEs of a shard share: the place they are installed at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from caretaker.device.behavior import Behaviors
from caretaker.device.events import EventAccounting
from caretaker.device.identity import Identities
from caretaker.device.transfers import TransferSettings


@dataclass(slots=True)
class FleetContext:
    """
    What the CPEs of a shard share: the place they are installed at.

    Args:
        identities: who they are.
        acs_url: where they inform.
        connection_request_url: of a serial number, at the server of this shard.
        behaviors: what they do by themselves.
        acs_username, acs_password: credentials towards the ACS, the same for all; own ones for
            each CPE where None.
        reboot_seconds: the shortest and longest outage of a reboot.
        wall_offset: seconds since 1970 minus the clock of ``now``.
        check_id: whether answers must carry the cwmp:ID of the request.
        transfers: how Download and Upload go.
        transfer_counts: what became of them, by the names in docs/summary.md.
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
    transfers: TransferSettings = field(default_factory=TransferSettings)
    transfer_counts: Counter[str] = field(default_factory=Counter)

    def date(self, now: float) -> str:
        """``now`` as Inform's CurrentTime: local time with a numeric offset (A.3.3.1)."""
        return _local_time(int(now + self.wall_offset))


@lru_cache(8)
def _local_time(wall: int) -> str:
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")
