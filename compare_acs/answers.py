"""What an ACS answers to the steps, without what differs from run to run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import requests

from caretaker.errors import InputError
from caretaker.fleet import Fleet
from compare_acs.steps import OFFLINE_STEPS, STEPS, Step

ANSWER_SECONDS = 200.0
"""GenieACS may take 150 s for a task."""
CONTACT_SECONDS = 60.0
"""How long the CPE's first session may take to show in the north-bound API."""
_HEADERS = ("Allow", "total", "Content-Encoding")
"""Headers that are compared."""
_WITH_REASON = (202, 504)
"""Statuses whose reason phrase says something."""
_VARYING = {"timestamp": "TIME", "_id": "ID", "channel": "CHANNEL"}
"""Fields of tasks and faults whose values differ in each run."""


class Answer(NamedTuple):
    """What an ACS answered: status, reason phrase, headers and body, as one text each."""

    status: str
    headers: str
    body: str


class Target(NamedTuple):
    """
    The ACS that is asked.

    Args:
        url: for CPEs, with a slash at the end.
        north_bound_url: for operators, without one.
    """

    url: str
    north_bound_url: str


def answers_of(target: Target, cr_host: str, first_index: int) -> dict[str, Answer]:
    """
    The answers of an ACS to all steps, by their names; a CPE of ours is its device.

    Args:
        target: the ACS.
        cr_host: the address of this machine at which the ACS can reach the CPE.
        first_index: of the CPE.

    Raises:
        InputError: the ACS can't be reached, or the CPE's Inform does not reach it.
    """
    fleet = Fleet(
        target.url,
        oui_prefix="COMPARE",
        profiles=["tr181"],
        connection_request_host=cr_host,
        first_index=first_index,
    )
    asking = _Asking(target)
    with fleet:
        (serial,) = fleet.list_devices()
        asking.device_id = fleet.get_device(serial).device_id
        asking.wait_for_device()
        answers = asking.all(STEPS)
    return {**answers, **asking.all(OFFLINE_STEPS)}


class _Asking:
    """Asks one ACS."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._session = requests.Session()
        self._session.trust_env = False
        self._task_id = ""
        self.device_id = ""

    def wait_for_device(self) -> None:
        """Wait until the CPE's first session has ended."""
        query = json.dumps({"_id": self.device_id})
        url = f"{self._target.north_bound_url}/devices/?query={quote(query)}&projection=_id"
        deadline = time.monotonic() + CONTACT_SECONDS
        while time.monotonic() < deadline:
            if self._send("GET", url).json():
                return
            time.sleep(0.5)
        raise InputError(f"{self._target.url}: no Inform of {self.device_id} has arrived there")

    def all(self, steps: Iterable[Step]) -> dict[str, Answer]:
        """The answers to these steps."""
        return {step.name: self._answer(step) for step in steps}

    def _answer(self, step: Step) -> Answer:
        path = self._filled(step.path, quote(self.device_id, safe=""))
        base = self._target.url.rstrip("/") if step.is_cwmp else self._target.north_bound_url
        query = urlencode([(name, self._filled(value)) for name, value in step.parameters])
        body = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
        response = self._send(step.method, f"{base}{path}?{query}", body, dict(step.headers))
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        reason = f" {response.reason}" if response.status_code in _WITH_REASON else ""
        text = self._normalised(response) if step.shows_body else ""
        return Answer(f"{response.status_code}{reason}", json.dumps(headers), text)

    def _filled(self, text: str, device_id: str = "") -> str:
        return text.replace("DEVICE", device_id or self.device_id).replace("TASK", self._task_id)

    def _send(self, method: str, url: str, body: bytes = b"", headers: Any = None) -> Any:
        try:
            return self._session.request(
                method, url, data=body, headers=headers, timeout=ANSWER_SECONDS
            )
        except requests.RequestException as error:
            raise InputError(f"{url}: no answer ({type(error).__name__})") from error

    def _normalised(self, response: requests.Response) -> str:
        try:
            document = response.json()
        except ValueError:
            return response.text.strip()
        if isinstance(document, dict) and "_id" in document:
            self._task_id = document["_id"]
        text = json.dumps(_without_varying(document), sort_keys=True)
        return text.replace(self.device_id, "DEVICE")


def _without_varying(document: Any) -> Any:
    """The document with a word for each value that differs from run to run."""
    if isinstance(document, list):
        return sorted(map(_without_varying, document), key=json.dumps)
    if not isinstance(document, dict):
        return document
    is_of_task = "device" in document
    return {
        name: _VARYING[name] if is_of_task and name in _VARYING else value
        for name, value in document.items()
    }
