"""Parameters of a device: what is learned of them, held once for all devices of a model."""

from __future__ import annotations

import pytest
from helpers.acs_sessions import ABOUT, acs_and_cpe, only

from caretaker.acs.parameters import KnownBytes, KnownParameter, Parameters
from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m

VALUES = (
    m.ParameterValueStruct("Device.A", "1", "xsd:int"),
    m.ParameterValueStruct("Device.B", "x"),
)


def learned() -> Parameters:
    parameters = Parameters()
    parameters.learn_values(VALUES, 5.0)
    return parameters


def test_names_tell_what_is_writable_and_keep_the_values() -> None:
    parameters = learned()
    names = (m.ParameterInfoStruct("Device.", False), m.ParameterInfoStruct("Device.A", True))
    parameters.learn_names(names, 6.0)
    assert parameters["Device."] == KnownParameter(None, "", False, 6.0)
    assert parameters["Device.A"] == KnownParameter("1", "xsd:int", True, 6.0)
    assert parameters["Device.B"] == KnownParameter("x", "xsd:string", None, 5.0)


def test_a_value_of_another_type_keeps_whether_it_is_writable() -> None:
    parameters = learned()
    parameters.learn_names((m.ParameterInfoStruct("Device.A", True),), 6.0)
    parameters.learn_values((m.ParameterValueStruct("Device.A", "2", "xsd:long"),), 7.0)
    assert parameters["Device.A"] == KnownParameter("2", "xsd:long", True, 7.0)


def test_an_object_is_forgotten_with_all_below_it() -> None:
    parameters = learned()
    parameters.learn_names((m.ParameterInfoStruct("Device.B.1.C", True),), 6.0)
    parameters.forget("Device.B.")
    assert list(parameters) == ["Device.A", "Device.B"]
    del parameters["Device.A"]
    assert (list(parameters), len(parameters)) == (["Device.B"], 1)
    with pytest.raises(KeyError):
        del parameters["Device.A"]


def test_devices_of_a_model_share_their_paths_and_types() -> None:
    one, other = learned(), learned()
    assert one._layout is other._layout
    other.learn_values((m.ParameterValueStruct("Device.C", "3"),), 6.0)
    assert one._layout is not other._layout
    assert one["Device.A"] == other["Device.A"]


def test_names_that_have_no_place_in_the_tree_do_no_harm() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    odd = tuple(m.ParameterValueStruct(name, "x") for name in ("_id", "", ".", "Device._X.Y"))
    cpe.post(encode(Envelope(m.Inform(ABOUT, (), 1, "", 0, odd), "1")))
    assert only(acs).document()["_id"] == only(acs).device_id


def test_what_all_devices_take_is_bounded_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = KnownBytes(most=1_000)
    one, other = Parameters(known), Parameters(known)
    one.learn_values(VALUES, 5.0)
    for number in range(100):
        name = m.ParameterValueStruct(f"Device.X{number}", "x" * 50)
        (one, other)[number % 2].learn_values((name,), 6.0)
    assert 3 < len(one) + len(other) < 10
    assert known.used <= 1_000
    one.learn_values((m.ParameterValueStruct("Device.A", "1" * 5_000, "xsd:int"),), 7.0)
    assert one["Device.A"].value == "1"
    one.learn_values((m.ParameterValueStruct("Device.A", "2", "xsd:int"),), 8.0)
    assert one["Device.A"].value == "2"
    assert [record.getMessage() for record in caplog.records] == [
        "what is known of all devices takes 0 MB: no more is kept"
    ]


def test_what_is_forgotten_makes_room() -> None:
    known = KnownBytes()
    parameters = Parameters(known)
    parameters.learn_values(VALUES, 5.0)
    parameters.learn_names((m.ParameterInfoStruct("Device.A", True),), 6.0)
    parameters.learn_values((m.ParameterValueStruct("Device.A", "long", "xsd:string"),), 7.0)
    assert known.used > 0
    parameters.forget("Device.")
    assert known.used == 0
