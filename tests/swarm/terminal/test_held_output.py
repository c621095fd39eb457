"""Output that is held back while a screen is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest

from caretaker.swarm.terminal import held_output
from caretaker.swarm.terminal.held_output import MAX_LINES, HeldOutput


@pytest.fixture
def held(capfd: pytest.CaptureFixture[str]) -> Iterator[HeldOutput]:
    with TemporaryFile(buffering=0) as file:
        made = HeldOutput(file)
        yield made
        made.let_go()


def test_what_is_printed_is_held_until_it_is_let_go(
    held: HeldOutput, capfd: pytest.CaptureFixture[str]
) -> None:
    held.hold()
    os.write(1, b"by its descriptor\nand half")
    os.write(2, b" a line\n")
    assert list(held.lines()) == ["by its descriptor", "and half a line"]
    os.write(held.terminal, b"the screen ")
    assert capfd.readouterr().out == "the screen "
    held.let_go()
    print("after")
    read = capfd.readouterr()
    assert read.out == "by its descriptor\nand half a line\nafter\n"


def test_it_is_held_again_and_printed_once(
    held: HeldOutput, capfd: pytest.CaptureFixture[str]
) -> None:
    for text in (b"one\n", b"two\n"):
        held.hold()
        os.write(2, text)
        held.let_go()
    held.let_go()
    assert capfd.readouterr().out == "one\ntwo\n"


def test_only_the_newest_lines_are_kept_and_the_file_is_emptied(
    held: HeldOutput, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_output, "MAX_BYTES", 1000)
    held.hold()
    for n in range(MAX_LINES + 5):
        os.write(1, b"%d\n" % n)
    assert len(held.lines()) == MAX_LINES
    assert os.fstat(held.file.fileno()).st_size == 0
    os.write(1, b"last\n")
    assert list(held.lines())[-2:] == [str(MAX_LINES + 4), "last"]


def test_a_descriptor_that_is_no_terminal_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with TemporaryFile(buffering=0) as file:
        held = HeldOutput(file, [1])
        held.hold()
        os.write(2, b"to a file of the user\n")
        os.write(1, b"to the terminal\n")
        before = capfd.readouterr()
        held.let_go()
    assert (before.out, before.err) == ("", "to a file of the user\n")
    assert capfd.readouterr().out == "to the terminal\n"


def test_a_terminal_that_is_gone_is_no_error() -> None:
    before, (reading, writing) = os.dup(1), os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    with TemporaryFile(buffering=0) as file:
        held = HeldOutput(file)
        held.hold()
        os.write(2, b"text\n")
        held.let_go()
    os.dup2(before, 1)
    os.close(before)
    os.close(writing)
