"""From the source distribution to a load test: as users install it, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from helpers.processes import ended_well, environment

pytestmark = [pytest.mark.processes]


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    variables = {n: v for n, v in environment().items() if n != "PYTHONPATH"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**variables, "CARETAKER_PURE": "1"},
    )


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, made of this clone."""
    folder = tmp_path_factory.mktemp("sdist")
    hook = f"import wheels; wheels.build_sdist({str(folder)!r})"
    path = f"{root / 'build_backend'}"
    done = _run(root, "env", f"PYTHONPATH={path}", sys.executable, "-c", hook)
    assert done.returncode == 0, done.stderr
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """A wheel in plain Python, made of the source distribution."""
    build = (sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", sdist)
    done = _run(sdist.parent, *build)
    assert done.returncode == 0, done.stderr
    assert "this wheel is plain Python: CARETAKER_PURE=1" in done.stdout + done.stderr
    return next(sdist.parent.glob("*.whl"))


def test_the_source_distribution_has_what_compiling_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"setup.py", "build_backend/wheels.py", "pyproject.toml", "LICENSE"} <= names


def test_the_wheel_of_plain_python_is_for_every_machine(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_what_is_installed_runs_a_load_test_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    environment_folder, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    made = _run(empty, sys.executable, "-m", "venv", environment_folder)
    assert made.returncode == 0, made.stderr
    binaries = environment_folder / "bin"
    installed = _run(empty, binaries / "python", "-m", "pip", "install", "--quiet", wheel)
    assert installed.returncode == 0, installed.stderr

    assert ", plain Python (" in _run(empty, binaries / "caretaker", "--version").stdout
    swarm = ("--users", "20", "--run-time", "5s", "--processes", "1", "--cr-rate", "2")
    done = _run(empty, binaries / "caretaker", "run", *swarm)
    summary = json.loads((empty / "summary.json").read_text())
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert [path.name for path in empty.iterdir()] == ["summary.json"]
