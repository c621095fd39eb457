"""Curves of a run, as text."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from helpers.live_states import live_state, shown
from helpers.summaries import with_timeline
from rich.console import Console

from caretaker.swarm.terminal.curves import FIGURES, Curve, curves


def text(curve: Curve, width: int = 20, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, color_system=None).print(curve, end="")
    file.seek(0)
    return file.read().rstrip("\n")


def test_a_curve_rises_and_falls_with_its_values() -> None:
    values = [0, 1, 2, 4, 8, None, 8]
    assert text(Curve(values, 0, 1, "")) == " ▁▂▄█ █"
    assert [text(Curve(values, row, 2, "")) for row in (1, 0)] == ["    █ █", " ▂▄██ █"]


def test_only_the_newest_values_fit() -> None:
    assert text(Curve([8, 8, 8, 1, 8], 0, 1, ""), width=2) == "▁█"


def test_a_terminal_with_ascii_alone_gets_no_other_characters() -> None:
    assert text(Curve([0, 4, 8], 0, 1, ""), encoding="ascii") == " :#"


@pytest.mark.parametrize("values", [[], [None], [0, 0]])
def test_nothing_is_drawn_of_nothing(values: list[float | None]) -> None:
    assert text(Curve(values, 0, 1, "")).strip() == ""


def timeline() -> Any:
    line = with_timeline(
        step=2.0, informs=[5, 9, 7], crs_accepted=[2, 4, 2], cpes_on=[10, None, 10],
        from_plan_ms={"p99": [1.5, None, 9.0]},
    )  # fmt: skip
    return line["timeline"]


def test_every_figure_has_its_highest_value_without_the_step_that_goes_on() -> None:
    rows = list(curves(timeline(), 2))
    assert [(label, value) for label, value, _ in rows if label] == [
        ("Informs", "max 4.5/s"), ("CRs", "max 2/s"), ("CPEs on", "max 10"),
        ("Inform p99", "max 1.5 ms"),
    ]  # fmt: skip
    assert len(rows) == 2 * len(FIGURES)


@pytest.mark.parametrize(("rows", "number"), [(24, 0), (32, 0), (33, 1), (37, 2), (50, 4), (90, 4)])
def test_the_screen_has_curves_where_there_is_room(rows: int, number: int) -> None:
    state = replace(live_state(), timeline=timeline(), log=["line"] * 100)
    lines = shown(state, 160, rows)
    assert len(lines) == rows
    assert sum("█" in line for line in lines) == number * len(FIGURES)
    assert lines.count("line") >= 6
