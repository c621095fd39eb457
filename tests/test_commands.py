"""The commands as a whole: what is refused before one of them runs."""

from __future__ import annotations

import pytest

from caretaker.commands import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "caretaker: give a command; caretaker --help lists them"),
        (["--verbose"], "caretaker: give a command; caretaker --help lists them"),
        (["profile"], "caretaker profile: give a command; caretaker profile --help lists them"),
    ],
)
def test_no_command_is_refused_in_one_line_that_says_where_they_are(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"{line}\n"
