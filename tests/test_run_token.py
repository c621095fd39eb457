"""The run token: which are taken, and what it proves."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.errors import InputError
from caretaker.run_token import RunToken

WORD = "of-the-whole-run"


def test_one_that_is_made_can_be_given_to_others() -> None:
    made = RunToken.made()
    assert made.is_made
    assert made != RunToken.made()
    given = RunToken.given(None, {"CARETAKER_RUN_TOKEN": made.text})
    assert given == made
    assert not given.is_made


def test_a_file_wins_over_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{WORD}\n")
    environment = {"CARETAKER_RUN_TOKEN": "another-that-is-long"}
    assert RunToken.given(str(file), environment) == RunToken(WORD)
    assert RunToken.given(None, environment) == RunToken("another-that-is-long")
    assert RunToken.given(None, {}) is RunToken.given(None, {"CARETAKER_RUN_TOKEN": ""}) is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty; it must have the run token"),
        (b" \n", "empty; it must have the run token"),
        (b"hidden-word", "has 16 to 512 characters, this one 11"),
        (b"hidden-word" * 50, "has 16 to 512 characters, this one 550"),
        (b"hidden word of a run", "one word of printable ASCII characters"),
        (b"hidden\0word\0of\0a\0run", "one word of printable ASCII characters"),
        (b"hidden-\xc3\xa4-of-the-run", "bytes that are no ASCII text"),
        (b"hidden" * 1000, "larger than 1 KiB"),
    ],
)
def test_a_file_that_can_not_be_used_is_one_line_that_does_not_quote_it(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(InputError, match=f"--run-token-file: {file}: .*{complaint}") as refused:
        RunToken.given(str(file), {})
    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["missing", ".", "x" * 5000])
def test_a_file_that_can_not_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^--run-token-file: .+: [^\n]+$"):
        RunToken.given(str(tmp_path / name), {})


def test_the_variable_is_checked_too() -> None:
    with pytest.raises(InputError, match=r"^CARETAKER_RUN_TOKEN: .* this one 5$"):
        RunToken.given(None, {"CARETAKER_RUN_TOKEN": "short"})


def test_it_is_not_shown() -> None:
    assert WORD not in repr(RunToken(WORD))


def test_a_proof_is_of_its_purpose_and_of_facts_that_can_not_be_divided_otherwise() -> None:
    token = RunToken(WORD)
    proofs = [
        token.proof("worker", b"ab", b"c"),
        token.proof("worker", b"a", b"bc"),
        token.proof("worker", b"abc"),
        token.proof("master", b"ab", b"c"),
        RunToken(WORD + "!").proof("worker", b"ab", b"c"),
    ]
    assert len(set(proofs)) == len(proofs)
    assert token.proof("worker", b"ab", b"c") == proofs[0]
    assert WORD not in token.bearer
