"""Work in a thread, while the loop goes on."""

from __future__ import annotations

import gc
import threading

import gevent
import pytest

from caretaker.errors import InputError
from caretaker.swarm.off_loop import off_loop


def test_the_loop_goes_on_while_the_function_waits() -> None:
    has_run = threading.Event()
    gevent.spawn(has_run.set)
    assert off_loop(lambda: has_run.wait(60))


def test_no_garbage_is_collected_meanwhile() -> None:
    assert off_loop(gc.isenabled) is False
    assert gc.isenabled()


def test_an_error_is_raised_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InputError("no such file")

    with pytest.raises(InputError, match="no such file"):
        off_loop(fail)
    assert gc.isenabled()
    assert capfd.readouterr().err == ""
