"""The embedded ACS and the ways of Connection Requests that devices report."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.acs_sessions import acs_and_cpe, inform, only
from helpers.known_devices import ID, acs_with_devices
from helpers.xmpp_clients import CA, server_with_device

from caretaker.acs.acs import ACS
from caretaker.connection_request.reported_ways import PARAMETERS
from caretaker.connection_request.xmpp_sender import XMPPAccount
from caretaker.cwmp import messages as m
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import TLSSettings
from caretaker.stun.udp_connection_request import UDPConnectionRequest
from caretaker.testing.xmpp_server import XMPPServer
from caretaker.way import Way

SERVER = "Device.ManagementServer."


def report(acs: ACS, **values: str) -> None:
    structs = [m.ParameterValueStruct(f"{SERVER}{last}", text) for last, text in values.items()]
    acs.devices[ID].parameters.learn_values(structs, 1.0)


def test_a_device_behind_a_nat_is_asked_by_udp_alone() -> None:
    acs = acs_with_devices()
    acs.devices[ID].credentials = Credentials("cpe", "secret")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.settimeout(30)
        address = f"127.0.0.1:{device.getsockname()[1]}"
        report(acs, STUNEnable="1", NATDetected="1", UDPConnectionRequestAddress=address)
        assert acs.connection_request(ID) is None
        request = UDPConnectionRequest.decode(device.recv(2000))
    assert request.username == "cpe"
    assert request.is_signed_with("secret")


def test_a_datagram_goes_out_beside_http_whose_failure_is_none_then() -> None:
    acs = acs_with_devices()
    acs.devices[ID].url = "http://127.0.0.1:1/cr"
    assert acs.connection_request(ID) == "Device is offline"
    report(acs, STUNEnable="true", UDPConnectionRequestAddress="127.0.0.1:9")
    assert acs.connection_request(ID) is None


@pytest.mark.parametrize("address", ["192.0.2.1:7547", "no address", "host.example:1"])
def test_datagrams_stay_inside(address: str) -> None:
    acs = acs_with_devices()
    report(acs, STUNEnable="1", NATDetected="1", UDPConnectionRequestAddress=address)
    assert acs.connection_request(ID) == "Invalid connection request URL or protocol"


def values(*pairs: tuple[str, str]) -> m.GetParameterValuesResponse:
    return m.GetParameterValuesResponse(
        tuple(m.ParameterValueStruct(f"{SERVER}{last}", text) for last, text in pairs)
    )


def test_it_asks_a_device_at_first_contact_for_its_ways_and_has_it_report_changes() -> None:
    acs, cpe = acs_and_cpe(watches_ways=True)
    cpe.post(inform("0 BOOTSTRAP", "1 BOOT"))
    cpe.post()
    asked = cpe.say(m.SetParameterValuesResponse(0))
    assert isinstance(asked, m.GetParameterValues)
    assert set(asked.parameter_names) == {f"{SERVER}{last}" for last in PARAMETERS}
    unknown = m.Fault(9005, "Invalid parameter name")
    assert cpe.say(unknown) == m.GetParameterValues((SERVER,)), "the device may lack some"
    watched = cpe.say(values(("STUNEnable", "1"), ("URL", "http://acs"), ("NATDetected", "0")))
    assert isinstance(watched, m.SetParameterAttributes)
    assert [(each.name, each.notification) for each in watched.parameter_list] == [
        (f"{SERVER}STUNEnable", 2),
        (f"{SERVER}NATDetected", 2),
    ]
    assert cpe.say(m.SetParameterAttributesResponse()) is None
    assert only(acs).management_value("STUNEnable") == "1"
    assert only(acs).management_value("UDPConnectionRequestAddress") == ""
    assert only(acs).management_value("URL") == ""


def test_it_asks_nothing_of_the_kind_otherwise() -> None:
    _, cpe = acs_and_cpe()
    cpe.post(inform("0 BOOTSTRAP"))
    cpe.post()
    assert cpe.say(m.SetParameterValuesResponse(0)) is None


def test_a_device_that_refuses_to_tell_is_left_alone() -> None:
    acs, cpe = acs_and_cpe(watches_ways=True)
    cpe.post(inform("0 BOOTSTRAP"))
    cpe.post()
    cpe.say(m.SetParameterValuesResponse(0))
    cpe.say(m.Fault(9005, "Invalid parameter name"))
    assert cpe.say(m.Fault(9005, "Invalid parameter name")) is None
    assert only(acs).credentials is not None


def test_without_an_account_a_jid_is_passed_over() -> None:
    acs = acs_with_devices()
    acs.devices[ID].url = "http://127.0.0.1:1/cr"
    report(acs, ConnReqJabberID="cpe@lab/cwmp")
    assert acs.connection_request(ID) == "Device is offline"


@pytest.fixture
def device() -> Iterator[XMPPServer]:
    with server_with_device() as running:
        yield running


@pytest.mark.sockets
@pytest.mark.parametrize("client", ["tolerant", "genieacs"])
def test_with_an_account_a_jid_is_sent_to_over_xmpp_and_never_by_http(
    tmp_path: Path, device: XMPPServer, client: str
) -> None:
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    account = XMPPAccount("acs@example.org", "sca", "127.0.0.1", device.port)
    tls = TLSSettings(str(tmp_path / "ca.pem"))
    acs = acs_with_devices(cr_xmpp=account, cr_tls=tls, cr_client=client)
    acs.devices[ID].credentials = Credentials("right", "p")
    report(acs, ConnReqJabberID="cpe@example.org/r")
    assert acs.connection_request(ID) is None
    acs.devices[ID].credentials = Credentials("wrong", "p")
    refused = "Connection request error: Incorrect connection request credentials"
    assert acs.connection_request(ID) == refused
    report(acs, ConnReqJabberID="cpe@other.example/r")
    assert acs.connection_request(ID) == "Invalid connection request URL or protocol"
    acs.close()


def test_there_is_a_sender_for_each_way() -> None:
    assert ACS()._senders.keys() == set(Way)
