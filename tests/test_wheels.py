"""The build backend chooses how much of a wheel is compiled, and says why."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import wheels


@pytest.fixture
def compiles(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which compiling works."""
    for name in ("CARETAKER_PURE", "CARETAKER_MYPYC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    _builds(monkeypatch)
    return monkeypatch


def _builds(monkeypatch: pytest.MonkeyPatch, **errors: BaseException) -> None:
    """Have builds, whose names are what is compiled, fail with these errors."""

    def build(*_: Any, compiled: str) -> str:
        if compiled in errors:
            raise errors[compiled]
        return compiled

    monkeypatch.setattr(wheels, "_build", build)


def test_a_wheel_is_compiled_where_that_can_be(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wheels.build_wheel("folder") == wheels.ALL
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CARETAKER_PURE", "1", "CARETAKER_PURE=1"),
        ("CC", "/no/such/cc -pthread", "no C compiler (/no/such/cc)"),
    ],
)
def test_a_wheel_in_plain_python_says_why(
    compiles: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    reason: str,
) -> None:
    compiles.setenv(name, value)
    assert wheels.build_wheel("folder") == wheels.PLAIN
    assert capsys.readouterr().err == f"caretaker: this wheel is plain Python: {reason}\n"


def test_without_the_headers_of_python_nothing_is_compiled(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiles.setattr(Path, "exists", lambda _: False)
    assert wheels.build_wheel("folder") == wheels.PLAIN
    assert f"no Python.h in {sysconfig.get_path('include')}\n" in capsys.readouterr().err


@pytest.mark.parametrize("error", [SystemExit("error: gcc failed"), OSError("disk full")])
def test_where_mypyc_fails_the_parts_in_c_are_compiled(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    _builds(compiles, all=error)
    assert wheels.build_wheel("folder") == wheels.PARTS_IN_C
    said = f"of this wheel only the parts in C are compiled: compiling failed: {error}\n"
    assert capsys.readouterr().err == f"caretaker: {said}"


def test_where_all_compiling_fails_the_wheel_is_plain_python(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _builds(compiles, all=SystemExit("mypyc"), C=SystemExit("gcc"))
    assert wheels.build_wheel("folder") == wheels.PLAIN
    assert "this wheel is plain Python: compiling failed: gcc\n" in capsys.readouterr().err


def test_a_wheel_without_mypyc_is_asked_for(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiles.setenv("CARETAKER_MYPYC", "0")
    assert wheels.build_wheel("folder") == wheels.PARTS_IN_C
    assert "only the parts in C are compiled: CARETAKER_MYPYC=0\n" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["CARETAKER_PURE", "CARETAKER_MYPYC"])
@pytest.mark.parametrize("other", ["", "1"])
def test_a_value_that_could_mean_the_reverse_is_refused_with_those_that_are(
    compiles: pytest.MonkeyPatch, name: str, other: str
) -> None:
    for each in ("CARETAKER_PURE", "CARETAKER_MYPYC"):
        compiles.setenv(each, "no" if each == name else other)
    for asked in (wheels.get_requires_for_build_wheel, lambda: wheels.build_wheel("folder")):
        with pytest.raises(SystemExit, match=f"^caretaker: {name}=no: give 0 or 1"):
            asked()


def test_a_wheel_that_must_be_compiled_is_an_error_otherwise(
    compiles: pytest.MonkeyPatch,
) -> None:
    compiles.setenv("CARETAKER_PURE", "0")
    _builds(compiles, all=SystemExit("error: gcc failed"))
    with pytest.raises(SystemExit, match="gcc failed"):
        wheels.build_wheel("folder")


def test_mypy_is_needed_only_to_compile(compiles: pytest.MonkeyPatch) -> None:
    compiles.setattr("setuptools.build_meta.get_requires_for_build_wheel", lambda _: ["wheel"])
    assert wheels.get_requires_for_build_wheel() == ["wheel", *wheels.COMPILER]
    for name, value in (("CARETAKER_MYPYC", "0"), ("CARETAKER_PURE", "1")):
        compiles.setenv(name, value)
        assert wheels.get_requires_for_build_wheel() == ["wheel"]
