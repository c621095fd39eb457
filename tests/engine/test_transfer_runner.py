"""Real transfers: begun, cut and ended beside the sessions of their CPE."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.shards import ShardBench, serving, settle

from caretaker.cwmp import messages as m
from caretaker.device.settings import TransferSettings
from caretaker.engine.file_transfer import FileTransferResult
from caretaker.stats.results import Results


class FakeTransferClient:
    """Moves nothing; each transfer waits for the gate and then has the same outcome."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cut: list[str] = []
        self.gate = Event()
        self.outcome: FileTransferResult | Exception = FileTransferResult(0, 0, 1000)

    def move(self, request: Any, _: Any) -> FileTransferResult:
        self.asked.append(request.command_key)
        try:
            self.gate.wait()
        except gevent.GreenletExit:
            self.cut.append(request.command_key)
            raise
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


REAL = TransferSettings(real_hosts=frozenset({"files"}))


def transferring(*requests: m.Request, **settings: Any) -> tuple[ShardBench, FakeTransferClient]:
    """A shard whose CPE has been asked for these in its first session, and begins to move."""
    client = FakeTransferClient()
    bench = ShardBench(serving(*requests), transfer_client=client, **settings)
    bench.shard.context.transfers = REAL
    bench.boot()
    bench.acs = serving()
    return bench, client


def fetch(key: str, file_type: str = "2 Web Content", host: str = "files") -> m.Download:
    return m.Download(key, file_type, f"http://{host}/{key}")


def test_attempts_that_failed_are_counted_by_their_reason() -> None:
    bench, client = transferring(fetch("a"), fetch("b"))
    client.outcome = FileTransferResult(9016, reason="HTTP 404", quoted="no such file")
    client.gate.set()
    settle()
    books = Results()
    bench.shard.close_books(books)
    assert books.with_prefix("transfers.reasons") == {"file server: HTTP 404: no such file": 2}
    bench.shard.stop()


@pytest.mark.rule("8.3-17")
def test_real_transfers_run_beside_sessions_and_inform_when_they_end() -> None:
    bench, client = transferring(fetch("a"), fetch("b"))
    assert client.asked == ["a", "b"]
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert bench.informed[1:] == [("6 CONNECTION REQUEST",)]
    assert client.asked == ["a", "b"]
    client.gate.set()
    settle()
    codes = [code for events in bench.informed[2:] for code in events]
    assert (codes.count("M Download"), codes[0]) == (2, "7 TRANSFER COMPLETE")
    assert bench.shard._transfers.running == {}
    books = Results()
    bench.shard.close_books(books)
    assert books.with_prefix("transfers") == {
        "bytes_received": 2000,
        "bytes_sent": 0,
        "pending": 0,
        "requested": 2,
        "succeeded": 2,
    }
    bench.shard.stop()


def test_a_bug_of_the_client_fails_one_transfer_only(caplog: pytest.LogCaptureFixture) -> None:
    bench, client = transferring(fetch("a"))
    client.outcome = RuntimeError("oops")
    client.gate.set()
    settle()
    assert bench.shard.context.transfer_counts["faults.9002"] == 1
    assert "bug of Caretaker" in caplog.text
    bench.shard.stop()


def test_a_reboot_cuts_a_transfer_and_it_starts_again() -> None:
    bench, client = transferring(fetch("a"))
    bench.acs = serving(m.Reboot("r"))
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert (client.asked, client.cut) == (["a"], ["a"])
    bench.acs = serving()
    bench.at(161)
    assert client.asked == ["a", "a"]
    client.gate.set()
    settle()
    assert bench.informed[-1] == ("7 TRANSFER COMPLETE", "M Download")
    bench.shard.stop()


def test_power_off_cuts_a_transfer_and_it_counts_as_dropped() -> None:
    bench, client = transferring(fetch("a"), fetch("simulated", host="other"))
    bench.shard.power_off([0])
    settle()
    assert (client.asked, client.cut, bench.shard._transfers.running) == (["a"], ["a"], {})
    assert bench.shard.context.transfer_counts["dropped"] == 2
    bench.shard.stop()


def test_no_more_than_max_sessions_move_bytes_at_once() -> None:
    bench, client = transferring(fetch("a"), fetch("b"), fetch("c"), max_sessions=2)
    assert client.asked == ["a", "b"]
    client.gate.set()
    settle()
    assert client.asked == ["a", "b", "c"]
    bench.shard.stop()
