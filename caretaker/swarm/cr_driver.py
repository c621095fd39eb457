"""
The driver: has Connection Requests sent to random CPEs, as an operator's system does.

It is an open model (decision D6): arrivals are planned by the clock, whatever became of those
before, and latency counts from the planned time. Each worker drives its own shard at its share of
the whole rate. Independent Poisson streams add up to one; constant ones interleave.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import inf
from random import Random
from typing import Any
from urllib.parse import quote

import gevent
import requests
from gevent.event import Event
from gevent.pool import Group
from requests.adapters import HTTPAdapter

from caretaker.connection_request.client import send_connection_request
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import InputError, TransportError
from caretaker.index_set import IndexSet
from caretaker.scenarios.actions import Operator
from caretaker.swarm.locust_stats import LocustStats

TASK = "getParameterValues"
TASK_SECONDS = 10.0
"""How long the north-bound API is asked to wait for a task."""
_TRIES = 50


class NorthBoundOperator:
    """
    Posts a getParameterValues task to an API in GenieACS's form, and waits for its end.

    Args:
        url: of the API, without a path.
    """

    name = TASK

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=1000))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=1000))
        self._session.trust_env = False

    def reaches(self, cpe: CPE) -> bool:
        """The ACS knows where a CPE is, and what to show it, once it has informed in this run."""
        return cpe.ended_at > -inf

    def send(self, cpe: CPE) -> tuple[str, str | None]:
        """Post the task with a Connection Request."""
        return self._post(cpe, {"name": TASK, "parameterNames": [_parameter(cpe)]})

    def download(self, cpe: CPE, task: Mapping[str, Any]) -> tuple[str, str | None]:
        """Post a task that has the CPE download a file."""
        return self._post(cpe, task)

    def _post(self, cpe: CPE, task: Mapping[str, Any]) -> tuple[str, str | None]:
        device = quote(cpe.device_id_struct.device_id, safe="")
        url = f"{self._url}/devices/{device}/tasks?timeout={TASK_SECONDS * 1000:.0f}"
        try:
            answer = self._session.post(
                f"{url}&connection_request", json=dict(task), timeout=TASK_SECONDS + 10
            )
        except requests.Timeout:
            return "failed", "north-bound API: no answer in time"
        except requests.RequestException:
            return "failed", "north-bound API: no connection"
        return _outcome(answer.status_code, answer.reason or "")


def _parameter(cpe: CPE) -> str:
    path = f"{cpe.profile.device_info}UpTime"
    return path if cpe.parameter(path) else f"{cpe.profile.device_info}SoftwareVersion"


def _outcome(status: int, reason: str) -> tuple[str, str | None]:
    """GenieACS: 200 done; 202 queued, offline or faulted, as the reason phrase says."""
    if status == 200:
        return "done", None
    if status == 202 and "fault" not in reason.lower():
        return "queued", None
    return "failed", f"HTTP {status} {reason}".strip()


class DirectOperator:
    """
    Sends the Connection Request itself, as the ACS would, for ACSs without a north-bound API.

    Args:
        shard: knows the CPEs' credentials.
    """

    name = "Connection Request"

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def reaches(self, cpe: CPE) -> bool:
        """It needs no one else to know the CPE; in a session the ACS may be changing its secret."""
        return not cpe.in_session

    def send(self, cpe: CPE) -> tuple[str, str | None]:
        """Send one."""
        serial_number = cpe.serial_number
        url = self._shard.context.connection_request_url(serial_number)
        try:
            status = send_connection_request(url, self._shard.credentials(serial_number))
        except (TransportError, InputError) as error:
            return "failed", str(error)
        return ("done", None) if status in (200, 204) else ("failed", f"HTTP {status}")

    def download(self, _: CPE, __: Mapping[str, Any]) -> None:
        """Without an API there is no way to ask the ACS for it."""
        return


class CRDriver:
    """
    Plans arrivals, and has a Connection Request sent at each to a random CPE that the ACS knows.

    Args:
        sender: sends it, or has the ACS send it.
        shard: whose CPEs.
        sink: takes the tasks.
        held: the indices of this shard.
        rate: arrivals per second of this shard, asked before each.
        arrivals: ``poisson`` or ``constant``.
        rng: picks CPEs and, for poisson, intervals.
    """

    def __init__(
        self,
        sender: Operator,
        shard: Shard,
        sink: LocustStats,
        *,
        held: Callable[[], IndexSet],
        rate: Callable[[], float],
        arrivals: str,
        rng: Random,
    ) -> None:
        self._sender = sender
        self._shard = shard
        self._held = held
        self._rate = rate
        self._poisson = arrivals == "poisson"
        self._sink = sink
        self._rng = rng
        self._tasks = Group()
        self._planner = gevent.spawn(self._plan)

    def _plan(self) -> None:
        due = time.monotonic() + self._rng.random() * self._interval()
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            cpe = self._pick() if self._rate() > 0 else None
            if cpe is not None:
                self._sink.results.time("generator.lateness", max(0.0, time.monotonic() - due))
                self._tasks.add(gevent.spawn(self._act, cpe, due))
            due += self._interval()
            if cpe is None:  # nobody to drive yet: plan from here on, do not catch up
                due = max(due, time.monotonic())

    def _interval(self) -> float:
        rate = self._rate()
        if rate <= 0:
            return 0.2
        return self._rng.expovariate(rate) if self._poisson else 1 / rate

    def _pick(self) -> CPE | None:
        held = self._held()
        size = len(held)
        for _ in range(_TRIES if size else 0):
            cpe = self._shard.cpes.get(held[self._rng.randrange(size)])
            if cpe is not None and _is_ready(cpe) and self._sender.reaches(cpe):
                return cpe
        return None

    def _act(self, cpe: CPE, planned: float) -> None:
        outcome, reason = self._sender.send(cpe)
        self._sink.task(self._sender.name, outcome, time.monotonic() - planned, reason)

    def stop(self, seconds: float, stop_waiting: Event) -> None:
        """Plan no more; wait so long for the tasks under way, or until ``stop_waiting`` is set."""
        self._planner.kill()
        ended: list[Any] = [gevent.spawn(self._tasks.join), stop_waiting]
        gevent.wait(ended, seconds, 1)
        ended[0].kill()
        cut = len(self._tasks)
        if cut:
            self._sink.results.count("tasks.posted", cut)
            self._sink.results.count("tasks.cut", cut)
        self._tasks.kill()


def _is_ready(cpe: CPE) -> bool:
    """Whether it has had its first contact, in this run or before it, and is up."""
    return time.monotonic() >= cpe.down_until and all(
        event.event_code != ev.BOOTSTRAP for event in cpe.pending
    )
