"""The door through which summaries come back from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import summary, told, with_timeline

from caretaker.errors import InputError
from caretaker.reporting.summary_file import read_summary


def read(path: Path, made: Any) -> Any:
    path.write_text(json.dumps(made))
    return read_summary(str(path))


@pytest.mark.parametrize("made", [summary(), with_timeline(informs=[1]), told()])
def test_what_a_run_has_written_is_read(tmp_path: Path, made: Any) -> None:
    assert read(tmp_path / "a.json", made) == json.loads(json.dumps(made))


def test_sections_of_other_programs_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", told() | {"plugin": 7})["plugin"] == 7


@pytest.mark.parametrize(
    ("section", "wrong", "place"),
    [
        ("fleet", {"cpes": "many"}, "fleet.cpes"),
        ("sessions", {"failed_ratio": "few"}, "sessions.failed_ratio"),
        ("informs", {"by_event": []}, "informs.by_event"),
        ("informs", {"by_event": {"2 PERIODIC": None}}, "informs.by_event.2 PERIODIC"),
        ("timeline", {"marks": [{"at": "x", "text": "power cut"}]}, "timeline.marks.0.at"),
        ("timeline", {"failed_by": 7}, "timeline.failed_by"),
        ("scenario", {"curves": {"converged": [7]}}, "scenario.curves.converged.0"),
    ],
)
def test_a_figure_that_is_none_is_named(
    tmp_path: Path, section: str, wrong: dict[str, Any], place: str
) -> None:
    made = told()
    made[section] = {**made[section], **wrong}
    with pytest.raises(InputError, match=f"a.json: lacks what a summary has .'{place}'.; give a"):
        read(tmp_path / "a.json", made)


@pytest.mark.parametrize("section", ["exchanges", "seconds"])
def test_a_section_that_is_missing_is_named(tmp_path: Path, section: str) -> None:
    made = summary()
    del made[section]
    with pytest.raises(InputError, match=f"lacks what a summary has .'{section}'."):
        read(tmp_path / "a.json", made)
