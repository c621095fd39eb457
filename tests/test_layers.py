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
    "cwmp": {"errors"},
    "device": {"cwmp", "errors"},
    "digest": {"errors"},
    "loop": set(),
    "sockets": set(),
    "http": {"errors", "sockets"},
    "connection": {"errors", "http", "sockets"},
    "wsgi_messages": set(),
    "wsgi": {"errors", "loop", "wsgi_messages"},
    "results": {"device", "errors"},
    "sources": {"errors"},
    "masking": set(),
    "recorded": {"connection", "errors", "http", "masking", "results"},
    "recording": {"connection", "device", "errors", "http", "recorded", "results", "transport"},
    "timeline": {"device", "errors", "results"},
    "transport": {"connection", "digest", "errors", "http"},
    "connection_request": {"connection", "digest", "errors", "http", "loop", "results", "wsgi"},
    "metrics": {"cwmp", "device"},
    "charts": set(),
    "pages": {"charts", "errors"},
    "comparison": {"charts", "errors", "metrics", "pages"},
    "checks": {"errors", "metrics", "outages"},
    "tables": {"checks", "metrics", "pages"},
    "report": {"charts", "checks", "comparison", "errors", "metrics", "pages", "tables"},
    "mover": {"connection", "cwmp", "digest", "errors", "http", "transport"},
    "pace": set(),
    "profiles": {"device", "errors"},
    "importing": {"device", "errors", "profiles"},
    "shard": {
        "cwmp", "device", "digest", "errors", "mover", "outages", "pace", "profiles",
        "recording", "results", "timeline", "transport",
    },
    "openers": {"device", "digest", "http", "transport"},
    "outages": {"device", "errors", "transport"},
    "actions": {"cwmp", "device", "errors", "outages", "shard"},
    "kpis": {"timeline"},
    "scenarios": {"actions", "checks", "errors", "kpis", "results", "timeline"},
    "fleet": {
        "connection_request", "cwmp", "device", "digest", "errors", "http", "loop", "mover",
        "openers", "profiles", "results", "shard", "transport",
    },
    "acs": {"connection_request", "cwmp", "digest", "errors", "http", "loop", "wsgi"},
    "swarm": {
        "actions", "checks", "connection_request", "console", "device", "digest", "errors", "fleet",
        "http", "kpis", "loop", "masking", "metrics", "mover", "openers", "outages", "pace",
        "profiles", "recording", "report", "results", "scenarios", "shard", "sources", "timeline",
        "transport", "wsgi",
    },
    "console": {
        "connection", "cwmp", "device", "digest", "errors", "fleet", "http", "masking", "results",
        "transport",
    },
    "__main__": {
        "acs", "comparison", "console", "digest", "errors", "importing", "profiles", "report",
    },
    "__init__": {"acs", "connection_request", "device", "digest", "errors", "fleet"},
}  # fmt: skip
"""Each part with those it may import; none may import one that imports it."""


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


@pytest.mark.parametrize("part", ["cwmp", "device"])
def test_the_protocol_and_the_device_touch_no_files(root: Path, part: str) -> None:
    """Decision D1: they are given bytes and hand bytes back."""
    touching = {"open", "read_bytes", "write_bytes", "write_text"}
    for path in (root / "caretaker" / part).rglob("*.py"):
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
    "module", ["caretaker.cwmp", "caretaker.device.cpe", "caretaker.cwmp.session"]
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
