"""Tasks of the embedded ACS: the RPCs that each is done with."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.acs_sessions import ScriptedCPE, acs_and_cpe, inform, only, queue

from caretaker.acs.acs import ACS
from caretaker.acs.task import Task
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
    arguments = {"fileType": "2 Web Content", "fileName": "x 1"}
    task = queue(acs, "download", **arguments, url="http://elsewhere/y")
    cpe.post(inform(), Host="acs:7547")
    request = decode(cpe.post().data).message
    assert isinstance(request, m.Download)
    assert (request.file_type, request.url) == ("2 Web Content", "http://acs:7547/files/x%201")
    assert cpe.say(m.DownloadResponse(status)) is None
    assert (task.ended.is_set(), task.done, task.fault) == (True, True, None)


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


def begun(name: str, **arguments: Any) -> tuple[ACS, ScriptedCPE, Task, m.Message | None]:
    """A task in a session: its ACS, CPE and the first request, None if there is none."""
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    task = queue(acs, name, **arguments)
    cpe.post(inform())
    answer = cpe.post()
    return acs, cpe, task, decode(answer.data).message if answer.data else None


@pytest.mark.parametrize(
    ("name", "arguments", "faults"),
    [
        ("getParameterValues", {"parameterNames": ["Device.None"]}, 3),
        ("refreshObject", {"objectName": "Device.None"}, 1),
        ("addObject", {"objectName": "Device.None"}, 1),
        ("deleteObject", {"objectName": "Device.Host.9"}, 1),
    ],
)
def test_an_unknown_name_or_an_empty_row_is_done_without_a_fault(
    name: str, arguments: dict[str, Any], faults: int
) -> None:
    _, cpe, task, request = begun(name, **arguments)
    for _ in range(faults):
        assert request is not None
        request = cpe.say(m.Fault.of(9005))
    assert (request, task.done, task.fault) == (None, True, None)


def test_a_path_with_a_dot_at_its_end_is_a_fault_and_nothing_is_sent() -> None:
    _, _, task, request = begun("getParameterValues", parameterNames=["Device.Info."])
    assert (request, task.done) == (None, True)
    assert task.fault is not None


def test_a_value_that_is_missing_in_the_answer_is_kept_as_an_empty_text() -> None:
    acs, cpe, task, _ = begun("getParameterValues", parameterNames=["Device.A", "Device.B"])
    values = (m.ParameterValueStruct("Device.A", "1", "xsd:int"),)
    assert cpe.say(m.GetParameterValuesResponse(values)) is None
    assert (task.done, task.fault) == (True, None)
    kept = only(acs).parameters["Device.B"]
    assert (kept.value, kept.type) == ("", "xsd:string")


def test_a_value_that_is_there_is_not_set_again() -> None:
    acs, cpe, _, request = begun("setParameterValues", parameterValues=[["Device.A", True]])
    assert request == m.GetParameterValues(("Device.A",))
    shown = m.ParameterValueStruct("Device.A", "true", "xsd:boolean")
    assert cpe.say(m.GetParameterValuesResponse((shown,))) is None
    task = queue(acs, "setParameterValues", parameterValues=[["Device.A", "true"]])
    cpe.post(inform())
    assert cpe.post().status_code == 204
    assert (task.done, task.fault) == (True, None)
    queue(acs, "setParameterValues", parameterValues=[["Device.A", False]])
    cpe.post(inform())
    changed = shown._replace(value="false")
    assert decode(cpe.post().data).message == m.SetParameterValues((changed,), "")


def test_a_bootstrap_forgets_all_values_so_that_they_are_set_again() -> None:
    acs, cpe, _, _ = begun("getParameterValues", parameterNames=["Device.A"])
    cpe.say(m.GetParameterValuesResponse((m.ParameterValueStruct("Device.A", "1"),)))
    assert "Device.A" in only(acs).parameters
    cpe.post(inform("0 BOOTSTRAP"))
    assert "Device.A" not in only(acs).parameters


def test_a_row_can_be_added_with_values() -> None:
    acs, cpe, task, request = begun(
        "addObject", objectName="Device.Host", parameterValues=[["Name", "x", "xsd:string"]]
    )
    assert request == m.AddObject("Device.Host.", "")
    assert cpe.say(m.AddObjectResponse(7)) == m.GetParameterNames("Device.Host.7.", False)
    infos = (m.ParameterInfoStruct("Device.Host.7.Name", True),)
    name = m.ParameterValueStruct("Device.Host.7.Name", "x")
    assert cpe.say(m.GetParameterNamesResponse(infos)) == m.SetParameterValues((name,), "")
    assert cpe.say(m.SetParameterValuesResponse()) is None
    assert (task.done, task.fault) == (True, None)
    assert only(acs).parameters["Device.Host.7.Name"].value == "x"


def test_no_row_is_added_to_what_is_known_not_to_be_writable() -> None:
    acs, cpe, _, request = begun("refreshObject", objectName="Device.Host")
    assert request == m.GetParameterNames("Device.Host.", False)
    assert (
        cpe.say(m.GetParameterNamesResponse((m.ParameterInfoStruct("Device.Host.", False),)))
        is None
    )
    task = queue(acs, "addObject", objectName="Device.Host")
    cpe.post(inform())
    assert cpe.post().status_code == 204
    assert (task.done, task.fault) == (True, None)
