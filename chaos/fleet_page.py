"""What the Fleet page of a run says, for programs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import requests

TIMEOUT = 30.0
"""Seconds for one answer: a worker that is frozen is waited for."""


class Device(NamedTuple):
    """A CPE with power, as the worker that holds it sees it."""

    serial: str
    state: str
    failures: int


class Standing(NamedTuple):
    """
    How the run stands.

    Args:
        workers: that are there.
        cpes: that have power.
        retrying: how many of them wait for the retry of a session.
        is_running: whether the load test goes on.
    """

    workers: int
    cpes: int
    retrying: int
    is_running: bool


class FleetPage:
    """
    Asks the web UI of a run.

    Args:
        url: of the web UI, without a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def _get(self, path: str, **query: int) -> Any:
        answer = self._session.get(f"{self._url}{path}", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def standing(self) -> Standing | None:
        """How the run stands; None while nobody answers."""
        try:
            told = self._get("/fleet/standing", first=2**40)
        except requests.RequestException:
            return None
        workers = told["workers"]
        cpes = sum(worker["cpes"] for worker in workers)
        return Standing(len(workers), cpes, told["cpes"]["retrying"], told["running"])

    def drive(self, users: int, cr_rate: float) -> bool:
        """Have operators ask for so many Connection Requests a second; whether the run will."""
        form = {"user_count": users, "spawn_rate": users, "cr_rate": cr_rate}
        try:
            answer = self._session.post(f"{self._url}/swarm", data=form, timeout=TIMEOUT)
            return bool(answer.json()["success"])
        except requests.RequestException:
            return False

    def devices(self) -> Sequence[Device]:
        """
        All CPEs with power, one row for each worker that holds it.

        Raises:
            requests.RequestException: the page does not answer.
        """
        rows: list[Device] = []
        start: int | None = 0
        while start is not None:
            page = self._get("/fleet/devices", start=start)
            rows += [Device(row["serial"], row["state"], row["failures"]) for row in page["rows"]]
            start = page["next"]
        return rows


class TwiceWatch:
    """
    Looks all the time, in a thread, whether two workers hold a serial number at the same time.

    Each page of the list asks all workers at once, so none can give a CPE away in between.

    Args:
        page: of the run; for this thread alone.
    """

    INTERVAL = 1.0
    """Seconds between two looks."""

    def __init__(self, page: FleetPage) -> None:
        self.twice: set[str] = set()
        """The serial numbers that were held twice."""
        self.looks = 0
        """How often the whole list was seen."""
        self._page = page
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End with the present look."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(self.INTERVAL):
            with suppress(requests.RequestException):
                self.twice |= held_twice(self._page.devices())
                self.looks += 1


def held_twice(devices: Sequence[Device]) -> set[str]:
    """The serial numbers of which the list has more than one row."""
    rows = Counter(device.serial for device in devices)
    return {serial for serial, number in rows.items() if number > 1}
