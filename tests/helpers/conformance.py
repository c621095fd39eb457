"""
The conformance table: rules of TR-069, and the tests that are marked with their ids.

Rules stand in ``tests/conformance.toml``. A test, or a class of tests, names those it checks with
``@pytest.mark.rule("4.1-2", ...)``. Markers are read from the source, which takes a tenth of the
time of importing all tests. ``./scripts/conformance`` writes docs/conformance.md.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "conformance.md"


@dataclass(frozen=True)
class Rule:
    """
    One rule.

    Args:
        text: in our words.
        evidence: letters, as docs/conformance.md explains.
        left_out: why it has no test; empty if it is to have one.
    """

    text: str
    evidence: str
    left_out: str = ""


@dataclass(frozen=True)
class Conformance:
    """Sections by number with their titles, rules by id, and each id's tests (file::name)."""

    sections: dict[str, str]
    rules: dict[str, Rule]
    tests: dict[str, list[str]]

    @classmethod
    def read(cls, tests: Path = ROOT / "tests") -> Conformance:
        """All of the project."""
        with (tests / "conformance.toml").open("rb") as file:
            found = tomllib.load(file)
        rules = {name: Rule(**each) for name, each in found["rules"].items()}
        marked: dict[str, list[str]] = {}
        for path in sorted(tests.rglob("test_*.py")):
            where = path.relative_to(tests).as_posix()
            for name, ids in markers(path.read_text()):
                for each in ids:
                    marked.setdefault(each, []).append(f"{where}::{name}")
        return cls(found["sections"], rules, marked)

    def table(self) -> str:
        """The document."""
        left_out = sum(bool(rule.left_out) for rule in self.rules.values())
        tested = len(self.rules.keys() & self.tests.keys())
        counts = [f"{len(self.rules)} rules: {tested} tested", f"{left_out} left out"]
        parts = [_HEAD, f"{', '.join(counts)}.\n"]
        for section, title in self.sections.items():
            parts += [f"\n## {section} {title}\n", *_COLUMNS]
            parts += [self._row(each) for each in self.rules if section_of(each) == section]
        return "\n".join(parts) + "\n"

    def _row(self, name: str) -> str:
        rule = self.rules[name]
        last = rule.left_out or "<br>".join(f"`{test}`" for test in self.tests.get(name, ()))
        cells = (name, rule.text, rule.evidence or "-", last or "**none**")
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def section_of(name: str) -> str:
    """The section of a rule's id."""
    return name.rpartition("-")[0]


def markers(source: str) -> Iterator[tuple[str, list[str]]]:
    """Each test function and class of a module's source with the ids of its markers."""
    yield from _marked("", ast.parse(source).body)


def _marked(prefix: str, body: Iterable[ast.stmt]) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            ids = [each for place in node.decorator_list for each in _ids(place)]
            if ids:
                yield prefix + node.name, ids
            if isinstance(node, ast.ClassDef):
                yield from _marked(f"{prefix}{node.name}::", node.body)


def _ids(decorator: ast.expr) -> list[str]:
    """The arguments of ``pytest.mark.rule``; those of a parameter's marks too."""
    return [
        str(ast.literal_eval(argument))
        for call in ast.walk(decorator)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rule"
        for argument in call.args
    ]


_COLUMNS = ("| Rule | What it says | Evidence | Tests, or why there is none |", "|---|---|---|---|")
_HEAD = """\
# Conformance

Made by `./scripts/conformance` from [the rules](../tests/conformance.toml) and the markers of the \
tests; don't edit it. Rules are those of TR-069 (Amendment 6 and before) in our own words. \
Tests are files below `tests/` with the name of the test, or of a class of tests.

Evidence: X the CWMP schemas, D the data models, S public descriptions of the standard, I seen in \
implementations, U not confirmed, - common knowledge.
"""


def main(arguments: list[str]) -> int:
    """Write the table; with ``--check`` only tell (exit code 1) whether it has drifted."""
    table = Conformance.read().table()
    if "--check" not in arguments:
        TABLE.write_text(table)
    elif not TABLE.exists() or TABLE.read_text() != table:
        print("docs/conformance.md is not what the tests say; run ./scripts/conformance")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
