"""Sessions of the embedded ACS without sockets: a scripted CPE posts to its WSGI application."""

from __future__ import annotations

from werkzeug.test import Client, TestResponse

from caretaker.acs.acs import ACS
from caretaker.acs.devices import KnownDevice
from caretaker.acs.sessions import CWMPApp
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import parse_task
from caretaker.cwmp import CWMP_1_2, Envelope, decode, encode
from caretaker.cwmp import messages as m

URL = "Device.ManagementServer.ConnectionRequestURL"
ABOUT = m.DeviceIdStruct("Acme", "00AABB", "R-1", "S1")


def inform(*codes: str, about: m.DeviceIdStruct = ABOUT) -> bytes:
    """The envelope of an Inform; ``1 BOOT`` if no event codes are given."""
    events = tuple(m.EventStruct(code) for code in codes or ("1 BOOT",))
    values = (m.ParameterValueStruct(URL, "http://127.0.0.1:1/cr"),)
    message = m.Inform(about, events, parameter_list=values)
    return encode(Envelope(message, "7", CWMP_1_2))


class ScriptedCPE:
    """A CPE that posts the bodies it is given, and keeps the cookie."""

    def __init__(self, app: CWMPApp) -> None:
        self.app = app
        self._client = Client(app, use_cookies=False)
        self.cookie = ""

    def post(self, body: bytes = b"", **headers: str) -> TestResponse:
        """POST a body to the ACS."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        response = self._client.post("/acs", data=body, headers=sent)
        cookie = response.headers.get("Set-Cookie", "")
        self.cookie = cookie.partition(";")[0] or self.cookie
        return response

    def say(self, message: m.Message, id_: str = "1") -> m.Message | None:
        """Post a message; the message of the answer, None for 204."""
        response = self.post(encode(Envelope(message, id_)))
        assert response.status_code in (200, 204), response.data
        return decode(response.data).message if response.data else None


def acs_and_cpe(**settings: bool) -> tuple[ACS, ScriptedCPE]:
    """An ACS of these settings, and a CPE that posts to it."""
    acs = ACS(**settings)  # type: ignore[arg-type]
    return acs, ScriptedCPE(CWMPApp(acs))


def only(acs: ACS) -> KnownDevice:
    """The one device that has informed."""
    (device,) = acs.devices.values()
    return device


def queue(acs: ACS, name: str, **arguments: object) -> Task:
    """Queue a task for the one device."""
    task = parse_task({"name": name, **arguments})
    only(acs).tasks.append(task)
    return task
