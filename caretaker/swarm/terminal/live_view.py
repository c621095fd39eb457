"""Shows a run while it goes on: as a screen in a terminal, else as lines."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import gevent
from rich.console import Console
from rich.live import Live

from caretaker.closed_output import say
from caretaker.swarm.terminal.held_output import HeldOutput
from caretaker.swarm.terminal.live_line import live_line, news
from caretaker.swarm.terminal.live_state import LiveState
from caretaker.swarm.terminal.progress import Phase, progress
from caretaker.swarm.terminal.run_output import RunOutput
from caretaker.swarm.terminal.screen import screen
from caretaker.swarm.terminal.terminal_guard import TerminalGuard

if TYPE_CHECKING:
    from caretaker.swarm.master import Master
    from caretaker.swarm.options import Settings
    from caretaker.swarm.web.run_state import RunStates

REDRAW_SECONDS = 1.0
"""How often the screen is drawn; a terminal of another size is noticed then."""
RUNNING = (Phase.STARTING, Phase.RUNNING)


class LiveView(Protocol):
    """Shows a run while it goes on."""

    def close(self) -> None:
        """Show no more, and give the terminal back as it was."""


def live_view(master: Master, states: RunStates, settings: Settings, output: RunOutput) -> LiveView:
    """
    Show the runs of a master from now on.

    Args:
        master: whose runs they are.
        states: how its run stands.
        settings: options of the command line.
        output: of all its processes.
    """
    held = output.held

    def look() -> LiveState:
        host = master.environment.host or ""
        if held is None:
            return LiveState(progress(master), states.now(), host)
        return LiveState(progress(master), states.now(), host, held.lines(), states.timeline())

    if held is not None:
        return Screen(look, held)
    return Lines(look, 0.0 if settings.quiet else settings.live_interval)


class Lines:
    """
    A line on the run at each interval, while it goes on.

    Args:
        look: how the run stands.
        interval: seconds between two lines; 0 for none.
    """

    def __init__(self, look: Callable[[], LiveState], interval: float) -> None:
        self._look = look
        self._before = look()
        self._greenlet = gevent.spawn(self._print, interval) if interval else gevent.Greenlet()

    def _print(self, interval: float) -> None:
        while True:
            gevent.sleep(interval)
            now = self._look()
            if now.progress.phase in RUNNING:
                for line in (*news(self._before, now), live_line(now)):
                    say(line)
                self._before = now

    def close(self) -> None:
        """Print no more."""
        self._greenlet.kill(block=False)


class Screen:
    """
    The screen, drawn each second in the alternate buffer of the terminal.

    What this process and its workers print meanwhile is in the screen's last rows, and is printed
    when it closes.

    Args:
        look: how the run stands.
        output: of all processes of the run, held back while the screen is there.
    """

    def __init__(self, look: Callable[[], LiveState], output: HeldOutput) -> None:
        self._look = look
        self._output = output
        self._modes = _modes()
        self._live: Live | None = None
        self._guard: TerminalGuard | None = None
        self._at_suspension: Any = gevent.signal_handler(signal.SIGTSTP, self._suspend)
        self._greenlet = gevent.spawn(self._draw)

    def _open(self) -> None:
        self._output.hold()
        terminal = self._output.terminal
        with suppress(OSError):  # no room for a process: then there is none to clear up
            self._guard = TerminalGuard(terminal, self._output.file.fileno(), self._output.read)
        file = os.fdopen(os.dup(terminal), "w", errors="replace")
        self._live = Live(
            console=Console(file=file, force_terminal=True),
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _draw(self) -> None:
        while True:
            if self._live is None and self._is_in_foreground():
                self._open()
            if self._live is not None:
                with suppress(OSError):  # the terminal is gone
                    self._draw_once(self._live)
            gevent.sleep(REDRAW_SECONDS)

    def _draw_once(self, live: Live) -> None:
        columns, rows = os.get_terminal_size(self._output.terminal)
        live.console.size = columns or 80, rows or 24
        live.update(screen(self._look(), live.console.size.height), refresh=True)

    def _leave(self) -> None:
        """Give the terminal back, and print what was held."""
        live, self._live = self._live, None
        if live is not None:
            for end in (live.stop, live.console.file.close):
                with suppress(OSError):  # the terminal is gone
                    end()
            self._output.let_go()
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    def _suspend(self) -> None:
        """Leave the terminal to the shell at Ctrl-Z, until this process is in the foreground."""
        self._leave()
        modes = _modes()
        self._set_modes(self._modes)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._set_modes(modes)

    def close(self) -> None:
        """Give the terminal back as it was."""
        self._at_suspension.cancel()
        self._greenlet.kill(block=False)
        self._leave()
        self._set_modes(self._modes)

    def _is_in_foreground(self) -> bool:
        """Whether the shell has left the terminal to this process; else writing may stop it."""
        with suppress(OSError):
            return os.tcgetpgrp(self._output.terminal) == os.getpgrp()
        return False  # the terminal is gone

    def _set_modes(self, modes: Any) -> None:
        if modes is not None and self._is_in_foreground():
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, modes)


def _modes() -> Any:
    """The modes of the terminal, which Locust changes to read keys; None without a terminal."""
    with suppress(termios.error):
        return termios.tcgetattr(0)
    return None
