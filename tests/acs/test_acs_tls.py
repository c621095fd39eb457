"""The embedded ACS over TLS: certificates of CPEs, and whom they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme
from helpers.acs_sessions import ABOUT, inform
from helpers.certificates import file_of, folder, identity, trusting

from caretaker.acs import ACSServer
from caretaker.acs.sessions import is_named
from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import decode
from caretaker.errors import ReasonError
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint, LocalEnd
from caretaker.http.server_tls import ServerTLS
from caretaker.http.transport import HTTPTransport

CA = trustme.CA()
FILE_OF_CA = file_of(CA)


@contextmanager
def serving(*, client_ca: str = "", **settings: Any) -> Iterator[ACSServer]:
    path = folder() / "acs.pem"
    CA.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    with ACSServer(tls=ServerTLS(str(path), client_ca=client_ca), **settings) as server:
        yield server


def posted(server: ACSServer, common_name: str = "", ca: trustme.CA = CA) -> int | str:
    """The status of an Inform, or why there was none."""
    mine = identity(ca, common_name) if common_name else None
    tls = trusting(CA, identity=lambda _: mine)
    endpoint = Endpoint(Address.of(server.url), 60.0, tls=tls)
    transport = HTTPTransport(endpoint, local_end=LocalEnd(cpe_index=0))
    try:
        return transport.post(inform("0 BOOTSTRAP")).status
    except ReasonError as error:
        return error.reason
    finally:
        transport.close()


@pytest.mark.sockets
def test_cpes_inform_over_tls() -> None:
    with serving() as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.north_bound_url.startswith("http://127.0.0.1:")
        assert posted(server) == 200


@pytest.mark.sockets
@pytest.mark.rule("2.3-4")
def test_of_a_cpe_with_a_certificate_no_other_authentication_is_asked_for() -> None:
    credentials = Credentials("fleet", "secret")
    with serving(credentials=credentials) as server:
        assert posted(server) == 401
    with serving(credentials=credentials, client_ca=FILE_OF_CA) as server:
        assert posted(server, "any") == 200


@pytest.mark.sockets
def test_a_cpe_without_a_good_certificate_is_refused() -> None:
    with serving(client_ca=FILE_OF_CA) as server:
        assert posted(server) == "TLS: client certificate required"
        assert posted(server, "any", trustme.CA()) == "TLS: client certificate of an unknown CA"
        assert server.devices() == []


@pytest.mark.sockets
def test_a_certificate_can_have_to_name_the_device() -> None:
    with serving(client_ca=FILE_OF_CA, check_names=True) as server:
        assert posted(server, "another") == 403
        assert server.devices() == []
        assert posted(server, ABOUT.serial_number) == 200


OWN = f"{ABOUT.oui}-{ABOUT.serial_number}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([ABOUT.serial_number], True),
        ([OWN], True),
        ([ABOUT.device_id], True),
        ([f"{OWN}.cpe.example.com"], True),
        (["other", ABOUT.serial_number], True),
        ([], False),
        (["other"], False),
        ([f"{ABOUT.serial_number}0"], False),
        ([f"x{ABOUT.serial_number}"], False),
    ],
)
def test_who_is_named(names: list[str], expected: bool) -> None:
    message = decode(inform("2 PERIODIC")).message
    assert isinstance(message, m.Inform)
    alternative = {"subjectAltName": tuple(("DNS", name) for name in names)}
    assert is_named(message, alternative) is expected
    common = {"subject": tuple((("commonName", name),) for name in names)}
    assert is_named(message, common) is expected
    assert not is_named(message, None)
