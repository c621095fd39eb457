"""The course of a run under faults: start, faults, recovery, end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import requests

from caretaker.device.retry import LAST_STEP, MINIMUM_SECONDS, MULTIPLIER
from chaos.checks import DESCRIPTORS_ALLOWED, GREENLETS_ALLOWED, Counts, Findings, has_grown
from chaos.fleet_page import Device, TwiceWatch
from chaos.lab import ANSWER_TIMEOUT, CPES, CR_RATE, INFORM_INTERVAL, Lab, LabError
from chaos.schedule import ACS, Disruption

START_SECONDS = 300.0
"""How long the fleet may take to be up, before any fault."""
TICK_SECONDS = 0.5
SAMPLES = 5
"""Of what processes hold; the least counts, as sessions come and go."""
GRACE_SECONDS = 60.0
"""What the ACS and Locust may take beyond what the CPEs wait, as in scenarios."""
FORGOTTEN_SECONDS = 66.0
"""After so long Locust forgets a worker that was killed, and others get its users."""


def recovery_bound(failures: int) -> float:
    """
    Seconds that a fleet may take from the end of the faults to its steady state.

    Args:
        failures: of a CPE's session, the most that any CPE has when the faults end. The session
            under way may fail once more.
    """
    wait = MINIMUM_SECONDS * (MULTIPLIER / 1000) ** min(failures + 1, LAST_STEP)
    return FORGOTTEN_SECONDS + ANSWER_TIMEOUT + wait + INFORM_INTERVAL + GRACE_SECONDS


class Moment(NamedTuple):
    """When a disruption begins, or is undone."""

    at: float
    is_end: bool
    disruption: Disruption


def moments(disruptions: Sequence[Disruption]) -> list[Moment]:
    """All of them in their order; what ends comes before what begins."""
    begins = [Moment(each.at, False, each) for each in disruptions]
    ends = [Moment(each.until, True, each) for each in disruptions]
    return sorted([*begins, *ends], key=lambda moment: (moment.at, not moment.is_end))


class ChaosRun:
    """
    Plays a run.

    Args:
        lab: its processes.
        disruptions: of these.
        seconds: of faults.
        say: prints what happens.
    """

    def __init__(
        self,
        lab: Lab,
        disruptions: Sequence[Disruption],
        seconds: float,
        say: Callable[[str], object],
    ) -> None:
        self._lab = lab
        self._disruptions = disruptions
        self._seconds = seconds
        self._say = say
        self._late = 0.0
        """How much longer than asked this process has slept: the machine is so busy."""
        self.done = 0
        """Disruptions that came to pass; a worker is spared while the fleet is not whole."""

    def play(self) -> Findings:
        """
        Play it from its start to its end.

        Raises:
            LabError: the fleet does not come up, the master ends, or it does not take a rate.
        """
        lab = self._lab
        lab.start()
        if self._time_until(lambda: self._is_steady(0.0), START_SECONDS) is None:
            raise LabError("the fleet did not come up")
        descriptors, greenlets = self._least(lab.descriptors), self._least(lab.greenlets)
        self._drive(CR_RATE)
        self._say("the fleet is up; the faults begin")
        twice = TwiceWatch(lab.another_page())
        twice.start()
        self._strike()
        ended = time.monotonic()
        self._say("the faults have ended")
        findings = self._recover(ended)
        self._drive(0.0)
        findings.descriptors = (
            descriptors,
            self._settled(lab.descriptors, descriptors, DESCRIPTORS_ALLOWED),
        )
        findings.greenlets = greenlets, self._settled(lab.greenlets, greenlets, GREENLETS_ALLOWED)
        twice.stop()
        findings.twice, findings.looks = sorted(twice.twice), twice.looks
        return self._end(findings)

    # The faults.

    def _strike(self) -> None:
        began = time.monotonic()
        begun: set[Disruption] = set()
        self._lab.proxy.is_faulty = True
        for moment in moments(self._disruptions):
            self._wait_until(began + moment.at)
            if moment.is_end and moment.disruption in begun:
                self._lab.undo(moment.disruption)
            elif not moment.is_end and self._can_strike(moment.disruption):
                begun.add(moment.disruption)
                self._lab.begin(moment.disruption)
        self._wait_until(began + self._seconds)
        self._lab.proxy.is_faulty = False
        self.done = len(begun)

    def _can_strike(self, disruption: Disruption) -> bool:
        """Without any worker Locust would end the run, so the other one must be there."""
        can = disruption.target == ACS or self._lab.is_whole
        self._say(f"{'' if can else 'left out, as the fleet is not whole: '}{disruption.what}")
        return can

    # The recovery.

    def _recover(self, ended: float) -> Findings:
        failures = max((device.failures for device in self._devices()), default=0)
        bound, late = recovery_bound(failures), self._late
        took = self._time_until(lambda: self._is_steady(ended), bound)
        bound += self._late - late
        after = None if took is None else time.monotonic() - ended
        self._say("the fleet is not steady" if after is None else "the fleet is steady")
        powered = frozenset(device.serial for device in self._devices())
        good = self._lab.watch.good
        recovered = frozenset(serial for serial in powered if good.get(serial, 0.0) > ended)
        return Findings(
            cpes=CPES, powered=powered, recovered=recovered, steady_after=after, bound=bound
        )

    def _is_steady(self, since: float) -> bool:
        """Whether all CPEs are there, and each has had a good session since, and none a bad one."""
        devices, good = self._devices(), self._lab.watch.good
        return len(devices) == CPES and all(
            good.get(device.serial, 0.0) > since and not device.failures for device in devices
        )

    def _devices(self) -> Sequence[Device]:
        try:
            return self._lab.page.devices()
        except requests.RequestException:
            return ()

    # What is left.

    def _drive(self, cr_rate: float) -> None:
        """
        Have operators ask for so many Connection Requests a second.

        They rest while it is counted what processes hold: a task is under way for as long as the
        ACS takes for it, and then holds a greenlet and connections.
        """
        if self._time_until(lambda: self._lab.drive(cr_rate), GRACE_SECONDS) is None:
            raise LabError(f"the run does not take a rate of {cr_rate:g} Connection Requests")

    def _least(self, count: Callable[[], Counts]) -> Counts:
        return least(self._samples(count))

    def _samples(self, count: Callable[[], Counts]) -> Iterator[Counts]:
        for _ in range(SAMPLES):
            yield count()
            self._wait_until(time.monotonic() + TICK_SECONDS)

    def _settled(self, count: Callable[[], Counts], before: Counts, allowed: int) -> Counts:
        """What processes hold at last: when it is as before, or after a minute."""
        taken: list[Counts] = []

        def is_as_before() -> bool:
            taken.append(self._least(count))
            return not has_grown(before, least(taken), allowed)

        self._time_until(is_as_before, GRACE_SECONDS)
        return least(taken)

    def _end(self, findings: Findings) -> Findings:
        lab = self._lab
        findings.summary = lab.end()
        findings.processes = lab.left()
        findings.sessions, findings.overlaps = lab.watch.sessions, list(lab.watch.overlaps)
        findings.surprises, findings.tracebacks = list(lab.surprises), lab.tracebacks()
        self._say("the run has ended")
        return findings

    # Time.

    def _wait_until(self, at: float) -> None:
        """Wait until then, and look after the processes meanwhile."""
        while (left := at - time.monotonic()) > 0:
            wanted = time.monotonic() + min(left, TICK_SECONDS)
            time.sleep(min(left, TICK_SECONDS))
            self._late += time.monotonic() - wanted
            self._lab.look_after()

    def _time_until(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """Seconds until a condition comes true; None if it does not within so many."""
        began, late = time.monotonic(), self._late
        while not condition():
            if time.monotonic() - began > seconds + self._late - late:
                return None
            self._wait_until(time.monotonic() + TICK_SECONDS)
        return time.monotonic() - began


def least(samples: Iterator[Counts] | Sequence[Counts]) -> Counts:
    """The least of each count."""
    taken = list(samples)
    return {name: min(sample[name] for sample in taken) for name in taken[0]}
