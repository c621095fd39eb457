"""A run in a terminal of its own: the screen comes, is drawn, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Self

import gevent
import pytest
from helpers.live_states import DARK, RUNNING, live_state
from rich.text import Text

from caretaker.swarm.terminal.held_output import HeldOutput
from caretaker.swarm.terminal.live_state import LiveState
from caretaker.swarm.terminal.live_view import Lines, Screen
from caretaker.swarm.terminal.progress import Phase

ALTERNATE, NORMAL, SHOWN_CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


class Terminal:
    """A terminal of 24 rows and 80 columns in the place of standard output."""

    def __init__(self) -> None:
        self._shown, self._own = pty.openpty()
        self.resize(24, 80)
        os.set_blocking(self._shown, False)
        self._before = os.dup(1), os.dup(2)
        for descriptor in (1, 2):
            os.dup2(self._own, descriptor)

    def resize(self, rows: int, columns: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, size)

    def read(self) -> str:
        """What was written to it since the last look."""
        text = b""
        while True:
            try:
                text += os.read(self._shown, 1 << 16)
            except BlockingIOError:
                return text.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor, before in zip((1, 2), self._before, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        os.close(self._shown)
        os.close(self._own)


@pytest.fixture(autouse=True)
def foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the terminal of the tests is."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(Screen, "_is_in_foreground", lambda _: True)


@pytest.fixture
def held() -> Iterator[HeldOutput]:
    with TemporaryFile(buffering=0) as file:
        yield HeldOutput(file)


def draw(screen: Screen) -> None:
    """Draw it now; it draws itself each second."""
    assert screen._live is not None
    screen._draw_once(screen._live)


def plain(text: str) -> str:
    return Text.from_ansi(text.replace("\r", "")).plain


def test_a_screen_comes_shows_the_run_and_gives_the_terminal_back(held: HeldOutput) -> None:
    with Terminal() as terminal:
        state = live_state(DARK)
        screen = Screen(lambda: replace(state, log=held.lines()), held)
        gevent.sleep(0)
        os.write(2, b"a line of a log\n")
        assert ALTERNATE in terminal.read()
        draw(screen)
        assert "50% of the fleet without power" in (shown := plain(terminal.read()))
        assert "a line of a log" in shown
        screen.close()
        left = terminal.read()
        assert left.index(SHOWN_CURSOR) < left.index(NORMAL) < left.index("a line of a log")
        screen.close()
        assert terminal.read() == ""


def test_a_terminal_of_another_size_is_drawn_in_that_size(held: HeldOutput) -> None:
    with Terminal() as terminal:
        screen = Screen(live_state, held)
        gevent.sleep(0)
        terminal.read()
        for rows, columns in ((50, 160), (10, 40), (24, 80)):
            terminal.resize(rows, columns)
            draw(screen)
            lines = plain(terminal.read()).splitlines()
            assert len(lines) == rows
            assert {len(line) for line in lines} <= set(range(columns + 1))
        screen.close()


def test_a_terminal_that_is_gone_is_no_error(
    held: HeldOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal():
        screen = Screen(live_state, held)
        gevent.sleep(0)
        assert screen._live is not None

        def fail(*_: object) -> None:
            raise OSError

        monkeypatch.setattr(screen._live, "stop", fail)
        screen.close()


def test_in_the_background_nothing_is_drawn(
    held: HeldOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal() as terminal:
        monkeypatch.setattr(Screen, "_is_in_foreground", lambda _: False)
        screen = Screen(live_state, held)
        gevent.sleep(0)
        assert terminal.read() == ""
        screen.close()


def test_a_stop_of_the_process_leaves_the_terminal_to_the_shell(
    held: HeldOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal() as terminal:
        screen = Screen(live_state, held)
        gevent.sleep(0)
        terminal.read()
        at_stop: list[str] = []
        monkeypatch.setattr(os, "kill", lambda *_: at_stop.append(terminal.read()))
        screen._suspend()
        monkeypatch.undo()
        assert NORMAL in at_stop[0]
        screen.close()


def test_lines_are_printed_while_a_run_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    states = iter(
        live_state(RUNNING._replace(phase=phase))
        for phase in (Phase.WAITING, Phase.WAITING, Phase.STARTING, Phase.RUNNING, Phase.ENDING)
    )
    looked: list[LiveState] = []

    def look() -> LiveState:
        looked.append(next(states))
        return looked[-1]

    lines = Lines(look, 1e-9)
    while len(looked) < 5:
        gevent.sleep(0)
    lines.close()
    assert capfd.readouterr().out.count("CPEs 10 |") == 2


def test_without_an_interval_there_are_none(capfd: pytest.CaptureFixture[str]) -> None:
    lines = Lines(live_state, 0.0)
    gevent.sleep(0)
    lines.close()
    assert capfd.readouterr().out == ""
