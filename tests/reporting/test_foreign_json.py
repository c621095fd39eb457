"""Whatever JSON a file has, the commands that read runs answer in words, with no traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from helpers.summaries import told
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.__main__ import main

RUN = told() | {
    "interrupted": False,
    "verdict": {"outcome": "held", "exit_code": 0, "finding": "", "grounds": []},
}
SCALARS = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=5)
    | st.sampled_from([0, 1, -1, 2**70, 10**400, "\ud800", "\n|`<b>"])
)  # fmt: skip
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
COMMANDS = ("compare", "runs", "trend", "report")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that is in a summary."""
    members = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for name, inner in members:
        yield (*path, name)
        yield from places(inner, (*path, name))


PLACES = list(places(json.loads(json.dumps(RUN))))


@st.composite
def bent(draw: st.DrawFn) -> Any:
    """A summary in which something is other JSON, or not there."""
    made = json.loads(json.dumps(RUN))
    *sections, name = draw(st.sampled_from(PLACES))
    section = made
    for each in sections:
        section = section[each]
    if isinstance(section, dict) and draw(st.booleans()):
        del section[name]
    else:
        section[name] = draw(ANY_JSON)
    return made


def outcome(command: str, content: str) -> int:
    """The exit code of a command for seven good runs and a file with this content."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        for number in range(8):
            (folder / str(number)).mkdir(parents=True)
            (folder / str(number) / "summary.json").write_text(json.dumps(RUN))
        newest = folder / "7"
        (newest / "summary.json").write_text(content)
        arguments = {
            "compare": [str(folder / "0"), str(newest), "--anyway", "--fail-on-worse",
                        "--report", str(Path(name) / "c.html")],
            "runs": [str(folder)],
            "trend": [str(folder), "--report", str(Path(name) / "t.html")],
            "report": [str(newest / "summary.json")],
        }  # fmt: skip
        return main([command, *arguments[command]])


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=15)
@given(made=ANY_JSON)
def test_any_json(command: str, made: Any) -> None:
    assert outcome(command, json.dumps(made)) in (0, 2, 4)


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=40)
@given(made=bent())
def test_a_summary_that_is_bent(command: str, made: Any) -> None:
    assert outcome(command, json.dumps(made)) in (0, 2, 3, 4)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", ["", "nonsense", "\0", "[" * 100_000, "1" * 5000, "NaN"])
def test_what_is_no_json(command: str, content: str) -> None:
    assert outcome(command, content) in (0, 2, 4)
