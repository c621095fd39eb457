"""Output that is held back while a screen is there."""

from __future__ import annotations

import mmap
import os
import sys
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


def fill(text: bytes) -> None:
    for _ in range(2 * MAX_LINES):
        os.write(1, text)


@pytest.mark.parametrize("has_holes", [True, False])
def test_only_the_newest_lines_are_kept_and_the_file_has_no_room_for_others(
    held: HeldOutput, monkeypatch: pytest.MonkeyPatch, has_holes: bool
) -> None:
    monkeypatch.setattr(held_output, "MAX_BYTES", 1 << 16)
    if not has_holes:
        monkeypatch.delattr(mmap, "MADV_REMOVE", raising=False)
    held.hold()
    for _ in range(3):
        fill(b"%d\n" % 10**50)
        assert len(held.lines()) == MAX_LINES
        assert os.fstat(held.file.fileno()).st_blocks * 512 <= 1 << 16
    os.write(1, b"last\n")
    assert list(held.lines())[-2:] == [str(10**50), "last"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file has no holes")
def test_what_is_written_while_room_is_given_back_is_not_lost(
    held: HeldOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_output, "MAX_BYTES", 1 << 16)
    held.hold()
    fill(b"%d\n" % 10**50)
    read = os.pread

    def read_late(*arguments: int) -> bytes:
        text = read(*arguments)
        if not text:
            os.write(1, b"after the last look\n")
        return text

    monkeypatch.setattr(os, "pread", read_late)
    held.lines()
    monkeypatch.undo()
    assert held.lines()[-1] == "after the last look"


def test_what_workers_print_after_the_screen_has_gone_is_printed_at_the_end(
    held: HeldOutput, capfd: pytest.CaptureFixture[str]
) -> None:
    held.hold()
    held.let_go()
    os.write(held.file.fileno(), b"a line of a worker\nand half a line")
    held.end(os.getppid())
    assert capfd.readouterr().out == ""
    held.end(os.getpid())
    assert capfd.readouterr().out == "a line of a worker\nand half a line\n"


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
