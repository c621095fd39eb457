"""What can be done to a fleet: each action, its arguments, and chance from the seed alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import gevent
import pytest
from helpers.cpes import context, profile

from caretaker.cwmp import ACSSession
from caretaker.cwmp.messages import EventStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.device.identity import Identities
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.engine.outages import OutageSwitch
from caretaker.engine.shard import Shard
from caretaker.errors import Blame, DeviceBusy, InputError
from caretaker.profiles import ProfileMix
from caretaker.scenarios.action_target import ActionTarget
from caretaker.scenarios.actions import ACTIONS, act, find
from caretaker.scenarios.arguments import checked
from caretaker.scenarios.tasks import Tasks
from caretaker.stats.records import SessionRecord
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.testing import Clock, FunctionTransport, ScriptedACS
from caretaker.way import Way


class Bench:
    """A target with a clock that moves when somebody sleeps, or when told."""

    def __init__(self, count: int = 40, seed: int = 7) -> None:
        self.clock = Clock(100.0)
        self.hold: gevent.event.Event | None = None
        self.records: list[SessionRecord] = []
        self.results = Results()
        self.tasks: list[tuple[str, str]] = []
        self.asked: list[int] = []
        self.downloads: list[Mapping[str, Any]] = []
        self.api = True
        place = context(identities=Identities(seed), behaviors=Behaviors(periodic_inform=False),
                         transfers=TransferSettings(seconds=(1, 1)))  # fmt: skip
        self.outage = OutageSwitch(lambda _, __: self.good_acs(), 30.0, self.clock.sleep)
        self.shard = Shard(ProfileMix([(profile(), 1.0)]), place, self.outage.open, self,
                           clock=self.clock, sleep=self.clock.sleep)  # fmt: skip
        tasks = Tasks(self, clock=self.clock)
        self.target = ActionTarget(self.shard, self.outage, self, tasks,
                           clock=self.clock, sleep=self.clock.sleep)  # fmt: skip
        for index in range(count):
            self.shard.power_on(index)
        self.shard.start()
        self.settle()
        self.records.clear()

    def good_acs(self) -> FunctionTransport:
        """The way to a good ACS, which waits as long as something holds it."""
        acs, hold = ACSSession(ScriptedACS()), self.hold

        def answer(body: bytes) -> bytes:
            if hold is not None:
                hold.wait()
            return acs.receive(body)

        return FunctionTransport(answer, lambda: 100.0)

    # A sender of Connection Requests, and a sink.

    name = "ask"

    def reaches(self, cpe: CPE) -> bool:
        return True

    def send(self, cpe: CPE) -> TaskResult:
        self.asked.append(cpe.index)
        return TaskResult(TaskOutcome.DONE)

    def download(self, cpe: CPE, task: Mapping[str, Any]) -> TaskResult | None:
        self.asked.append(cpe.index)
        self.downloads.append(task)
        return TaskResult(TaskOutcome.DONE) if self.api else None

    def task(self, name: str, result: TaskResult, seconds: float, way: Way) -> None:
        self.tasks.append((name, result.outcome))

    def session(self, record: SessionRecord) -> None:
        self.records.append(record)
        self.results.session(record)

    def exchange(self, record: object) -> None:
        pass

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        pass

    # Time.

    def settle(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.shard.scheduler.launch_due()
        for _ in range(200):
            gevent.sleep(0)

    def told(self, code: str) -> int:
        return sum(code in record.events for record in self.records)

    def balances(self) -> bool:
        books = Results()
        self.shard.close_books(books)
        ends = sum(sum(books.with_prefix(f"events.{end}").values())
                   for end in ("delivered", "pending", "discarded"))  # fmt: skip
        return ends == sum(books.with_prefix("events.raised").values())


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", inf)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.target.stop()
    made.shard.stop()


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_can_be_done_with_its_defaults_and_has_a_note(bench: Bench, name: str) -> None:
    action = find(name)
    assert list(inspect.signature(action.run).parameters)[2:] == list(action.arguments)
    assert action.note(checked(name, action.arguments, {}))
    act(bench.target, name, {}, 1)
    bench.settle(30)
    assert bench.balances()


def test_a_power_cut_makes_a_share_dark_and_lets_it_boot(bench: Bench) -> None:
    act(bench.target, "power_cut", {"share": 0.5, "seconds": 20, "stagger": 4}, 1)
    dark = [cpe for cpe in bench.shard.cpes.values() if cpe.down_until > bench.clock.now]
    assert 10 <= len(dark) <= 30
    with pytest.raises(DeviceBusy):
        bench.shard.connection_request(dark[0].serial_number)
    bench.shard.sample()
    bench.settle(19.9)
    assert bench.records == []
    for _ in range(41):
        bench.settle(0.1)
    bench.shard.sample()
    assert bench.told("1 BOOT") == len(bench.records) == len(dark)
    assert bench.told("M Reboot") == bench.told("0 BOOTSTRAP") == 0
    assert all(120 <= record.planned <= 124 for record in bench.records)
    summary = bench.shard.timeline.summary()
    assert (summary["cpes_on"][0], summary["cpes_on"][-1]) == (40 - len(dark), 40)
    assert (summary["absent"][0], summary["absent"][-1]) == (len(dark), 0)
    assert bench.balances()


def test_a_power_cut_ends_the_sessions_that_run_and_keeps_the_books(bench: Bench) -> None:
    bench.hold = gevent.event.Event()
    for cpe in list(bench.shard.cpes.values())[:10]:
        bench.shard.connection_request(cpe.serial_number)
    bench.settle()
    act(bench.target, "power_cut", {"share": 1, "seconds": 5, "stagger": 0}, 1)
    assert [record.outcome for record in bench.records] == [Outcome.ABANDONED] * 10
    bench.hold.set()
    bench.settle(5)
    assert bench.told("1 BOOT") == 40
    books = bench.shard.context.books
    assert books.discarded["6 CONNECTION REQUEST", "reboot"] == 10
    assert bench.balances()


def test_the_same_seed_takes_the_same_cpes_and_times() -> None:
    def back(seed: int, nth: int) -> list[float]:
        bench = Bench(seed=seed)
        act(bench.target, "power_cut", {"share": 0.5}, nth)
        found = [cpe.down_until for cpe in bench.shard.cpes.values()]
        bench.shard.stop()
        return found

    assert back(1, 1) == back(1, 1)
    assert back(1, 1) != back(2, 1)
    assert back(1, 1) != back(1, 2)


def test_an_outage_fails_sessions_by_the_acs_and_the_retry_table_works(bench: Bench) -> None:
    act(bench.target, "outage", {"kind": "refuse", "seconds": 2}, 1)
    act(bench.target, "value_change", {"share": 1, "seconds": 0}, 2)
    bench.settle()
    failed = [(record.reason, record.blame) for record in bench.records]
    assert set(failed) == {("ACS outage (scenario)", Blame.ACS)}
    assert len(bench.shard.in_state("retrying")) == 40
    for _ in range(12):
        bench.settle(1)
    assert bench.shard.in_state("retrying") == set()
    assert bench.told("4 VALUE CHANGE") >= 80
    assert bench.balances()


def test_value_changes_are_told_over_the_given_time(bench: Bench) -> None:
    act(bench.target, "value_change", {"share": 1, "seconds": 10}, 1)
    for _ in range(101):
        bench.settle(0.1)
    times = [record.planned - 100 for record in bench.records]
    assert bench.told("4 VALUE CHANGE") == 40
    assert min(times) < 3
    assert 7 < max(times) <= 10.1
    codes = [
        cpe.value(f"{cpe.profile.device_info}ProvisioningCode", bench.clock.now)
        for cpe in bench.target.shard.cpes.values()
    ]
    assert all(code.startswith("SIMULATED ") for code in codes)


def test_each_cpe_of_a_sweep_is_asked_for_once_at_the_rate(bench: Bench) -> None:
    act(bench.target, "connection_request", {"rate": 10, "share": 1}, 1)
    bench.settle()
    assert sorted(bench.asked) == list(range(40))
    assert bench.tasks == [("ask", "done")] * 40
    assert bench.clock.now == pytest.approx(100 + 4.0, abs=0.11)


def test_one_cpe_can_be_asked_for_by_whoever_has_it(bench: Bench) -> None:
    act(bench.target, "connection_request", {"serial": "FLEET-000007"}, 1)
    act(bench.target, "connection_request", {"serial": "FLEET-999999"}, 2)
    bench.settle()
    assert bench.asked == [6]


def test_firmware_is_named_as_genieacs_takes_it(bench: Bench) -> None:
    """GenieACS needs fileType and fileName, and passes targetFileName on; it ignores a url."""
    act(bench.target, "firmware", {"version": "7.1.2", "rate": 1000, "share": 0.1}, 1)
    bench.settle(1)
    wanted = {
        "name": "download",
        "fileType": "1 Firmware Upgrade Image",
        "fileName": "caretaker-7.1.2.bin",
        "targetFileName": "caretaker-7.1.2.bin",
    }
    assert bench.downloads
    assert all(task.items() >= wanted.items() for task in bench.downloads)


def test_firmware_without_an_api_is_downloaded_by_the_cpes_themselves(bench: Bench) -> None:
    bench.api = False
    act(bench.target, "firmware", {"version": "7.1.2", "rate": 1000, "share": 1}, 1)
    for _ in range(120):
        bench.settle(1)
    path = "Device.DeviceInfo.SoftwareVersion"
    versions = {cpe.value(path, bench.clock.now) for cpe in bench.shard.cpes.values()}
    assert versions == {"7.1.2"}
    assert bench.told("M Download") == 40


def test_informs_come_at_the_rate_until_it_is_ended(bench: Bench) -> None:
    act(bench.target, "inform_rate", {"rate": 20}, 1)
    while bench.clock.now < 105:
        gevent.sleep(0)
    act(bench.target, "inform_rate", {"rate": 0}, 2)
    bench.settle()
    count = bench.told("2 PERIODIC")
    assert count == pytest.approx(100, abs=3)
    bench.settle(5)
    assert bench.told("2 PERIODIC") == count


def test_an_acs_that_stands_still_shows_in_the_times_from_the_plan(bench: Bench) -> None:
    """No coordinated omission: every Inform that was due meanwhile counts its whole wait."""
    bench.settle(1)
    began = bench.shard.timeline.seconds(bench.clock.now)
    bench.hold = gevent.event.Event()
    for index in range(20):  # one each quarter of a second, for five seconds
        bench.shard.cpes[index].raise_event(EventStruct("2 PERIODIC"), bench.clock.now)
        bench.shard.reschedule(bench.shard.cpes[index])
        bench.settle(0.25)
    bench.hold.set()
    bench.settle()
    seen = bench.shard.timeline.between(began, inf)
    assert (seen.informs_planned, seen.sessions_succeeded) == (20, 20)
    p50, p95, longest = (*seen.from_plan.percentiles([50, 95]), seen.from_plan.longest)
    assert p50 == pytest.approx(2.5, rel=0.1)
    assert p95 == pytest.approx(4.75, rel=0.06)
    assert longest == 5.0


@pytest.mark.parametrize(
    ("name", "arguments", "note"),
    [
        (
            "power_cut",
            {"share": 0.5},
            "power cut: 50% of the fleet without power for 20 s, back within 5 s",
        ),
        ("outage", {"kind": "hang"}, "ACS outage (hang) for 20 s"),
        ("connection_request", {"serial": "FLEET-000007"}, "Connection Request: FLEET-000007"),
        ("connection_request", {}, "Connection Requests: 100% of the fleet at 50 per second"),
    ],
)
def test_what_is_done_is_noted(name: str, arguments: dict[str, Any], note: str) -> None:
    action = find(name)
    assert action.note(checked(name, action.arguments, arguments)) == note


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("power_cut", {"share": 2}, "power_cut: share: 2 must be a number from 0 to 1"),
        ("power_cut", {"share": "half"}, "'half' is not a number"),
        ("power_cut", {"seconds": "1_0"}, "'1_0' is not a number"),
        ("power_cut", {"share": True}, "True is not a number"),
        ("power_cut", {"share": 10**400}, "share: 1[0]{79} must be a number from 0 to 1"),
        ("power_cut", {"time": 2}, "no argument 'time'; there are share, seconds, stagger"),
        ("outage", {"kind": "slow"}, "'slow' is not one of refuse, hang"),
        ("flood", {}, "action 'flood': not one of power_cut"),
    ],
)
def test_bad_arguments_are_one_clear_line(
    bench: Bench, name: str, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        act(bench.target, name, arguments, 1)
