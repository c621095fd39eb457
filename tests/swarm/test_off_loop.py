"""Work in a thread, while the loop goes on."""

from __future__ import annotations

import gc
import threading

import gevent
import pytest

from caretaker.errors import InputError
from caretaker.swarm.off_loop import MANY_OBJECTS, off_loop


def test_the_loop_goes_on_while_the_function_waits() -> None:
    has_run = threading.Event()
    gevent.spawn(has_run.set)
    assert off_loop(lambda: has_run.wait(60))


def test_no_garbage_is_collected_meanwhile() -> None:
    assert off_loop(gc.isenabled) is False
    assert gc.isenabled()


@pytest.mark.parametrize(("objects", "is_frozen"), [(10, False), (2 * MANY_OBJECTS, True)])
def test_later_collections_leave_out_what_is_much(objects: int, *, is_frozen: bool) -> None:
    gc.unfreeze()
    gc.collect()
    try:
        made = off_loop(lambda: [[] for _ in range(objects)])  # type: ignore[var-annotated]
        assert (gc.get_freeze_count() > objects) == is_frozen
        assert len(made) == objects
    finally:
        gc.unfreeze()


def test_an_error_is_raised_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InputError("no such file")

    with pytest.raises(InputError, match="no such file"):
        off_loop(fail)
    assert gc.isenabled()
    assert capfd.readouterr().err == ""
