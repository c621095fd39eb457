"""What the pages are made with: templates, assets, and numbers as people read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from caretaker.errors import InputError
from caretaker.reporting.pages import asset, save, templates


def test_what_a_run_has_brought_is_escaped() -> None:
    page = templates().from_string("<p>{{ reason }}</p>").render(reason="<script>")
    assert page == "<p>&lt;script&gt;</p>"


def test_a_name_that_a_template_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'reason' is undefined"):
        templates().from_string("{{ reason }}").render()


def test_an_asset_is_a_file_beside_the_templates(root: Path) -> None:
    file = root / "caretaker/reporting/templates/charts.js"
    assert asset("charts.js") == file.read_text(encoding="utf-8")


def test_a_page_is_saved_where_an_option_says(tmp_path: Path) -> None:
    save("--report", str(tmp_path / "a.html"), "<p>\N{BULLET}</p>")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == "<p>\N{BULLET}</p>"


def test_a_place_that_can_not_be_written_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--report .*/none/a.html: No such file or directory"):
        save("--report", str(tmp_path / "none" / "a.html"), "")
