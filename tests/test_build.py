"""What ``caretaker --version`` and a summary say of the build that runs."""

from __future__ import annotations

import platform
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.metadata import version
from types import ModuleType

import pytest

from caretaker import __version__, build
from caretaker.c_parts import ENGINE


@pytest.fixture(params=[".py", EXTENSION_SUFFIXES[0]])
def suffix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the file of a module ends that may be compiled."""
    ending = str(request.param)
    spec = ModuleSpec("shard", None, origin=f"/caretaker/engine/shard{ending}")
    monkeypatch.setattr(build, "find_spec", lambda _: spec)
    return ending


def test_a_build_is_compiled_if_its_modules_are(suffix: str) -> None:
    assert build.is_compiled() is (suffix != ".py")


def test_the_name_of_a_build_says_whether_it_is_compiled(suffix: str) -> None:
    assert build.build_name() == (__version__ if suffix == ".py" else f"{__version__}, compiled")


@pytest.mark.parametrize("engine", [None, platform])
def test_the_versions_are_those_of_what_it_runs_on(
    suffix: str, engine: ModuleType | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "engine_module", lambda: engine)
    kind = "plain Python" if suffix == ".py" else "compiled"
    if engine is not None:
        kind += ", with the I/O engine"
    said = build.about()
    assert said.startswith(f"caretaker {__version__}, {kind} (")
    for part in (platform.python_version(), version("gevent"), version("locust")):
        assert part in said


def test_a_part_in_c_that_cannot_be_used_is_named_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage = {ENGINE: "file too short"}
    monkeypatch.setattr(build, "load_error", lambda name: damage.get(name, ""))
    assert build.about().endswith(
        "; caretaker.http._engine can't be used, and Python does its work; "
        "install Caretaker anew: file too short"
    )
