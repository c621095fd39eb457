"""Reasons: each that the code can give is known, documented, and kept apart only within bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import caretaker.errors
from caretaker.errors import ReasonError
from caretaker.http import connect_errors
from caretaker.north_bound_client import PHRASES
from caretaker.reasons import MAX_QUOTED, MAX_REASONS, OTHER, REASONS, BoundedReasons, cure, find

_ERRORS = {
    name
    for name, value in vars(caretaker.errors).items()
    if isinstance(value, type) and issubclass(value, ReasonError)
}
OF_TRANSFERS = {"transfer took too long", "URL is no http address"}
"""What only transfers give: they say it of the file server."""


def _text(node: ast.expr) -> str | None:
    """The text of a literal, with ``x`` for what an f-string fills in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "x"  # type: ignore[misc]
            for part in node.values
        )
    return None


def reasons_in_the_code(root: Path) -> Iterator[str]:
    """Every literal that an error with a reason is made of, outside the kit for tests."""
    for path in (root / "caretaker").rglob("*.py"):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                text = _text(node.args[0]) if name in _ERRORS else None
                if text is not None:
                    yield text


def test_each_reason_in_the_code_is_known(root: Path) -> None:
    found = set(reasons_in_the_code(root))
    assert len(found) > 25
    assert [reason for reason in found if not (find(reason) or reason in OF_TRANSFERS)] == []


@pytest.mark.parametrize(
    "table", ["_REASONS", "_CERTIFICATES", "_HANDSHAKES"]
)  # fmt: skip
def test_each_reason_of_a_connection_is_known(table: str) -> None:
    assert set(getattr(connect_errors, table).values()) <= set(REASONS)


def test_each_protocol_on_a_wrong_port_is_known() -> None:
    assert {reason for _, reason in connect_errors._PROTOCOLS} <= set(REASONS)


def test_each_phrase_of_a_failed_task_is_known() -> None:
    for phrase, outcome in PHRASES.items():
        if outcome != "queued":
            said = phrase.capitalize()
            assert find(f"Connection request error: {said}") or find(said), phrase


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("HTTP 400: CPE already in session", "HTTP 400"),
        ("HTTP 418: I'm a teapot", "HTTP *"),
        ("HTTP 401 asks for what is not supported: Ntlm",
         "HTTP 401 asks for what is not supported"),
        ("TLS: certificate of another host: acs.example.com", "TLS: certificate of another host"),
        ("Fault 8001 in answer to Inform", "Fault * in answer to *"),
        ("an empty message while informing", "* while *"),
        ("north-bound API: HTTP 500: oops", "north-bound API: HTTP *"),
        ("north-bound API: connection refused", "north-bound API: *"),
        ("Connection request error: Unexpected status code 503",
         "Connection request error: Unexpected *"),
    ],
)  # fmt: skip
def test_a_reason_is_found_by_the_first_row_that_fits(reason: str, row: str) -> None:
    assert find(reason) is REASONS[row]


def test_what_nobody_knows_has_no_cure() -> None:
    assert find("what nobody knows") is None
    assert cure("what nobody knows") == ""


@pytest.mark.parametrize(
    ("reason", "flag"),
    [
        ("credentials refused (HTTP 401)", "--acs-password"),
        ("no credentials (HTTP 401)", "--acs-username"),
        ("TLS: certificate of an unknown CA", "--tls-ca"),
        ("TLS: certificate of another host: a.example.com", "--tls-insecure"),
        ("answer is TLS, not HTTP", "https://"),
        ("TLS: the port speaks plain HTTP", "http://"),
        ("redirect to a host that is not allowed", "--allow-host"),
        ("HTML page, no SOAP envelope: Log in", "--host"),
        ("north-bound API: connection refused", "--nbi-url"),
    ],
)
def test_the_cure_names_the_flag_that_helps(reason: str, flag: str) -> None:
    assert flag in cure(reason)


def test_each_reason_is_documented_as_it_is(root: Path) -> None:
    rows = [
        f"| {name.replace('*', '…')} | {known.meaning} | {known.cure} |"
        for name, known in REASONS.items()
    ]
    text = (root / "docs" / "reasons.md").read_text()
    documented = [line for line in text.splitlines() if line.startswith("| ")]
    assert documented[1:] == rows


def test_reasons_with_a_quotation_are_bounded() -> None:
    kept = BoundedReasons()
    made = [kept.of("HTTP 400", f"id {number}") for number in range(1000)]
    assert made[:MAX_QUOTED] == [f"HTTP 400: id {number}" for number in range(MAX_QUOTED)]
    assert set(made[MAX_QUOTED:]) == {"HTTP 400"}
    assert kept.of("HTTP 400", "id 7") == "HTTP 400: id 7"
    assert kept.of("connection refused") == "connection refused"


def test_all_reasons_are_bounded() -> None:
    kept = BoundedReasons()
    made = {kept.of(f"{number} while informing") for number in range(1000)}
    assert len(made) == MAX_REASONS + 1
    assert OTHER in made
