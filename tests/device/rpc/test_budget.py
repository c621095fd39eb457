"""What an ACS can make of one RPC, and of a CPE."""

from __future__ import annotations

import pytest
from helpers.cpes import ask, cpe, extended

from caretaker.cwmp import messages as m
from caretaker.data_model.model import MAX_ADDED
from caretaker.data_model.overlay import MAX_OWN_TEXT
from caretaker.data_model.parameter import MAX_VALUE
from caretaker.device.cpe import CPE
from caretaker.device.rpc.budget import (
    MAX_ACCESS_LIST,
    MAX_AFTER_SESSION,
    MAX_PARAMETERS,
    MAX_TEXT,
)

SSID = "Device.WiFi.SSID.1.SSID"
TABLE = "Device.NAT.PortMapping."


def code(response: m.Response) -> int:
    """The FaultCode of a response; 0 if it is none."""
    return response.fault_code if isinstance(response, m.Fault) else 0


def most(box: CPE) -> int:
    """How many parameters an answer of this CPE may hold."""
    return max(MAX_PARAMETERS, len(box.model.parameters) + MAX_ADDED)


def values_of(*names: str) -> m.Request:
    return m.GetParameterValues(names)


def attributes_of(*names: str) -> m.Request:
    return m.GetParameterAttributes(names)


def set_attributes_of(*names: str) -> m.Request:
    changes = [m.SetParameterAttributesStruct(name, True, 1, False, ()) for name in names]
    return m.SetParameterAttributes(tuple(changes))


@pytest.mark.parametrize("request_of", [values_of, attributes_of, set_attributes_of])
def test_names_again_and_again_are_refused(request_of: type) -> None:
    box = cpe()
    assert code(ask(box, request_of(*[SSID] * most(box)))) == 0
    assert code(ask(box, request_of(*[SSID] * (most(box) + 1)))) == 9004


@pytest.mark.parametrize("request_of", [values_of, attributes_of, set_attributes_of])
def test_objects_within_objects_are_refused(request_of: type) -> None:
    assert code(ask(cpe(), request_of(*["Device.", ""] * 500))) == 9004


def test_more_values_than_parameters_are_not_set() -> None:
    box = cpe()
    structs = [m.ParameterValueStruct(f"Device.X{n}", "", "") for n in range(most(box) + 1)]
    assert code(ask(box, m.SetParameterValues(tuple(structs), ""))) == 9004


@pytest.mark.parametrize("name", ["tr098", "tr181"])
def test_the_whole_tree_is_never_refused(name: str) -> None:
    box = cpe(name)
    every = list(box.model.parameters)
    for request in (values_of(""), values_of(*every), attributes_of(""), set_attributes_of("")):
        assert code(ask(box, request)) == 0
    assert code(ask(box, m.GetParameterNames("", False))) == 0


def test_the_whole_tree_with_all_added_rows_is_never_refused() -> None:
    box = cpe()
    while not code(ask(box, m.AddObject(TABLE, ""))):
        pass
    response = ask(box, values_of("Device."))
    assert isinstance(response, m.GetParameterValuesResponse)
    assert code(ask(box, values_of(*[struct.name for struct in response.parameter_list]))) == 0


def test_added_rows_are_limited_over_all_tables() -> None:
    box = cpe()
    codes = [code(ask(box, m.AddObject(TABLE, ""))) for _ in range(MAX_ADDED)]
    overlay = box.overlay
    assert overlay is not None
    assert overlay.rows is not None
    assert 9004 in codes
    assert len(overlay.rows.parameters) < MAX_ADDED + 100


def test_a_value_is_limited_where_its_data_model_has_no_limit() -> None:
    box = CPE(0, extended("Device.X_ACME_Free,false,true,,xsd:string"), cpe().context)
    for length, expected in ((MAX_VALUE, 0), (MAX_VALUE + 1, 9003)):
        struct = m.ParameterValueStruct("Device.X_ACME_Free", "x" * length, "xsd:string")
        assert code(ask(box, m.SetParameterValues((struct,), ""))) == expected


def free(number: int) -> str:
    return f"Device.X_ACME_Free{number}"


def box_with_long_values(count: int = MAX_OWN_TEXT // MAX_VALUE) -> tuple[CPE, list[int]]:
    """A CPE that was given so many of the longest values, and the answers' codes."""
    rows = [f"{free(number)},false,true,,xsd:string" for number in range(count)]
    box = CPE(0, extended(*rows), cpe().context)
    structs = [
        m.ParameterValueStruct(free(number), "x" * MAX_VALUE, "xsd:string")
        for number in range(count)
    ]
    return box, [code(ask(box, m.SetParameterValues((struct,), ""))) for struct in structs]


def test_all_values_of_a_cpe_are_limited_and_can_be_replaced() -> None:
    count = MAX_OWN_TEXT // MAX_VALUE + 1
    box, codes = box_with_long_values(count)
    assert codes == [0] * (count - 1) + [9004]
    again = m.ParameterValueStruct(free(0), "y" * MAX_VALUE, "xsd:string")
    assert code(ask(box, m.SetParameterValues((again,), ""))) == 0


def test_long_values_again_and_again_are_refused() -> None:
    box, _ = box_with_long_values()
    assert code(ask(box, values_of(*[free(0)] * (MAX_TEXT // MAX_VALUE)))) == 0
    assert code(ask(box, values_of(*[free(0)] * (MAX_TEXT // MAX_VALUE + 1)))) == 9004
    assert code(ask(box, values_of("Device."))) == 0


def test_an_access_list_is_limited() -> None:
    for entries, expected in ((MAX_ACCESS_LIST, 0), (MAX_ACCESS_LIST + 1, 9004)):
        change = m.SetParameterAttributesStruct(SSID, False, 0, True, ("Subscriber",) * entries)
        assert code(ask(cpe(), m.SetParameterAttributes((change,)))) == expected


@pytest.mark.parametrize("request_", [m.Reboot(""), m.FactoryReset()])
def test_what_follows_a_session_is_limited(request_: m.Request) -> None:
    box = cpe()
    codes = [code(ask(box, request_)) for _ in range(MAX_AFTER_SESSION + 1)]
    assert codes == [0] * MAX_AFTER_SESSION + [9004]


def test_another_acs_is_gone_to_once() -> None:
    box = cpe()
    for number in range(20):
        url = m.ParameterValueStruct("Device.ManagementServer.URL", f"http://acs/{number}", "")
        assert code(ask(box, m.SetParameterValues((url,), ""))) == 0
    assert len(box.after_session) == 1
