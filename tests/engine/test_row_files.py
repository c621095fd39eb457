"""Files of rows, read back by the libraries that users read them with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from caretaker.engine import row_files
from caretaker.engine.row_files import FORMATS, Columns, check_format, open_rows
from caretaker.errors import InputError

COLUMNS: Columns = {"cpe": str, "planned": float, "number": int}
CELLS = (
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.integers(-(2**40), 2**40),
)


def _read_csv(path: Path) -> list[tuple[Any, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == list(COLUMNS)
    return [
        tuple(
            kind(cell) if cell else None for kind, cell in zip(COLUMNS.values(), row, strict=True)
        )
        for row in rows
    ]


def _read_jsonl(path: Path) -> list[tuple[Any, ...]]:
    objects = map(json.loads, path.read_text().splitlines())
    return [tuple(each[name] for name in COLUMNS) for each in objects]


def _read_parquet(path: Path) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in COLUMNS) for each in parquet.read_table(path).to_pylist()]


READERS: dict[str, Callable[[Path], list[tuple[Any, ...]]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def test_every_format_is_read_back_here() -> None:
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("ending", FORMATS)
@given(st.lists(st.lists(st.tuples(*CELLS), max_size=5), max_size=4))
def test_what_is_read_is_what_was_written(ending: str, batches: list[list[Any]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"run{ending}"
        file = open_rows(path, COLUMNS)
        for batch in batches:
            file.write(batch)
        file.close()
        assert READERS[ending](path) == [row for batch in batches for row in batch]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_batch_that_does_not_fit_leaves_the_file_whole(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"run{ending}"
    file: Any = open_rows(path, COLUMNS)
    file.write([("one", 1.0, 1)])
    real = file._file

    class Full:
        def write(self, data: bytes) -> int:
            if len(data) <= 5:
                raise OSError(28, "No space left on device")
            written: int = real.write(data[:5])
            return written

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    monkeypatch.setattr(file, "_file", Full())
    with pytest.raises(OSError, match="No space left"):
        file.write([("two", 2.0, 2)])
    file.close()
    assert READERS[ending](path) == [("one", 1.0, 1)]


def test_other_names_and_a_missing_library_name_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"ends with none of \.csv, \.jsonl, \.parquet"):
        check_format(Path("run.xlsx"))
    check_format(Path("run.parquet"))
    monkeypatch.setattr(row_files, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'caretaker-cwmp\[parquet\]'"):
        check_format(Path("run.parquet"))
    check_format(Path("run.csv"))
