"""A gevent loop in a thread of its own."""

from __future__ import annotations

import threading

import gevent
import pytest

from caretaker.http.gevent_loop import Loop


def test_functions_run_in_another_thread_and_may_wait() -> None:
    loop = Loop()
    loop.start()

    def work(number: int) -> tuple[int, bool]:
        gevent.sleep(0)
        return number, threading.current_thread() is threading.main_thread()

    assert loop.call(work, 5) == (5, False)
    loop.stop()


def test_errors_come_back() -> None:
    loop = Loop()
    loop.start()
    with pytest.raises(ZeroDivisionError):
        loop.call(lambda: 1 / 0)
    loop.stop()


def test_a_call_within_a_call_runs_at_once() -> None:
    loop = Loop()
    loop.start()
    assert loop.call(lambda: loop.call(int, "7")) == 7
    loop.stop()


def test_without_a_thread_it_calls_directly() -> None:
    assert Loop().call(threading.current_thread) is threading.main_thread()


def test_it_stops_and_starts_again() -> None:
    before = threading.active_count()
    loop = Loop()
    for _ in range(3):
        loop.start()
        loop.start()
        assert loop.call(int, "1") == 1
        loop.stop()
    loop.stop()
    assert before == threading.active_count()
