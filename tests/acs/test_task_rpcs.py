"""Tasks of the embedded ACS: the RPCs that each is done with."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.acs_sessions import acs_and_cpe, inform, only, queue

from caretaker.acs.task_rpcs import MAX_NAMES, TASK_TYPES, parse_task
from caretaker.cwmp import decode
from caretaker.cwmp import messages as m
from caretaker.errors import InputError


@pytest.mark.rule("8-11", "8.3-5")
@pytest.mark.parametrize("status", [0, 1])
def test_a_download_is_done_when_the_device_has_agreed_or_has_it_already(status: int) -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, "download", fileType="2 Web Content", url="http://files/x")
    cpe.post(inform())
    request = decode(cpe.post().data).message
    assert isinstance(request, m.Download)
    assert (request.file_type, request.url) == ("2 Web Content", "http://files/x")
    assert cpe.say(m.DownloadResponse(status)) is None
    assert (task.ended.is_set(), task.fault) == (True, None)


@pytest.mark.rule("8-10")
def test_refreshing_reads_names_and_then_values_in_batches() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, "refreshObject", objectName="")
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.GetParameterNames("", False)
    names = [f"Device.P{number}" for number in range(300)]
    infos = [m.ParameterInfoStruct("Device.", False)]
    infos += [m.ParameterInfoStruct(name, True) for name in names]
    asked: list[str] = []
    request = cpe.say(m.GetParameterNamesResponse(tuple(infos)))
    while isinstance(request, m.GetParameterValues):
        asked += request.parameter_names
        values = tuple(m.ParameterValueStruct(name, "v") for name in request.parameter_names)
        request = cpe.say(m.GetParameterValuesResponse(values))
    assert asked == names
    assert task.ended.is_set()
    assert only(acs).document()["Device"]["P7"]["_writable"] is True


@pytest.mark.rule("8-10")
def test_the_type_of_a_value_is_asked_for_before_it_is_set() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    queue(acs, "setParameterValues", parameterValues=[["Device.A", "5"]])
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.GetParameterValues(("Device.A",))
    values = m.GetParameterValuesResponse((m.ParameterValueStruct("Device.A", "1", "xsd:int"),))
    asked = m.ParameterValueStruct("Device.A", "5", "xsd:int")
    assert cpe.say(values) == m.SetParameterValues((asked,), "")


def test_names_of_parameters_and_objects_may_be_mixed() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, "getParameterValues", parameterNames=["Device.A", "Device.B"])
    cpe.post(inform())
    cpe.post()
    assert cpe.say(m.Fault.of(9005)) == m.GetParameterValues(("Device.A",))
    values = m.GetParameterValuesResponse((m.ParameterValueStruct("Device.A", "1"),))
    assert cpe.say(values) == m.GetParameterValues(("Device.B",))
    assert cpe.say(m.Fault.of(9005)) == m.GetParameterValues(("Device.B.",))
    cpe.say(m.GetParameterValuesResponse(()))
    assert (task.ended.is_set(), task.fault) == (True, None)


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ({}, "'name' must be one of"),
        ([], "'name' must be one of"),
        ({"name": "explode"}, "'name' must be one of"),
        ({"name": "getParameterValues"}, "'parameterNames' is missing or malformed"),
        ({"name": "getParameterValues", "parameterNames": "Device."}, "'parameterNames'"),
        ({"name": "setParameterValues", "parameterValues": [["a"]]}, "'parameterValues'"),
        ({"name": "setParameterValues", "parameterValues": [["a", 1, 5]]}, "'parameterValues'"),
        (
            {"name": "setParameterValues", "parameterValues": [["a", [], "b:c"]]},
            "'parameterValues'",
        ),
        ({"name": "refreshObject"}, "'objectName'"),
        (
            {"name": "getParameterValues", "parameterNames": ["a"] * (MAX_NAMES + 1)},
            f"a list has 1 to {MAX_NAMES} entries",
        ),
        (
            {"name": "setParameterValues", "parameterValues": [["a", 1]] * (MAX_NAMES + 1)},
            f"a list has 1 to {MAX_NAMES} entries",
        ),
    ],
)
def test_bad_tasks_are_one_line(task: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_task(task)


def test_there_are_the_tasks_of_genieacs_that_load_drivers_post() -> None:
    values = "getParameterValues setParameterValues"
    objects = "refreshObject addObject deleteObject"
    others = "reboot factoryReset download"
    assert set(TASK_TYPES) == {*values.split(), *objects.split(), *others.split()}
