"""Pages of ours: one file each, no network needed, everything escaped that a run has brought."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from caretaker.errors import InputError
from caretaker.reporting.charts import Chart


def render(template: str, charts: Sequence[Chart], **values: Any) -> str:
    """
    A page as HTML.

    Args:
        template: its name in ``templates/``.
        charts: what the page draws; the template says where, by their places in this list.
        values: what else the template wants.
    """
    data = [chart.to_json() for chart in charts]
    return templates().get_template(template).render(
        charts=charts, chart_data=data, vendored=asset, **values
    )  # fmt: skip


@cache
def templates() -> Environment:
    """The templates of all pages, those of the web UI too."""
    return Environment(
        loader=PackageLoader("caretaker.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def asset(name: str) -> str:
    """A script or style sheet as it stands; ours or uPlot's (decision 0021), never a run's."""
    return (files("caretaker.reporting") / "templates" / name).read_text(encoding="utf-8")


def save(where: str, path: str, page: str) -> None:
    """
    Write a page.

    Raises:
        InputError: it can't be written; ``where`` is the option that named the file.
    """
    try:
        Path(path).write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{where} {path}: {error.strerror}") from error
