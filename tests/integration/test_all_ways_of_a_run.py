"""Runs whose CPEs are reached by all ways, one of 400 CPEs across a worker that is killed."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from helpers.coturn import coturn, needs_coturn
from helpers.processes import (
    LOCUSTFILE,
    Process,
    ended_well,
    free_port,
    loadtest_until,
    process,
    run,
    tasks_went_well,
)
from helpers.waiting import wait_until
from helpers.xmpp_servers import DOMAIN, prosody

from caretaker.connection_request.xmpp_sender import PASSWORD_VARIABLE
from caretaker.device.identity import Identities
from caretaker.device.reachability import Reach, ReachMix
from caretaker.way import Way

pytestmark = [
    pytest.mark.processes,
    pytest.mark.sockets,
    needs_coturn,
    pytest.mark.skipif(
        not shutil.which("prosodyctl"),
        reason="prosody is not installed; ./scripts/setup servers installs it",
    ),
]
CPES, SEED, PASSWORD = 400, 7, "hidden-word"
FLEET, REACH = Identities(SEED), ReachMix.parse("direct:40,stun:30,xmpp:20,dark:10")
DELIVERED = 'caretaker_connection_requests_by_way_ended_total{{end="delivered",way="{way}"}}'
REACHED = (Reach.DIRECT, Reach.STUN, Reach.XMPP)
FORGETFUL = """
from locust import runners
runners.HEARTBEAT_DEAD_INTERNAL = -8
"""
"""Has Locust forget a worker after seconds, instead of after more than a minute."""


def kind_of(serial_number: str) -> Reach:
    index = FLEET.index_of(serial_number)
    assert index is not None
    return REACH.of(FLEET, index)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The options that name a STUN and an XMPP server with accounts."""
    listed = run(
        "caretaker.xmpp_accounts", "--format", "prosody", "--domain", DOMAIN,
        "--count", str(CPES), "--seed", str(SEED),
    ).stdout.splitlines(keepends=True)  # fmt: skip
    needed = [line for n, line in enumerate(listed) if REACH.of(FLEET, n) is Reach.XMPP]
    stun, ca, folder = free_port(), tmp_path / "ca.pem", tmp_path / "coturn"
    folder.mkdir()
    with prosody() as server, coturn(folder, stun):
        server.make_accounts("".join(needed), f"acs:{PASSWORD}")
        server.ca.cert_pem.write_to_path(ca)
        yield (
            "--stun-server", f"127.0.0.1:{stun}", "--xmpp-server", f"127.0.0.1:{server.port}",
            "--xmpp-domain", DOMAIN, "--xmpp-login-rate", "30", "--cr-xmpp-jid", f"acs@{DOMAIN}",
            "--tls-ca", str(ca), "--cr-tls-ca", str(ca),
        )  # fmt: skip


class Swarm:
    """
    A master and two workers, each with one of the exports; the second worker can be killed.

    The first one runs sessions by greenlets, the second has an I/O engine carry them.
    """

    def __init__(
        self, folder: Path, parts: ExitStack, by_engine: tuple[str, ...], options: tuple[str, ...]
    ) -> None:
        self.folder = folder
        file, port = folder / "forgetful.py", free_port()
        file.write_text(FORGETFUL + Path(LOCUSTFILE).read_text())
        common = ("locust", "-f", str(file))
        self.master = parts.enter_context(
            process(
                folder / "master", *common, "--master", "--master-bind-port", str(port),
                "--headless", "--expect-workers", "2", "--run-time", "1h", "--seed", str(SEED),
                "--users", str(CPES // 20), "--cpes-per-user", "20", "--spawn-rate", "2",
                "--reach", str(REACH), "--cr-rate", "10", "--live-interval", "1",
                "--summary-json", str(folder / "summary.json"),
                "--export", str(folder / "sessions.csv"), *options,
                prefix=("env", f"{PASSWORD_VARIABLE}={PASSWORD}"),
            )
        )  # fmt: skip
        self.workers: list[Process] = []
        for number in range(2):
            command = (
                *(by_engine if number else ()),
                *common,
                "--worker",
                "--master-port",
                str(port),
            )
            worker = process(folder / str(number), *command)
            self.workers.append(parts.enter_context(worker))
            self.master.wait_for(rf"\(index {number}\) reported as ready")

    def sessions(self, worker: int) -> list[dict[str, str]]:
        """The rows that a worker has exported so far."""
        path = self.folder / f"sessions-w{worker}.csv"
        return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []

    def wait_until_reached(self, worker: int, others: frozenset[str] = frozenset()) -> None:
        """Wait until CPEs of a worker, those of some serial numbers, were reached by each way."""
        reached: Counter[Reach] = Counter()

        def are_reached() -> bool:
            reached.clear()
            reached.update(
                kind_of(row["cpe"])
                for row in self.sessions(worker)
                if "6 CONNECTION REQUEST" in row["events"] and (not others or row["cpe"] in others)
            )
            return all(reached[kind] >= 10 for kind in REACHED)

        wait_until(are_reached, lambda: f"{reached}: {self.master.text}", 300)

    def end(self) -> dict[str, Any]:
        """End the run, and return its summary."""
        self.master.stop(signal.SIGINT)
        told = "".join(part.text for part in (self.master, *self.workers))
        text = (self.folder / "summary.json").read_text()
        assert PASSWORD not in told + text
        assert "Traceback" not in told
        summary: dict[str, Any] = json.loads(text)
        return summary


def check_ways(summary: dict[str, Any]) -> None:
    """Each way has brought requests, with their times, and its books balance."""
    requests, tasks = summary["connection_requests"], summary["tasks"]
    assert requests["books_balance"]
    assert set(requests["by_way"]) == set(Way)
    for way, of_way in requests["by_way"].items():
        ends = ("delivered", "coalesced", "pending", "dropped")
        assert of_way["accepted"] == sum(of_way[end] for end in ends) > 0
        assert of_way["to_inform_ms"]["p99"] > 0
        assert tasks["by_way"][way]["done"] > 0


@pytest.mark.rule("9.3-3", "9.4-1")
def test_each_way_brings_accepted_requests(
    tmp_path: Path, by_engine: tuple[str, ...], servers: tuple[str, ...]
) -> None:
    ended, summary = loadtest_until(
        tmp_path, {DELIVERED.format(way=way.value): 5 for way in Way},
        "--users", "40", "--spawn-rate", "40", "--processes", "2", "--seed", str(SEED),
        "--cr-rate", "20", "--reach", str(REACH), *servers,
        prefix=("env", f"{PASSWORD_VARIABLE}={PASSWORD}"), by=by_engine,
    )  # fmt: skip
    assert ended_well(ended.returncode, summary), ended.stdout
    assert PASSWORD not in json.dumps(summary) + ended.stdout
    requests = summary["connection_requests"]
    assert summary["fleet"]["workers"] == 2
    assert sum(summary["timeline"]["crs_received"]) == requests["received"]
    assert tasks_went_well(summary)
    check_ways(summary)
    if by_engine:
        assert summary["engine"]["carried"] == summary["sessions"]["started"]


def test_ways_are_found_again_by_who_takes_over_the_cpes_of_a_killed_worker(
    tmp_path: Path, by_engine: tuple[str, ...], servers: tuple[str, ...]
) -> None:
    with ExitStack() as parts:
        swarm = Swarm(tmp_path, parts, by_engine, servers)
        swarm.master.wait_for(rf"CPEs +{CPES} ", 300)
        for worker in range(2):
            swarm.wait_until_reached(worker)
        swarm.workers[1].process.kill()
        swarm.workers[1].process.wait()
        lost = frozenset(row["cpe"] for row in swarm.sessions(1))
        swarm.master.wait_for(f"is silent: others may have its {CPES // 2} CPEs", 300)
        swarm.wait_until_reached(0, lost)
        summary = swarm.end()
    fleet = summary["fleet"]
    assert (fleet["cpes"], fleet["workers_lost"], fleet["duplicate_serial_numbers"]) == (CPES, 1, 0)
    assert [(each["cpes"], each["taken_over"]) for each in fleet["lost"]] == [(CPES // 2, True)]
    assert f"1 of 2 workers, with {CPES // 2} CPEs" in swarm.master.text
    assert summary["events"]["books_balance"]
    assert summary["engine"]["carried"] > 0 or not by_engine
    check_ways(summary)
