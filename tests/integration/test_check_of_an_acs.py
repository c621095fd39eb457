"""``caretaker check``: against an ACS that works, and against each way in which one does not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import gevent
import pytest
import requests
import trustme
from helpers.certificates import file_of, server_files
from helpers.stream_servers import stream_server
from helpers.wire import answer, wire

from caretaker import ACSServer, Credentials
from caretaker.__main__ import main
from caretaker.http.tls_settings import TLSSettings

pytestmark = pytest.mark.sockets
DEVICE = "CA7E01-HR181-CHECK%2D000001"
Place = tuple[str, ...]
"""Options that lead to an ACS."""


def check(*options: str) -> int:
    """The exit code; scripted servers run in this thread meanwhile."""
    code: int = gevent.get_hub().threadpool.apply(main, (["check", *options],))
    return code


@pytest.fixture
def acs() -> Iterator[ACSServer]:
    with ACSServer() as server:
        yield server


def test_an_acs_that_works_holds_in_each_step(
    acs: ACSServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--host", acs.url, "--nbi-url", acs.north_bound_url) == 0
    *lines, removal, last = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line[0].isdigit()] == [
        "1. first contact",
        "2. what the ACS has set",
        "3. Connection Request from here",
        "4. Connection Request by the ACS",
        "5. task at once",
        "6. task in the next session",
    ]
    assert sum(line.startswith("   held: ") for line in lines) == 6
    assert any("> Inform: 0 BOOTSTRAP, 1 BOOT" in line for line in lines)
    assert f"   held: the ACS takes {DEVICE}; it asks: SetParameterValues" in lines
    assert removal == f"{DEVICE} is removed from the ACS."
    assert last == "check held: the ACS works with a CPE of Caretaker"
    assert acs.devices() == []


def test_connection_requests_may_go_over_tls(capsys: pytest.CaptureFixture[str]) -> None:
    ca = trustme.CA()
    trusted = file_of(ca)
    with ACSServer(cr_tls=TLSSettings(trusted)) as acs:
        given = ("--host", acs.url, "--nbi-url", acs.north_bound_url)
        server = ("--cr-tls-cert", server_files(ca))
        assert check(*given, *server, "--cr-tls-ca", trusted) == 0
        assert "GET https://127.0.0.1:" in capsys.readouterr().out
        assert check(*given, *server) == 0  # the ACS alone has to know who signed it
        assert check(*given, *server, "--cr-tls-ca", file_of(trustme.CA())) == 1
        assert "TLS: certificate of an unknown CA" in capsys.readouterr().out


def test_without_its_api_the_device_stays_and_is_named(
    acs: ACSServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--host", acs.url, "--serial", "LAB-000007", "--profile", "tr098") == 0
    said = capsys.readouterr().out
    assert said.count("   not shown: ") == 3
    (device,) = acs.devices()
    assert f"{device} stays in the ACS: remove it there." in said
    assert device.endswith("-LAB%2D000007")


LIST = "serial,oui,product_class,profile\nA/1,001122,Box,tr098\nA/2,001122,Box,\n"


@pytest.mark.parametrize(("options", "number"), [((), 2), (("--serial", "A/1"), 1)])
def test_a_listed_device_is_checked_and_stays(
    acs: ACSServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: Place,
    number: int,
) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(LIST)
    urls = "--host", acs.url, "--nbi-url", acs.north_bound_url
    assert check(*urls, "--devices", str(path), *options) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    device = f"001122-Box-A%2F{number}"
    assert first == f"The CPE is A/{number}, the device {number} of 2 in {path}."
    assert sum(line.startswith("   held: ") for line in lines) == 6
    assert f"{device} stays in the ACS, as it is of the list." in lines
    assert acs.devices() == [device]


def test_a_device_that_is_not_listed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(LIST)
    place = "--host", "http://127.0.0.1:1/", "--devices", str(path)
    assert check(*place, "--serial", "A/3") == 2
    complaint = f"caretaker: --serial A/3: no device of --devices {path}"
    assert complaint in capsys.readouterr().err.splitlines()


def test_the_brief_check_is_one_line(acs: ACSServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--host", acs.url, "--brief", "--first-contact") == 0
    assert capsys.readouterr().out == "check held: the ACS works with a CPE of Caretaker\n"


def test_an_interval_that_a_preset_changes_is_named(
    acs: ACSServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "Device.ManagementServer.PeriodicInformInterval"
    preset = {"configurations": [{"type": "value", "name": path, "value": 77}]}
    assert requests.put(f"{acs.north_bound_url}/presets/x", json=preset, timeout=60).ok
    assert check("--host", acs.url, "--nbi-url", acs.north_bound_url) == 0
    said = capsys.readouterr().out
    assert "the ACS sets PeriodicInformInterval to 77 (it was " in said
    assert "what helps: --inform-interval holds only until then" in said


def test_what_the_other_side_says_can_not_steer_the_terminal(
    acs: ACSServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with wire(*[answer("500 \x1b[2J Oh")] * 10) as api:
        assert check("--host", acs.url, "--nbi-url", api.url.removesuffix("/acs")) == 1
    said = capsys.readouterr().out
    assert "north-bound API: HTTP 500" in said
    assert "\x1b" not in said


# -- what does not work ---------------------------------------------------------------------------


@contextmanager
def nobody() -> Iterator[Place]:
    with socket.socket() as probe:  # bound, so nobody else has it, and nothing listens
        probe.bind(("127.0.0.1", 0))
        yield "--host", f"http://127.0.0.1:{probe.getsockname()[1]}/"


@contextmanager
def other_password() -> Iterator[Place]:
    with ACSServer(credentials=Credentials("fleet", "right")) as server:
        yield "--host", server.url, "--acs-username", "fleet", "--acs-password", "s3cret"


@contextmanager
def web_page() -> Iterator[Place]:
    page = answer("200 OK", b"<html><title>Log in</title></html>", "Content-Type: text/html")
    with wire(page) as server:
        yield "--host", server.url


@contextmanager
def unknown_ca() -> Iterator[Place]:
    context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = stream_server(lambda *_: None, ssl_context=context)
    server.start()
    try:
        yield "--host", f"https://127.0.0.1:{server.server_port}/"
    finally:
        server.stop(0)


@contextmanager
def plain_http() -> Iterator[Place]:
    with ACSServer() as server:
        yield "--host", server.url.replace("http:", "https:")


@contextmanager
def busy() -> Iterator[Place]:
    with wire(answer("503 Busy")) as server:
        yield "--host", server.url


@contextmanager
def api_that_only_says_so() -> Iterator[Place]:
    with ACSServer() as server, wire(*[answer()] * 10) as api:
        yield "--host", server.url, "--nbi-url", api.url.removesuffix("/acs")


@contextmanager
def no_api() -> Iterator[Place]:
    with ACSServer() as server, nobody() as (_, url):
        yield "--host", server.url, "--nbi-url", url


@contextmanager
def api_of_cpes() -> Iterator[Place]:
    with ACSServer() as server:
        yield "--host", server.url, "--nbi-url", server.url


@contextmanager
def other_acs() -> Iterator[Place]:
    with ACSServer() as server, ACSServer() as other:
        yield "--host", server.url, "--nbi-url", other.north_bound_url


@contextmanager
def unreachable() -> Iterator[Place]:
    with ACSServer() as server:
        places = "--host", server.url, "--nbi-url", server.north_bound_url
        yield *places, "--cr-advertise", "nowhere.invalid"


@contextmanager
def unprovisioned() -> Iterator[Place]:
    with ACSServer(provisioning=False) as server:
        yield "--host", server.url, "--nbi-url", server.north_bound_url


@pytest.mark.parametrize(
    ("place", "failure", "helps"),
    [
        (nobody, "first contact: connection refused", "Does the ACS run?"),
        (other_password, "first contact: credentials refused (HTTP 401)", "--acs-password"),
        (web_page, "first contact: HTML page, no SOAP envelope: Log in", "with port and path?"),
        (unknown_ca, "first contact: TLS: certificate of an unknown CA", "--tls-ca FILE"),
        (plain_http, "first contact: TLS: the port speaks plain HTTP", "use http://"),
        (busy, "first contact: HTTP 503", "less load"),
        (api_that_only_says_so,
         "Connection Request by the ACS: the API says that it is done, but no Connection Request",
         "is --nbi-url the API of this ACS?"),
        (no_api, "Connection Request by the ACS: north-bound API: connection refused",
         "does it run?"),
        (api_of_cpes, "Connection Request by the ACS: north-bound API: HTTP 400",
         "is --nbi-url that of the API, with its port?"),
        (other_acs, "Connection Request by the ACS: north-bound API: HTTP 404",
         "is it the API of this ACS?"),
        (unreachable,
         "Connection Request by the ACS: the API says: Invalid connection request URL or protocol;",
         "nothing came to http://nowhere.invalid:"),
        (unreachable, "Connection Request by the ACS", "See --cr-host, --cr-advertise"),
        (unprovisioned,
         "Connection Request by the ACS: the API says: Connection request error: Incorrect",
         "the CPE answered: unauthorized"),
        (unprovisioned, "Connection Request by the ACS", "ConnectionRequestUsername and -Password"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_said_with_what_helps(
    place: Callable[[], AbstractContextManager[Place]],
    failure: str,
    helps: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with place() as options:
        assert check(*options) == 1
    said = capsys.readouterr().out
    last = said.splitlines()[-1]
    assert last.startswith(f"check failed: {failure}")
    assert helps in last
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--host", "nonsense"), "not an http or https address"),
        (("--host", "http://127.0.0.1:1/", "--nbi-url", "nonsense"), "not an http or https"),
        (("--host", "http://127.0.0.1:1/", "--profile", "/nowhere.csv"), "/nowhere.csv"),
        (("--host", "http://127.0.0.1:1/", "--acs-password", "s3cret"), "--acs-username"),
    ],
)
def test_bad_input_is_one_line(
    options: Place, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(*options) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert complaint in said.err
    assert "s3cret" not in said.err
