"""What the master does for the leases of its workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from helpers.leases import renewal
from helpers.waiting import wait_until

from caretaker.swarm.fleet_leases import LOOK_SECONDS, LOOKS_OF_DEATH, FleetLeases, has_died
from caretaker.swarm.index_ledger import LostLease
from caretaker.swarm.worker_messages import WorkerProcess
from caretaker.testing import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(clock: Clock) -> FleetLeases:
    made = FleetLeases(5.0, clock)
    made.renew("w", renewal(want=3), 10)
    return made


def test_what_a_silent_worker_had_is_free_after_its_time(leases: FleetLeases, clock: Clock) -> None:
    freed: list[LostLease] = []
    while not freed:
        clock.advance(LOOK_SECONDS)
        freed = leases.look()
    assert freed == [("w", [(0, 3)], 1000.0)]
    assert clock.now == 1006.25


def test_a_stall_of_the_master_is_no_silence(leases: FleetLeases, clock: Clock) -> None:
    clock.advance(1000.0)
    assert leases.look() == []
    answer = leases.renew("w", renewal(lease=1, number=2), 10)
    assert answer is not None
    assert answer.still_yours


def test_a_child_that_has_ended_is_dead_before_it_is_waited_for() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        process = WorkerProcess(socket.gethostname(), child.pid, os.getpid())
        assert not has_died(process)
        assert not has_died(process._replace(host="elsewhere"))
        child.kill()
        wait_until(lambda: has_died(process))
        assert not has_died(process._replace(parent=1))
    assert has_died(process)


def test_a_worker_that_has_died_is_found_and_buried(leases: FleetLeases) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    process = WorkerProcess(socket.gethostname(), child.pid, os.getpid())
    leases.renew("dead", renewal(want=3, process=process), 10)
    for _ in range(LOOKS_OF_DEATH - 1):
        assert leases.look_for_dead() == []
    assert leases.look_for_dead() == ["dead"]
    leases.bury("dead")
    assert (leases.died, leases.ledger.counts()) == ({"dead"}, {"w": 3})
