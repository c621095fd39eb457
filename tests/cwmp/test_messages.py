"""The catalogue of messages and faults is complete."""

from __future__ import annotations

import re

import pytest

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FAULTS, FaultCode, meaning


@pytest.mark.rule("3-2")
def test_every_request_names_its_response() -> None:
    for name, request in m.REQUESTS.items():
        assert f"{name}Response" == request.response.__name__


@pytest.mark.rule("3.3-4")
def test_every_fault_code_has_its_meaning() -> None:
    assert set(FaultCode) == set(FAULTS)
    assert meaning(9850).faultcode == "Server"


@pytest.mark.rule("3.3-5")
def test_a_fault_takes_its_side_from_the_table() -> None:
    assert m.Fault.of(9005) == m.Fault(9005, "Invalid parameter name", (), "Client")
    assert m.Fault.of(9002, "boom") == m.Fault(9002, "boom", (), "Server")


@pytest.mark.rule("2.3-7")
@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (("Acme", "00AABB", "Router", "S1"), "00AABB-Router-S1"),
        (("Acme", "00AABB", "", "S-1"), "00AABB-S%2D1"),
        (("Acme", "00AABB", "A b_c", "\u00e9"), "00AABB-A%20b_c-%C3%A9"),
    ],
)
def test_a_device_id_can_be_split_again(device: tuple[str, str, str, str], expected: str) -> None:
    found = m.DeviceIdStruct(*device).device_id
    assert expected == found
    assert re.fullmatch(r"[A-Za-z0-9_%]+(-[A-Za-z0-9_%]+){1,2}", found)


@pytest.mark.rule("3.3-5")
def test_what_the_requester_did_wrong_is_told_as_the_clients_fault() -> None:
    clients = {code for code in FAULTS if meaning(code).faultcode == "Client"}
    assert clients == {9003, 9005, 9006, 9007, 9008, 9020, 9021, 8003}
