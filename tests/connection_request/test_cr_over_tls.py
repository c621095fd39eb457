"""Connection Requests over https: the server, what sends them, and the router between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme
from helpers.certificates import file_of, server_files, trusting

from caretaker.__main__ import main
from caretaker.connection_request import ConnectionRequestServer, send_connection_request
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.steps import nobody
from caretaker.errors import ConnectError, InputError
from caretaker.http.credentials import Credentials
from caretaker.http.server_tls import ServerTLS
from caretaker.router import RouterServer, Routes, WorkerRoute

pytestmark = pytest.mark.sockets
CA = trustme.CA()
ADMIN = Credentials("admin", "secret")


@pytest.fixture
def accepted() -> list[str]:
    return []


@pytest.fixture
def server(accepted: list[str]) -> Iterator[ConnectionRequestServer]:
    tls = ServerTLS(server_files(CA))
    with ConnectionRequestServer(0, accepted.append, ADMIN, tls=tls) as made:
        yield made


def test_the_url_is_an_https_one(server: ConnectionRequestServer) -> None:
    assert server.device_url("A-1").startswith("https://127.0.0.1:")


def test_a_request_is_accepted(server: ConnectionRequestServer, accepted: list[str]) -> None:
    assert send_connection_request(server.device_url("A-1"), ADMIN, 60.0, tls=trusting(CA)) == 200
    wrong = Credentials("admin", "wrong")
    assert send_connection_request(server.device_url("A-1"), wrong, 60.0, tls=trusting(CA)) == 401
    assert accepted == ["A-1"]


def test_a_certificate_that_is_not_trusted_is_told(
    server: ConnectionRequestServer, accepted: list[str]
) -> None:
    with pytest.raises(ConnectError, match="TLS: certificate of an unknown CA"):
        send_connection_request(server.device_url("A-1"), ADMIN, 60.0)
    assert accepted == []


def test_genieacs_sends_none_to_https(server: ConnectionRequestServer) -> None:
    with pytest.raises(InputError, match="http URLs only"):
        CLIENTS["genieacs"](server.device_url("A-1"), ADMIN, nobody, trusting(CA))


def test_one_by_hand(
    server: ConnectionRequestServer, capsys: pytest.CaptureFixture[str], accepted: list[str]
) -> None:
    given = ["cr", server.device_url("A-1"), "--username", "admin", "--password", "secret"]
    assert main(given) == 1
    assert "--tls-ca FILE" in capsys.readouterr().out
    assert main([*given, "--tls-ca", file_of(CA)]) == 0
    assert main([*given, "--tls-insecure"]) == 0
    assert main([*given, "--tls-ca", "/nowhere"]) == 2
    assert "/nowhere: no certificates in PEM in it" in capsys.readouterr().err
    assert accepted == ["A-1", "A-1"]


def test_a_router_speaks_tls_on_both_sides(
    server: ConnectionRequestServer, accepted: list[str]
) -> None:
    routes = Routes("A", 1, (WorkerRoute(server.base_url, ((0, 1),)),))
    with RouterServer(tls=ServerTLS(server_files(CA)), worker_tls=trusting(CA)) as router:
        router.take(Routes.from_json(routes.to_json()))
        url = f"{router.url}/cr/A-000001"
        assert url.startswith("https://")
        assert send_connection_request(url, ADMIN, 60.0, tls=trusting(CA)) == 200
    assert accepted == ["A-000001"]
