"""The layers: who may import whom (decision D1), and what the package exports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import caretaker

LAYERS: dict[str, set[str]] = {
    "c_parts": set(),
    "closed_output": set(),
    "errors": set(),
    "index_set": set(),
    "masking": set(),
    "nearest_names": set(),
    "parent_death": set(),
    "reasons": set(),
    "text_template": set(),
    "way": set(),
    "argument_type": {"errors"},
    "input_file": {"errors"},
    "plain_numbers": {"errors"},
    "quoting": {"masking"},
    "stun": {"errors"},
    "cwmp": {"errors", "quoting", "text_template"},
    "http": {"c_parts", "errors", "plain_numbers", "quoting", "text_template"},
    "run_token": {"errors", "input_file"},
    "build": {"c_parts", "http"},
    "data_model": {"cwmp", "errors", "plain_numbers"},
    "server_command": {"closed_output", "errors", "http", "parent_death"},
    "stats": {"c_parts", "cwmp", "errors", "index_set", "way"},
    "xmpp": {"errors", "http", "plain_numbers"},
    "connection_request": {"errors", "http", "stats", "stun", "way", "xmpp"},
    "north_bound_client": {"errors", "http", "quoting", "stats"},
    "profiles": {"cwmp", "data_model", "errors", "input_file", "nearest_names", "plain_numbers"},
    "acs": {
        "argument_type", "connection_request", "cwmp", "errors", "http", "plain_numbers",
        "server_command", "way",
    },
    "device": {
        "cwmp", "data_model", "errors", "index_set", "nearest_names", "plain_numbers", "profiles",
        "quoting", "way",
    },
    "certs": {"argument_type", "closed_output", "device", "errors", "input_file", "plain_numbers"},
    "engine": {
        "c_parts", "cwmp", "device", "errors", "http", "index_set", "masking", "profiles",
        "quoting", "reasons", "stats", "stun", "way", "xmpp",
    },
    "router": {
        "argument_type", "connection_request", "device", "errors", "http", "plain_numbers",
        "run_token", "server_command",
    },
    "testing": {"cwmp", "device", "errors", "http", "profiles", "xmpp"},
    "xmpp_accounts": {
        "argument_type", "closed_output", "connection_request", "device", "errors", "http",
        "plain_numbers", "xmpp",
    },
    "fleet": {
        "connection_request", "cwmp", "device", "engine", "errors", "http", "profiles", "stats",
    },
    "reporting": {
        "cwmp", "device", "engine", "errors", "index_set", "input_file", "nearest_names",
        "plain_numbers", "reasons", "stats", "way",
    },
    "__init__": {"acs", "connection_request", "device", "errors", "fleet", "http"},
    "cleanup": {
        "closed_output", "device", "errors", "http", "north_bound_client", "profiles", "quoting",
        "reasons", "reporting", "stats",
    },
    "console": {
        "argument_type", "cwmp", "device", "errors", "fleet", "http", "masking", "plain_numbers",
        "profiles", "reasons", "stats", "way",
    },
    "scenarios": {
        "connection_request", "cwmp", "device", "engine", "errors", "plain_numbers", "profiles",
        "reasons", "reporting", "stats", "way",
    },
    "check": {
        "closed_output", "connection_request", "console", "cwmp", "device", "errors", "fleet",
        "http", "input_file", "masking", "north_bound_client", "quoting", "reasons", "reporting",
        "stats", "way",
    },
    "swarm": {
        "argument_type", "build", "c_parts", "closed_output", "connection_request", "console",
        "cwmp", "device", "engine", "errors", "http", "index_set", "input_file", "masking",
        "nearest_names", "north_bound_client", "parent_death", "plain_numbers", "profiles",
        "quoting", "reasons", "reporting", "router", "run_token", "scenarios", "stats", "way",
        "xmpp",
    },
    "commands": {
        "acs", "build", "certs", "check", "cleanup", "closed_output", "connection_request",
        "console", "errors", "plain_numbers", "profiles", "reporting", "router",
    },
    "completion": {"closed_output", "commands", "scenarios", "swarm"},
    "__main__": {"c_parts", "commands", "completion", "swarm"},
}  # fmt: skip
"""Each package, and each module beside them, with all that it imports of the others."""

TOUCHES_FILES = {"loader.py", "importer.py"}
"""The two modules of profiles that read and write files; the others are given bytes."""


def _modules(package: Path) -> dict[str, Path]:
    """The modules of a package by their dotted names; a folder's ``__init__`` has its name."""
    paths = {path.relative_to(package.parent).with_suffix(""): path for path in _sources(package)}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}


def _sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _imports(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """The modules that one imports, in a function or for types only, too."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {name if name in modules else node.module for name in names}
    return {name for name in imported if name in modules and modules[name] != path}


def _circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """The groups of modules that import each other, by whatever detour."""
    above = {name: _reached(name, graph) for name in graph}
    return [
        {other for other in above[name] if name in above.get(other, set())}
        for name in graph
        if name in above[name]
    ]


def _reached(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return reached


def test_every_part_imports_only_what_is_below_it(root: Path) -> None:
    modules = _modules(root / "caretaker")
    imports: dict[str, set[str]] = {part: set() for part in LAYERS}
    for path in modules.values():
        part = path.relative_to(root / "caretaker").parts[0].removesuffix(".py")
        parts = {other.partition(".")[2].partition(".")[0] for other in _imports(path, modules)}
        imports[part] |= (parts | _homes(path)) - {part, ""}
    assert imports == LAYERS


def _homes(path: Path) -> set[str]:
    """The parts that ``caretaker`` itself exports names of, which it imports when they are used."""
    is_face = path.name == "__init__.py" and path.parent.name == "caretaker"
    return {home.split(".")[1] for home in caretaker._HOMES.values()} if is_face else set()


def test_no_part_is_below_itself() -> None:
    assert _circles(LAYERS) == []


def test_no_module_is_in_a_circle_not_even_for_its_types(root: Path) -> None:
    modules = _modules(root / "caretaker")
    assert _circles({name: _imports(path, modules) for name, path in modules.items()}) == []


@pytest.mark.parametrize(
    "back",
    [
        "from package.low import name",
        "import package.low",
        "from package import low",
        "if TYPE_CHECKING:\n    from package.low import Name",
        "def late() -> None:\n    from package.low import name",
    ],
)
def test_a_circle_of_any_kind_is_seen(tmp_path: Path, back: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name, text in (("__init__", ""), ("low", "from package.middle import x"), ("high", back)):
        (package / f"{name}.py").write_text(text)
    (package / "middle.py").write_text("from package import high")
    modules = _modules(package)
    circles = _circles({name: _imports(path, modules) for name, path in modules.items()})
    assert {"package.low", "package.middle", "package.high"} in circles


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
