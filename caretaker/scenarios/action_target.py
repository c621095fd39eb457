"""The CPEs of one process, as actions and scenarios act on them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import gevent
from gevent.pool import Group

from caretaker.engine.nat_bindings import NATBindings
from caretaker.engine.outages import OutageSwitch
from caretaker.engine.shard import Shard
from caretaker.scenarios.tasks import Operator, Tasks


class ActionTarget:
    """
    The CPEs of this process, and what actions need to act on them.

    Args:
        shard: has the CPEs.
        outage: makes the ACS fail.
        operator: has Connection Requests sent.
        tasks: runs what was sent, until its end.
        portion: this process's part of the whole fleet, from 0 to 1; rates are of the whole.
        bindings: the NAT bindings of CPEs that use STUN; None where none does.
        clock, sleep: as for the shard.
    """

    def __init__(
        self,
        shard: Shard,
        outage: OutageSwitch,
        operator: Operator,
        tasks: Tasks,
        portion: Callable[[], float] = lambda: 1.0,
        *,
        bindings: NATBindings | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self.shard = shard
        self.outage = outage
        self.operator = operator
        self.tasks = tasks
        self.portion = portion
        self.bindings = bindings
        self.clock = clock
        self.sleep = sleep
        self.greenlets = Group()
        self.tally: Counter[str] = Counter()
        """CPEs by action and outcome, as ``firmware.done``; ``asked`` counts all of an action."""
        self.informing: gevent.Greenlet[..., None] | None = None
        """Drives Informs at a rate; None while that action is not in use."""

    def chosen(self, share: float, purpose: str) -> list[int]:
        """The indices of a share of the CPEs, the same for the same seed and purpose."""
        fraction = self.shard.context.identities.fraction
        return [i for i in self.shard.cpes if share >= 1 or fraction(i, purpose) < share]

    def paced(self, rate: float) -> Iterator[float]:
        """The due times of this target's part of a rate; sleeps until each (an open model)."""
        due = self.clock()
        while True:
            yield due
            due += 1 / max(1e-9, rate * self.portion())
            self.sleep(max(0.0, due - self.clock()))

    def stop(self) -> None:
        """End the actions that go on."""
        self.greenlets.kill(block=False)
