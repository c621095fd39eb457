"""A CPE over a random life: any mixture of requests, triggers, failures, reboots and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from random import Random

from caretaker.cwmp import CWMP_1_2, CPESession, Envelope, decode, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import State
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.device.events import EVENTS, MAX_EVENTS, rule
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.errors import CaretakerError, DeviceBusy
from caretaker.testing import ACS_ANSWERS
from helpers.cpes import cpe
from helpers.requests import random_request

RESULT = m.AutonOpResultStruct(
    "5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec001",
    "",
    "1.0",
    "Failed",
    False,
    "",
    m.UNKNOWN_TIME,
    m.UNKNOWN_TIME,
    m.FaultStruct(),
    "Install",
)
OWN: tuple[m.Request, ...] = (
    m.GetRPCMethods(),
    m.Kicked("", "", "", ""),
    m.RequestDownload("2 Web Content"),
    m.AutonomousTransferComplete("", "", True, "2 Web Content"),
    m.AutonomousDUStateChangeComplete((RESULT,)),
)
GOOD: dict[type[m.Request], m.Response] = {m.Inform: m.InformResponse(), **ACS_ANSWERS}
BY_INFORM = sorted(code for code in EVENTS if rule(code).delivered_by is m.Inform)


class RandomWalk:
    """One CPE, its time, and what can happen to it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.box = cpe(
            self.chance.choice(("tr181", "tr098")),
            seed % 1000,
            namespace=CWMP_1_2,
            behaviors=Behaviors(periodic_inform=self.chance.random() < 0.5, inform_interval=50),
            transfers=TransferSettings(failures=0.3),
        )
        self.now = 0.0
        self.must_retry = False
        """Whether the last session failed and left something that asks for its retry."""
        self.steps: tuple[Callable[[], None], ...] = (
            *[self.session] * 6,
            self.wait,
            self.event,
            self.request,
            self.change,
            self.connection_request,
            self.reboot,
        )

    # What can happen.

    def wait(self) -> None:
        self.now += self.chance.choice((0.1, 5.0, 70.0, 4000.0))

    def event(self) -> None:
        code = self.chance.choice(BY_INFORM)
        key = "key" if code.startswith("M ") else ""
        burst = MAX_EVENTS + 6 if key and self.chance.random() < 0.3 else 1
        for _ in range(burst):
            self.box.raise_event(m.EventStruct(code, key), self.now)
        self._due_at_once()

    def request(self) -> None:
        self.box.ask(self.chance.choice(OWN), self.now)
        self._due_at_once()

    def change(self) -> None:
        parameters = self.box.model.parameters
        path = self.chance.choice(list(parameters))
        text = "00AABB" if path.endswith("OUI") else self.chance.choice(("0", "1", "text"))
        try:
            self.box.change(path, text, self.now)
        except CaretakerError:
            pass

    def connection_request(self) -> None:
        try:
            self.box.connection_request(self.now)
        except DeviceBusy:
            assert (
                self.now < self.box.down_until or not self.box.management_server(self.now).enabled
            )
        else:
            self._due_at_once()

    def reboot(self) -> None:
        self.box.reboot(self.now)
        self._due_at_once()

    def _due_at_once(self) -> None:
        due = self.box.reschedule(self.now)
        if self.box.management_server(self.now).enabled and not self.box.in_session:
            assert due <= max(self.now, self.box.down_until)

    # Sessions with an ACS that asks anything and may fail in any way.

    def session(self) -> None:
        if self.box.due < inf:
            self.now = max(self.now, self.box.due)
        session = self.box.begin_session(self.now)
        if session is None:
            return
        try:
            self._talk(session)
        except CaretakerError:
            assert session.state is State.ABORTED
        done = session.state is State.DONE
        failure = self.chance.choice((Outcome.FAILED, Outcome.SHED))
        self.box.end_session(Outcome.SUCCEEDED if done else failure, self.now)
        # A session that a Connection Request asked for leaves nothing: the ACS can ask again. A
        # passive change after that waits for the next session, whatever it is for.
        self.must_retry = not done and bool(self.box.events or self.box.requests)

    def _talk(self, session: CPESession) -> None:
        for _ in range(30):
            body = session.next_post()
            if body is None:
                return
            if self.chance.random() < 0.04:
                break
            if self.chance.random() < 0.05:
                self.step_of(self.event, self.request, self.change, self.connection_request)
            self.now += 0.01
            session.receive(self._answer(decode(body) if body else None), self.now)
        session.abort()

    def step_of(self, *steps: Callable[[], None]) -> None:
        """One of these, while a session runs: then nothing is due."""
        self.chance.choice(steps)()
        assert self.box.due == inf

    def _answer(self, envelope: Envelope | None) -> bytes:
        message = envelope.message if envelope is not None else None
        hold = self.chance.random() < 0.1
        if not isinstance(message, m.Request):
            if self.chance.random() < 0.4:
                return b""
            return self._say(random_request(self.chance, self.box), "acs", hold=hold)
        assert envelope is not None
        luck = self.chance.random()
        if luck < 0.05:
            fault = m.Fault.of(self.chance.choice((8001, 8003, 8005)))
            return self._say(fault, envelope.id, hold=hold)
        if luck < 0.08:
            return self.chance.choice((b"", b"<html>", self._say(m.GetRPCMethods(), "acs")))
        good = GOOD[type(message)]
        return self._say(good, envelope.id, hold=hold)

    @staticmethod
    def _say(message: m.Message, id_: str | None, *, hold: bool = False) -> bytes:
        return encode(Envelope(message, id_, CWMP_1_2, hold_requests=hold))

    # What must hold.

    def check(self) -> None:
        self._books_balance()
        self._is_not_stuck()
        self._is_bounded()

    def _books_balance(self) -> None:
        books = self.box.context.books
        ends = Counter(event.event_code for event in self.box.pending) + Counter(books.delivered)
        for (code, _), number in books.discarded.items():
            ends[code] += number
        assert +Counter(books.raised) == +ends

    def _is_not_stuck(self) -> None:
        box = self.box
        if not box.management_server(self.now).enabled:
            return
        asks = any(
            rule(event.event_code).delivered_by is m.Inform and event.event_code != ev.VALUE_CHANGE
            for event in box.events
        )
        to_retry = self.must_retry and box.failures > 0 and bool(box.events or box.requests)
        if asks or to_retry or box.jobs:
            assert box.due < inf, (box.events, box.requests, box.jobs)

    def _is_bounded(self) -> None:
        box = self.box
        assert len(box.pending) <= MAX_EVENTS
        assert len(box.jobs) <= 3 * MAX_EVENTS
        assert (
            box.session_events,
            box.session_requests,
            box.reported_changes,
            box.after_session,
        ) == (
            (),
            (),
            (),
            (),
        )
        if box.overlay is not None:
            kept = [*box.overlay.values, *(box.overlay.attributes or {})]
            assert [path for path in kept if box.parameter(path) is None] == []
            tables = box.overlay.rows.highest if box.overlay.rows is not None else ()
            assert None not in [box.model.children_of(path, box.overlay) for path in tables]

    def settle(self) -> None:
        """With an ACS that only listens all is told in the end."""
        box = self.box
        box.change(f"{box.profile.management_server}EnableCWMP", "1", self.now)
        for _ in range(200):
            if not (box.pending or box.requests or _passing(box)):
                break
            if box.due == inf:
                box.connection_request(self.now)
            self.now = max(self.now, box.due)
            self._listen()
            self.check()
        assert (box.pending, box.requests) == ((), ())

    def _listen(self) -> None:
        """A session in which the ACS has nothing to ask, if one is asked for."""
        session = self.box.begin_session(self.now)
        while session is not None and (body := session.next_post()) is not None:
            envelope = decode(body) if body else None
            message = envelope.message if envelope is not None else None
            if envelope is None or not isinstance(message, m.Request):
                session.receive(b"", self.now)
                continue
            good = GOOD[type(message)]
            session.receive(self._say(good, envelope.id), self.now)
        if session is not None:
            self.box.end_session(Outcome.SUCCEEDED, self.now)


def _passing(box: CPE) -> bool:
    """Whether it has jobs that will be done once and for all."""
    return any(job.kind != "heartbeat" for job in box.jobs)
