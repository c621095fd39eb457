"""The Connection Request server: its rules through werkzeug's test client, then real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth
from werkzeug.test import Client, TestResponse

from caretaker.connection_request import ConnectionRequestServer, send_connection_request
from caretaker.connection_request.server import LIMITS, ConnectionRequestApp
from caretaker.errors import DeviceBusy, DeviceNotFound, InputError, TransportError
from caretaker.http.authentication import HTTPAuth
from caretaker.http.credentials import BasicCredentials, Credentials, OldDigestCredentials
from caretaker.way import Way

ADMIN = Credentials("admin", "secret123")


class Fleet:
    """Two devices with credentials of their own; the second one is busy."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.verdicts: list[str] = []
        self.passwords = {"D1": "one", "D2": "two"}

    def credentials(self, serial_number: str) -> Credentials:
        if serial_number not in self.passwords:
            raise DeviceNotFound(serial_number)
        return Credentials(serial_number, self.passwords[serial_number])

    def accept(self, serial_number: str) -> None:
        if serial_number == "D2":
            raise DeviceBusy("in session")
        self.accepted.append(serial_number)

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        self.verdicts.append(verdict)


def app(fleet: Fleet) -> Client:
    return Client(ConnectionRequestApp(fleet.accept, fleet.credentials, sink=fleet))


def get(client: Client, path: str, who: Credentials | None = None) -> TestResponse:
    """GET, and once more with Digest when challenged."""
    response = client.get(path)
    if response.status_code != 401 or who is None:
        return response
    login = HTTPAuth(who)
    login.challenge(response.headers.getlist("WWW-Authenticate"))
    return client.get(path, headers={"Authorization": login.authorization("GET", path) or ""})


class TestRules:
    def test_health(self) -> None:
        response = app(Fleet()).get("/health")
        assert (response.status_code, response.data) == (200, b"OK")

    @pytest.mark.rule("9.1-1", "9.2-9")
    def test_an_accepted_request_is_answered_200_and_empty(self) -> None:
        fleet = Fleet()
        response = get(app(fleet), "/cr/D1", Credentials("D1", "one"))
        assert (
            response.status_code,
            response.data,
            response.headers["Content-Length"],
        ) == (200, b"", "0")
        assert fleet.accepted == ["D1"]
        assert fleet.verdicts == ["unauthorized", "accepted"]

    @pytest.mark.rule("9.2-10")
    def test_without_credentials_there_is_one_challenge(self) -> None:
        response = get(app(Fleet()), "/cr/D1")
        assert response.status_code == 401
        assert len(response.headers.getlist("WWW-Authenticate")) == 1
        assert response.headers["WWW-Authenticate"].startswith("Digest ")

    @pytest.mark.rule("9.1-1", "9.2-7", "9.2-10")
    @pytest.mark.parametrize("who", [Credentials("D1", "two"), Credentials("D2", "one")])
    def test_credentials_are_the_cpes_own(self, who: Credentials) -> None:
        fleet = Fleet()
        assert get(app(fleet), "/cr/D1", who).status_code == 401
        assert fleet.accepted == []

    @pytest.mark.rule("9.2-7")
    def test_credentials_are_those_of_now(self) -> None:
        fleet = Fleet()
        client = app(fleet)
        fleet.passwords["D1"] = "changed"
        assert get(client, "/cr/D1", Credentials("D1", "one")).status_code == 401
        assert get(client, "/cr/D1", Credentials("D1", "changed")).status_code == 200

    def test_a_device_may_ask_for_digest_without_qop(self) -> None:
        seen: list[str] = []
        who = OldDigestCredentials("D1", "one")
        client = Client(ConnectionRequestApp(seen.append, who))
        assert "qop" not in get(client, "/cr/D1").headers["WWW-Authenticate"]
        assert get(client, "/cr/D1", Credentials("D1", "two")).status_code == 401
        assert get(client, "/cr/D1", Credentials("D1", "one")).status_code == 200
        assert seen == ["D1"]

    def test_a_device_may_ask_for_basic_and_take_no_digest(self) -> None:
        seen: list[str] = []
        client = Client(ConnectionRequestApp(seen.append, BasicCredentials("D1", "one")))
        challenge = get(client, "/cr/D1").headers.getlist("WWW-Authenticate")
        assert challenge == ['Basic realm="Connection Request"']
        login = HTTPAuth(Credentials("D1", "one"))
        login.challenge(get(app(Fleet()), "/cr/D1").headers.getlist("WWW-Authenticate"))
        digest = {"Authorization": login.authorization("GET", "/cr/D1") or ""}
        assert client.get("/cr/D1", headers=digest).status_code == 401
        assert get(client, "/cr/D1", Credentials("D1", "two")).status_code == 401
        assert get(client, "/cr/D1", Credentials("D1", "one")).status_code == 200
        assert seen == ["D1"]

    @pytest.mark.rule("9.2-14")
    @pytest.mark.parametrize("path", ["/cr/D3", "/cr/", "/cr", "/", "/cr/D1/x", "/favicon.ico"])
    def test_unknown_paths_are_404(self, path: str) -> None:
        assert get(app(Fleet()), path).status_code == 404

    @pytest.mark.rule("9.2-11")
    def test_a_refusal_is_503_without_retry_after(self) -> None:
        fleet = Fleet()
        response = get(app(fleet), "/cr/D2", Credentials("D2", "two"))
        assert response.status_code == 503
        assert "Retry-After" not in response.headers
        assert fleet.verdicts == ["unauthorized", "refused"]

    @pytest.mark.rule("9.2-1")
    @pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("path", ["/cr/D1", "/health"])
    def test_other_methods_are_405(self, method: str, path: str) -> None:
        response = app(Fleet()).open(path, method=method)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")

    @pytest.mark.rule("9.2-6")
    def test_a_query_is_passed_over(self) -> None:
        assert get(app(Fleet()), "/cr/D1?x=1", Credentials("D1", "one")).status_code == 200

    def test_serial_numbers_may_hold_anything(self) -> None:
        seen: list[str] = []
        client = Client(ConnectionRequestApp(seen.append))
        server = ConnectionRequestServer(on_connection_request=seen.append)
        serial = "A/B %\u00e9?#"
        path = server.device_url(serial).partition("/cr/")[2]
        assert client.get(f"/cr/{path}").status_code == 200
        assert [each.encode("latin-1").decode() for each in seen] == [serial]

    def test_without_auth_the_callback_alone_decides(self) -> None:
        def only_one(serial_number: str) -> None:
            if serial_number != "DEVICE001":
                raise DeviceNotFound(serial_number)

        client = Client(ConnectionRequestApp(only_one))
        assert client.get("/cr/DEVICE001").status_code == 200
        assert client.get("/cr/UNKNOWN_DEVICE").status_code == 404


@pytest.mark.sockets
class TestServer:
    @pytest.mark.rule("9.2-2")
    def test_it_works_without_monkey_patching(self) -> None:
        heard: list[str] = []
        with ConnectionRequestServer(port=0, on_connection_request=heard.append) as server:
            assert server.base_url == f"http://127.0.0.1:{server.port}"
            assert server.device_url("DEVICE001") == f"{server.base_url}/cr/DEVICE001"
            assert requests.get(f"{server.base_url}/health", timeout=60).text == "OK"
            assert requests.get(server.device_url("DEVICE001"), timeout=60).status_code == 200
        assert heard == ["DEVICE001"]

    @pytest.mark.rule("9.2-7", "9.2-8")
    def test_other_clients_digest_is_understood(self) -> None:
        with ConnectionRequestServer(auth=ADMIN) as server:
            url = server.device_url("DEVICE001")
            digest, basic = HTTPDigestAuth(*ADMIN), HTTPBasicAuth(*ADMIN)
            assert requests.get(url, timeout=60).status_code == 401
            assert requests.get(url, auth=digest, timeout=60).status_code == 200
            assert requests.get(url, auth=basic, timeout=60).status_code == 401

    @pytest.mark.rule("9.2-8")
    def test_basic_where_it_is_switched_on(self) -> None:
        with ConnectionRequestServer(auth=ADMIN, allow_basic=True) as server:
            url = server.device_url("DEVICE001")
            assert requests.get(url, auth=HTTPBasicAuth(*ADMIN), timeout=60).status_code == 200
            assert send_connection_request(url, ADMIN) == 200

    def test_a_request_beyond_its_limits_is_refused(self) -> None:
        beyond = {
            431: [
                {f"X{number}": "y" for number in range(LIMITS.headers + 1)},
                {"X": "y" * LIMITS.head_bytes},
            ],
            413: [{"Content-Length": str(LIMITS.body_bytes + 1)}],
        }
        with ConnectionRequestServer() as server:
            for status, requested in beyond.items():
                for headers in requested:
                    response = requests.get(f"{server.base_url}/cr/D", headers=headers, timeout=60)
                    assert response.status_code == status
            assert server._host.limits == LIMITS

    def test_start_and_stop_twice(self) -> None:
        server = ConnectionRequestServer()
        for _ in range(2):
            server.start()
            assert requests.get(f"{server.base_url}/health", timeout=60).ok
            server.stop()
        server.stop()

    def test_a_port_in_use_is_one_line_with_the_cure(self) -> None:
        with ConnectionRequestServer() as server:
            with pytest.raises(InputError, match=rf"127.0.0.1:{server.port}: in use; choose"):
                ConnectionRequestServer(port=server.port).start()

    @pytest.mark.rule("9.2-2")
    def test_what_is_advertised_may_differ_from_what_is_bound(self) -> None:
        with ConnectionRequestServer(advertise="fleet.example") as server:
            assert server.device_url("D") == f"http://fleet.example:{server.port}/cr/D"
        assert ConnectionRequestServer(advertise="::1", port=1).base_url == "http://[::1]:1"

    @pytest.mark.parametrize(
        "rubbish",
        [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nbad\r\n\r\n"],
    )
    def test_rubbish_does_no_harm(self, rubbish: bytes, capfd: pytest.CaptureFixture[str]) -> None:
        with ConnectionRequestServer() as server:
            with socket.create_connection(("127.0.0.1", server.port), 60) as raw:
                raw.sendall(rubbish)
                raw.shutdown(socket.SHUT_WR)
                raw.recv(1000)
            assert requests.get(f"{server.base_url}/health", timeout=60).ok
        assert "Traceback" not in capfd.readouterr().err


@pytest.mark.sockets
class TestSending:
    """As GenieACS sends: GET without credentials, then Digest on the same connection."""

    @pytest.fixture
    def send(self) -> Callable[[str, Credentials | None], int]:
        def sending(path: str, who: Credentials | None) -> int:
            fleet = Fleet()
            with ConnectionRequestServer(0, fleet.accept, fleet.credentials) as server:
                return send_connection_request(f"{server.base_url}{path}", who)

        return sending

    @pytest.mark.rule("9.2-14", "9.2-18")
    def test_verdicts_come_back_as_statuses(
        self, send: Callable[[str, Credentials | None], int]
    ) -> None:
        assert send("/cr/D1", Credentials("D1", "one")) == 200
        assert send("/cr/D1", Credentials("D1", "two")) == 401
        assert send("/cr/D1", None) == 401
        assert send("/cr/D9", Credentials("D9", "")) == 404
        assert send("/cr/D2", Credentials("D2", "two")) == 503

    def test_nobody_there(self) -> None:
        with pytest.raises(TransportError):
            send_connection_request("http://127.0.0.1:1/cr/D1", None)
        with pytest.raises(InputError):
            send_connection_request("nonsense", None)
