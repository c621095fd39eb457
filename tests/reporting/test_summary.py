"""The summary: one of many workers, its books, and what a person reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers.snapshots import usage, worker_snapshot
from helpers.summaries import grounds, lost_worker, scenario

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.reporting.lost_workers import described
from caretaker.reporting.summary import WorkersSeen, summarize
from caretaker.reporting.summary_text import render
from caretaker.stats.records import ExchangeRecord, SessionRecord, path_of
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import FailureExample, WorkerSnapshot
from caretaker.way import Way

CR = "6 CONNECTION REQUEST"
GOOD = SessionRecord(
    (CR,), 0.0, 0.0, seconds=0.01, outcome=Outcome.SUCCEEDED, accepted=0.0, inform_sent=0.001,
    informed=0.002,
)  # fmt: skip


def worker(number: int = 0, **changes: Any) -> WorkerSnapshot:
    """A snapshot of a worker that served 3 Connection Requests well."""
    results = Results()
    for _ in range(3):
        results.session(GOOD)
        results.exchange(ExchangeRecord("Inform", 0.0, 0.001, 100, 100))
        for verdict in ("unauthorized", "accepted"):
            results.connection_request(verdict, 0.0001)
    results.count(f"events.raised.{CR}", 3)
    results.count(f"events.delivered.{CR}", 3)
    results.count(f"{path_of(Way.HTTP)}.delivered", 3)
    results.count("tasks.posted", 3)
    results.count("tasks.done", 3)
    results.time("tasks.latency", 0.005)
    results.time("generator.loop_lag", 0.001)
    for name, number_ in changes.pop("counters", {}).items():
        results.count(name, number_)
    snapshot = worker_snapshot(
        worker=number,
        cpes=2,
        profiles={"tr181": 1, "tr098": 1},
        reach={"direct": 2},
        results=results,
        final=True,
        held=[(2 * number, 2 * number + 2)],
        usage=usage(cpu_mean=5.0, cpu_peak=9.0, rss_mb=50.0),
    )
    return replace(snapshot, **changes)


def test_handshakes_that_resumed_a_session_are_a_share_of_all() -> None:
    none = summarize([worker()], 2.0)
    assert none["tls"] == {"full": 0, "resumed": 0, "resumed_ratio": None, "lost": 0}
    assert "TLS" not in render(none)
    workers = [
        worker(number, counters={"tls.full": 1, "tls.resumed": 3, "tls.lost": 1})
        for number in range(2)
    ]
    summary = summarize(workers, 2.0)
    assert summary["tls"] == {"full": 2, "resumed": 6, "resumed_ratio": 0.75, "lost": 2}
    assert "6 resumed, 2 full" in render(summary)


def test_workers_add_up() -> None:
    summary = summarize([worker(0), worker(1)], 2.0)
    assert summary["fleet"] == {
        "cpes": 4,
        "workers": 2,
        "workers_joined": 2,
        "workers_left": 0,
        "workers_lost": 0,
        "lost": (),
        "taken_over": 0,
        "from_factory": 0,
        "by_worker": {"0": 2, "1": 2},
        "profiles": {"tr181": 2, "tr098": 2},
        "by_reach": {"direct": 4},
        "duplicate_serial_numbers": 0,
    }
    informs = summary["informs"]
    assert (informs["planned"], informs["total"], informs["by_event"]) == (0, 6, {CR: 6})
    assert informs["from_plan_ms"]["p99"] == pytest.approx(2.0, rel=0.02)
    assert summary["sessions"]["per_second"] == 3.0
    assert summary["sessions"]["duration_ms"]["max"] == 10.0
    crs = summary["connection_requests"]
    assert (
        crs["received"],
        crs["accepted"],
        crs["unauthorized"],
        crs["delivered"],
        crs["pending"],
    ) == (12, 6, 6, 6, 0)
    assert crs["books_balance"]
    assert crs["to_inform_ms"]["p99"] == pytest.approx(1.0, rel=0.02)
    assert summary["tasks"]["done"] == 6
    assert summary["exchanges"]["Inform"]["count"] == 6
    assert summary["generator"]["cpu_percent"]["max"] == {"0": 9.0, "1": 9.0}
    assert grounds(summary) == []


def test_the_keys_of_the_contract() -> None:
    summary: Any = summarize([worker()], 1.0)
    contract = {
        "fleet": "cpes workers by_worker profiles",
        "informs": "total by_event",
        "sessions": "started succeeded failed shed per_second duration_ms",
        "connection_requests": "received accepted unauthorized not_found refused coalesced "
        "delivered pending dropped books_balance to_inform_ms to_informresponse_ms "
        "to_session_end_ms",
        "tasks": "posted done queued failed latency_ms",
        "generator": "lateness_ms loop_lag_ms cpu_percent rss_mb",
    }
    for section, keys in contract.items():
        assert set(keys.split()) <= set(summary[section]), section
    assert {"p50", "p95", "p99", "max"} == set(summary["tasks"]["latency_ms"])
    assert {"p99", "max"} == set(summary["generator"]["loop_lag_ms"])


def test_ratios_of_sessions_are_of_those_that_their_names_say() -> None:
    ends = dict.fromkeys(("succeeded", "failed", "shed", "abandoned", "unfinished"), 0)
    ends |= {"succeeded": 6, "failed": 3, "shed": 1, "abandoned": 50, "unfinished": 40}
    results = Results()
    for end, number in ends.items():
        results.count(f"sessions.{end}", number)
        results.count("sessions.started", number)
    sessions = summarize([worker_snapshot(results=results)], 1.0)["sessions"]
    assert (sessions["failed_ratio"], sessions["shed_ratio"]) == (0.3, 0.1)
    assert sessions["unfinished_ratio"] == 0.4


def test_what_unfinished_sessions_waited_for_is_told_with_the_most_of_them_first() -> None:
    results = Results()
    results.time("sessions.unfinished_waits.acs.a connection", 0.5)
    for seconds in (2.0, 3.0):
        results.time("sessions.unfinished_waits.acs.InformResponse", seconds)
    summary = summarize([worker_snapshot(results=results)], 1.0)
    assert summary["sessions"]["unfinished_waits"] == [
        {"waited_for": "InformResponse", "blame": "acs", "number": 2, "longest_ms": 3000.0},
        {"waited_for": "a connection", "blame": "acs", "number": 1, "longest_ms": 500.0},
    ]
    assert "2 x waited for InformResponse (acs), longest 3.0 s" in render(summary)


@pytest.mark.parametrize(
    ("counters", "complaint"),
    [
        ({"connection_requests.accepted": 1}, "books of Connection Requests"),
        ({f"events.delivered.{CR}": 1}, "books of Connection Requests"),
        ({"events.raised.1 BOOT": 1}, "books of events"),
        ({"events.discarded.merged.1 BOOT": 1}, "books of events"),
        ({"sessions.failed": 2}, "2 of 8 sessions failed"),
        ({"tasks.offline": 2}, "2 of 6 tasks failed: 2 device offline"),
    ],
)
def test_what_is_wrong_is_said(counters: dict[str, int], complaint: str) -> None:
    broken = grounds(summarize([worker(0), worker(1, counters=counters)], 1.0))
    assert any(complaint in sentence for sentence in broken)


def test_an_outage_that_we_made_does_not_fail_a_run() -> None:
    made = {"sessions.failed": 2, "sessions.reasons.ACS outage (scenario)": 2}
    assert grounds(summarize([worker(0, counters=made)], 1.0)) == []
    more = {**made, "sessions.failed": 3}
    assert grounds(summarize([worker(0, counters=more)], 1.0)) == [
        "1 of 6 sessions failed (by the ACS or the way to it)"
    ]


def test_a_person_reads_what_a_scenario_found() -> None:
    found = scenario(kpis={"some_figure_s": 3.5, "other": None}, findings=["So."])
    text = render({**summarize([worker()], 1.0), "scenario": found})
    assert "Scenario            steady" in text
    assert "some figure s 3.5" in text
    assert "other -" in text
    assert "* So." in text


@pytest.mark.parametrize(
    ("counters", "lines"),
    [
        ({"engine.carried": 9}, ["I/O engine          9 sessions carried"]),
        (
            {"engine.by_greenlet.engine not built": 9},
            ["I/O engine          0 sessions carried", "  by greenlets      9 engine not built"],
        ),
        ({}, []),
    ],
)
def test_a_person_reads_whether_the_engine_carries_sessions_and_why_not(
    counters: dict[str, int], lines: list[str]
) -> None:
    text = render(summarize([worker(0, counters=counters)], 1.0)).splitlines()
    begin = next((at for at, line in enumerate(text) if line.startswith("I/O engine")), len(text))
    assert text[begin : begin + len(lines)] == lines


def test_transfers_add_up_and_show_when_there_were_any() -> None:
    counts = {"requested": 9, "succeeded": 4, "cancelled": 1, "dropped": 1, "pending": 1}
    counts |= {
        "faults.9010": 1,
        "faults.9016": 1,
        "reasons.file server: HTTP 404": 1,
        "bytes_received": 500,
        "retried": 3,
    }
    counters = {f"transfers.{name}": number for name, number in counts.items()}
    summary = summarize([worker(0, counters=counters), worker(1, counters=counters)], 1.0)
    assert summary["transfers"] == {
        "requested": 18,
        "succeeded": 8,
        "failed": 4,
        "failed_ratio": 0.333333333,
        "cancelled": 2,
        "dropped": 2,
        "pending": 2,
        "retried": 6,
        "bytes_received": 1000,
        "bytes_sent": 0,
        "faults": {"9010": 2, "9016": 2},
        "reasons": {"file server: HTTP 404": 2},
    }
    assert summary["cures"] == {"file server: HTTP 404": "is it in the ACS's files?"}
    assert "18 requested, 8 succeeded, 4 failed" in render(summary)
    assert "Transfers" not in render(summarize([worker()], 1.0))


def test_books_that_are_wrong_on_two_workers_do_not_cancel_out() -> None:
    one = worker(0, counters={"connection_requests.accepted": 1, "connection_requests.received": 1})
    other = worker(1, counters={f"events.delivered.{CR}": 1, f"events.raised.{CR}": 1})
    assert not summarize([one, other], 1.0)["connection_requests"]["books_balance"]


def test_events_that_were_discarded_by_rule_balance() -> None:
    counters = {
        "connection_requests.received": 6,
        "connection_requests.accepted": 6,
        f"events.raised.{CR}": 6,
        f"events.discarded.merged.{CR}": 2,
        f"events.discarded.session failed.{CR}": 1,
        f"events.discarded.power off.{CR}": 1,
        f"events.pending.{CR}": 2,
    }
    crs = summarize([worker(counters=counters)], 1.0)["connection_requests"]
    assert (
        crs["coalesced"],
        crs["dropped"],
        crs["pending"],
        crs["books_balance"],
    ) == (2, 2, 2, True)


def test_the_books_of_each_way_balance() -> None:
    udp = path_of(Way.UDP)
    ends = {f"{udp}.delivered": 2, f"{udp}.coalesced": 1, f"{udp}.dropped": 1, f"{udp}.pending": 1}
    made = worker(counters={f"{udp}.accepted": 5, f"{udp}.unauthorized": 2, **ends})
    crs = summarize([made, worker(1)], 1.0)["connection_requests"]
    assert crs["books_balance"]
    by_way = crs["by_way"]
    assert (by_way["http"]["received"], by_way["http"]["delivered"]) == (12, 6)
    assert (by_way["udp"]["received"], by_way["udp"]["pending"]) == (7, 1)
    assert by_way["http"]["to_inform_ms"]["p99"] == pytest.approx(1.0, rel=0.02)
    assert "  by udp            5 accepted = 2 delivered + 1 coalesced" in render(
        summarize([made], 1.0)
    )
    assert "by http" not in render(summarize([worker()], 1.0))


def test_a_request_of_a_way_that_is_lost_breaks_the_books() -> None:
    lost = worker(counters={f"{path_of(Way.XMPP)}.accepted": 1})
    assert not summarize([lost], 1.0)["connection_requests"]["books_balance"]


def test_a_lost_worker_is_a_failure_and_its_last_report_counts() -> None:
    lost = worker(1, final=False, counters={f"events.delivered.{CR}": -1})
    summary = summarize([worker(0), lost], 1.0, WorkersSeen(2, 0, [lost_worker()]))
    assert summary["fleet"]["workers_lost"] == 1
    assert grounds(summary) == [described(lost_worker())]
    assert summary["connection_requests"]["pending"] == 1


def test_serial_numbers_in_use_twice_are_found() -> None:
    summary = summarize([worker(0), worker(1, held=[(1, 3)])], 1.0)
    assert grounds(summary) == ["1 serial numbers were in use twice: please report the bug"]


def test_what_failed_at_the_limits_of_this_machine_is_told_apart() -> None:
    bad = {"sessions.failed": 3, "sessions.blame.generator": 2, "sessions.blame.acs": 1}
    assert grounds(summarize([worker(counters=bad)], 1.0)) == [
        "1 of 6 sessions failed (by the ACS or the way to it)",
        (
            "the generator was the limit, and the ACS may be better than it looks: "
            "2 sessions failed at its limits (docs/limits.md)"
        ),
    ]


def test_without_any_worker_nothing_is_shown() -> None:
    summary = summarize([], 1.0)
    assert grounds(summary) == ["no session began, and none ended"]
    assert render(summary)


def test_a_person_can_read_it() -> None:
    bad = {"tasks.api_error": 1, "tasks.reasons.HTTP 404": 1}
    snapshot = worker(counters=bad)
    snapshot.results.session(
        GOOD._replace(outcome=Outcome.FAILED, reason="connection refused", blame=Blame.ACS)
    )
    text = render(summarize([snapshot], 1.0))
    assert "2 CPEs over 1 workers (2): tr181 1, tr098 1" in text
    assert "3 accepted = 3 delivered + 0 coalesced + 0 pending + 0 dropped: balanced" in text
    assert "1 x connection refused" in text
    assert "1 x HTTP 404" in text
    assert [line.split(None, 1) for line in text.splitlines()[-2:]] == [
        [
            "Result",
            "broken: 1 of 4 sessions failed: 1 x connection refused (by the ACS or the way to it)",
        ],
        ["broken", "1 of 3 tasks failed: 1 error of the north-bound API"],
    ]
    assert "held: All 3 sessions succeeded" in render(summarize([worker()], 1.0)).splitlines()[-1]


def test_a_failure_is_shown_by_the_first_of_its_kind_on_any_worker() -> None:
    made = {"sessions.failures.acs.HTTP 500": 2, "sessions.failures.shed.HTTP 503": 1}
    summary = summarize(
        [
            worker(
                0, counters=made, examples={"HTTP 500": FailureExample("B", 7.5, ["2 PERIODIC"])}
            ),
            worker(
                1,
                examples={
                    "HTTP 500": FailureExample("A", 2.25, [CR]),
                    "other": FailureExample("C", 0.0, []),
                },
            ),
        ],
        10.0,
    )
    assert summary["sessions"]["failures"] == [
        {
            "reason": "HTTP 500",
            "blame": "acs",
            "number": 2,
            "example": {"cpe": "A", "at": 2.25, "events": [CR]},
        },
        {"reason": "HTTP 503", "blame": "shed", "number": 1, "example": None},
    ]


def test_the_warm_up_is_in_the_books_alone() -> None:
    whole, measured = Results(), Results()
    for results, sessions, refused in ((whole, 100, 8), (measured, 40, 1)):
        results.count("sessions.started", sessions)
        results.count("sessions.succeeded", sessions)
        for verdict, number in (("received", 20), ("accepted", 20 - refused), ("refused", refused)):
            results.count(f"connection_requests.{verdict}", number)
        results.time("informs.from_plan", sessions / 1000)
    whole.count(f"events.delivered.{CR}", 12)
    snapshot = worker_snapshot(results=whole, measured=measured, final=True)
    summary = summarize([snapshot], 30.0, warm_up=10.0)
    assert (summary["seconds"], summary["warm_up_s"]) == (30.0, 10.0)
    assert summary["sessions"]["succeeded"] == 40
    assert summary["sessions"]["per_second"] == 2.0
    assert summary["informs"]["from_plan_ms"]["max"] == 40.0
    crs = summary["connection_requests"]
    assert (crs["accepted"], crs["delivered"], crs["books_balance"]) == (12, 12, True)
    assert crs["refused_ratio"] == 0.05
    assert "Warm-up             10 s" in render(summary)


def test_a_run_that_ends_in_its_warm_up_has_no_data() -> None:
    snapshot = worker_snapshot(results=Results(), measured=Results(), final=True)
    summary = summarize([snapshot], 5.0, warm_up=10.0)
    assert summary["sessions"]["per_second"] is None
    assert summary["sessions"]["failed_ratio"] is None
    assert summary["informs"]["from_plan_ms"]["p99"] is None
    assert "; - per second" in render(summary)


def test_cpes_of_a_lost_worker_do_not_count_for_what_stands_at_the_end() -> None:
    counters = {"xmpp.cpes": 8, "xmpp.not_connected.refused": 2, "xmpp.logins": 8}
    lost, there = (worker(counters=counters, final=final) for final in (False, True))
    xmpp = summarize([lost, there], 2.0)["xmpp"]
    assert (xmpp["cpes"], xmpp["not_connected"], xmpp["logins"]) == (8, {"refused": 2}, 16)
    assert summarize([lost, lost], 2.0)["xmpp"]["cpes"] == 16  # the run goes on


def test_what_became_of_binding_requests_is_told_by_outcome() -> None:
    ends = {"answered": 2, "silent": 1, "waiting": 1, "errors.401": 1}
    counts = {"sent": 5, **ends, "found": 2, "unsent.host not allowed": 3}
    counters = {f"stun.{name}": number for name, number in counts.items()}
    summary = summarize([worker(counters=counters)], 2.0)
    assert summary["stun"]["errors"] == {"401": 1}
    assert summary["stun"]["unsent"] == {"host not allowed": 3}
    text = render(summary)
    assert "5 sent, 2 answered, 1 silent, 2 found, 0 changed" in text
    assert "401 1, host not allowed 3" in text
    assert "STUN" not in render(summarize([worker()], 2.0))
