"""Pages in a browser: they open without a complaint, ask for nothing, and draw what they tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.browser import Browser
from helpers.processes import ended_well, loadtest_until
from helpers.summaries import reached, told

from caretaker.reporting.charts import PLANS, of_two
from caretaker.reporting.comparison import compare
from caretaker.reporting.comparison_text import as_html, headline
from caretaker.reporting.kept_runs import KeptRun
from caretaker.reporting.number_text import readable
from caretaker.reporting.report import page
from caretaker.reporting.trend import trend
from caretaker.reporting.trend_text import as_html as trend_html

pytestmark = [pytest.mark.browser, pytest.mark.processes]
DELIVERED = 'caretaker_connection_requests_ended_total{end="delivered"}'

# Of each canvas: how many colours it has.
COLOURS = """
return [...document.querySelectorAll(".plot canvas")].map(canvas => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
});
"""
HOSTILE = "</script><script>document.title = 'pwned'</script><img src=x onerror=alert(1)>"


def opened(browser: Browser, tmp_path: Path, written: str) -> None:
    """Open a page, and see that all went well."""
    path = tmp_path / "page.html"
    path.write_text(written)
    browser.resize(1280)
    browser.open(path)
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


def drawn(browser: Browser) -> list[int]:
    """How many colours each chart has; one that is not drawn has one or two."""
    found: list[int] = browser.run(COLOURS)
    return found


def tiles(browser: Browser) -> dict[str, str]:
    """The figures at the top."""
    script = """return Object.fromEntries([...document.querySelectorAll(".tiles > div")].map(
        tile => [...tile.children].slice(0, 2).map(each => each.textContent)))"""
    found: dict[str, str] = browser.run(script)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The report and the summary of one real run."""
    folder = tmp_path_factory.mktemp("run")
    done, summary = loadtest_until(
        folder,
        {
            'caretaker_connection_requests_ended_total{end="delivered"}': 40,
            "caretaker_run_seconds": 6,
        },
        *("--users", "60", "--spawn-rate", "60", "--cr-rate", "20"),
        *("--slo", "connection_requests.to_inform_ms.p99 < 600000", "--report", "report.html"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    return folder / "report.html", summary


def test_the_report_of_a_run_shows_its_figures_and_draws_its_charts(
    browser: Browser, tmp_path: Path, made: tuple[Path, Any]
) -> None:
    path, summary = made
    opened(browser, tmp_path, path.read_text())
    assert browser.text("#verdict .outcome").lower() == summary["verdict"]["outcome"]
    assert browser.text("#verdict .finding") == summary["verdict"]["finding"]
    crs = summary["connection_requests"]
    found = tiles(browser)
    assert found["CPEs"] == "60"
    assert found["Sessions succeeded"] == readable(summary["sessions"]["succeeded"])
    assert found["Connection Request to Inform"] == readable(crs["to_inform_ms"]["p99"], "ms")
    assert found["Tasks done"] == readable(summary["tasks"]["done"])
    assert summary["command"] in browser.text()
    assert "--cr-rate 20" in summary["command"]
    colours = drawn(browser)
    assert len(colours) == len(PLANS) + 1
    assert min(colours) > 20


def test_the_same_page_is_made_from_the_summary_later(
    made: tuple[Path, Any],
) -> None:
    path, summary = made
    assert page(summary) == path.read_text()


def test_the_charts_hold_what_the_timeline_holds(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, page(told()))
    data = browser.run("return JSON.parse(document.getElementById('charts').textContent)")
    assert data[0]["series"][0]["values"] == told()["timeline"]["informs"]
    assert [mark["text"] for mark in data[0]["marks"]] == [
        "power cut: half of the fleet",
        "steady state",
        "broke first: service level tasks.failed < 1",
    ]
    assert min(drawn(browser)) > 20


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_fits_the_window_in_light_and_dark(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    opened(browser, tmp_path, page(told()))
    browser.resize(width, dark=dark)
    browser.run("return new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(17, 21, 27)" if dark else "rgb(245, 246, 248)")
    assert min(drawn(browser)) > 20
    assert browser.violations() == []
    assert browser.complaints() == []


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_how_cpes_were_reached_fits_the_window_with_its_numbers(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    opened(browser, tmp_path, page(reached()))
    browser.resize(width, dark=dark)
    ends = """return [...document.querySelectorAll("table.narrow")].map(
        table => table.getBoundingClientRect().right)"""
    assert "Connection Requests by way" in browser.text()
    assert max(browser.run(ends)) <= width
    assert browser.violations() == []


def test_on_paper_it_is_light_and_as_wide_as_the_paper(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, page(told()))
    browser.resize(1280, dark=True)
    widths = "return [...document.querySelectorAll('.u-wrap')].map(each => each.clientWidth)"
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert set(browser.run(widths)) == {660}
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(245, 246, 248)"
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert 660 not in browser.run(widths)


def test_nothing_of_a_run_is_executed(browser: Browser, tmp_path: Path) -> None:
    hostile = json.loads(json.dumps(told()).replace("power cut: half of the fleet", HOSTILE))
    hostile["sessions"]["failures"][0]["reason"] = HOSTILE
    hostile["scenario"]["name"] = HOSTILE
    opened(browser, tmp_path, page(hostile))
    assert browser.run("return document.title").startswith("</script><script>")
    assert HOSTILE in browser.text()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_pages_of_several_runs_can_be_read_by_all(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    runs = [KeptRun(f"run-{number}", told()) for number in range(3)]
    trends = trend_html(trend(runs, (), 20, 10.0))
    for written in (as_html(compare(told(), told()), ("a", "b"), ()), trends):
        browser.resize(width, dark=dark)
        (tmp_path / "page.html").write_text(written)
        browser.open(tmp_path / "page.html")
        assert browser.violations() == []


def test_a_comparison_draws_both_runs(browser: Browser, tmp_path: Path) -> None:
    a, b = told(), told()
    b["timeline"]["informs"] = [1, 2, 3]
    b["tasks"]["latency_ms"]["p99"] = 999.0
    opened(browser, tmp_path, as_html(compare(a, b), ("a", "b"), of_two(a, b)))
    assert browser.text("#verdict strong") == headline(compare(a, b))
    labels = browser.run(
        "return [...document.querySelectorAll('.plot')][0].querySelector('.u-legend').innerText"
    )
    assert "A: written" in labels
    assert "B: written" in labels
    assert min(drawn(browser)) > 20
