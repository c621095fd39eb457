"""Whatever happens to CPEs, and when in their sessions: both paths come to the same."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import gevent
from helpers.engine_benches import (
    ADD,
    ASKED,
    BASIC,
    DIGEST,
    EMPTY,
    GOOD,
    HOUR,
    SET,
    EngineBench,
    Story,
    said,
    told_of_sessions,
)
from helpers.odd_answers import FORMS
from helpers.odd_servers import HEAR, PLAIN, OddServer, Steps, Talk
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.errors import DeviceBusy
from caretaker.stats.results import Results

CPES = 3
CODE = "Device.DeviceInfo.ProvisioningCode"
WATCH = said(
    m.SetParameterAttributes((m.SetParameterAttributesStruct(CODE, True, 2, False, ()),)), "acs5"
)
COOKIE_FIRST = said(m.InformResponse(), "1", "Set-Cookie: a=1")
HOLD = said(m.InformResponse(), hold=True)
IMAGE = m.Download("c", "1 Firmware Upgrade Image", "http://127.0.0.1/i.bin", file_size=9)
DOWNLOAD, REBOOT, RESET = (
    said(asked, "acs6") for asked in (IMAGE, m.Reboot("k"), m.FactoryReset())
)
SETTINGS = {
    "behaviors": Behaviors(inform_interval=HOUR, dynamic_params=False),
    "reboot_seconds": (0.0, 0.0),
    "transfers": TransferSettings(seconds=(0.0, 0.0)),
    "acs_username": "labcpe",
    "acs_password": "labpass",
}

# -- what may happen to a CPE ---------------------------------------------------------------------


def _inform(bench: EngineBench, cpe: CPE) -> None:
    cpe.raise_event(m.EventStruct("2 PERIODIC"), time.monotonic())
    bench.shard.reschedule(cpe)


def _connection_request(bench: EngineBench, cpe: CPE) -> None:
    try:
        bench.shard.connection_request(cpe.url_name)
    except DeviceBusy:
        cpe.raise_event(m.EventStruct("8 DIAGNOSTICS COMPLETE"), time.monotonic())


def _change(bench: EngineBench, cpe: CPE) -> None:
    cpe.change(CODE, cpe.value(CODE, time.monotonic()) + "x", time.monotonic())
    bench.shard.reschedule(cpe)


def _ask(bench: EngineBench, cpe: CPE) -> None:
    cpe.ask(m.Kicked("", "", "", ""), time.monotonic())
    bench.shard.reschedule(cpe)


def _power_cut(bench: EngineBench, cpe: CPE) -> None:
    bench.shard.power_cut({cpe.index: time.monotonic()})


def _report(bench: EngineBench, _: CPE) -> None:
    bench.shard.book(Results())


def _suspension(bench: EngineBench, _: CPE) -> None:
    """The worker has lost its master, which the loop itself notes, and finds it again."""
    gevent.get_hub().loop.run_callback(bench.shard.suspend, "lost")
    gevent.sleep(0)
    bench.shard.start()


def _power_off(bench: EngineBench, cpe: CPE) -> None:
    bench.shard.power_off([cpe.index])


MIDST: dict[str, Callable[[EngineBench, CPE], None]] = {
    "inform": _inform,
    "Connection Request": _connection_request,
    "change": _change,
    "request": _ask,
    "power cut": _power_cut,
    "power off": _power_off,
    "report": _report,
    "suspension": _suspension,
}
"""What may happen in a session, too."""
BEGIN = ("period", *MIDST)


class Said(NamedTuple):
    """An answer, in one of ``FORMS``, and what happens to the CPE before it (nothing if empty)."""

    answer: bytes | Steps
    before: str


class Step(NamedTuple):
    """What happens to a CPE, and what the ACS answers in the session that follows."""

    event: str
    cpe: int
    answers: list[Said]


class Life:
    """
    A few CPEs and their ACS.

    Args:
        with_engine: whether an engine carries sessions, also of CPEs that rest.
    """

    def __init__(self, *, with_engine: bool) -> None:
        self._acs = OddServer()
        self._bench = EngineBench(self._acs.url, with_engine=with_engine, context=SETTINGS)
        self._with_engine = with_engine
        self._bench.shard.start()

    def story(self, steps: list[Step]) -> Story:
        """What comes of the CPEs by these steps, one after the other."""
        for index in range(CPES):
            self._bench.shard.power_on(index)
            self._settle()
        for step in steps:
            self._acs.be(self._steps(step), PLAIN)
            self._happens(step.event, step.cpe)
            self._settle()
        result = {**told_of_sessions(self._bench, self._acs), "states": self._states()}
        self._bench.shard.stop()
        self._acs.stop()
        return result

    def _steps(self, step: Step) -> Steps:
        steps: list[Any] = []
        for said_ in step.answers:
            answer = said_.answer
            happens = [partial(self._in_session, said_.before, step.cpe)] if said_.before else []
            steps += [HEAR, *happens, *((answer,) if isinstance(answer, bytes) else answer)]
        return tuple(steps)

    def _in_session(self, event: str, index: int, _: Talk) -> None:
        self._happens(event, index)

    def _happens(self, event: str, index: int) -> None:
        bench = self._bench
        if index not in bench.shard.cpes:
            bench.shard.power_on(index)
        elif event == "period":
            bench.period_ends(index, rests=self._with_engine)
        else:
            MIDST[event](bench, bench.shard.cpes[index])

    def _settle(self) -> None:
        """Wait until no session runs, and none is due."""
        cpes, scheduler = self._bench.shard.cpes, self._bench.shard.scheduler
        while scheduler.active or any(cpes.due_of(n) <= time.monotonic() for n in cpes):
            gevent.sleep(0)

    def _states(self) -> list[Any]:
        cpes = self._bench.shard.cpes
        return [_state(cpes[index]) if index in cpes else None for index in range(CPES)]


_TIMES = re.compile(r"_time='[^']*'")


def _state(cpe: CPE) -> Any:
    return (
        *(cpe.events, cpe.session_events, cpe.failures, cpe.in_session, cpe.powered),
        _TIMES.sub("", str(cpe.requests)),
        *(cpe.changed, cpe.reported_changes, len(cpe.jobs), len(cpe.transfers)),
        {} if cpe.overlay is None else cpe.overlay.values,
        round((cpe.periodic_due - time.monotonic()) / HOUR, 1),
    )


ANSWERS = st.sampled_from(
    [
        GOOD, COOKIE_FIRST, HOLD, EMPTY, DIGEST, BASIC,
        ASKED, SET, ADD, WATCH, DOWNLOAD, REBOOT, RESET,
    ]
)  # fmt: skip
SAID = st.builds(
    lambda answer, form, before: Said(form(answer), before),
    ANSWERS,
    st.just(bytes) | st.sampled_from(list(FORMS.values())),
    st.just("") | st.sampled_from(list(MIDST)),
)
FIRST = st.builds(Said, st.sampled_from([GOOD, COOKIE_FIRST]), st.just("")) | SAID
STEPS = st.builds(
    lambda event, index, first, others: Step(event, index, [first, *others]),
    st.sampled_from(BEGIN),
    st.integers(0, CPES - 1),
    FIRST,
    st.lists(SAID, max_size=4),
)


@settings(max_examples=15)
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_lives_are_the_same_by_both(steps: list[Step]) -> None:
    carried = Life(with_engine=True).story(steps)
    assert carried == Life(with_engine=False).story(steps)
