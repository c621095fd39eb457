"""The table of budgets is what the code has."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from helpers.named_tests import is_there

ROW = re.compile(
    r"\| .*?: ([0-9][0-9 ]*)(?: (KiB|MiB|s))?(?:, or .*?)? \| `([\w.]+)` \| .* \| `(.+::.+)` \|"
)
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024}
ELSEWHERE = {
    "caretaker.cwmp.shapes.MAX_VARIANTS",  # with MAX_SHAPES
    "caretaker.cwmp.shapes.MAX_TRIALS",  # of what is learnt, not of what is kept
    "caretaker.device.cpe.MAX_REFUSALS",  # of the ACS, after which a CPE gives up
    "caretaker.device.rpc.transfers.MAX_WINDOWS",  # a rule of TR-069
    "caretaker.device.device_csv.MAX_LINE",  # of a file of the user
    "caretaker.device.device_csv.MAX_PROFILES",
    "caretaker.engine.file_transfer.MAX_FILE_BYTES",  # counted, and not kept
    "caretaker.engine.file_transfer.MAX_SECONDS",
    "caretaker.http.source_addresses.MAX_SOURCES",  # an option
    "caretaker.stun.challenge.MAX_USERNAME",  # of what a CPE sends
}
"""Limits that are no budgets."""
PACKAGES = (
    "acs",
    "connection_request",
    "cwmp",
    "data_model",
    "device",
    "engine",
    "http",
    "router",
    "stun",
)
"""Those that meet foreign bytes."""


def rows(root: Path) -> Iterator[tuple[int, str, str]]:
    """Value, constant and test of each row."""
    for line in (root / "docs" / "budgets.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| Budget"):
            row = ROW.fullmatch(line)
            assert row is not None, line
            number, unit, constant, test = row.groups("")
            yield int(number.replace(" ", "")) * UNITS[unit], constant, test


def constant(path: str) -> int:
    """The value of a dotted name."""
    module, name = re.split(r"\.(?=[A-Z])", path, maxsplit=1)
    found: int = attrgetter(name)(importlib.import_module(module))
    return found


def test_each_budget_is_what_the_code_has(root: Path) -> None:
    for value, path, _ in rows(root):
        assert (path, value) == (path, constant(path))


def test_each_budget_has_a_test(root: Path) -> None:
    for *_, test in rows(root):
        assert is_there(root, test), test


def limits(root: Path) -> Iterator[str]:
    """The dotted names of all limits of the packages."""
    for package in PACKAGES:
        for file in (root / "caretaker" / package).rglob("*.py"):
            module = ".".join(file.relative_to(root).with_suffix("").parts)
            for names in re.findall(
                r"^(MAX_[A-Z_, ]+)(?:: \w+)? =", file.read_text(), re.MULTILINE
            ):
                yield from (f"{module}.{name}" for name in names.split(", "))


def test_each_limit_of_the_code_is_a_budget(root: Path) -> None:
    found = set(limits(root))
    assert found - {path for _, path, _ in rows(root)} == ELSEWHERE
