"""The file of ``--state``: what is in it, who may use it, and that nothing breaks it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.errors import InputError
from caretaker.swarm.state_file import (
    EMBEDDED_ACS,
    StateFile,
    StoredCPE,
)

FACTS = {"--seed": "1", "--profile": "tr181", "--users": "3"}


def open_file(
    path: Path, facts: Mapping[str, str] = FACTS, acs_url: str = EMBEDDED_ACS
) -> StateFile:
    file = StateFile(path)
    try:
        file.agree(facts, acs_url)
    except InputError:
        file.close()
        raise
    return file


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with three CPEs."""
    path = tmp_path / "fleet.db"
    with open_file(path) as file:
        file.write([(0, b"zero"), (1, b"one"), (2, b"two")])
    return path


def test_records_are_there_when_it_is_opened_again(kept: Path) -> None:
    with open_file(kept) as file:
        assert file.read([(0, 1), (2, 9)]) == [StoredCPE(0, b"zero"), StoredCPE(2, b"two")]
        assert file.count() == 3


def test_a_record_takes_the_place_of_that_before_it(kept: Path) -> None:
    with open_file(kept) as file:
        file.write([(1, b"new")])
        assert file.read([(1, 2)]) == [StoredCPE(1, b"new")]
        assert file.count() == 3


def test_nothing_is_beside_it_when_it_is_closed(kept: Path) -> None:
    assert list(kept.parent.iterdir()) == [kept]


def test_a_record_says_whether_its_acs_was_another(kept: Path) -> None:
    with open_file(kept, acs_url="http://acs/") as file:
        file.write([(1, b"one")])
        assert [each.acs_is_new for each in file.read([(0, 3)])] == [True, False, True]
    with open_file(kept) as file:
        assert [each.acs_is_new for each in file.read([(0, 3)])] == [False, True, False]


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({**FACTS, "--seed": "2"}, "has --seed 1, this run has 2"),
        ({**FACTS, "--profile": "tr098"}, "has --profile tr181, this run has tr098"),
        ({**FACTS, "--users": "2"}, "has --users 3, this run has 2"),
        ({**FACTS, "--users": "4"}, "has --users 3, this run has 4"),
        ({**FACTS, "version": "9.9"}, "has version 1.1, this run has 9.9"),
    ],
)
def test_the_file_of_another_fleet_is_refused_and_stays(
    kept: Path, facts: Mapping[str, str], text: str
) -> None:
    before = kept.read_bytes()
    with pytest.raises(InputError, match=text):
        open_file(kept, facts)
    assert kept.read_bytes() == before


def test_a_fleet_of_unknown_size_agrees(kept: Path) -> None:
    open_file(kept, {"--seed": "1"}).close()
    with pytest.raises(InputError):
        open_file(kept, {"--users": "4"})


def test_a_second_run_is_refused(kept: Path) -> None:
    code = f"from caretaker.swarm.state_file import *; StateFile(Path({str(kept)!r}))"
    with open_file(kept):
        second = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
    assert "another run uses it; wait for its end" in second.stderr


def overwritten(path: Path) -> None:
    path.write_bytes(b"x" * 10_000)


def cut_in_half(path: Path) -> None:
    with open_file(path) as file:
        file.write([(index, os.urandom(100)) for index in range(1000)])
    os.truncate(path, path.stat().st_size // 2)


def damaged(path: Path) -> None:
    with open_file(path) as file:
        file.write([(index, os.urandom(100)) for index in range(1000)])
    data = bytearray(path.read_bytes())
    page = len(data) // 2 // 4096 * 4096
    data[page : page + 100] = b"x" * 100
    path.write_bytes(data)


def of_another_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()


def protected(path: Path) -> None:
    path.chmod(0o444)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (overwritten, "file is not a database"),
        (cut_in_half, "malformed; restore it from a copy"),
        (damaged, "malformed; restore it from a copy"),
        (of_another_program, "another program's"),
        (protected, "is read-only"),
        (a_folder, "is a folder"),
    ],
)
def test_what_can_not_be_used_is_one_line_and_stays(
    kept: Path, change: Callable[[Path], None], text: str
) -> None:
    change(kept)
    before = kept.read_bytes() if kept.is_file() else b""
    with pytest.raises(InputError, match=text) as error:
        StateFile(kept)
    assert "\n" not in str(error.value)
    assert str(kept) in str(error.value)
    assert before == (kept.read_bytes() if kept.is_file() else b"")


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a file in a folder that can be written"):
        StateFile(tmp_path / "nowhere" / "fleet.db")


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    path.touch()
    open_file(path).close()


def test_a_full_disk_leaves_what_was_there(kept: Path) -> None:
    with open_file(kept) as file:
        [(pages,)] = file._do("PRAGMA page_count")
        file._do(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.Error, match="full"):
            file.write([(index, b"x" * 1000) for index in range(1000)])
        assert file.read([(0, 9)])[1] == StoredCPE(1, b"one")
        file._do("PRAGMA max_page_count = 1000000")
        file.write([(1, b"later")])
        assert file.read([(1, 2)]) == [StoredCPE(1, b"later")]


# -- the ends of a process ------------------------------------------------------------------------

CPES = 50
WRITER = f"""
import sys
from caretaker.swarm.state_file import *
file = StateFile(Path(sys.argv[1]))
file.agree({{"--seed": "1"}}, EMBEDDED_ACS)
file._do("PRAGMA wal_autocheckpoint = 5")
for turn in range(1, 100_000):
    record = turn.to_bytes(4, "big") * 50
    file.write([(index, record) for index in range({CPES})])
    print(turn, flush=True)
"""


def last_turn(path: Path) -> int:
    """The transaction that the file has; all of it, or the file is not consistent."""
    with open_file(path) as file:
        records = {each.record for each in file.read([(0, CPES)])}
        assert file.count() in (0, CPES)
    assert len(records) <= 1
    return int.from_bytes(records.pop()[:4], "big") if records else 0


@pytest.mark.parametrize("seed", range(6))
def test_a_process_that_is_killed_leaves_all_that_it_had_written(tmp_path: Path, seed: int) -> None:
    path, told = tmp_path / "fleet.db", 0
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(random.Random(seed).randrange(1, 60)):
            told = int(writer.stdout.readline())
        writer.kill()
        told = max([told, *map(int, writer.stdout.read().split("\n")[:-1])])
    assert last_turn(path) in (told, told + 1)


@pytest.fixture(scope="module")
def half_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a process that has not closed them."""
    folder, copy = tmp_path_factory.mktemp("open"), tmp_path_factory.mktemp("copy")
    with open_file(folder / "fleet.db") as file:
        file._do("PRAGMA wal_autocheckpoint = 0")
        for turn in range(1, 6):
            file.write([(index, turn.to_bytes(4, "big") * 50) for index in range(CPES)])
        for each in folder.iterdir():
            shutil.copy(each, copy)
    return copy


@settings(max_examples=60)
@given(at=st.floats(0, 1), keeps_length=st.booleans())
def test_a_log_that_ends_at_any_byte_is_that_of_a_whole_transaction(
    half_way: Path, tmp_path_factory: pytest.TempPathFactory, at: float, keeps_length: bool
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    for each in half_way.iterdir():
        shutil.copy(each, folder)
    log = folder / "fleet.db-wal"
    whole = log.read_bytes()
    end = round(len(whole) * at)
    rest = bytes(len(whole) - end) if keeps_length else b""  # as a disk may leave it
    log.write_bytes(whole[:end] + rest)
    assert last_turn(folder / "fleet.db") in range(6)
