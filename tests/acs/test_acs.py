"""The embedded ACS without HTTP: what it keeps of an Inform, and where it may connect to."""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest
from helpers.acs_sessions import ABOUT, URL, ScriptedCPE, acs_and_cpe, inform, only
from helpers.known_devices import ID, acs_with_devices
from helpers.wire import CLOSE, answer, wire

from caretaker.acs import acs as acs_module
from caretaker.acs.acs import ACS, MAX_FILE_HOST, MAX_IDENTITY, MAX_TASKS, MAX_URL
from caretaker.acs.parameters import KnownBytes
from caretaker.acs.sessions import CWMPApp
from caretaker.acs.task_rpcs import parse_task
from caretaker.connection_request.clients import CLIENTS
from caretaker.cwmp import Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials


def test_devices_are_known_by_when_they_informed() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    before = time.time()
    cpe.post(inform())
    device = only(acs)
    assert before <= device.registered == device.last_inform <= time.time()


def test_connection_requests_stay_inside() -> None:
    acs = acs_with_devices()
    acs.devices[ID].url = "http://192.0.2.1/cr"
    invalid = "Invalid connection request URL or protocol"
    assert acs.connection_request(ID) == invalid
    acs.devices[ID].url = "file:///etc/passwd"
    assert acs.connection_request(ID) == invalid
    acs.devices[ID].url = "http://127.0.0.1:1/cr"
    assert acs.connection_request(ID) == "Device is offline"


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answers", "phrase"),
    [
        ([answer("200 OK")], None),
        ([answer("204 No Content")], None),
        ([answer("401 Unauthorized", b"", 'WWW-Authenticate: Digest realm="r", nonce="n"')] * 2,
         "Connection request error: Incorrect connection request credentials"),
        ([answer("503 Busy")], "Connection request error: Unexpected status code 503"),
        ([answer("404 Not Found")], "Connection request error: Unexpected status code 404"),
        ([CLOSE], "Device is offline"),
    ],
)  # fmt: skip
def test_what_became_of_a_connection_request_is_said_as_genieacs_says_it(
    answers: list[Any], phrase: str | None
) -> None:
    acs = acs_with_devices()
    acs.devices[ID].credentials = Credentials("cpe", "secret")
    with wire(*answers) as server:
        acs.devices[ID].url = server.url
        assert acs.connection_request(ID) == phrase


class Calling(ACS):
    """An ACS whose device begins a session while it is called, and goes on in its own time."""

    def __init__(self, *bodies: bytes) -> None:
        super().__init__(provisioning=False)
        self.cpe = ScriptedCPE(CWMPApp(self))
        self._bodies = bodies
        self.cpe.post(inform())
        self.cpe.post()

    def connection_request(self, device_id: str) -> str | None:
        self.device(device_id)
        self.cpe.post(inform("6 CONNECTION REQUEST"))
        gevent.spawn(lambda: [self.cpe.post(body) for body in self._bodies])
        return None


@pytest.mark.parametrize(
    ("bodies", "phrase"),
    [
        ([b"", encode(Envelope(m.RebootResponse(), "1"))], None),
        ([b"", encode(Envelope(m.Fault.of(9002), "1"))], "Task faulted"),
        ([b"", b"<half an envelope"], "Task queued but not processed"),
    ],
    ids=["done", "faulted", "broken off"],
)
def test_the_timeout_bounds_only_the_wait_for_the_session_to_begin(
    bodies: list[bytes], phrase: str | None
) -> None:
    """A task that is done is answered when its session has ended."""
    acs = Calling(*bodies, b"")
    task = parse_task({"name": "reboot"})
    device_id = only(acs).device_id
    assert acs.post_task(device_id, task, 0.0, connection_request=True) == phrase


@pytest.mark.sockets
def test_a_device_that_does_not_come_leaves_its_task_in_the_queue() -> None:
    acs, task = acs_with_devices(), parse_task({"name": "reboot"})
    with wire(answer()) as server:
        acs.devices[ID].url = server.url
        phrase = acs.post_task(ID, task, 0.0, connection_request=True)
    assert phrase == "Task queued but not processed"
    assert acs.devices[ID].tasks == [task]


def test_so_many_tasks_wait_for_one_device() -> None:
    acs = acs_with_devices()
    for _ in range(MAX_TASKS):
        acs.post_task(ID, parse_task({"name": "reboot"}), 0.0, connection_request=False)
    with pytest.raises(InputError, match="1000 tasks wait for this device already"):
        acs.post_task(ID, parse_task({"name": "reboot"}), 0.0, connection_request=False)


@pytest.mark.parametrize(
    ("peer", "host", "allowed", "is_sent"),
    [
        ("127.0.0.1", "127.0.0.1", (), True),
        ("127.0.0.1", "localhost", (), True),
        ("::1", "127.0.0.1", (), True),
        ("192.0.2.7", "192.0.2.7", (), True),
        ("::ffff:192.0.2.7", "192.0.2.7", (), True),
        ("2001:db8::7", "[2001:DB8:0::7]", (), True),
        ("2001:db8::7", "[2001:db8::8]", (), False),
        ("192.0.2.7", "127.0.0.1", (), False),
        ("192.0.2.7", "localhost", (), False),
        ("192.0.2.7", "[::1]", (), False),
        ("192.0.2.7", "[::ffff:127.0.0.1]", (), False),
        ("192.0.2.7", "0.0.0.0", (), False),
        ("192.0.2.7", "127.1", (), False),
        ("192.0.2.7", "192.0.2.8", (), False),
        ("127.0.0.1", "192.0.2.8", (), False),
        ("", "127.0.0.1", (), False),
        ("192.0.2.7", "127.0.0.1", ("127.0.0.1",), True),
        ("192.0.2.7", "cpe.example", ("cpe.example",), True),
    ],
)
def test_an_inform_aims_connection_requests_at_its_own_machine_only(
    monkeypatch: pytest.MonkeyPatch,
    peer: str,
    host: str,
    allowed: tuple[str, ...],
    *,
    is_sent: bool,
) -> None:
    sent: list[str] = []

    def send(url: str, *_: object) -> None:
        sent.append(url)

    monkeypatch.setitem(CLIENTS, "tolerant", send)
    made = ACS(allowed_hosts=allowed)
    made.devices = acs_with_devices().devices
    made.devices[ID].peer = peer
    made.devices[ID].url = f"http://{host}:7547/cr"
    reason = made.connection_request(ID)
    assert bool(sent) is is_sent
    assert (reason is None) is is_sent


def test_a_device_beyond_the_most_is_refused_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acs_module, "MAX_DEVICES", 1)
    acs, cpe = acs_and_cpe(provisioning=False)
    other = ScriptedCPE(cpe.app)
    assert cpe.post(inform()).status_code == 200
    for _ in range(2):
        assert other.post(inform(about=ABOUT._replace(serial_number="S2"))).status_code == 503
    assert cpe.post(inform()).status_code == 200  # it is known
    assert list(acs.devices) == [only(acs).device_id]
    assert [record.getMessage() for record in caplog.records] == [
        "1 devices are known: no more are taken (HTTP 503)"
    ]


def test_where_the_devices_that_are_known_take_all_of_the_memory_no_more_are_taken() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    acs._known = KnownBytes(most=100_000)
    statuses = [
        cpe.post(inform(about=ABOUT._replace(serial_number=f"{number}\u0950" * 20))).status_code
        for number in range(100, 160)
    ]
    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 503}
    assert acs._known.used <= 100_000


def test_an_identity_that_is_too_long_is_refused() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    for name in m.DeviceIdStruct._fields:
        about = ABOUT._replace(**{name: "x" * (MAX_IDENTITY + 1)})
        response = decode(cpe.post(inform(about=about)).data).message
        assert isinstance(response, m.Fault)
        assert response.fault_code == 8003
    assert not acs.devices


def test_a_url_that_is_too_long_is_not_kept() -> None:
    acs = ACS()
    for url in ("http://1.2.3.4/cr", "http://" + "x" * MAX_URL):
        values = (m.ParameterValueStruct(URL, url),)
        acs.informed(m.Inform(ABOUT, (), parameter_list=values), "1.2.3.4")
    assert only(acs).url == "http://1.2.3.4/cr"


def test_a_host_header_that_is_too_long_is_not_kept() -> None:
    acs = ACS()
    for host in ("acs:7547", "x" * (MAX_FILE_HOST + 1)):
        acs.informed(m.Inform(ABOUT, ()), "1.2.3.4", host)
    assert only(acs).file_host == "acs:7547"


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("cr_client", "phrase"),
    [("tolerant", None), ("genieacs", "Basic HTTP authentication not allowed")],
)
def test_connection_requests_are_sent_by_the_chosen_client(
    cr_client: str, phrase: str | None
) -> None:
    acs = ACS(cr_client=cr_client)
    acs.devices = acs_with_devices().devices
    acs.devices[ID].credentials = Credentials("cpe", "secret")
    with wire(answer("401 No", b"", 'WWW-Authenticate: Basic realm="r"'), answer()) as server:
        acs.devices[ID].url = server.url
        assert acs.connection_request(ID) == phrase
