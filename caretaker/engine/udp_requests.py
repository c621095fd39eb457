"""Connection Requests by UDP: whom one is for, and whether that CPE takes it (TR-069 Annex G)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.stats.records import VerdictSink
from caretaker.stun.udp_connection_request import UDPConnectionRequest
from caretaker.way import Way

DUPLICATE: Final = "duplicates"
_MAX_PARTS = 8
"""Parts of a username that may begin its serial number: OUI-ProductClass-FLEET-000001."""


class UDPRequests:
    """
    Decides on the Connection Requests that come by UDP; none is ever answered.

    Where many CPEs share a socket, only the username tells them apart. Nearly all have usernames
    that end with their serial number, which needs no table.

    Args:
        shard: has the CPEs.
        sink: counts the verdicts.
        clock: seconds, going forward.
    """

    def __init__(self, shard: Shard, sink: VerdictSink, clock: Callable[[], float]) -> None:
        self._shard = shard
        self._sink = sink
        self._clock = clock
        self._others: dict[str, int] = {}
        """The CPEs with usernames that do not end with their serial number."""
        self._taken: dict[int, tuple[int, int]] = {}
        """``UDPConnectionRequest.order`` of the last request that each CPE has taken."""

    def learn(self, cpe: CPE) -> None:
        """Take the username of a CPE, which may be another one now."""
        name = self._username(cpe)
        if name in ("", cpe.url_name):
            return
        if cpe.index not in self._spelled(name):
            if len(self._others) > 2 * len(self._shard.cpes) + 100:  # names that nobody has now
                self._others = {
                    old: index for old, index in self._others.items() if self._is(old, index)
                }
            self._others[name] = cpe.index

    def forget(self, index: int) -> None:
        """Forget what a CPE has taken, which has left or been switched off."""
        self._taken.pop(index, None)

    def addressee(self, name: str) -> int | None:
        """The CPE with this ConnectionRequestUsername; None if there is none here."""
        for index in (*self._spelled(name), self._others.get(name)):
            if index is not None and self._is(name, index):
                return index
        return None

    def _is(self, name: str, index: int) -> bool:
        cpe = self._shard.cpes.get(index)
        return cpe is not None and self._username(cpe) == name

    def _username(self, cpe: CPE) -> str:
        return cpe.management_value("ConnectionRequestUsername", self._clock())

    def _spelled(self, name: str) -> list[int]:
        """The CPEs whose serial number the name is, or ends with."""
        parts = name.split("-", _MAX_PARTS)
        ends = ("-".join(parts[at:]) for at in range(len(parts)))
        found = (self._shard.context.index_of(end) for end in ends)
        return [index for index in found if index is not None]

    def take(self, index: int | None, request: UDPConnectionRequest) -> str:
        """
        Decide on a request, count that, and return the verdict.

        Its order is looked at before its signature, which costs more.

        Args:
            index: of the CPE that it has reached; None if there is none.
            request: what has come.

        Returns:
            One of ``VERDICTS``; ``DUPLICATE``, which is not counted there, for a request that the
            CPE has taken already.
        """
        started = self._clock()
        if index is not None and not request.may_follow(self._taken.get(index)):
            return DUPLICATE
        try:
            verdict = "not_found" if index is None else self._verdict(index, request)
        except DeviceNotFound:
            verdict = "not_found"
        except DeviceBusy:
            verdict = "refused"
        self._sink.connection_request(verdict, self._clock() - started, Way.UDP)
        return verdict

    def _verdict(self, index: int, request: UDPConnectionRequest) -> str:
        url_name = self._shard.context.identities.serial_number(index)
        credentials = self._shard.credentials(url_name)
        is_right = request.is_signed_with(credentials.password)
        if not is_right or request.username != credentials.username:
            return "unauthorized"
        self._taken[index] = request.order
        self._shard.connection_request(url_name, Way.UDP)
        return "accepted"
