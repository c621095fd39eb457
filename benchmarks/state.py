"""
The cost of ``--state``: sessions per CPU second with and without it, and a fleet kept and resumed.

The sink asks nothing, so the sessions change no record; what a record costs stands beside them.
"""

from __future__ import annotations

import gc
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Goal, Options
from benchmarks.first_contact import quick_contact
from benchmarks.nginx import Nginx
from benchmarks.processes import MeasurementError
from benchmarks.sessions import beside_plain, saturated_worker
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.persistent_state import PersistentState, restore, state_of
from caretaker.profiles import ProfileMix
from caretaker.swarm.state_file import EMBEDDED_ACS, StateFile
from caretaker.swarm.state_store import TRANSACTION

CPES = 100_000


def run(options: Options) -> list[Figure]:
    """Measure sessions in turns, then keep and resume a fleet."""
    with (
        Nginx() as sink,
        saturated_worker(sink, options, keeps_state=True) as keeping,
        saturated_worker(sink, options) as plain,
    ):
        sessions = beside_plain("sessions with --state", keeping, plain, options)
    found = [_resumed(options.scaled(CPES)) for _ in range(min(options.runs, 3))]
    return [
        sessions,
        *(
            Figure(name, unit, [figures[name] for figures in found], goal=goal)
            for name, (unit, goal) in _FIGURES.items()
        ),
    ]


_FIGURES = {
    "a changed CPE in the file": ("bytes", Goal("<=", 300)),
    "making its record": ("us", None),
    "writing the fleet": ("s", None),
    "opening and reading the file": ("s", None),
    "taking the fleet up": ("s", None),
}


def _resumed(count: int) -> dict[str, float]:
    """
    Keep a fleet, stop it and take it up again.

    Raises:
        MeasurementError: a CPE came back with another state, or with a first contact.
    """
    mix, marks = ProfileMix.of([]), [time.perf_counter()]
    fleet = [_contacted(index, mix) for index in range(count)]
    gc.freeze()  # as a worker does
    marks.append(time.perf_counter())
    records = [(cpe.index, state_of(cpe).to_bytes()) for cpe in fleet]
    marks.append(time.perf_counter())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.db"
        with StateFile(path) as file:
            file.agree({}, EMBEDDED_ACS)
            for start in range(0, count, TRANSACTION):
                file.write(records[start : start + TRANSACTION])
        marks.append(time.perf_counter())
        size = path.stat().st_size
        with StateFile(path) as file:
            file.agree({}, EMBEDDED_ACS)
            stored = file.read([(0, count)])
    marks.append(time.perf_counter())
    again = [_taken_up(each.cpe, each.record, mix) for each in stored]
    marks.append(time.perf_counter())
    if [state_of(cpe) for cpe in again] != [state_of(cpe) for cpe in fleet]:
        raise MeasurementError("a CPE came back with another state")
    if {event.event_code for cpe in again for event in cpe.pending} != {"1 BOOT"}:
        raise MeasurementError("a CPE came back with a first contact")
    _, making, writing, reading, taking = (after - before for before, after in pairwise(marks))
    seconds = (writing, reading, taking)
    return dict(zip(_FIGURES, (size / count, 1e6 * making / count, *seconds), strict=True))


def _contacted(index: int, mix: ProfileMix) -> CPE:
    cpe = CPE(index, mix[index], FleetContext(acs_url="http://127.0.0.1/"))
    cpe.power_on(0.0)
    quick_contact(cpe, 0.0)
    return cpe


def _taken_up(index: int, record: bytes, mix: ProfileMix) -> CPE:
    cpe = CPE(index, mix[index], FleetContext(acs_url="http://127.0.0.1/"))
    restore(cpe, PersistentState.from_bytes(record))
    cpe.powered = True
    cpe.power_cut(0.0, 0.0)
    return cpe
