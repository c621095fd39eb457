"""What the master knows of its workers, and begins and ends."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from helpers.exports import export
from helpers.leases import renewal
from helpers.run_states import FakeRunner, FakeWebUI, master_of
from helpers.run_states import master as make
from helpers.snapshots import worker_snapshot
from helpers.summaries import lost_worker
from locust import User
from locust.runners import STATE_MISSING, STATE_RUNNING, WorkerNode, WorkerNodes

from caretaker.errors import InputError
from caretaker.reporting.summary_types import Summary
from caretaker.swarm import worker_watch
from caretaker.swarm.fleet_leases import LOOK_SECONDS
from caretaker.swarm.host_checks import HostChecks
from caretaker.swarm.locust_runner import LOCAL
from caretaker.swarm.master import Master
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.user import CPEUser
from caretaker.swarm.worker_messages import (
    ACSCheck,
    ProfilePart,
    ProfilePartRequest,
    RunSecrets,
    WorkerWaits,
)


@pytest.fixture
def master() -> Iterator[Master]:
    options = Namespace(live_interval=0.0, acs_password="secret", nbi_url="http://u:p@127.0.0.1/")
    environment = SimpleNamespace(
        host="http://me:secret@127.0.0.1:1/",
        parsed_options=options,
        runner=FakeRunner(),
        user_classes=[],
        shape_class=None,
        web_ui=None,
    )
    made = master_of(environment)
    yield made
    gevent.sleep(0)


class TestLostWorkers:
    """Workers that are gone without a last word."""

    @pytest.fixture
    def ended(self, master: Master) -> Master:
        """A run of two workers that lost one of them."""
        runner: Any = master.environment.runner
        runner.target_user_classes_count = {"CPEUser": 15, "Portal": 5}
        master.environment.user_classes = [CPEUser, type("Portal", (User,), {})]
        runner.clients, master.environment.web_ui = WorkerNodes(), None
        master.begin()
        for name in ("vm_a1b2c3", "vm_d4e5f6"):
            master.leases.renew(name, renewal(want=10), 100)
            runner.clients[name] = WorkerNode(name, STATE_RUNNING)
            master.run.reports.take(name, worker_snapshot())
        master._look_after_leases()
        runner.clients["vm_d4e5f6"].state = STATE_MISSING
        return master

    def test_they_are_named_with_what_is_known(self, ended: Master) -> None:
        ended.drained("vm_a1b2c3", worker_snapshot(final=True))
        ended.end()
        assert ended.summary is not None
        fleet = ended.summary["fleet"]
        assert (fleet["workers_joined"], fleet["workers_lost"], fleet["cpes"]) == (2, 1, 10)
        (lost,) = fleet["lost"]
        assert lost == lost_worker(
            worker="7 (vm_d4e5)", cpes=10, reported_at=1.0, unknown_s=lost["unknown_s"]
        )
        assert (fleet["taken_over"], fleet["from_factory"]) == (0, 0)

    def test_their_cpes_are_taken_over_when_all_that_are_wanted_run(self, ended: Master) -> None:
        ended.drained("vm_a1b2c3", worker_snapshot(cpes=15, final=True))
        ended.end()
        assert ended.summary is not None
        assert [lost["taken_over"] for lost in ended.summary["fleet"]["lost"]] == [True]


def test_users_that_never_leased_the_indices_of_their_cpes_were_not_started(master: Master) -> None:
    vars(master.environment.parsed_options)["cpes_per_user"] = 2
    master.begin()
    master.environment.runner.target_user_count = 4  # type: ignore[union-attr]
    master.renew("one", renewal(want=6))
    master.renew("one", renewal(number=2, returned=[(0, 2)]))  # given back, but it was there
    master.drained(LOCAL, None)
    master.end()
    assert master.summary is not None
    assert master.summary["users_not_started"] == 1


def test_a_worker_that_can_not_take_part_fails_the_run(master: Master) -> None:
    master.begin()
    master.refused("vm_31d0", "--record: /nowhere: Permission denied")
    master.drained(LOCAL, None)
    master.end()
    assert master.summary is not None
    assert master.summary["verdict"]["outcome"] == "failed"
    assert any("Permission denied" in each["text"] for each in master.summary["verdict"]["grounds"])


def test_workers_learn_how_many_sockets_their_cpes_will_hold(master: Master) -> None:
    """Their sessions have what is left."""
    options: Any = master.environment.parsed_options
    given = {"num_users": 10, "cpes_per_user": 50, "reach": "direct:60,stun:30,xmpp:10"}
    given |= {"stun_sockets": "each", "stun_server": "127.0.0.1", "xmpp_server": "127.0.0.1"}
    vars(options).update(given, xmpp_domain="lab.example")
    master.begin()
    assert RunStart.of(options).held == 200


def test_workers_get_the_profiles_of_the_run_part_by_part(master: Master, tmp_path: Path) -> None:
    path = export(tmp_path / "box.csv", 10)
    vars(master.environment.parsed_options)["profiles"] = [str(path)]
    master.begin()
    (offer,) = RunStart.of(master.environment.parsed_options).profiles  # type: ignore[arg-type]
    digest = offer.source.own.digest
    master.send_profile("one", ProfilePartRequest(digest, 0))
    master.send_profile("one", ProfilePartRequest("0" * 64, 0))
    runner: Any = master.environment.runner
    sent = ProfilePart(digest, 0, path.read_bytes())
    assert runner.sent[1:] == [(ProfilePart.NAME, sent.to_wire())]


def test_the_console_and_the_timeline_have_what_a_worker_waits_for(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    master.begin()
    master.worker_waits("vm_31d0", WorkerWaits("reads profile box.csv (90,000 parameters)"))
    text = "worker 7 (vm_31d0) reads profile box.csv (90,000 parameters)"
    assert caplog.messages == [text]
    assert [mark["text"] for mark in master.run.marks] == [text]


def test_at_the_end_nobody_looks_who_has_died_or_which_level_breaks() -> None:
    master = make(slos=["sessions.failed < 1"], warm_up="5s")
    master.begin()
    spawned = [master._watching, *master.run._watchers]
    assert [greenlet.dead for greenlet in spawned] == [False] * 3
    master.stop_watching()
    assert [greenlet.dead for greenlet in spawned] == [True] * 3


def test_a_host_whose_acs_was_not_checked_gets_no_cpes(master: Master) -> None:
    master.checks = HostChecks(ACSCheck([], "", None), master._send, lambda name: name[:2])
    master.environment.runner.target_user_count = 4  # type: ignore[union-attr]
    master.renew("vm_1", renewal(want=2))
    assert master.ledger.total == 0
    master.checks.checked("vm_1", holds=True)
    master.renew("vm_1", renewal(number=2, want=2))
    assert master.ledger.total == 2


def test_secrets_go_to_workers_by_a_message_of_their_own(master: Master) -> None:
    runner: Any = master.environment.runner
    master.tell_secrets("early")
    assert runner.sent == []
    master.begin()
    master.tell_secrets("late")
    values = {"acs_password": "secret", "cr_xmpp_password": None}
    assert runner.sent == [(RunSecrets.NAME, {"values": values})] * 2
    assert "acs_password" not in vars(master.environment.parsed_options)  # which Locust sends


def test_a_run_against_another_acs_gets_no_credentials_of_the_command_line(master: Master) -> None:
    master.environment.host = "http://evil.example/"
    master.begin()
    runner: Any = master.environment.runner
    values = {"acs_password": None, "cr_xmpp_password": None}
    assert runner.sent == [(RunSecrets.NAME, {"values": values})]


def test_a_run_that_ends_within_its_warm_up_is_refused() -> None:
    with pytest.raises(InputError, match="--warm-up 30s: --run-time 30s ends within it"):
        make(warm_up="30s", run_time=30)
    made = make(warm_up="30s", run_time=31)
    made.begin()
    made.environment.parsed_options.run_time = 20  # type: ignore[union-attr]
    with pytest.raises(InputError, match="ends within it"):
        made.begin()


def test_a_run_without_an_end_takes_any_warm_up() -> None:
    make(warm_up="1h").begin()


class TestSilence:
    """A run of which no worker is heard."""

    @pytest.fixture
    def silent(self, master: Master) -> Master:
        runner: Any = master.environment.runner
        runner.clients = WorkerNodes()
        runner.clients["vm_a1"] = WorkerNode("vm_a1", STATE_RUNNING, heartbeat_liveness=0)
        master.environment.user_classes = [CPEUser]
        runner.worker_count = 1
        master.begin()
        master.leases.renew("vm_a1", renewal(want=2), 10)
        return master

    def ends(self, master: Master) -> list[str]:
        gevent.sleep(0)
        runner: Any = master.environment.runner
        return list(runner.ends)

    def test_it_goes_on_while_they_may_come_back(
        self, silent: Master, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = 4
        monkeypatch.setattr(worker_watch, "PATIENCE_SECONDS", looks * LOOK_SECONDS)
        for _ in range(looks):
            silent._look_after_leases()
        assert self.ends(silent) == []
        runner: Any = silent.environment.runner
        runner.clients["vm_a1"].heartbeat = 3  # it is back
        silent._look_after_leases()
        runner.clients["vm_a1"].heartbeat = 0
        for _ in range(looks):
            silent._look_after_leases()
        assert self.ends(silent) == []
        silent._look_after_leases()
        assert self.ends(silent) == ["quit"]

    def test_it_ends_when_all_have_died(self, silent: Master) -> None:
        silent.leases.bury("vm_a1")
        silent._look_after_leases()
        assert self.ends(silent) == ["quit"]
        assert [mark["text"] for mark in silent.run.marks] == ["no worker is left"]


def test_a_summary_is_printed_once_at_the_end_of_all_or_of_each_run(master: Master) -> None:
    printed: list[Summary] = []
    environment: Any = master.environment
    made = master_of(environment, printed)
    made.begin()
    made.drained(LOCAL, None)
    made.end()
    at_end = len(printed)
    made.say_goodbye()
    assert (at_end, printed) == (0, [made.summary])
    environment.web_ui = FakeWebUI(environment.runner)
    made.begin()
    made.drained(LOCAL, None)
    made.end()
    made.say_goodbye()
    assert len(printed) == 2
