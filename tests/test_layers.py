"""The layers: who may import whom (decision D1), and what the package exports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import caretaker

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "index_set": set(),
    "masking": set(),
    "cwmp": {"errors"},
    "http": {"errors"},
    "data_model": {"cwmp", "errors"},
    "stats": {"cwmp", "errors", "index_set"},
    "connection_request": {"errors", "http", "stats"},
    "profiles": {"cwmp", "data_model", "errors"},
    "acs": {"connection_request", "cwmp", "errors", "http"},
    "device": {"cwmp", "data_model", "errors", "profiles"},
    "engine": {"cwmp", "device", "errors", "http", "masking", "profiles", "stats"},
    "testing": {"cwmp", "device", "errors", "http", "profiles"},
    "fleet": {
        "connection_request", "cwmp", "device", "engine", "errors", "http", "profiles", "stats",
    },
    "reporting": {"cwmp", "device", "engine", "errors", "index_set", "stats"},
    "__init__": {"acs", "connection_request", "device", "errors", "fleet", "http"},
    "console": {"cwmp", "device", "errors", "fleet", "http", "masking", "stats"},
    "scenarios": {"cwmp", "device", "engine", "errors", "reporting", "stats"},
    "__main__": {"acs", "console", "errors", "http", "profiles", "reporting"},
    "swarm": {
        "connection_request", "console", "cwmp", "device", "engine", "errors", "fleet", "http",
        "index_set", "masking", "profiles", "reporting", "scenarios", "stats",
    },
}  # fmt: skip
"""Each part with those it may import; none may import one that imports it."""

TOUCHES_FILES = {"loader.py", "importer.py"}
"""The two modules of profiles that read and write files; the others are given bytes."""


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("caretaker."):
            found.add((node.module or "").split(".")[1])
    return found


def test_every_part_imports_only_what_is_below_it(root: Path) -> None:
    package = root / "caretaker"
    for path in package.rglob("*.py"):
        part = path.relative_to(package).parts[0].removesuffix(".py")
        assert _imports(path) <= LAYERS[part] | {part}, path


@pytest.mark.parametrize("part", ["cwmp", "data_model", "device", "profiles"])
def test_the_protocol_and_the_device_touch_no_files(root: Path, part: str) -> None:
    """Decision D1: they are given bytes and hand bytes back."""
    touching = {"open", "read_bytes", "write_bytes", "write_text"}
    for path in (root / "caretaker" / part).rglob("*.py"):
        if path.name in TOUCHES_FILES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert called not in touching, f"{path}:{node.lineno}"


def test_no_part_is_below_itself() -> None:
    for part in LAYERS:
        below: list[str] = [part]
        found: set[str] = set()
        while below:
            for other in LAYERS[below.pop()] - found:
                found.add(other)
                below.append(other)
        assert part not in found


@pytest.mark.processes
@pytest.mark.parametrize(
    "module",
    [
        "caretaker.cwmp",
        "caretaker.data_model.model",
        "caretaker.device.cpe",
        "caretaker.cwmp.session",
    ],
)
def test_protocol_and_device_need_no_io(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    forbidden = {"gevent", "requests", "werkzeug", "locust", "socket", "httptools"}
    assert module in loaded
    assert not forbidden & {name.partition(".")[0] for name in loaded}


def test_the_package_exports_what_it_says() -> None:
    assert sorted(caretaker._HOMES) == caretaker.__all__
    for name in caretaker.__all__:
        assert getattr(caretaker, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = caretaker.Nothing


def test_every_module_says_what_it_is(root: Path) -> None:
    for path in (root / "caretaker").rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path
