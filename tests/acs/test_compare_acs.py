"""``./scripts/compare-acs``: the same requests to two ACSs."""

from __future__ import annotations

import pytest

from caretaker.acs import ACSServer
from compare_acs.__main__ import main, report
from compare_acs.answers import Answer, Target, answers_of
from compare_acs.steps import OFFLINE_STEPS, STEPS

MEASURED = {
    "a device by its path": "405",
    "a task for nobody": "404",
    "a task that is only queued": "202 Accepted",
    "a value": "200",
    "an unknown name": "200",
    "a dot at the end": "202 Task faulted",
    "a retry": "200",
    "an unknown object": "200",
    "a parameter as an object": "200",
    "a row where none can be": "200",
    "no such row": "200",
    "the same value again": "200",
    "a Connection Request alone": "200",
    "a Connection Request to a CPE that is off": "504 Device is offline",
    "a task for a CPE that is off": "202 Device is offline",
    "an Inform with Content-Encoding gzip": "200",
    "an Inform with Content-Encoding br": "415",
    "an Inform with Content-Encoding GZIP": "415",
    "an Inform with Content-Encoding x-gzip": "415",
    "an Inform with Content-Encoding identity": "415",
}
"""Statuses of GenieACS 1.2.16, as measured."""
FOUND = {
    "a value by its path": True,
    "another value": False,
    "a pattern with a star": True,
    "a pattern that does not fit": False,
    "a pattern between slashes": True,
    "$regex with $options": True,
    "$not": True,
    "$ne": False,
    "a number as text": True,
    "$exists of a parameter": True,
    "$exists of an object": False,
    "$nor": True,
    "sorted": True,
    "a limit of 0": True,
    "by its tag": True,
    "no more by its tag": False,
    "no such device": False,
}
"""Whether each query finds the device."""


def test_each_request_has_a_name_of_its_own() -> None:
    names = [step.name for step in (*STEPS, *OFFLINE_STEPS)]
    assert len(set(names)) == len(names)
    assert {*MEASURED, *FOUND} <= set(names)


@pytest.mark.sockets
def test_the_embedded_acs_answers_as_was_measured_of_genieacs() -> None:
    with ACSServer(cr_client="genieacs") as acs:
        answers = answers_of(Target(acs.url, acs.north_bound_url), "127.0.0.1", 7)
        assert acs.devices() == []
    assert {name: answers[name].status for name in MEASURED} == MEASURED
    assert {name: answers[name].body != "[]" for name in FOUND} == FOUND


@pytest.mark.sockets
def test_an_acs_that_answers_the_same_has_no_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ACSServer(cr_client="genieacs") as acs:
        assert main([acs.url, "--nbi-url", acs.north_bound_url]) == 0
    said = capsys.readouterr().out
    assert said.count("\nsame ") == len((*STEPS, *OFFLINE_STEPS)) - 1
    assert said.endswith(" requests, 0 answers differ\n")


def test_each_part_that_differs_is_shown_from_both(capsys: pytest.CaptureFixture[str]) -> None:
    ours = {"a": Answer("200", "{}", ""), "b": Answer("200", "{}", "x")}
    assert report(ours, {**ours, "b": Answer("202 Queued", "{}", "y")}) == 1
    assert capsys.readouterr().out.splitlines() == [
        "same     a: 200",
        "DIFFERS  b: 200",
        "         status",
        "           embedded 200",
        "           theirs   202 Queued",
        "         body",
        "           embedded x",
        "           theirs   y",
        "2 requests, 1 answers differ",
    ]


def test_an_acs_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:1/", "--nbi-url", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
