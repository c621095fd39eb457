"""./scripts/compiled finds the compiled twin of the present sources, or begins to make it, once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from helpers.waiting import wait_until

pytestmark = [pytest.mark.processes]
BEGIN = "--or-begin"
PARTS = "--or-parts"
COMPILE = """#!/bin/sh
mkdir -p build/compiled
./scripts/compiled --stamp >build/compiled/stamp
echo begun >>begun
"""
PIP = """#!/bin/sh
echo "$CARETAKER_MYPYC" >>installed
while [ "$1" != --target ]; do shift; done
mkdir "$2"
"""
"""Stands for the Python of ``.venv``, which is asked for pip alone."""


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """A clone whose ``./scripts/compile`` takes no time and notes that it was called."""
    for name in ("caretaker/a.py", "setup.py", "pyproject.toml", ".venv/pyvenv.cfg", "bin/cc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "scripts").mkdir()
    shutil.copy(root / "scripts" / "compiled", tmp_path / "scripts")
    (tmp_path / "scripts" / "compile").touch(mode=0o755)
    (tmp_path / "scripts" / "compile").write_text(COMPILE)
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / ".venv" / "bin" / "python").touch(mode=0o755)
    (tmp_path / ".venv" / "bin" / "python").write_text(PIP)
    return tmp_path


def compiled(clone: Path, *arguments: str, pure: str = "") -> subprocess.CompletedProcess[str]:
    path = f"{clone / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [clone / "scripts" / "compiled", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": path, "CARETAKER_PURE": pure},
    )


def times_begun(clone: Path) -> int:
    noted = clone / "begun"
    return len(noted.read_text().splitlines()) if noted.exists() else 0


def test_without_a_twin_compiling_begins_and_one_line_names_its_log(clone: Path) -> None:
    done = compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone))
    assert done.stdout == ""
    log = next((clone / "build").glob("compile-*.log"))
    assert done.stderr == (f"loadtest: in plain Python; how compiling for later runs goes: {log}\n")


def test_a_variable_that_could_mean_the_reverse_is_refused(clone: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        compiled(clone, BEGIN, pure="no")
    assert refused.value.returncode == 2
    assert refused.value.stderr == ("compiled: CARETAKER_PURE=no: give 0 or 1, or leave it out\n")
    assert times_begun(clone) == 0


def test_of_runs_that_start_together_one_begins(clone: Path) -> None:
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda _: compiled(clone, BEGIN).stderr, range(8)))
    wait_until(lambda: times_begun(clone))
    assert any(said)
    compiled(clone, BEGIN)
    assert times_begun(clone) == 1


def test_the_twin_is_found_until_the_sources_change(clone: Path) -> None:
    compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone))
    assert compiled(clone).stdout == f"{clone}/build/compiled\n"
    (clone / "caretaker" / "a.py").write_text("changed = True\n")
    assert compiled(clone).stdout == ""
    compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone) == 2)
    assert compiled(clone).stdout == f"{clone}/build/compiled\n"


def test_of_sources_that_change_meanwhile_the_newest_are_compiled_alone(clone: Path) -> None:
    (clone / "scripts" / "compile").write_text("#!/bin/sh\necho $$ >>begun\nsleep 300 & wait\n")
    compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone))
    (clone / "caretaker" / "a.py").write_text("changed = True\n")
    compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone) == 2)
    older, newer = map(int, (clone / "begun").read_text().split())
    try:
        wait_until(lambda: not is_running(older))
        assert is_running(newer)
    finally:
        os.killpg(newer, signal.SIGKILL)


def is_running(group: int) -> bool:
    """Whether a process of a group is there, and has not ended yet."""
    processes = psutil.process_iter(["pid", "status"])
    alive = [each.pid for each in processes if each.info["status"] != psutil.STATUS_ZOMBIE]
    return group in map(group_of, alive)


def group_of(process: int) -> int | None:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return None


def test_what_has_failed_is_not_begun_again(clone: Path) -> None:
    (clone / "scripts" / "compile").write_text("#!/bin/sh\necho begun >>begun\nexit 1\n")
    compiled(clone, BEGIN)
    wait_until(lambda: times_begun(clone))
    assert "compile-" in compiled(clone, BEGIN).stderr
    assert times_begun(clone) == 1


def test_without_a_twin_the_parts_in_c_are_compiled_once_for_the_same_sources(clone: Path) -> None:
    for _ in range(2):
        done = compiled(clone, PARTS)
        assert (done.stdout, done.stderr) == (f"{clone}/build/parts\n", "")
    assert (clone / "installed").read_text() == "0\n"
    (clone / "caretaker" / "a.py").write_text("changed = True\n")
    assert compiled(clone, PARTS).stdout == f"{clone}/build/parts\n"
    assert (clone / "installed").read_text() == "0\n" * 2
    assert times_begun(clone) == 0
    assert compiled(clone).stdout == ""  # nothing for who measures


@pytest.mark.parametrize("twins", [("compiled-check",), ("compiled-check", "compiled")])
def test_a_twin_comes_before_its_parts_and_one_that_is_optimized_first(
    twins: tuple[str, ...], clone: Path
) -> None:
    for twin in twins:
        (clone / "build" / twin).mkdir(parents=True)
        (clone / "build" / twin / "stamp").write_text(compiled(clone, "--stamp").stdout)
    assert compiled(clone, PARTS).stdout == f"{clone}/build/{twins[-1]}\n"
    assert not (clone / "installed").exists()


def test_where_the_parts_can_not_be_compiled_there_is_none(clone: Path) -> None:
    (clone / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    done = compiled(clone, PARTS)
    assert (done.stdout, done.stderr) == ("", "no network\n")
    assert list((clone / "build").iterdir()) == []


def test_in_plain_python_nothing_is_begun_and_no_twin_found(clone: Path) -> None:
    done = compiled(clone, BEGIN, pure="1")
    assert (done.stdout, done.stderr) == ("", "")
    assert not (clone / "build").exists()
