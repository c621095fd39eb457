"""Recorded sessions, of real ACSs and of ours: the engine and greenlets say the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.engine_benches import EMPTY, EngineBench, Story, said, told
from helpers.wire import CLOSE, Wire, wire

from caretaker.acs.server import ACSServer
from caretaker.cwmp import decode
from caretaker.cwmp import messages as m
from caretaker.device import plain_answers
from caretaker.device.settings import TransferSettings
from caretaker.engine.recorder import Recorder
from caretaker.http.credentials import Credentials

_INFORM = re.compile(rb"<[\w-]*:?Inform[ >]")
_CLOSES = re.compile(rb"(?i)\r\nconnection: *close\r\n")
_TIMES = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?")
_ID = re.compile(rb"(<[\w-]*:?ID\b[^>]*>)([^<]*)(</)")
_LENGTH = re.compile(rb"(?i)(\r\ncontent-length: *)[0-9]+")
_KEEPS = re.compile(rb"(?i)\r\nconnection: *[a-z-]+")

QUICK = {
    "reboot_seconds": (0.0, 0.0),
    "transfers": TransferSettings(seconds=(0.0, 0.0)),
    "acs_username": "labcpe",
    "acs_password": "labpass",
}
"""Of the CPEs: nobody waits for a boot or a transfer."""


class Recorded(NamedTuple):
    """
    One recorded session.

    Args:
        name: of its recording, and its number in that.
        profile: a built-in one whose root is that of the recorded CPE.
        answers: of the ACS, byte by byte.
    """

    name: str
    profile: str
    answers: tuple[bytes, ...]


def recorded_sessions(folder: Path) -> Iterator[Recorded]:
    """The sessions of all recordings of a folder that were held with an ACS, Inform by Inform."""
    for path in sorted(folder.glob("*/meta.json")):
        number, answers, profile = 0, list[bytes](), ""
        for file in sorted(path.parent.glob("*.request.http")):
            request = file.read_bytes()
            answer = file.with_name(file.name.replace("request", "response")).read_bytes()
            is_inform = _INFORM.search(request) is not None
            if is_inform and answers and not answers[-1].startswith(b"HTTP/1.1 401"):
                number += 1
                yield Recorded(f"{path.parent.name} {number}", profile, tuple(answers))
                answers = []
            if is_inform:
                profile = "tr098" if b"InternetGatewayDevice" in request else "tr181"
            if profile and answer:
                answers.append(answer)
        if answers:
            yield Recorded(f"{path.parent.name} {number + 1}", profile, tuple(answers))


Request = tuple[int, str, dict[str, str], bytes]


def as_recorded(answer: bytes) -> Any:
    """An answer byte by byte; the server closes where the ACS said so."""
    head = answer.partition(b"\r\n\r\n")[0] + b"\r\n"
    return (answer, CLOSE) if _CLOSES.search(head) else answer


def with_our_ids(answer: bytes) -> Any:
    """An answer that repeats the cwmp:ID of our request, as the ACS would have."""

    def reply(request: Request) -> Any:
        head, _, body = answer.partition(b"\r\n\r\n")
        asked = _ID.search(request[3])
        if asked and b"Response" in body and _LENGTH.search(head):
            body = _ID.sub(lambda found: found[1] + asked[2] + found[3], body)
            head = _LENGTH.sub(b"\\g<1>%d" % len(body), head)
        return as_recorded(head + b"\r\n\r\n" + body)

    return reply


def in_chunks(answer: bytes) -> Any:
    """An answer in two chunks, as proxies send it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not body or not _LENGTH.search(head):
        return as_recorded(answer)
    head = _LENGTH.sub(b"\r\nTransfer-Encoding: chunked", head)
    chunks = [b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:9], body[9:]) if each]
    return as_recorded(head + b"\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n")


def with_closed_connections(answer: bytes) -> Any:
    """An answer after which the server closes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    head = _KEEPS.sub(b"", head)
    return (head + b"\r\nConnection: close\r\n\r\n" + body, CLOSE)


FORMS: dict[str, tuple[Callable[[bytes], Any], bool]] = {
    "as recorded": (as_recorded, False),
    "as recorded, by CPEs that want their IDs": (as_recorded, True),
    "with our IDs": (with_our_ids, True),
    "in chunks": (in_chunks, False),
    "with closed connections": (with_closed_connections, False),
}
"""How recorded answers are sent, and whether the CPE wants its cwmp:ID in them."""


def good(request: Request) -> bytes:
    """What an ACS that has nothing to ask says to any request, when a recording has ended."""
    if not request[3]:
        return EMPTY
    envelope = decode(request[3])
    message: m.Message = m.InformResponse()
    if isinstance(envelope.message, m.Request):
        message = envelope.message.response()
    return said(message, envelope.id or "")


def play(server: Wire, recorded: Recorded, form: str, *, with_engine: bool) -> Story:
    """Be the recorded ACS, thrice, to a CPE that has booted; what comes of it."""
    as_sent, check_id = FORMS[form]
    answers = [as_sent(answer) for answer in recorded.answers]
    server.answers = [good] * 50
    server.requests.clear()
    server.received.clear()
    server.connections = 0
    bench = EngineBench(
        server.url,
        with_engine=with_engine,
        profile=recorded.profile,
        context={**QUICK, "check_id": check_id},
    )
    bench.boot()
    for _ in range(3):
        server.answers = [*answers, *[good] * 50]
        bench.inform()
    story = told(bench, server)
    story["received"] = [_TIMES.sub(b"", request) for request in server.received]
    story["requests"] = [number for number, *_ in server.requests]
    story["by"] = bench.carried, bench.counted("handed_over")
    bench.shard.stop()
    return story


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digest makes nothing of chance, and requests are known when they come for the third time."""
    monkeypatch.setattr("secrets.token_hex", lambda size: "5" * 2 * size)
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 1)


def assert_alike(sessions: list[Recorded], form: str) -> None:
    with wire() as server:
        for recorded in sessions:
            carried = play(server, recorded, form, with_engine=True)
            by_greenlets = play(server, recorded, form, with_engine=False)
            assert carried.pop("by")[0] >= 3, recorded.name
            assert by_greenlets.pop("by")[0] == 0
            assert carried["received"] == by_greenlets["received"], recorded.name
            assert carried == by_greenlets, recorded.name


@pytest.mark.usefixtures("fixed")
@pytest.mark.parametrize("form", FORMS)
def test_sessions_of_real_acss_are_the_same_bytes(captures: Path, form: str) -> None:
    sessions = list(recorded_sessions(captures))
    assert len(sessions) >= 40
    answers = b"".join(answer for each in sessions for answer in each.answers)
    wanted = (
        b"GetParameterValues", b"SetParameterValues", b"AddObject", b"Download", b"Reboot",
        b"FactoryReset", b"Digest", b"Set-Cookie", b"HTTP/1.1 100",
    )  # fmt: skip
    assert [name for name in wanted if name not in answers] == []
    assert_alike(sessions, form)


@pytest.mark.usefixtures("fixed")
def test_sessions_of_real_acss_are_carried_to_their_end(captures: Path) -> None:
    """Those with an error or an interim answer are not: the ACS closes, or goes on elsewhere."""
    odd = re.compile(rb"HTTP/1.1 (1|400|5)")
    with wire() as server:
        for recorded in recorded_sessions(captures):
            _, handed_over = play(server, recorded, "as recorded", with_engine=True)["by"]
            is_odd = any(odd.match(answer) for answer in recorded.answers)
            assert bool(handed_over) == is_odd, recorded.name


TASKS: dict[str, dict[str, Any]] = {
    "values": {"name": "getParameterValues", "parameterNames": ["Device.DeviceInfo.UpTime"]},
    "tree": {"name": "refreshObject", "objectName": "Device.DeviceInfo"},
    "setting": {
        "name": "setParameterValues",
        "parameterValues": [["Device.ManagementServer.PeriodicInformInterval", 300]],
    },
    "row": {"name": "addObject", "objectName": "Device.ManagementServer.InformParameter"},
    "fault": {"name": "deleteObject", "objectName": "Device.DeviceInfo."},
    "download": {
        "name": "download",
        "fileType": "1 Firmware Upgrade Image",
        "fileName": "image.bin",
        "url": "http://127.0.0.1/image.bin",
    },
    "reboot": {"name": "reboot"},
    "factory reset": {"name": "factoryReset"},
}
"""What the embedded ACS is asked to have done, a session each."""


def recorded_by_ours(
    folder: Path, credentials: Credentials | None = None, profile: str = "tr181"
) -> list[Recorded]:
    """Sessions of a kind of device with the embedded ACS, as ``--record`` keeps them."""
    recorder = Recorder(folder, 1.0, "ours")
    with ACSServer(credentials=credentials) as acs:
        bench = EngineBench(
            acs.url, with_engine=False, recorder=recorder, profile=profile, context=QUICK
        )
        bench.boot()
        (device,) = acs.devices()
        root = bench.box.profile.model.root
        for task in TASKS.values():
            own = json.loads(json.dumps(task).replace('"Device.', f'"{root}'))
            acs.post_task(device, own, connection_request=False)
            bench.inform()
            bench.settle()
        bench.shard.stop()
    recorder.close(20.0)
    return [each._replace(profile=profile) for each in recorded_sessions(folder)]


def assert_all_is_asked(sessions: list[Recorded]) -> None:
    answers = b"".join(answer for each in sessions for answer in each.answers)
    wanted = (
        b"GetParameterValues", b"SetParameterValues", b"AddObject", b"DeleteObject", b"Download",
        b"Reboot", b"FactoryReset", b"TransferCompleteResponse",
    )  # fmt: skip
    assert [name for name in wanted if name not in answers] == []


@pytest.mark.usefixtures("fixed")
@pytest.mark.parametrize("credentials", [None, Credentials("labcpe", "labpass")])
def test_sessions_of_the_embedded_acs_are_the_same_bytes(
    tmp_path: Path, credentials: Credentials | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caretaker.engine.recorder.PER_SECOND", 100)
    sessions = recorded_by_ours(tmp_path / "kept", credentials)
    assert_all_is_asked(sessions)
    answers = b"".join(answer for each in sessions for answer in each.answers)
    assert (b"www-authenticate: digest" in answers.lower()) == (credentials is not None)
    assert_alike(sessions, "as recorded, by CPEs that want their IDs")


@pytest.mark.usefixtures("fixed")
@pytest.mark.parametrize(
    "name",
    ["huawei-bm632w.tr098", "tplink-ec220-g5.tr181", "tplink-ex220.tr181", "zte-h199a.tr098"],
)
def test_sessions_of_real_devices_are_the_same_bytes(
    name: str, devices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caretaker.engine.recorder.PER_SECOND", 100)
    sessions = recorded_by_ours(tmp_path / "kept", profile=str(devices / f"{name}.csv"))
    assert_all_is_asked(sessions)
    assert_alike(sessions, "as recorded")
