"""The door through which summaries come back from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import summary, told, with_timeline

from caretaker import __version__
from caretaker.errors import InputError
from caretaker.reporting.metrics import numbers
from caretaker.reporting.summary_file import read_known, read_summary


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


class TestOlderBuilds:
    """Files of this minor version that lack what a summary has by now."""

    def known(self, path: Path, made: Any) -> Any:
        path.write_text(json.dumps(made))
        return read_known(str(path))

    def made(self) -> Any:
        return told() | {"version": f"{__version__}, compiled"}

    def test_what_is_missing_is_named_and_no_data(self, tmp_path: Path) -> None:
        made = self.made()
        del made["export"], made["tasks"]["cut"], made["tasks"]["latency_ms"]["p99"]
        found = self.known(tmp_path / "a.json", made)
        assert found["not_known"] == ["tasks.cut", "tasks.latency_ms.p99", "export"]
        figures = numbers(found)
        assert figures["export.rows"] is None
        assert figures["tasks.cut"] is figures["tasks.latency_ms.p99"] is None
        assert figures["tasks.posted"] == numbers(made)["tasks.posted"]

    def test_whatever_is_missing_the_rest_is_read(self, tmp_path: Path) -> None:
        sections = {name: own for name, own in summary().items() if isinstance(own, dict)}
        for section, keys in sections.items():
            for key in keys if section != "exchanges" else ():
                made = json.loads(json.dumps(self.made()))
                del made[section][key]
                found = self.known(tmp_path / "a.json", made)
                assert all(path.startswith(f"{section}.{key}") for path in found["not_known"])

    def test_a_section_that_need_not_be_there_is_left_out(self, tmp_path: Path) -> None:
        made = self.made() | {"verdict": {"outcome": "held"}}
        del made["timeline"]["absent"]
        found = self.known(tmp_path / "a.json", made)
        assert found["not_known"] == ["timeline.absent", "verdict"]
        assert "verdict" not in found
        assert found["timeline"]["informs"] == [5, 9, 7]

    def test_a_file_with_everything_lacks_nothing(self, tmp_path: Path) -> None:
        made = self.made()
        assert self.known(tmp_path / "a.json", made) == json.loads(json.dumps(made))

    def test_what_is_of_the_wrong_type_is_refused(self, tmp_path: Path) -> None:
        made = self.made() | {"verdict": {"outcome": 7}}
        with pytest.raises(InputError, match=r"lacks what a summary has \('verdict\.outcome'\)"):
            self.known(tmp_path / "a.json", made)

    @pytest.mark.parametrize("version", ["0.0.9", "99.0.0", None, 7])
    def test_other_versions_are_held_to_all(self, tmp_path: Path, version: Any) -> None:
        made = self.made() | {"version": version}
        del made["export"]
        with pytest.raises(InputError, match="lacks what a summary has"):
            self.known(tmp_path / "a.json", made)
