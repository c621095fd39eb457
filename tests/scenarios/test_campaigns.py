"""Campaigns: each CPE does something once, and the report says how that spreads."""

from __future__ import annotations

import pytest
from helpers.runs import FakeRun, criterion_of, played

from caretaker.reporting.outcomes import RunOutcome
from caretaker.scenarios import parse


def test_a_sweep_tells_coverage_and_duration() -> None:
    def ask(run: FakeRun) -> None:
        if run.acts and run.counts.counters["actions.connection_request.done"] < 95:
            run.counts.counters["actions.connection_request.asked"] = 100
            run.counts.count("actions.connection_request.done", 5)

    report = played("cr-sweep rate=5", FakeRun(60, each_second=ask))
    assert report.kpis == {"asked": 100, "coverage": 0.95, "duration_s": 19.0}
    assert report.curves["coverage"][-1] == (19.0, 0.95)


def test_a_campaign_tells_how_the_version_converges() -> None:
    def spread(run: FakeRun) -> None:
        if run.acts and run.counts.counters["events.delivered.M Download"] < 20:
            run.counts.counters["actions.firmware.asked"] = 20
            run.counts.count("events.delivered.M Download")

    report = played("firmware-campaign version=2.0", FakeRun(60, each_second=spread))
    assert report.kpis["time_to_50_percent_s"] == 10.0
    assert report.kpis["time_to_100_percent_s"] == 20.0
    assert "100.0% of 20 CPEs run 2.0" in report.findings[0]


def test_provisioning_looks_at_first_contacts_of_new_cpes_only() -> None:
    def contact(run: FakeRun) -> None:
        run.counts.time("sessions.first_contact", 0.5 if run.grown is None else 0.1)

    run = FakeRun(30, each_second=contact)
    report = played("provisioning cpes=25 rate=5", run)
    assert run.grown == (25, 5.0)
    assert report.kpis["first_contacts"] == 25  # one each second, since they were added
    assert report.kpis["first_contact_p99_ms"] == pytest.approx(100, rel=0.02)
    (step,) = parse("provisioning")
    assert step.scenario.report(run).kpis["first_contacts"] == 30


class Reached:
    """Of 100 CPEs one is reached each second, up to some."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, run: FakeRun) -> None:
        if run.acts:
            run.counts.counters["actions.connection_request.asked"] = 100
            if run.counts.counters["actions.connection_request.done"] < self.most:
                run.counts.count("actions.connection_request.done")


ENDED_EARLY = (
    "Not shown: the run ended 40 s after its begin (limit 60 s): 40 of 100 CPEs, 95% wanted"
)


@pytest.mark.parametrize(
    ("text", "seconds", "most", "outcome", "finding"),
    [
        ("rate=2", 200, 100, RunOutcome.HELD, "Covered in 95 s (limit 110 s): 95% of 100 CPEs"),
        (
            "cover-within=60 coverage=0.5",
            200,
            60,
            RunOutcome.HELD,
            "Covered in 50 s (limit 60 s): 50% of 100 CPEs",
        ),
        (
            "cover-within=60",
            200,
            40,
            RunOutcome.BROKEN,
            "Not covered within 60 s: 40 of 100 CPEs, 95% wanted",
        ),
        (
            "cover-within=60",
            42,
            100,
            RunOutcome.NOT_SHOWN,
            ENDED_EARLY,
        ),
    ],
)
def test_a_sweep_is_judged_by_its_coverage_and_time(
    text: str, seconds: float, most: int, outcome: RunOutcome, finding: str
) -> None:
    run = FakeRun(seconds, each_second=Reached(most))
    assert criterion_of(f"cr-sweep {text}", run) == (outcome, finding)


def test_a_campaign_ends_when_all_have_done_it_or_the_time_is_over() -> None:
    for within, most, end in ((200, 100, 102), (60, 40, 63)):
        (sweep,) = parse(f"cr-sweep cover-within={within}")
        run = FakeRun(1000, each_second=Reached(most))
        sweep.scenario.play(run)
        assert run.now() == end


def test_a_campaign_leaves_the_download_and_the_reboot_their_time() -> None:
    def asked(run: FakeRun) -> None:
        run.counts.counters["actions.firmware.asked"] = 100 if run.acts else 0

    outcome, finding = criterion_of("firmware-campaign rate=10", FakeRun(300, each_second=asked))
    assert (outcome, finding) == (
        RunOutcome.BROKEN,
        "Not converged within 130 s: 0 of 100 CPEs, 95% wanted",
    )


class Contacts:
    """Of ten CPEs so many have their first contact, in so many milliseconds."""

    def __init__(self, made: int, ms: float = 100.0) -> None:
        self.made = made
        self.ms = ms

    def __call__(self, run: FakeRun) -> None:
        run.counts.counters["events.raised.0 BOOTSTRAP"] = 10
        if run.now() <= self.made:
            run.counts.time("sessions.first_contact", self.ms / 1000)


@pytest.mark.parametrize(
    ("contacts", "seconds", "outcome", "finding"),
    [
        (Contacts(10), 30, RunOutcome.HELD, "10 first contacts, 99 % within 100 ms (limit 5000 ms"),
        (Contacts(10, 7000), 30, RunOutcome.BROKEN, "10 first contacts, 99 % within 7000 ms"),
        (Contacts(8), 30, RunOutcome.NOT_SHOWN, "Not shown: 2 CPEs had no first contact before"),
        (Contacts(8), 90, RunOutcome.BROKEN, "2 CPEs had no first contact within 88 s"),
        (Contacts(0), 90, RunOutcome.BROKEN, "10 CPEs had no first contact within 88 s"),
    ],
)
def test_provisioning_is_judged_by_all_first_contacts(
    contacts: Contacts, seconds: float, outcome: RunOutcome, finding: str
) -> None:
    found = criterion_of("provisioning", FakeRun(seconds, each_second=contacts))
    assert found.outcome == outcome
    assert finding in found.finding
