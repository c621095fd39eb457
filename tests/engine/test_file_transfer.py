"""Moving bytes over real sockets: what is asked, what is counted, and which fault is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.wire import CLOSE, HANG, RESET, Wire, answer, hang_until_late, wire

from caretaker import errors
from caretaker.cwmp import messages as m
from caretaker.engine.file_transfer import (
    CONFIGURATION_BYTES,
    ERRORS,
    LOG_BYTES,
    MAX_SECONDS,
    STATUSES,
    FileTransferClient,
    FileTransferResult,
)
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.testing import Clock

pytestmark = pytest.mark.sockets
FILE = b"x" * 200_000


def mover(server: Wire, **settings: Any) -> FileTransferClient:
    return FileTransferClient(Endpoint(Address.of(server.url), 60.0), **settings)


def get(server: Wire, **more: Any) -> m.Download:
    return m.Download("k", "2 Web Content", server.url.replace("/acs", "/files/x?y=1"), **more)


def put(server: Wire, file_type: str = "2 Vendor Log File", **more: Any) -> m.Upload:
    return m.Upload("k", file_type, server.url.replace("/acs", "/in/log"), **more)


def test_a_download_is_a_get_whose_bytes_are_counted() -> None:
    with wire(answer(body=FILE)) as server:
        assert mover(server).move(get(server)) == FileTransferResult(0, 0, len(FILE))
        ((_, line, headers, body),) = server.requests
    assert (line, body) == ("GET /files/x?y=1 HTTP/1.1", b"")
    assert "content-length" not in headers
    assert "authorization" not in headers


def test_a_scheduled_download_is_one_too() -> None:
    with wire(answer(body=FILE)) as server:
        window = m.TimeWindowStruct(0, 9, "1 At Any Time")
        request = m.ScheduleDownload("k", "2 Web Content", server.url, time_window_list=(window,))
        assert mover(server).move(request) == FileTransferResult(0, 0, len(FILE))


def test_a_file_without_a_length_ends_with_the_connection() -> None:
    with wire((b"HTTP/1.1 200 OK\r\n\r\n", FILE, CLOSE)) as server:
        assert mover(server).move(get(server)).received == len(FILE)


@pytest.mark.rule("8.3-18")
@pytest.mark.parametrize(
    ("file_type", "size"),
    [
        ("1 Vendor Configuration File", CONFIGURATION_BYTES),
        ("3 Vendor Configuration File 2", CONFIGURATION_BYTES),
        ("2 Vendor Log File", LOG_BYTES),
        ("X ACME Dump", CONFIGURATION_BYTES),
    ],
)
def test_an_upload_is_a_put_of_made_up_bytes(file_type: str, size: int) -> None:
    with wire(answer("201 Created")) as server:
        assert mover(server).move(put(server, file_type)) == FileTransferResult(0, size, 0)
        ((_, line, headers, body),) = server.requests
    assert line == "PUT /in/log HTTP/1.1"
    assert (int(headers["content-length"]), len(body)) == (size, size)
    assert b"Made up" in body


@pytest.mark.rule("8.3-16")
@pytest.mark.parametrize("make", [get, put])
@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
def test_it_logs_in_when_asked(scheme: str, make: Callable[..., Any]) -> None:
    guard = DigestVerifier("files", lambda: 100.0, allow_basic=True)
    own = Credentials("me", "secret")

    def serve(request: tuple[int, str, dict[str, str], bytes]) -> bytes:
        method, target, _ = request[1].split(" ")
        offered = guard.check(own, method, target, request[2].get("authorization"))
        offered = [each for each in offered if each.startswith(scheme)]
        if offered:
            return answer("401 Unauthorized", b"no", *[f"WWW-Authenticate: {o}" for o in offered])
        return answer(body=b"file")

    with wire(serve, serve) as server:
        moved = mover(server).move(make(server, username="me", password="secret"))
        assert moved.fault_code == 0
        assert [headers.get("authorization", "")[:5] for _, _, headers, _ in server.requests] == [
            "",
            scheme[:5],
        ]
    with wire(serve, serve) as server:
        assert mover(server).move(make(server, username="me", password="x")).fault_code == 9012
    with wire(serve) as server:
        assert mover(server).move(make(server)).fault_code == 9012


@pytest.mark.parametrize("make", [get, put])
@pytest.mark.parametrize(
    ("reply", "download", "upload", "reason"),
    [
        (answer("404 Not Found", b"gone"), 9016, 9016, "HTTP 404"),
        (answer("403 Forbidden"), 9016, 9016, "HTTP 403"),
        (answer("410 Gone"), 9016, 9016, "HTTP 410"),
        (answer("500 Oops"), 9010, 9011, "HTTP 500"),
        (answer("304 Not Modified"), 9010, 9011, "HTTP 304"),
        (CLOSE, 9017, 9011, "connection closed without an answer"),
        (RESET, 9017, 9011, "connection reset"),
        (HANG, 9017, 9011, "no answer in time"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", CLOSE), 9017, 9011,
         "connection closed in the middle of an answer"),
        ((b"220 files FTP server ready\r\n", CLOSE), 9010, 9011,
         "answer is FTP or SMTP, not HTTP"),
        (answer("302 Found", b"", "Location: ftp://127.0.0.1/x"), 9016, 9016,
         "redirect to what is no http address"),
        (answer("302 Found", b"", "Location: http://127.0.0.2/x"), 9016, 9016,
         "redirect to a host that is not allowed"),
    ],
)  # fmt: skip
def test_failures_have_their_faults_and_reasons(
    make: Callable[..., Any], reply: Any, download: int, upload: int, reason: str
) -> None:
    clock = Clock()
    with wire(hang_until_late(clock) if reply is HANG else reply) as server:
        endpoint = Endpoint(Address.of(server.url), timeout=0.1, clock=clock)
        moved = FileTransferClient(endpoint).move(make(server))
    assert moved[:3] == (download if make is get else upload, 0, 0)
    assert moved.reason == reason


def test_nobody_there_is_9015() -> None:
    with wire() as server:
        request = get(server)
    assert mover(server).move(request) == (9015, 0, 0, "connection refused", "")


def test_a_host_that_is_not_allowed_is_never_asked() -> None:
    with wire() as server, wire() as other:
        elsewhere = m.Download("k", "2 Web Content", other.url.replace("127.0.0.1", "localhost"))
        assert mover(server).move(elsewhere).fault_code == 9016
        assert other.connections == 0


@pytest.mark.rule("8.3-13")
@pytest.mark.parametrize(("size", "code"), [(0, 0), (4, 0), (5, 9018), (3, 9018)])
def test_a_file_of_another_size_than_told_is_corrupted(size: int, code: int) -> None:
    with wire(answer(body=b"file")) as server:
        moved = mover(server).move(get(server, file_size=size))
    assert moved == (code, 0, 4, "not FileSize bytes" if code else "", "")


def test_a_file_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.file_transfer.MAX_FILE_BYTES", 1000)
    with wire(answer(body=FILE)) as server:
        assert mover(server).move(get(server)) == (9010, 0, 0, "answer is too large", "")


@pytest.mark.parametrize(("make", "size"), [(get, len(FILE)), (put, LOG_BYTES)])
def test_bandwidth_is_kept(make: Callable[..., Any], size: int) -> None:
    clock = Clock(0.0)
    with wire(answer(body=FILE if make is get else b"")) as server:
        endpoint = Endpoint(Address.of(server.url), clock=clock)
        assert FileTransferClient(endpoint, 1000.0, clock.sleep).move(make(server)).fault_code == 0
    assert clock() == pytest.approx(size / 1000, rel=0.05)
    assert len(clock.slept) > 5


def test_one_that_takes_too_long_has_failed() -> None:
    now = iter([0.0, 1.0, MAX_SECONDS + 1, *[MAX_SECONDS + 2] * 9])
    with wire(answer(body=FILE)) as server:
        endpoint = Endpoint(Address.of(server.url), clock=lambda: next(now))
        assert FileTransferClient(endpoint).move(get(server)).fault_code == 9017


def test_every_error_of_a_transport_has_its_fault() -> None:
    kinds = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.TransportError)
    }
    assert kinds == set(ERRORS)


@pytest.mark.rule("3.3-6")
def test_every_fault_is_one_that_transfer_complete_can_tell() -> None:
    told = {0, 9001, 9002, 9010, 9011, 9012, *range(9014, 9021)}
    assert {code for verdict in (*ERRORS.values(), *STATUSES.values()) for code in verdict} <= told
