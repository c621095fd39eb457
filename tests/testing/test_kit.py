"""The kit as its users meet it: its names, and the examples of its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from caretaker import testing

EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
IMPORT = re.compile(r"^\s*(?:from|import) caretaker\.testing", re.MULTILINE)


def _examples(root: Path) -> dict[str, str]:
    """The Python examples of docs/testing.md by the name of the test in each."""
    blocks = EXAMPLE.findall((root / "docs" / "testing.md").read_text())
    return {re.findall(r"def (test_\w+)", block)[0]: block for block in blocks}


@pytest.mark.parametrize(
    "name",
    ["test_the_acs_sets_the_period_at_first_contact", "test_a_cpe_that_refuses_a_download"],
)
def test_the_examples_of_the_page_work(root: Path, name: str) -> None:
    examples = _examples(root)
    assert len(examples) == 2
    names: dict[str, Any] = {}
    exec(compile(examples[name], "docs/testing.md", "exec"), names)  # noqa: S102  # our own page
    names[name]()


def test_the_page_names_all_there_is(root: Path) -> None:
    page = (root / "docs" / "testing.md").read_text()
    assert [name for name in testing.__all__ if f"`{name}" not in page] == []


def test_nothing_else_in_the_package_imports_it(root: Path) -> None:
    package = root / "caretaker"
    users = [path for path in package.rglob("*.py") if IMPORT.search(path.read_text())]
    assert {path.relative_to(package).parts[0] for path in users} == {"testing"}
