"""``setup.py`` compiles the C files of a library side by side."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from setuptools import Distribution, Extension
from setuptools.errors import CompileError

SOURCES = [f"{name}.c" for name in "abcdef"]
Compile = Callable[..., list[str]]


@pytest.fixture
def setup(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``setup.py`` defines; it builds nothing."""
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    return runpy.run_path(str(root / "setup.py"))


def _run(build: Any, library: Extension, folder: Path) -> None:
    """Run a build of one library."""
    command = build(Distribution({"name": "project", "ext_modules": [library]}))
    command.build_lib, command.build_temp, command.parallel = str(folder), str(folder), 2
    command.ensure_finalized()
    command.run()


@pytest.fixture
def linked(setup: dict[str, Any], tmp_path: Path) -> Callable[[Compile], list[str]]:
    """Builds a library of six C files, compiled by a function, and returns what was linked."""

    def build(compile_files: Compile) -> list[str]:
        objects: list[str] = []
        side_by_side: Any = setup["SideBySide"]

        class Build(side_by_side):  # type: ignore[misc]
            def build_extensions(self) -> None:
                self.compiler.compile = compile_files
                self.compiler.link_shared_object = lambda made, *_, **__: objects.extend(made)
                super().build_extensions()

        _run(Build, Extension("library", list(SOURCES)), tmp_path)
        return objects

    return build


def test_a_library_has_the_objects_of_all_files_in_their_order(linked: Any) -> None:
    assert linked(lambda sources, **_: [f"{sources[0]}.o"]) == [f"{name}.o" for name in SOURCES]


def test_files_are_compiled_side_by_side(setup: dict[str, Any], linked: Any) -> None:
    met = Barrier(min(setup["JOBS"], 2))  # no one passes it alone

    def compile_files(sources: list[str], **_: Any) -> list[str]:
        met.wait(timeout=60)
        return sources

    assert linked(compile_files) == SOURCES


@pytest.mark.parametrize("headers", ["there", "missing"])
def test_tls_is_left_out_with_the_cure_where_it_does_not_compile(
    setup: dict[str, Any], tmp_path: Path, headers: str
) -> None:
    said: list[str] = []

    def compile_files(sources: list[str], **_: Any) -> list[str]:
        if headers == "missing":
            raise CompileError("openssl/ssl.h: No such file or directory")
        return sources

    def link(_: list[str], library: str, **__: Any) -> None:
        Path(library).parent.mkdir(parents=True)
        Path(library).touch()

    side_by_side: Any = setup["SideBySide"]

    class Build(side_by_side):  # type: ignore[misc]
        warn = staticmethod(said.append)

        def build_extensions(self) -> None:
            self.compiler.compile, self.compiler.link_shared_object = compile_files, link
            super().build_extensions()

    _run(Build, setup["tls"](), tmp_path)
    assert any("Debian's libssl-dev" in line for line in said) is (headers == "missing")


def test_a_file_that_does_not_compile_fails_the_build(linked: Any) -> None:
    def compile_files(sources: list[str], **_: Any) -> list[str]:
        if sources == ["c.c"]:
            raise CompileError("c.c: no")
        return sources

    with pytest.raises(CompileError, match=r"c\.c: no"):
        linked(compile_files)


def test_each_optional_library_says_what_its_absence_means(
    setup: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    libraries = [setup["tls"](), *setup["io_engine"](), setup["counting"]()]
    assert {each.name for each in libraries if each.optional} == set(setup["LEFT_OUT"])
