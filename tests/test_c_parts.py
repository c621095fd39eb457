"""Parts in C are there, or not, or damaged."""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import caretaker.http
from caretaker.c_parts import ENGINE, c_part, load_error
from caretaker.engine.engine_use import NOT_BUILT, NOT_LOADED, EngineUse
from caretaker.http.endpoint import Address, Endpoint


@pytest.fixture(params=["not built", "damaged"])
def lacking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The engine is not built, or its file is none that can be loaded."""
    monkeypatch.delitem(sys.modules, ENGINE, raising=False)
    monkeypatch.setattr(caretaker.http, "__path__", [str(tmp_path)])
    if request.param == "damaged":
        (tmp_path / f"_engine{EXTENSION_SUFFIXES[0]}").write_bytes(b"of no use")
    return str(request.param)


def test_python_does_the_work_of_a_part_that_is_not_there_and_says_why(lacking: str) -> None:
    assert c_part(ENGINE) is None
    why = load_error(ENGINE)
    assert ("_engine" in why) is (lacking == "damaged")
    use = EngineUse(c_part(ENGINE), Endpoint(Address.of("http://127.0.0.1:1/")))
    assert use.off == (NOT_LOADED if why else NOT_BUILT)


def test_a_part_that_is_there_has_no_error() -> None:
    assert c_part("caretaker.errors") is sys.modules["caretaker.errors"]
    assert load_error("caretaker.errors") == ""
