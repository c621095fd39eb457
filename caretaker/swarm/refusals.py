"""The end of a process before a run that can't begin: one line says why, and no worker is left."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import gevent
import psutil
from locust.runners import WorkerRunner

from caretaker.errors import InputError
from caretaker.reporting.outcomes import BAD_INPUT
from caretaker.swarm.worker_messages import Refusal

GIVE_UP_SECONDS = 10.0
"""Seconds that a forked worker which can't take part waits for the master to end it."""


class Refusals:
    """
    Ends this process where it, or a worker of its own, refuses the run.

    Args:
        runner: Locust's, of this process.
        forks: whether the master forks its workers, and this is that master or one of them.
    """

    def __init__(self, runner: Any, *, forks: bool) -> None:
        self._runner = runner
        self._forks = forks
        self.exit_code = 0
        """That of a run that can't begin; 0 as long as nobody has refused it."""

    def refuse(self, error: InputError) -> NoReturn:
        """End this process, as it can't take part in any run."""
        if self.exit_code:
            raise SystemExit(self.exit_code)  # a worker has refused before
        _say(str(error))
        if not isinstance(self._runner, WorkerRunner):
            self._end_with_workers(BAD_INPUT)
        refusal = Refusal(str(error))
        self._runner.send_message(refusal.NAME, refusal.to_wire())
        if self._forks:
            # The master that has forked this worker reads the reason, then ends all its workers.
            gevent.sleep(GIVE_UP_SECONDS)
        raise SystemExit(BAD_INPUT)

    def end(self, why: str, code: int = BAD_INPUT) -> None:
        """
        Have this process and its workers end soon, unless the end has begun.

        Args:
            why: one line; empty where it was printed.
            code: the exit code.
        """
        if self.exit_code:
            return
        if why:
            _say(why)
        gevent.spawn(self._end_with_workers, code)

    def refused_by(self, worker: str, reason: str) -> None:
        """A worker can't take part in a run that has not begun."""
        # What a forked one has printed stands here already.
        self.end("" if self._forks else f"worker {worker}: {reason}")

    def _end_with_workers(self, code: int) -> NoReturn:
        """
        End before a run, and the workers that this process has forked with it.

        Locust's own end does not wait for forked workers that have not ended yet. They have nothing
        to put in order, and one that is slow to would say that its master has ended.
        """
        self.exit_code = code
        for child in psutil.Process().children():
            child.kill()
        self._runner.quit()
        raise SystemExit(code)


def _say(why: str) -> None:
    print(f"caretaker: {why}", file=sys.stderr, flush=True)
