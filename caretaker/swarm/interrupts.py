"""Ctrl-C, SIGTERM, a lost terminal and the key ``q``: how each ends the run of this process."""

from __future__ import annotations

import os
import signal
from typing import Protocol

import gevent
from gevent.event import Event

from caretaker.swarm.locust_runner import forgive_lost_terminal
from caretaker.swarm.prompt_end import PromptEnd, end_now
from caretaker.swarm.start_signals import end_before_run, hang_up

GRACE_SECONDS = 0.5
"""How long sessions may go on where the process has to end: those of a healthy ACS take less."""


class InterruptedRun(Protocol):
    """What can be interrupted: the run of this process, as its master or a worker."""

    def is_starting(self) -> bool:
        """Whether Locust waits for workers, to begin a run of which there is nothing yet."""

    def is_ended_by_master(self) -> bool:
        """Whether this is a worker in a run whose master has forked it."""

    def leave_terminal(self) -> None:
        """Give the terminal back."""

    def cut_short(self) -> None:
        """Note that the run has to end, though nobody has asked for it."""

    def stop_waiting(self) -> None:
        """Wait for nothing that is under way."""


class Interrupts:
    """
    Handles the signals of this process once a run may begin.

    Args:
        run: that is interrupted.
        end: of this process, where it has to be prompt.
    """

    def __init__(self, run: InterruptedRun, end: PromptEnd) -> None:
        self._run = run
        self._end = end
        self._count = 0
        self._is_quitting = False
        self._main = gevent.getcurrent()
        gevent.signal_handler(signal.SIGINT, self._on_interrupt)
        for signum in hang_up():
            gevent.signal_handler(signum, self._on_hang_up)
        end.in_order(self._end_in_order)

    def on_end_key(self) -> None:
        """Do what the first Ctrl-C does."""
        if not self._count:
            self._on_interrupt()

    def _on_interrupt(self, signum: int = signal.SIGINT) -> None:
        """
        End the run at Ctrl-C, without waiting at the second one, and at once at the third.

        Without this handler Python raises KeyboardInterrupt in the greenlet that happens to run.
        A terminal's Ctrl-C reaches the workers of a master here, too: it ends their run, and would
        give their CPEs to others if they left before. No master does that for workers that a
        machine has forked for a master elsewhere.
        """
        if self._run.is_starting():
            self._run.leave_terminal()
            end_before_run(os.getpid(), signum)
        self._count += 1
        if signum == signal.SIGINT and self._count == 1 and self._run.is_ended_by_master():
            return
        if self._count == 1 and not self._is_quitting:
            gevent.kill(self._main, KeyboardInterrupt)
            return
        if self._count > 2:
            self._run.leave_terminal()
            os._exit(130)
        self._run.stop_waiting()

    def _on_hang_up(self) -> None:
        if self._run.is_starting():
            self._run.leave_terminal()
            end_before_run(os.getpid(), signal.SIGHUP)
        forgive_lost_terminal()
        self._end.begin("the terminal is gone")

    def _end_in_order(self) -> None:
        """End with little patience, as the process will be ended soon."""
        self._run.leave_terminal()
        if self._run.is_starting():
            end_now()
        self._run.cut_short()
        if not self._is_quitting:
            gevent.kill(self._main, KeyboardInterrupt)
        gevent.sleep(GRACE_SECONDS)
        self._run.stop_waiting()

    def quit(self, *, is_waited_for: bool) -> None:
        """
        Locust shuts down: the main greenlet goes on with it, and any other ends the run by it.

        So SIGTERM ends the run as Ctrl-C does. Locust's handler of SIGTERM shuts down in a greenlet
        of its own. That ends what the main greenlet waits for, which then shuts down a second time
        and prints everything again.

        Args:
            is_waited_for: whether there is a run that the main greenlet waits for.
        """
        if gevent.getcurrent() is not self._main and is_waited_for:
            self._on_interrupt(signal.SIGTERM)
            Event().wait()  # for ever: what this greenlet raised would reach the main one
        self._is_quitting = True
