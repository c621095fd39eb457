"""The Fleet page as its users see it: a real run, a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import Browser
from helpers.processes import ROOT, free_port, process
from helpers.waiting import wait_until
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Locust's web UI during a run of 30 CPEs that have nothing to do of their own."""
    port, master = free_port(), free_port()
    with process(
        tmp_path / "out",
        *("locust", "-f", str(ROOT / "locustfile.py"), "--processes", "2"),
        *("--web-host", "127.0.0.1", "--web-port", str(port)),
        *("--master-bind-port", str(master), "--master-port", str(master)),
        *("--autostart", "--users", "30", "--spawn-rate", "30", "--inform-interval", "0"),
        *("--slo", "sessions.failed < 1"),
    ) as running:
        running.wait_for("All users spawned|Spawning is complete")  # the latter on a busy machine
        yield f"http://127.0.0.1:{port}"
        assert "Traceback" not in running.text


def shows(browser: Browser, selector: str, pattern: str) -> None:
    """The text of an element comes to match."""
    wait_until(lambda: re.search(pattern, browser.text(selector)), browser.text)


def click(browser: Browser, selector: str) -> None:
    """Click an element; the page may draw it anew at any moment."""
    wait_until(lambda: is_clicked(browser, selector))


def is_clicked(browser: Browser, selector: str) -> bool:
    try:
        browser.driver.find_element(By.CSS_SELECTOR, selector).click()
    except StaleElementReferenceException:
        return False
    return True


def write(browser: Browser, selector: str, text: str) -> None:
    field = browser.driver.find_element(By.CSS_SELECTOR, selector)
    field.clear()
    field.send_keys(text)


def test_figures_move_buttons_act_and_devices_are_found(browser: Browser, url: str) -> None:
    browser.resize(1400)
    browser.open(url)
    wait_until(lambda: bool(browser.run("return document.querySelector('a[href=\"/fleet\"]')")))
    click(browser, 'a[href="/fleet"]')
    shows(browser, "#facts", r"RUNNING[\s\S]*30")
    shows(browser, "#tile-cpes", r"30\s+all idle")
    shows(browser, "#tile-sessions", r"succeeded\s+30\s")
    shows(browser, "#verdicts", r"held\s+sessions.failed < 1")
    shows(browser, "#workers", r"0\s+15[\s\S]*1\s+15")

    # One Connection Request, and the funnel counts it.
    shows(browser, "#books", r"^0 accepted")
    write(browser, '[data-action="connection_request"] [name="serial"]', "FLEET-000017")
    click(browser, '[data-action="connection_request"] button')
    shows(browser, "#confirm[open]", r"Request: FLEET-000017\s+The fleet has 30 CPEs of http")
    click(browser, "#confirm [value=do]")
    shows(browser, "#done", "Done: Connection Request: FLEET-000017")
    shows(browser, "#books", r"1 accepted = 1 delivered \+ 0 coalesced .* balanced")
    shows(browser, "#tile-sessions", r"succeeded\s+31\s")
    wait_until(lambda: browser.run("return charts.informs.data[0].length") > 3)

    # What can't be done says why.
    write(browser, '[data-action="power_cut"] [name="share"]', "2")
    click(browser, '[data-action="power_cut"] button')
    shows(browser, "#done", "power_cut: share: 2 must be a number from 0 to 1")
    click(browser, '[data-action="outage"] button')
    shows(browser, "#confirm[open]", r"ACS outage \(refuse\) for 20 s")
    click(browser, "#confirm [value='']")
    shows(browser, "#done", "Nothing was done")
    assert [text for text in browser.complaints() if "400" not in text] == []

    # The list, and one device.
    rows = "return document.querySelectorAll('#devices tbody tr').length"
    write(browser, "#serial", "FLEET-00002")
    wait_until(lambda: browser.run(rows) == 10)
    Select(browser.driver.find_element(By.ID, "state")).select_by_value("no_power")
    shows(browser, "#devices", "No device")
    Select(browser.driver.find_element(By.ID, "state")).select_by_value("idle")
    write(browser, "#serial", "17")
    wait_until(lambda: browser.run(rows) == 1)
    click(browser, "#devices a")
    shows(browser, "#about", "SerialNumber\\s+FLEET-000017")
    click(browser, "#ask")
    shows(browser, "#exchanges", "Inform: 6 CONNECTION REQUEST")
    write(browser, "#find", "connectionrequestpassword")
    shows(browser, "#parameters", r"ConnectionRequestPassword\s+\*{8}")
    assert browser.complaints() == []
    click(browser, "nav .here")
    shows(browser, "#books", r"2 accepted = 2 delivered")


@pytest.mark.parametrize("width", [390, 1600])
def test_it_fits_its_window_and_all_can_read_it(browser: Browser, url: str, width: int) -> None:
    for page in ("fleet", "fleet/device?serial=FLEET-000017"):
        browser.resize(width, dark=True)
        browser.open(f"{url}/{page}")
        shows(browser, "#theme ~ *, nav", "FLEET")
        shows(browser, ".chip, #tile-cpes", r"30\s+all idle|idle")
        dark = "return document.body && getComputedStyle(document.body).backgroundColor"
        assert browser.run(dark) == "rgb(18, 18, 18)"
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.violations() == []
        click(browser, "#theme")
        assert browser.run(dark) == "rgb(255, 255, 255)"
        assert browser.violations() == []
        browser.run("delete localStorage.theme")
    click_and_keep_light(browser, url)
    browser.resize(1280)  # as others may want it


def click_and_keep_light(browser: Browser, url: str) -> None:
    """Locust's own pages follow the choice of light or dark, and have the way to ours."""
    browser.open(f"{url}/fleet")
    click(browser, "#theme")
    browser.open(url)
    wait_until(
        lambda: (
            browser.run("return getComputedStyle(document.body).backgroundColor")
            == "rgb(255, 255, 255)"
        )
    )
    wait_until(lambda: browser.run("return document.querySelector('#caretaker-fleet')"))
    assert browser.run("return document.documentElement.scrollWidth") <= 1600
    assert browser.violations("#caretaker-fleet") == []
    assert browser.complaints() == []


def test_an_action_can_be_done_with_the_keyboard_alone(browser: Browser, url: str) -> None:
    browser.resize(1280)
    browser.open(f"{url}/fleet")
    shows(browser, "#tile-cpes", r"30\s+all idle")
    focused = "return document.activeElement.closest('form')?.dataset.action ?? ''"

    def next_one() -> bool:
        press(browser, Keys.TAB)
        return bool(browser.run(focused) == "power_cut")

    wait_until(next_one, lambda: str(browser.run(focused)))
    press(browser, Keys.ENTER)
    shows(browser, "#confirm[open]", "power cut: 100% of the fleet without power for 20 s")
    assert browser.violations("#confirm") == []
    press(browser, Keys.ESCAPE)
    shows(browser, "#done", "Nothing was done")
    press(browser, Keys.ENTER)  # the focus is where it was
    shows(browser, "#confirm[open]", "power cut")
    press(browser, Keys.TAB)
    press(browser, Keys.ENTER)
    shows(browser, "#done", "Done: power cut")
    assert browser.complaints() == []


def press(browser: Browser, key: str) -> None:
    ActionChains(browser.driver).send_keys(key).perform()


def test_the_form_of_locusts_page_starts_a_run(browser: Browser, tmp_path: Path) -> None:
    """Whatever fields Locust's page sends, they are those that are let through."""
    port = free_port()
    with process(
        tmp_path / "out",
        *("locust", "-f", str(ROOT / "locustfile.py"), "--web-port", str(port)),
        *("--profile", "tr181", "--profile", "tr098", "--live-interval", "1"),
    ) as running:
        running.wait_for("Web UI: http")
        browser.open(f"http://127.0.0.1:{port}")
        wait_until(
            lambda: bool(browser.run("return document.querySelector('form [name=userCount]')"))
        )
        assert browser.violations("form") == []
        chosen = Select(browser.driver.find_element(By.NAME, "Device profiles"))
        assert [option.get_attribute("value") for option in chosen.options] == ["tr181", "tr098"]
        assert len(chosen.all_selected_options) == 2
        begins = Select(browser.driver.find_element(By.NAME, "CPEs begin"))
        assert begins.first_selected_option.get_attribute("value") == "new, from the factory"
        rate = browser.driver.find_element(By.NAME, "Connection Requests per second")
        assert rate.get_attribute("value") == "5"
        browser.run("document.querySelector('form button[type=submit]').click()")
        running.wait_for(r"CPEs +1 ")
        assert "Traceback" not in running.text
