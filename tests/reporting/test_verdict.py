"""The verdict on a run: outcome, exit code, grounds, and the one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import grounds, lost_worker, scenario, summary, told

from caretaker.reporting.checks import CHECKS
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.service_levels import ServiceLevel, verdicts
from caretaker.reporting.summary_text import render
from caretaker.reporting.verdict import judge, judgements, tightest_levels, what_broke_first

HELD, BROKEN = "sessions.per_second > 1", "sessions.per_second > 1000"
NO_DATA = "exchanges.Fault.ms.p99 < 1000"
OTHERS = {"other_failures": ["1 exceptions in users"], "settings": {"--exit-code-on-error": 7}}


def judged(found: Any, *levels: str) -> Any:
    return found | {"service_levels": verdicts(map(ServiceLevel.parse, levels), found)}


def criterion(outcome: str, finding: str, **more: Any) -> Any:
    found = {"scenario": "power-cut", "outcome": outcome, "finding": finding, **more}
    return {"scenario": scenario(criteria=[found])}


def changed(section: str, **values: Any) -> Any:
    made = summary()
    made[section] |= values
    return made


def failed(blame: str, number: int = 1, reason: str = "no answer in time", at: float = 7.0) -> Any:
    """A run in which sessions failed by somebody's fault."""
    example = {"cpe": "A-1", "at": at, "events": []}
    failure = {"reason": reason, "blame": blame, "number": number, "example": example}
    return changed("sessions", failed=number, blame={blame: number}, failures=[failure],
                   reasons={reason: number})  # fmt: skip


def waiting(blame: str, longest_ms: float = 5.0) -> Any:
    """A run in which sessions were still under way at its end."""
    wait = {"waited_for": "InformResponse", "blame": blame, "number": 2, "longest_ms": longest_ms}
    return changed("sessions", unfinished=2, unfinished_waits=[wait])


LIMITED = {"loop_lag_ms": {"p99": 300.0}}
"""Figures of a generator that was the limit of its run."""


def limited(made: Any) -> Any:
    """A run of which the generator was the limit, too."""
    made["generator"] = made["generator"] | LIMITED
    return made


def offline(section: str, number: int, cpes: int) -> Any:
    """A run in which so many CPEs were not reachable by a way at its end."""
    how = {
        "xmpp": {"logins": cpes, "bound": cpes - number, "not_connected": {"refused": number}},
        "stun": {"sent": cpes, "answered": cpes - number, "unanswered": {"error 400": number}},
    }
    return changed(section, cpes=cpes, **how[section])


RUNS: list[tuple[Any, list[str], str, int]] = [
    (summary(), [], "held", 0),
    (summary(), [HELD], "held", 0),
    (summary(sessions__shed=50), [HELD], "held", 0),
    (failed("acs", reason="ACS outage (scenario)"), [], "held", 0),
    (summary(), [BROKEN], "broken", 3),
    (summary(), [HELD, NO_DATA, BROKEN], "broken", 3),
    (failed("acs"), [HELD], "broken", 3),
    (changed("sessions", unfinished=1), [], "broken", 3),
    (waiting("acs"), [], "broken", 3),
    (waiting("generator"), [], "not shown", 4),
    (changed("sessions", succeeded=0, shed=5), [], "broken", 3),
    (limited(waiting("acs")), [], "not shown", 4),
    (limited(waiting("acs", longest_ms=5000.0)), [], "broken", 3),
    (changed("tasks", failed=1), [], "broken", 3),
    (changed("tasks", failed=2, offline=2), [], "broken", 3),
    (limited(changed("tasks", failed=2, offline=2)), [], "not shown", 4),
    (limited(changed("tasks", failed=3, offline=2)), [], "broken", 3),
    (limited(changed("tasks", posted=2, done=0, failed=2, offline=2)), [], "not shown", 4),
    (changed("tasks", done=0), [], "broken", 3),
    (changed("xmpp", logins=3, failed={"connection refused": 3}), [], "not shown", 4),
    (changed("xmpp", logins=3, cpes=3), [], "not shown", 4),
    (changed("xmpp", cpes=3, not_connected={"no turn to log in": 3}), [], "not shown", 4),
    (changed("xmpp", logins=4, bound=1, failed={"connection refused": 3}), [], "held", 0),
    (offline("xmpp", 4, 400), [], "not shown", 4),
    (offline("stun", 3, 300), [], "not shown", 4),
    (changed("stun", sent=3, silent=3), [], "not shown", 4),
    (changed("stun", unsent={"host not allowed": 3}), [], "not shown", 4),
    (changed("stun", sent=3, waiting=3, cpes=3), [], "not shown", 4),
    (changed("stun", cpes=3, unanswered={"host name not found": 3}), [], "not shown", 4),
    (changed("stun", sent=4, silent=3, answered=1), [], "held", 0),
    (summary() | criterion("broken", "No recovery"), [], "broken", 3),
    (summary(), [NO_DATA], "not shown", 4),
    (summary(0), [], "not shown", 4),
    (changed("sessions", succeeded=0, abandoned=5), [], "not shown", 4),
    (changed("generator", cpu_percent={"mean": {"0": 97.0}, "max": {}}), [], "not shown", 4),
    (summary() | {"interrupted": True}, [], "not shown", 4),
    (summary() | {"users_not_started": 990}, [], "not shown", 4),
    (summary() | {"workers_refused": ["worker 1 (vm_3d26): no disk"]}, [], "failed", 1),
    (summary() | {"router_ended": 2}, [], "failed", 1),
    (summary() | criterion("not shown", "Too short"), [], "not shown", 4),
    (failed("acs") | criterion("held", "Held 30 per second"), [], "broken", 3),
    (failed("acs") | criterion("held", "Held 30 per second", is_search=True), [], "held", 0),
    (waiting("acs") | criterion("not shown", "Too short", is_search=True), [], "not shown", 4),
    (failed("ours") | criterion("held", "Held 30 per second", is_search=True), [], "failed", 1),
    (failed("ours"), [], "failed", 1),
    (failed("ours"), [BROKEN, NO_DATA], "failed", 1),
    (changed("connection_requests", books_balance=False), [], "failed", 1),
    (changed("events", books_balance=False), [BROKEN], "failed", 1),
    (changed("fleet", duplicate_serial_numbers=1), [], "failed", 1),
    (changed("fleet", lost=[lost_worker()]), [], "failed", 1),
    (changed("fleet", workers_left=2, cpes=0), [], "failed", 1),
    (summary() | {"unwritten": ["--junit x: no space"]}, [], "failed", 1),
    (changed("export", rows=5, unwritten=1), [], "failed", 1),
    (changed("state", kept=5, unwritten=1), [], "failed", 1),
    (summary() | OTHERS, [], "failed", 7),
    (summary() | OTHERS, [BROKEN], "failed", 7),
    (failed("ours") | OTHERS, [], "failed", 1),
    (summary() | OTHERS | {"settings": {}}, [], "failed", 1),
]


@pytest.mark.parametrize(("found", "levels", "outcome", "code"), RUNS)
def test_a_run_has_one_of_four_outcomes(
    found: Any, levels: list[str], outcome: str, code: int
) -> None:
    verdict = judge(judged(found, *levels))
    assert (verdict["outcome"], verdict["exit_code"]) == (outcome, code)
    assert (verdict["grounds"] == []) is (outcome == "held")


def test_every_check_is_seen_in_one_of_these_runs() -> None:
    seen = {ground["name"] for found, *_ in RUNS for ground in judge(found)["grounds"]}
    only_told = {check.name for check in CHECKS if check.outcome is RunOutcome.HELD}
    assert {check.name for check in CHECKS} <= seen | only_told


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("xmpp", "were not connected to the XMPP server at the end: 3 x refused"),
        ("stun", "had no answer of the STUN server to their last request: 3 x error 400"),
    ],
)
def test_few_cpes_that_a_way_does_not_reach_are_told_and_no_more(section: str, text: str) -> None:
    verdict = judge(offline(section, 3, 400))
    assert (verdict["outcome"], verdict["exit_code"]) == ("held", 0)
    assert [(ground["outcome"], ground["text"]) for ground in verdict["grounds"]] == [
        ("held", f"3 of 400 CPEs {text}")
    ]


def test_where_no_cpe_is_reached_by_a_way_one_sentence_says_so() -> None:
    found = offline("xmpp", 400, 400)
    found["xmpp"]["failed"] = {"refused": 3}
    assert grounds(found) == ["no CPE was reachable by XMPP, as no login succeeded: 3 x refused"]


def test_a_run_that_ends_before_a_silent_server_is_an_outcome_names_it() -> None:
    assert grounds(changed("stun", sent=18, waiting=18)) == [
        "no CPE was reachable by UDP, as no STUN request was answered: 18 x no answer so far"
    ]
    late = changed("xmpp", logins=1, not_connected={"login not answered so far": 1})
    assert grounds(late) == [
        "no CPE was reachable by XMPP, as no login succeeded: 1 x login not answered so far"
    ]


def test_the_checks_have_names_of_their_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_failures_of_others_are_told_even_if_they_do_not_count() -> None:
    verdict = judge(summary() | OTHERS | {"settings": {"--exit-code-on-error": 0}})
    assert (verdict["outcome"], verdict["exit_code"]) == ("held", 0)
    assert [(each["outcome"], each["text"]) for each in verdict["grounds"]] == [
        ("held", "1 exceptions in users")
    ]


@pytest.mark.parametrize(
    ("levels", "outcome"),
    [
        (["sessions.failed_ratio < 0.1"], "held"),
        (["sessions.failed <= 1"], "held"),
        (["sessions.failed < 1"], "broken"),
        (["sessions.failed >= 0"], "broken"),
        (["tasks.failed < 5"], "broken"),
    ],
)
def test_a_level_that_allows_failures_takes_the_place_of_the_check(
    levels: list[str], outcome: str
) -> None:
    assert judge(judged(summary(failed=1), *levels))["outcome"] == outcome


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (changed("tasks", failed=1), "tasks.failed_ratio < 0.1"),
        (changed("sessions", unfinished=1), "sessions.unfinished < 5"),
    ],
)
def test_a_level_of_tasks_and_of_unfinished_sessions_too(found: Any, level: str) -> None:
    assert judge(found)["outcome"] == "broken"
    assert judge(judged(found, level))["outcome"] == "held"


def test_a_level_for_failures_excuses_nothing_else() -> None:
    found = judged(summary(0, failed=5), "sessions.failed_ratio <= 1")
    assert grounds(found) == ["no session succeeded, of 5: 5 x no answer in time"]


def test_what_unfinished_sessions_waited_for_is_told() -> None:
    assert grounds(waiting("acs")) == [
        "2 sessions still waited for the ACS at the end: 2 x InformResponse"
    ]


def test_grounds_come_in_their_precedence() -> None:
    slow = "informs.from_plan_ms.p99 < 1"
    found = judged(failed("ours") | {"interrupted": True, "seconds": 12.2}, NO_DATA, slow)
    found["settings"] = {"--run-time": 60}
    assert grounds(found) == [
        "1 of 101 sessions failed: 1 x no answer in time (ours: please report the bug)",
        "service level broken: informs.from_plan_ms.p99 < 1 (2)",
        "service level not shown: exchanges.Fault.ms.p99 < 1000 (no data)",
        "interrupted after 12 s of 60 s",
    ]


def test_the_finding_of_a_run_that_held_says_by_how_much() -> None:
    assert judge(judged(summary(), "sessions.per_second > 1", "sessions.failed < 4"))[
        "finding"
    ] == (
        "All 100 sessions succeeded, p99 from plan 2 ms; tightest level "
        "sessions.per_second > 1 at 10 % of its bound"
    )
    assert judge(summary(1))["finding"].startswith("1 session succeeded")
    assert judge(summary(90, sessions__shed=10, sessions__started=10))["finding"].startswith(
        "90 of 100 sessions succeeded (10 shed), p99"
    )


def test_the_finding_of_a_run_that_did_not_says_what_broke_first_and_when() -> None:
    assert judge(failed("acs", 3))["finding"] == (
        "3 of 103 sessions failed: 3 x no answer in time (by the ACS or the way to it); "
        "first at 7.0 s: session of A-1: no answer in time"
    )


def test_why_no_session_succeeded_is_told() -> None:
    shed = {"reason": "HTTP 503", "blame": "shed", "number": 5, "example": None}
    assert judge(changed("sessions", succeeded=0, shed=5, failures=[shed]))["finding"] == (
        "No session succeeded, of 5: 5 x HTTP 503"
    )


def test_a_run_that_ended_before_its_fleet_was_complete_says_so() -> None:
    (ground,) = grounds(summary() | {"users_not_started": 1990})
    assert "before its fleet was complete: 1,990 users were still to be started" in ground


def test_a_criterion_that_is_the_first_ground_is_told_once() -> None:
    found = failed("acs") | criterion("broken", "Not recovered within 8 s")
    assert judge(found)["finding"] == (
        "Not recovered within 8 s; first at 7.0 s: session of A-1: no answer in time"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"interrupted": True}, "the run ended early"),
        (
            {"generator": summary()["generator"] | {"lateness_ms": {"p99": 900.0}}},
            "the generator was the limit",
        ),
    ],
)
def test_why_a_level_shows_nothing_is_told(changes: dict[str, Any], why: str) -> None:
    found = judged(summary() | changes, "sessions.per_second > 50")
    assert judge(found)["finding"] == (
        f"Service level not shown: sessions.per_second > 50 (10); {why}"
    )


@pytest.mark.parametrize("outcome", ["held", "broken"])
def test_the_finding_begins_with_the_criterion_of_the_scenario(outcome: str) -> None:
    verdict = judge(summary() | criterion(outcome, "Recovered in 8.1 s (limit 60 s)."))
    assert verdict["finding"].startswith("Recovered in 8.1 s (limit 60 s)")
    assert verdict["finding"].count("Recovered") == 1


def test_what_was_not_shown_is_not_said_twice() -> None:
    verdict = judge(summary() | criterion("not shown", "Not shown: the run ended early"))
    assert verdict["finding"] == "The run ended early"
    assert [ground["text"] for ground in verdict["grounds"]] == ["the run ended early"]


def test_of_several_scenarios_each_is_named_with_its_finding() -> None:
    both = [
        {"scenario": name, "outcome": "held", "finding": "Recovered in 2 s (limit 60 s)"}
        for name in ("boot-storm", "power-cut")
    ]
    assert judge(summary() | {"scenario": scenario(criteria=both)})["finding"].startswith(
        "Boot-storm: Recovered in 2 s (limit 60 s); power-cut: Recovered in 2 s (limit 60 s); all"
    )


class TestWhatBrokeFirst:
    """The first of the broken levels and the failed sessions."""

    def test_of_levels_and_sessions(self) -> None:
        found = failed("acs", at=7.0)
        found["service_levels"] = told()["service_levels"][:2]
        found["service_levels"][1]["broken_at"] = 8.0
        first = what_broke_first(found)
        assert first == (7.0, "session of A-1: no answer in time")
        found["service_levels"][1]["broken_at"] = 3.0
        assert what_broke_first(found) == (3.0, "service level tasks.failed < 1")

    @pytest.mark.parametrize(
        "found",
        [
            summary(),
            failed("acs", reason="ACS outage (scenario)"),
            failed("shed"),
            judged(failed("acs"), "sessions.failed < 5"),
        ],
    )
    def test_nothing_that_breaks_no_run_is_told(self, found: Any) -> None:
        assert what_broke_first(found) is None


def test_the_tightest_level_comes_first() -> None:
    found = judged(summary(), "sessions.failed < 4", "sessions.succeeded < 200", NO_DATA)
    assert [margin.used for margin in tightest_levels(found)] == [0.5, 0.0]


def test_all_that_held_is_judged_too() -> None:
    found = judged(summary() | criterion("held", "Fine"), HELD)
    groups = [each.group for each in judgements(found)]
    assert groups[:3] == ["scenario", "service_levels", "checks"]
    assert {each.outcome for each in judgements(found)} == {RunOutcome.HELD}


def test_a_person_reads_each_verdict() -> None:
    found = judged(summary(), HELD, BROKEN, NO_DATA)
    found["service_levels"][1]["broken_at"] = 12.3
    lines = render(found).splitlines()
    assert lines[-6:] == [
        "Service levels      1 held, 1 broken, 1 not shown",
        "  held              sessions.per_second > 1 (10)",
        "  broken            sessions.per_second > 1000 (10, since 12.3 s)",
        "  not shown         exchanges.Fault.ms.p99 < 1000 (no data)",
        (
            "Result              broken: Service level broken: sessions.per_second > 1000 (10, "
            "since 12.3 s)"
        ),
        "  not shown         service level not shown: exchanges.Fault.ms.p99 < 1000 (no data)",
    ]
    assert "Service levels" not in render(judged(summary()))
