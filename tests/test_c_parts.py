"""Parts in C are there, or not, or damaged, or of other sources."""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree

import caretaker.http
from caretaker import __main__, c_parts
from caretaker.c_parts import (
    COUNTING,
    ENGINE,
    INTERFACES,
    TLS,
    c_part,
    file_error,
    library_error,
    load_error,
)
from caretaker.engine.engine_use import NOT_BUILT, NOT_LOADED, EngineUse
from caretaker.http.endpoint import Address, Endpoint
from caretaker.swarm.damaged_parts import say_damaged

FILE = f"_engine{EXTENSION_SUFFIXES[0]}"
CONTENTS = {
    "garbage": (b"of no use", "no library"),
    "empty": (b"", "no library"),
    "the head alone": (b"\x7fELF\x02\x01\x01" + bytes(9), "cut off"),
    "cut off": (None, "cut off"),
}
"""Of a damaged file, and what is said of it on Linux; None: half of a real library."""


_WHOLE: str = etree.__file__
"""A library of another project."""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the engine is looked for: nothing is there."""
    monkeypatch.delitem(sys.modules, ENGINE, raising=False)
    monkeypatch.setattr(caretaker.http, "__path__", [str(tmp_path)])
    return tmp_path


def damage(folder: Path, name: str) -> str:
    """Put a damaged engine there, and return what is wrong with it."""
    content, error = CONTENTS[name]
    if content is None:
        whole = Path(_WHOLE).read_bytes()
        content = whole[: len(whole) // 2]
    (folder / FILE).write_bytes(content)
    return error


def use() -> EngineUse:
    return EngineUse(c_part(ENGINE), Endpoint(Address.of("http://127.0.0.1:1/")))


def test_python_does_the_work_of_a_part_that_is_not_there(folder: Path) -> None:
    assert (c_part(ENGINE), load_error(ENGINE)) == (None, "")
    assert use().off == NOT_BUILT
    assert not (folder / FILE).exists()


@pytest.mark.parametrize("name", CONTENTS)
def test_python_does_the_work_of_a_damaged_part_and_names_the_file(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = damage(folder, name)
    assert c_part(ENGINE) is None
    assert use().off == NOT_LOADED
    if sys.platform == "linux":
        assert load_error(ENGINE) == f"{folder / FILE}: {error}"
    say_damaged(argparse.Namespace(master=False))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if ENGINE in line]
    assert line.startswith(f"caretaker: {ENGINE} can't be used, and Python does its work; ")
    assert "install Caretaker anew" in line
    assert str(folder / FILE) in line


@pytest.mark.parametrize("name", INTERFACES)
def test_a_part_of_other_sources_is_not_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType(name)
    other.__file__ = "/lib/other.so"
    monkeypatch.setitem(sys.modules, name, other)
    for interface in (None, INTERFACES[name] + 1):
        if interface is not None:
            other.__dict__["INTERFACE"] = interface
        assert c_part(name) is None
        assert load_error(name) == "/lib/other.so: made of other sources than the rest of Caretaker"
    other.__dict__["INTERFACE"] = INTERFACES[name]
    assert c_part(name) is other


def declared(file: Path, *names: str) -> str:
    """A file without its comments and docstrings, or what these names are in it."""
    nodes = ast.parse(file.read_text()).body
    chosen = [node for node in nodes if not names or _names(node) & set(names)]
    for node in (each for top in chosen for each in ast.walk(top)):
        if isinstance(node, ast.ClassDef):
            node.body = [each for each in node.body if not isinstance(each, ast.Expr)]
    return "\n".join(map(ast.unparse, chosen))


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {getattr(node, "name", "")}


EVENTS = ("Done", "Answer", "Detached", "Failed", "Progress", "Event")


@pytest.mark.parametrize(
    ("name", "source", "declarations", "known"),
    [
        (
            ENGINE,
            "http/_engine.c",
            {"http/_engine.pyi": (), "http/io_engine.py": EVENTS},
            "b7cbe4e5",
        ),
        (TLS, "http/_openssl.c", {"http/_openssl.pyi": ()}, "2dc820b3"),
        (COUNTING, "stats/_counting.c", {"stats/counting.py": ("Extent", "Counting")}, "a6019228"),
    ],
)
def test_an_interface_that_is_another_has_another_number(
    root: Path, name: str, source: str, declarations: dict[str, tuple[str, ...]], known: str
) -> None:
    """
    Of what Python calls and of what it gets.

    Where it has changed: raise the number in the C file and in ``INTERFACES``, and put the new
    hash here, so that a file of the sources before is known as such.
    """
    package = root / "caretaker"
    number = re.search(r"#define INTERFACE (\d+)", (package / source).read_text())
    assert number is not None
    assert int(number[1]) == INTERFACES[name]
    text = "\n".join(declared(package / path, *names) for path, names in declarations.items())
    assert hashlib.sha256(text.encode()).hexdigest()[:8] == known


def test_a_part_that_is_there_has_no_error() -> None:
    assert c_part("caretaker.errors") is sys.modules["caretaker.errors"]
    assert load_error("caretaker.errors") == ""


def test_a_file_that_is_whole_has_no_error() -> None:
    assert file_error(_WHOLE) == ""
    assert file_error(__file__) == ""


def test_a_damaged_library_of_mypyc_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "library.so"
    path.write_bytes(b"of no use")
    spec = ModuleSpec(c_parts.LIBRARY, None, origin=str(path))
    monkeypatch.setattr(c_parts, "find_spec", lambda _: spec)
    if sys.platform != "linux":
        assert library_error() == ""
        return
    assert __main__.main(["--version"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"caretaker: can't be used, install Caretaker anew: {path}: no library"
    ]


def test_without_mypyc_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_parts, "find_spec", lambda _: None)
    assert library_error() == ""
