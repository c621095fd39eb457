"""What Ctrl-C, SIGTERM, a lost terminal and the key q come to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from caretaker.swarm import interrupts
from caretaker.swarm.interrupts import Interrupts


class Ends(Exception):
    """Stands for the end of the process."""


class FakeRun:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.starts = self.is_of_master = False

    def is_starting(self) -> bool:
        return self.starts

    def is_ended_by_master(self) -> bool:
        return self.is_of_master

    def leave_terminal(self) -> None:
        self.told.append("leaves the terminal")

    def cut_short(self) -> None:
        self.told.append("is cut short")

    def stop_waiting(self) -> None:
        self.told.append("waits no more")


class FakeEnd:
    """Of the process."""

    def __init__(self, told: list[str]) -> None:
        self._told = told
        self.in_order: Any = self._in_order

    def _in_order(self, end: Callable[[], None]) -> None:
        self.end = end

    def begin(self, why: str) -> None:
        self._told.append(why)


class Bench:
    """Interrupts of a run, whose signals come by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run = FakeRun()
        self.end = FakeEnd(self.run.told)
        self.handlers: dict[int, Callable[[], None]] = {}
        monkeypatch.setattr(gevent, "signal_handler", self.handlers.__setitem__)
        monkeypatch.setattr(gevent, "kill", lambda *_: self.run.told.append("ends"))
        monkeypatch.setattr(gevent, "sleep", lambda _: None)
        monkeypatch.setattr(interrupts, "hang_up", lambda: [signal.SIGHUP])
        monkeypatch.setattr(interrupts, "forgive_lost_terminal", lambda: None)
        monkeypatch.setattr(interrupts, "end_before_run", self._ends)
        monkeypatch.setattr(interrupts, "end_now", self._ends)
        monkeypatch.setattr(os, "_exit", self._ends)
        end: Any = self.end
        self.interrupts = Interrupts(self.run, end)

    def _ends(self, *code: int) -> None:
        raise Ends(*code[-1:])

    def interrupt(self) -> None:
        self.handlers[signal.SIGINT]()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_the_first_ends_the_run_the_second_waits_no_more_the_third_is_the_end(
    bench: Bench,
) -> None:
    bench.interrupt()
    bench.interrupt()
    with pytest.raises(Ends, match="130"):
        bench.interrupt()
    assert bench.run.told == ["ends", "waits no more", "leaves the terminal"]


def test_before_a_run_the_process_ends_at_once(bench: Bench) -> None:
    bench.run.starts = True
    for signum in (signal.SIGINT, signal.SIGHUP):
        with pytest.raises(Ends, match=str(int(signum))):
            bench.handlers[signum]()
    with pytest.raises(Ends):
        bench.end.end()


def test_a_worker_of_a_master_here_leaves_the_first_to_that(bench: Bench) -> None:
    bench.run.is_of_master = True
    bench.interrupt()
    assert bench.run.told == []
    bench.interrupt()
    assert bench.run.told == ["waits no more"]


def test_the_key_does_what_the_first_does_and_no_more(bench: Bench) -> None:
    bench.interrupts.on_end_key()
    bench.interrupts.on_end_key()
    assert bench.run.told == ["ends"]


def test_without_its_terminal_the_run_is_cut_short(bench: Bench) -> None:
    bench.handlers[signal.SIGHUP]()
    bench.end.end()
    assert bench.run.told == [
        "the terminal is gone", "leaves the terminal", "is cut short", "ends", "waits no more",
    ]  # fmt: skip


def test_a_process_that_quits_is_not_told_to_end(bench: Bench) -> None:
    bench.interrupts.quit(is_waited_for=True)
    bench.interrupt()
    assert bench.run.told == ["waits no more"]
