"""The build backend chooses between a compiled wheel and one in plain Python, and says which."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import wheels

COMPILED, PLAIN = "caretaker-cp.whl", "caretaker-py3.whl"


@pytest.fixture
def compiles(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which compiling works."""
    monkeypatch.delenv("CARETAKER_PURE", raising=False)
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    _builds(monkeypatch)
    return monkeypatch


def _builds(monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    def build(*_: Any, compiled: bool) -> str:
        if compiled and error is not None:
            raise error
        return COMPILED if compiled else PLAIN

    monkeypatch.setattr(wheels, "_build", build)


def test_a_wheel_is_compiled_where_that_can_be(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wheels.build_wheel("folder") == COMPILED
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
    assert wheels.build_wheel("folder") == PLAIN
    assert capsys.readouterr().err == f"caretaker: this wheel is plain Python: {reason}\n"


def test_without_the_headers_of_python_nothing_is_compiled(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiles.setattr(Path, "exists", lambda _: False)
    assert wheels.build_wheel("folder") == PLAIN
    assert f"no Python.h in {sysconfig.get_path('include')}\n" in capsys.readouterr().err


@pytest.mark.parametrize("error", [SystemExit("error: gcc failed"), OSError("disk full")])
def test_where_compiling_fails_the_wheel_is_plain_python(
    compiles: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    _builds(compiles, error)
    assert wheels.build_wheel("folder") == PLAIN
    assert f"compiling failed: {error}\n" in capsys.readouterr().err


def test_a_wheel_that_must_be_compiled_is_an_error_otherwise(
    compiles: pytest.MonkeyPatch,
) -> None:
    compiles.setenv("CARETAKER_PURE", "0")
    _builds(compiles, SystemExit("error: gcc failed"))
    with pytest.raises(SystemExit, match="gcc failed"):
        wheels.build_wheel("folder")


def test_mypy_is_needed_only_to_compile(compiles: pytest.MonkeyPatch) -> None:
    compiles.setattr("setuptools.build_meta.get_requires_for_build_wheel", lambda _: ["wheel"])
    assert wheels.get_requires_for_build_wheel() == ["wheel", *wheels.COMPILER]
    compiles.setenv("CARETAKER_PURE", "1")
    assert wheels.get_requires_for_build_wheel() == ["wheel"]
