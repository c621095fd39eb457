"""A run with the I/O engine tells what a run without it tells, feature by feature."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.coturn import coturn, needs_coturn
from helpers.processes import ended_well, free_port, process, run, wait_for_answer
from helpers.waiting import wait_until

from caretaker.acs.server import ACSServer
from caretaker.http.credentials import Credentials
from caretaker.http.ip_addresses import has_ipv6

pytestmark = [pytest.mark.processes]

CPES = 20
SWARM = (
    "--users", str(CPES), "--spawn-rate", str(CPES), "--processes", "1", "--seed", "7",
)  # fmt: skip
ASKED = ("--run-time", "10s", "--inform-interval", "2", "--cr-rate", "4")
"""CPEs inform, and the ACS has tasks for them, at times that differ from run to run."""
ONCE = ("--run-time", "8s", "--inform-interval", "0", "--cr-rate", "0", "--cr-driver", "off")
"""CPEs inform when something has happened, so often in each run."""
OFF = "switched off"
Command = tuple[str, ...]


@pytest.fixture(scope="module")
def command(by_engine: tuple[str, ...]) -> Command:
    """``caretaker run`` with an engine."""
    if not by_engine:
        pytest.skip("the I/O engine can't be made of its source here")
    return *by_engine, "caretaker", "run"


def summary_of(folder: Path, command: Command, use: str, *options: str) -> dict[str, Any]:
    """The summary of a run with the engine (``auto``) or without (``off``)."""
    own = folder / use
    own.mkdir()
    options = (*SWARM, *options, "--io-engine", use, "--summary-json", "summary.json")
    done = run(*command, *options, cwd=own)
    path = own / "summary.json"
    assert path.exists(), done.stdout + done.stderr
    summary: dict[str, Any] = json.loads(path.read_text())
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    return summary


def both(folder: Path, command: Command, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The summaries of a run with the engine and of one without, which go on at the same time."""
    with ThreadPoolExecutor(2) as runs:
        carried, by_greenlets = runs.map(
            lambda use: summary_of(folder, command, use, *options), ("auto", "off")
        )
    assert by_greenlets["engine"]["carried"] == 0
    assert set(by_greenlets["engine"]["by_greenlet"]) == {OFF}
    return carried, by_greenlets


def not_carried(summary: dict[str, Any]) -> int:
    """How many sessions greenlets ran, or went on with."""
    reasons = (summary["engine"][kind] for kind in ("handed_over", "by_greenlet"))
    return sum(sum(numbers.values()) for numbers in reasons)


# -- what ACSs do ---------------------------------------------------------------------------------


def assert_nearly_all_are_carried(summary: dict[str, Any], kind: int) -> None:
    """Of so many sessions of a kind at most a twentieth were not carried, and of no other kind."""
    assert kind >= CPES
    assert not_carried(summary) <= 0.05 * kind


def test_sessions_with_cookies_or_getparametervalues_are_carried(
    tmp_path: Path, command: Command
) -> None:
    """The embedded ACS names each session by a cookie, and tasks have it ask for values."""
    carried, by_greenlets = both(tmp_path, command, *ASKED)
    for summary in (carried, by_greenlets):
        assert summary["sessions"]["failed"] == 0
        assert summary["events"]["books_balance"]
        assert summary["connection_requests"]["books_balance"]
        assert set(summary["exchanges"]) >= {"Inform", "(empty)", "GetParameterValuesResponse"}
        assert summary["informs"]["by_event"]["0 BOOTSTRAP"] == CPES
    with_cookies = carried["sessions"]["succeeded"]
    with_values = carried["exchanges"]["GetParameterValuesResponse"]["count"]
    assert_nearly_all_are_carried(carried, with_cookies)
    assert_nearly_all_are_carried(carried, with_values)


def test_sessions_with_digest_are_carried(tmp_path: Path, command: Command) -> None:
    login = Credentials("labcpe", "labpass")
    with ACSServer(credentials=login) as acs:
        carried, by_greenlets = both(
            tmp_path, command, *ASKED, "--host", acs.url, "--cr-driver", "off", "--cr-rate", "0",
            "--acs-username", login.username, "--acs-password", login.password,
        )  # fmt: skip
    with ACSServer(credentials=login) as acs:
        refused = run(
            *command, *SWARM, *ONCE, "--host", acs.url, "--acs-password", "wrong", cwd=tmp_path,
        )  # fmt: skip
    assert "credentials refused (HTTP 401)" in refused.stdout  # so the others have shown theirs
    for summary in (carried, by_greenlets):
        assert summary["sessions"]["failed"] == 0
        assert summary["events"]["books_balance"]
    assert_nearly_all_are_carried(carried, carried["sessions"]["succeeded"])


# -- features -------------------------------------------------------------------------------------


def nothing(_: Path) -> tuple[str, ...]:
    """Options of a feature that needs no files."""
    return ()


def devices(folder: Path) -> tuple[str, ...]:
    file = folder / "devices.csv"
    rows = (f"LAB{number},user{number},word{number}" for number in range(CPES))
    file.write_text("\n".join(("serial,acs_username,acs_password", *rows)))
    return "--devices", str(file)


def slow(folder: Path) -> tuple[str, ...]:
    file = folder / "slow.toml"
    file.write_text('base = "tr181"\nquirks = ["slow-answers"]\n')
    return "--profile", str(file), "--profile", "tr098"


def tls(folder: Path) -> tuple[str, ...]:
    assert run("caretaker", "certs", "certs", cwd=folder).returncode == 0
    ca, server = folder / "certs" / "ca.pem", folder / "certs" / "server.pem"
    return "--tls-ca", str(ca), "--acs-tls-cert", str(server)


STORM = ("--run-time", "32s", "--scenario")
BUILT_IN = tuple(
    word
    for name in ("tr181", "tr098", "cable", "dsl", "gpon", "mesh", "stb", "lte")
    for word in ("--profile", name)
)
FEATURES: dict[str, tuple[tuple[str, ...], Callable[[Path], tuple[str, ...]], str]] = {
    "nothing": ((), nothing, ""),
    "export": (("--export", "run.csv"), nothing, ""),
    "state": (("--state", "fleet.db"), nothing, ""),
    "source addresses": (("--source-address", "127.0.0.16/28"), nothing, ""),
    "ways": (("--reach", "direct:50,dark:50"), nothing, ""),
    "devices": ((), devices, ""),
    "profiles": (BUILT_IN, nothing, "quirk of the device"),
    "several workers": (("--processes", "2"), nothing, ""),
    "all that is written": (
        ("--export", "run.jsonl", "--report", "run.html", "--runs", "runs", "--junit", "run.xml"),
        nothing,
        "",
    ),
    "a boot delay": (("--boot-delay", "0-3"), nothing, ""),
    "places": (("--max-sessions", "1"), nothing, ""),
    "any cwmp:ID": (("--any-id",), nothing, ""),
    "IPv6": (("--ip-version", "6"), nothing, ""),
    "recording": (("--record", "kept"), nothing, "recording"),
    "slow devices": ((), slow, "quirk of the device"),
    "TLS": ((), tls, "TLS"),
    "power cut": ((*STORM, "power-cut share=0.5 seconds=3 stagger=1 at=3"), nothing, ""),
    "boot storm": ((*STORM, "boot-storm share=0.5 at=3"), nothing, ""),
    "campaign": (
        (
            "--transfer-seconds",
            "1-1",
            "--reboot-seconds",
            "1-1",
            "--run-time",
            "62s",
            "--scenario",
            "firmware-campaign at=3",
        ),
        nothing,
        "",
    ),
    "ramp": ((*STORM, "ramp start=2 end=10 seconds=10 steps=2"), nothing, ""),
    "Connection Requests": ((*STORM, "cr-sweep rate=10", "--cr-driver", "direct"), nothing, ""),
    "provisioning": ((*STORM, "provisioning cpes=10 rate=5"), nothing, ""),
    "value changes": ((*STORM, "value-change-storm at=3 seconds=2"), nothing, ""),
}
"""Of a run: options, more of them with files, and why greenlets run sessions; empty: none is."""
PARTLY = ("slow devices", "profiles")
"""Features that concern some of the sessions."""


def figures(summary: dict[str, Any]) -> dict[str, Any]:
    """What is no time, of a run in which CPEs inform when something has happened."""
    sessions = {name: summary["sessions"][name] for name in (
        "started", "succeeded", "failed", "shed", "abandoned", "unfinished", "reasons",
    )}  # fmt: skip
    return {
        "sessions": sessions,
        "informs": {name: summary["informs"][name] for name in ("planned", "total", "by_event")},
        "events": summary["events"],
        "exchanges": {
            name: (exchange["count"], exchange["failed"])
            for name, exchange in summary["exchanges"].items()
        },
        "transfers": summary["transfers"],
        "export": summary["export"],
        "state": summary["state"],
        "fleet": summary["fleet"],
    }


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_carried_or_off_with_the_same_figures(
    feature: str, tmp_path: Path, command: Command
) -> None:
    if feature == "IPv6" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    options, make, reason = FEATURES[feature]
    carried, by_greenlets = both(tmp_path, command, *ONCE, *options, *make(tmp_path))
    assert figures(carried) == figures(by_greenlets)
    assert set(carried["engine"]["by_greenlet"]) == ({reason} if reason else set())
    assert carried["engine"]["handed_over"] == {}
    assert carried["sessions"]["started"] >= CPES
    assert carried["engine"]["carried"] + not_carried(carried) == carried["sessions"]["started"]
    assert (carried["engine"]["carried"] > 0) == (not reason or feature in PARTLY)


@pytest.mark.parametrize(("first", "then"), [("auto", "off"), ("off", "auto")])
def test_state_that_one_has_kept_is_taken_up_by_the_other(
    first: str, then: str, tmp_path: Path, command: Command
) -> None:
    options = (*ONCE, "--state", str(tmp_path / "fleet.db"))
    kept = summary_of(tmp_path, command, first, *options)
    taken_up = summary_of(tmp_path, command, then, *options)
    for summary, before in ((kept, 0), (taken_up, CPES)):
        assert (summary["state"]["kept"], summary["state"]["taken_up"]) == (CPES, before)
        assert summary["events"]["books_balance"]
    assert kept["informs"]["by_event"] == {"0 BOOTSTRAP": CPES, "1 BOOT": CPES}
    assert taken_up["informs"]["by_event"] == {"1 BOOT": CPES}
    carried = {summary["engine"]["carried"] for summary in (kept, taken_up)}
    assert carried == {0, CPES}


@pytest.mark.parametrize("kind", ["refuse", "hang"])
def test_the_sessions_of_an_outage_are_run_by_greenlets(
    kind: str, tmp_path: Path, command: Command
) -> None:
    outage = f"acs-outage kind={kind} seconds=3 at=3 recover-within=20"
    for summary in both(tmp_path, command, *ASKED, "--run-time", "50s", "--scenario", outage):
        assert set(summary["sessions"]["reasons"]) <= {"ACS outage (scenario)"}
        assert (summary["sessions"]["failed"] > 0) == (kind == "refuse")
        assert summary["events"]["books_balance"]
        engine_counts = summary["engine"]
        if engine_counts["carried"]:
            assert engine_counts["handed_over"] == {}
            assert set(engine_counts["by_greenlet"]) == {"outage of the ACS"}
            assert engine_counts["carried"] > not_carried(summary)


RATES = "steady p99=60000, nat-rebind, find-capacity start=2 limit=2 hold=3 p99=60000"
"""Scenarios whose rates any machine holds; the last one ends the run."""


@needs_coturn
def test_sessions_of_cpes_behind_nat_are_carried_at_any_rate(
    tmp_path: Path, command: Command
) -> None:
    port = free_port()
    with coturn(tmp_path, port):
        summaries = both(
            tmp_path, command, *ASKED, "--run-time", "90s", "--scenario", RATES,
            "--reach", "stun:100", "--stun-server", f"127.0.0.1:{port}", "--stun-keep-alive", "2-2",
        )  # fmt: skip
    for summary in summaries:
        assert summary["sessions"]["failed"] == 0
        assert summary["connection_requests"]["books_balance"]
        assert summary["events"]["books_balance"]
        assert summary["connection_requests"]["by_way"]["udp"]["accepted"] > 0
        kpis = summary["scenario"]["kpis"]
        assert (kpis["nat_rebind_asked"], kpis["nat_rebind_converged"]) == (CPES, 1)
        assert kpis["steady_informs_over_planned"] > 0.9
        assert kpis["find_capacity_trials"] == 1
    assert not_carried(summaries[0]) == 0


def test_the_sessions_of_a_cpe_whose_page_is_open_are_run_by_greenlets(
    tmp_path: Path, command: Command
) -> None:
    web = free_port()
    where = "--headful", "--autostart", "--web-port", str(web), "--inform-interval", "1"
    page = f"http://127.0.0.1:{web}/fleet/devices/one?serial=FLEET-000003"
    with process(
        tmp_path / "output", *command, *SWARM, *where, "--cr-rate", "0",
        "--summary-json", "summary.json", cwd=tmp_path,
    ) as running:  # fmt: skip
        wait_until(lambda: wait_for_answer(page).ok)
        wait_until(lambda: len(wait_for_answer(page).json()["exchanges"]) >= 4)
        running.stop(signal.SIGINT)
    counts = json.loads((tmp_path / "summary.json").read_text())["engine"]
    assert counts["handed_over"] == {}
    assert set(counts["by_greenlet"]) == {"watched CPE"}
    assert 0 < counts["by_greenlet"]["watched CPE"] < counts["carried"]
