"""The browser that other tests look at pages with."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PAGE = """<!DOCTYPE html><title>A page</title><p>Hello</p>
<img src="http://127.0.0.1:9/away.png"><script>console.error("oh")</script>"""


def test_it_tells_what_a_page_shows_asks_for_and_complains_of(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    browser.open(page)
    assert browser.run("return document.title") == "A page"
    assert browser.text("p") == "Hello"
    assert browser.requests() == [page.as_uri(), "http://127.0.0.1:9/away.png"]
    assert any("oh" in each for each in browser.complaints())


def test_a_page_has_the_room_and_the_colours_that_are_wanted(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    browser.open(page)
    browser.resize(390, dark=True)
    asked = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
    assert browser.run(asked) == [390, True]
    browser.resize(1280)
    assert browser.run(asked) == [1280, False]
