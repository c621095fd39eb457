"""A shard for tests, with an ACS of a few lines and a clock that only a test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import gevent

from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.shard import Shard
from caretaker.http.transport import Answer
from caretaker.profiles import ProfileMix
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.stats.results import Results
from caretaker.testing import Clock, FunctionTransport, ScriptedACS
from helpers.cpes import context, profile
from helpers.ends import at_end

Post = Callable[[bytes], bytes | Answer]


class RecordKeeper(Results):
    """Results that also keep the records."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[SessionRecord] = []
        self.exchanges: list[ExchangeRecord] = []

    def session(self, record: SessionRecord) -> None:
        super().session(record)
        self.sessions.append(record)

    def exchange(self, record: ExchangeRecord) -> None:
        super().exchange(record)
        self.exchanges.append(record)


def serving(*requests: m.Request) -> Callable[[], Callable[[bytes], bytes]]:
    """A good ACS: each session is asked these requests."""
    return lambda: ACSSession(ScriptedACS(requests)).receive


def serving_after(gate: gevent.event.Event) -> Callable[[], Post]:
    """A good ACS that answers once the gate is open."""

    def make() -> Post:
        post = serving()()

        def wait_and_post(body: bytes) -> bytes:
            gate.wait()
            return post(body)

        return wait_and_post

    return make


def failing(error: Exception) -> Callable[[], Post]:
    """An ACS that can't be reached."""

    def post(_: bytes) -> Answer:
        raise error

    return lambda: post


class ShardBench:
    """
    A shard with a fake ACS and a clock of its own; long answers never wait for a later turn.

    Args:
        acs: makes the function that answers the POSTs of a session; a good ACS by default.
        transport: makes the transport of that function.
        settings: ``behaviors`` and ``quirks`` of the CPEs, else arguments of ``Shard``.
    """

    def __init__(
        self,
        acs: Callable[[], Post] | None = None,
        transport: type[FunctionTransport] = FunctionTransport,
        **settings: Any,
    ) -> None:
        self.clock = Clock(100.0)
        self.sink = RecordKeeper()
        self.acs = acs or serving()
        self._transport = transport
        self.transports: list[FunctionTransport] = []
        loop_budget = settings.pop("loop_budget", None) or LoopBudget(share=inf)
        behaviors = settings.pop("behaviors", Behaviors(periodic_inform=False))
        kind = replace(profile(), quirks=frozenset(settings.pop("quirks", ())))
        self.shard = Shard(
            ProfileMix([(kind, 1.0)]),
            context(behaviors=behaviors),
            self._open,
            self.sink,
            clock=self.clock,
            loop_budget=loop_budget,
            **settings,
        )
        at_end(self.shard.abandon)

    def _open(self, _: CPE, __: float) -> FunctionTransport:
        self.transports.append(self._transport(self.acs(), lambda: 100.0))
        return self.transports[-1]

    def boot(self, count: int = 1) -> None:
        """Power on so many CPEs and let them have their first sessions."""
        for index in range(count):
            self.shard.power_on(index)
        self.shard.start()
        settle()

    def at(self, seconds: float) -> None:
        """Let the clock reach a time and the scheduler see it."""
        self.clock.now = seconds
        self.shard.scheduler.launch_due()
        settle()

    @property
    def informed(self) -> list[tuple[str, ...]]:
        """The event codes of each session that has ended."""
        return [record.events for record in self.sink.sessions]


def settle() -> None:
    """Let every greenlet that can run do so."""
    for _ in range(20):
        gevent.sleep(0)
