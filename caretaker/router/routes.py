"""Which worker holds which CPEs: what the master publishes, and how a router finds a worker."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Self

from caretaker.device.identity import Identities
from caretaker.errors import DeviceNotFound, InputError
from caretaker.http.endpoint import Address


@dataclass(frozen=True)
class WorkerRoute:
    """
    A worker, and the CPEs that it holds.

    Args:
        url: of its Connection Request server, as the router reaches it, like http://10.0.0.5:7548
            or https://10.0.0.5:7548.
        ranges: the indices of its CPEs, as half-open ranges.
    """

    url: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Routes:
    """
    All workers of a fleet, with their CPEs.

    A serial number is its prefix and its index, so ranges of indices say all; the seed, from which
    passwords follow, is not among it.

    Args:
        serial_prefix: of the serial numbers.
        size: indices from 0 to ``size - 1`` are the fleet's, whether or not a worker holds them.
        workers: each with its CPEs.
    """

    serial_prefix: str = ""
    size: int = 0
    workers: tuple[WorkerRoute, ...] = ()

    def to_json(self) -> bytes:
        """As ``from_json`` reads it."""
        workers = [{"url": worker.url, "ranges": worker.ranges} for worker in self.workers]
        made = {"serial_prefix": self.serial_prefix, "size": self.size, "workers": workers}
        return json.dumps(made, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """
        What ``to_json`` made.

        Raises:
            InputError: it is something else.
        """
        try:
            made: dict[str, Any] = json.loads(data)
            workers = tuple(
                WorkerRoute(_url(str(each["url"])), tuple(map(_range, each["ranges"])))
                for each in made["workers"]
            )
            return cls(str(made["serial_prefix"]), int(made["size"]), workers)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise InputError("these are no routes of Caretaker") from error


def _url(text: str) -> str:
    Address.of(text)  # refuses what is no http or https URL
    return text


def _range(pair: Any) -> tuple[int, int]:
    start, stop = pair
    return int(start), int(stop)


class RouteTable:
    """
    Finds the worker of a CPE, in O(log n) steps of n ranges.

    Args:
        routes: to look in.
    """

    def __init__(self, routes: Routes) -> None:
        self._identities = Identities(prefix=routes.serial_prefix)
        self._size = routes.size
        spans = sorted(
            (start, stop, worker.url) for worker in routes.workers for start, stop in worker.ranges
        )
        self._starts = [start for start, _, _ in spans]
        self._spans = spans

    def worker_of(self, serial_number: str) -> str | None:
        """
        The URL of the worker that holds a CPE; None while none does.

        Raises:
            DeviceNotFound: the fleet has no such serial number.
        """
        index = self._identities.index_of(serial_number)
        if index is None:
            raise DeviceNotFound(serial_number)
        place = bisect_right(self._starts, index) - 1
        if place >= 0 and index < self._spans[place][1]:
            return self._spans[place][2]
        if index >= self._size:
            raise DeviceNotFound(serial_number)
        return None
