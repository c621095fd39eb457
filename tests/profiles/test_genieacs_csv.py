"""Parameter exports: what is written is read again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caretaker.data_model.parameter import Row
from caretaker.profiles.genieacs_csv import COLUMNS, Export, read_export, with_parents, write_export

NAMES = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,8}", fullmatch=True) | st.integers(1, 99).map(str)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: f"Device.{'.'.join(parts)}")
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\r,\"';"),
    max_size=12,
)
KINDS = st.sampled_from(["xsd:string", "xsd:unsignedInt", "xsd:boolean"])


@given(st.dictionaries(PATHS, st.tuples(st.booleans(), TEXT, KINDS), min_size=1, max_size=8))
def test_what_is_written_is_read_again(given_: dict[str, tuple[bool, str, str]]) -> None:
    leaves = {
        path: each
        for path, each in given_.items()
        if not any(other.startswith(f"{path}.") for other in given_)
    }
    rows = with_parents(Row(path, False, *each) for path, each in leaves.items())
    export = Export(list(rows.values()), {"OUI": "00AABB"})
    again = read_export("any", write_export(export))
    assert {row.path: row for row in again.rows} == rows
    assert again.about == export.about


def test_rows_are_sorted_by_number() -> None:
    rows = [Row(f"Device.X.{number}.Y", False, False) for number in (10, 9, 1)]
    lines = write_export(Export(rows)).decode().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(".")[2] for line in lines[1:]] == ["1", "9", "10"]
