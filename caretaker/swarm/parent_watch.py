"""
No process of a run outlives the one that it depends on.

A forked worker depends on its master, and a run on the process that has started it: a shell, or the
connection of an ssh without a terminal. A thread looks whether they are there, as a loop that does
not turn any more, as in swap, would not notice.
"""

from __future__ import annotations

import os

from gevent import monkey

from caretaker.parent_death import thaw_at_parent_death
from caretaker.swarm.prompt_end import PromptEnd
from caretaker.swarm.start_signals import STARTER, leave_starter_to_others, outlives_its_starter

INTERVAL = 0.25
"""Seconds between two looks."""


class ParentWatch:
    """
    Ends this process when its parent has ended; and so in each process that this one forks.

    Args:
        end: of the process.
    """

    def __init__(self, end: PromptEnd) -> None:
        self._end = end
        self._start = monkey.get_original("_thread", "start_new_thread")
        self._sleep = monkey.get_original("time", "sleep")
        self._forker = 0
        self._is_forked = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._note_forker, after_in_child=self._watch_forker)

    def _note_forker(self) -> None:
        self._forker = os.getpid()

    def _watch_forker(self) -> None:
        self._is_forked = True
        thaw_at_parent_death()
        self._start(self._watch, (self._forker, f"its master (process {self._forker}) has ended"))

    def watch_starter(self) -> None:
        """Watch the process that has started this one, unless this one is to outlive it."""
        leave_starter_to_others()
        if not self._is_forked and not outlives_its_starter():
            self._start(self._watch, (STARTER, f"its starter (process {STARTER}) has ended"))

    def _watch(self, parent: int, why: str) -> None:
        while os.getppid() == parent:
            self._sleep(INTERVAL)
        self._end.begin(why)
