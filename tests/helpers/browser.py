"""Pages as people see them: Debian's chromium, without a window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_core_python.selenium import Axe
from selenium import webdriver

MISSING = "chromium is absent; ./scripts/setup browser installs it (Debian: chromium-driver)"

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
"""Nothing of chromium's own may reach for a network; root has no sandbox."""


def is_there() -> bool:
    """Whether this machine has chromium and its driver."""
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


class Browser:
    """
    One page at a time, with what it asked for and complained of.

    Args:
        driver: selenium's, for what is not here.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: str | Path) -> None:
        """Load a file or URL, and forget what earlier pages did."""
        self.driver.get("about:blank")
        self.requests()
        self.complaints()
        self.driver.get(page.absolute().as_uri() if isinstance(page, Path) else page)

    def resize(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Give the page this room in CSS pixels, and a colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns: ``return document.title``."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str = "body") -> str:
        """The text that is shown in an element, by CSS; none while it is not there."""
        script = "const found = document.querySelector(arguments[0]); return found?.innerText ?? ''"
        return str(self.run(script, selector))

    def requests(self) -> list[str]:
        """The URLs that the page asked for since it was opened or this was last called."""
        log = (json.loads(each["message"])["message"] for each in self._log("performance"))
        sent = (each for each in log if each["method"] == "Network.requestWillBeSent")
        return [each["params"]["request"]["url"] for each in sent]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since then."""
        return [each["message"] for each in self._log("browser")]

    def _log(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return found

    def violations(self, context: str | None = None) -> list[str]:
        """Rules of accessibility that the page, or what a CSS selector finds, does not keep."""
        found = Axe().run(self.driver, context)["violations"]
        return [
            f"{rule['id']} ({rule['impact']}): {node['html']}"
            for rule in found
            for node in rule["nodes"]
        ]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """
    A browser that has just been installed.

    Args:
        profile: an empty folder, for what it keeps.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options, service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
