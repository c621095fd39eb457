"""Scenarios as users run them, over processes and sockets."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.processes import ended_well, loadtest, loadtest_until, process

pytestmark = pytest.mark.processes

NO_CRS = ("--cr-driver", "off", "--cr-rate", "0")


def test_a_power_cut_shows_dark_storm_and_recovery(tmp_path: Path) -> None:
    done, summary = loadtest(
        tmp_path,
        *("--scenario", "power-cut share=0.5 seconds=4 stagger=1"),
        *("--users", "60", "--run-time", "60s", "--cr-rate", "5"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    scenario, timeline = summary["scenario"], summary["timeline"]
    assert scenario["kpis"]["time_to_steady_state_s"] >= 1, scenario
    (criterion,) = scenario["criteria"]
    assert criterion["outcome"] == "held"
    assert "Recovered in" in done.stdout
    # Marks are rounded: what one of 20.0 s says may have been in the second before.
    cut, back = (mark["at"] - 0.05 for mark in timeline["marks"])
    during = timeline["cpes_on"][int(cut) : int(back) + 2]
    dark = min(during)
    assert 15 <= dark <= 45
    assert (timeline["cpes_on"][int(cut) - 1], timeline["cpes_on"][-1]) == (60, 60)
    assert timeline["absent"][int(cut) + during.index(dark)] == 60 - dark
    herd = sum(timeline["informs_planned"][int(back) : int(back) + 3])
    assert herd >= 60 - dark
    assert timeline["absent"][-1] == 0
    assert summary["informs"]["by_event"]["1 BOOT"] == 60 + 60 - dark
    assert summary["events"]["books_balance"]


def test_scenarios_play_one_after_the_other_in_one_process(tmp_path: Path) -> None:
    done, summary = loadtest(
        tmp_path,
        *("--scenario", "cr-sweep rate=50 at=6, boot-storm share=0.5"),
        *("--users", "40", "--run-time", "45s", "--processes", "0"),
        *("--cr-driver", "direct", "--cr-rate", "0"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    kpis = summary["scenario"]["kpis"]
    assert kpis["cr_sweep_coverage"] == 1.0
    assert kpis["boot_storm_time_to_steady_state_s"] >= 1
    assert summary["settings"]["--scenario"].startswith("cr-sweep")


def test_the_capacity_of_an_acs_is_found(tmp_path: Path) -> None:
    with process(tmp_path / "acs", "benchmarks.limited_acs", "30") as acs:
        url = acs.wait_for(r"http://\S+")[0]
        done, summary = loadtest(
            tmp_path,
            *("--host", url, *NO_CRS, "--inform-interval", "0"),
            *("--scenario", "find-capacity start=20 hold=4 precision=0.2"),
            *("--users", "150", "--spawn-rate", "20", "--processes", "0"),
        )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    kpis = summary["scenario"]["kpis"]
    # How close it comes, test_scenarios.py checks without a real clock, and a benchmark measures.
    assert 0 < kpis["sessions_per_second"] <= 33, summary["scenario"]
    assert summary["sessions"]["shed"] > 0


def test_an_acs_that_freezes_shows_in_the_percentiles_of_the_planned_informs(
    tmp_path: Path,
) -> None:
    with process(tmp_path / "acs", "benchmarks.limited_acs", "10000", "--freeze", "5", "5") as acs:
        url = acs.wait_for(r"http://\S+")[0]
        done, summary = loadtest_until(
            tmp_path,
            {"caretaker_informs_total": 500},
            *("--host", url, *NO_CRS, "--inform-interval", "6"),
            *("--users", "200", "--processes", "0"),
        )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert summary["sessions"]["failed"] == 0
    told = summary["informs"]["from_plan_ms"]
    assert 3500 < told["p95"] <= told["p99"] <= told["max"], told
    line = summary["timeline"]["from_plan_ms"]["max"]
    assert max(value for value in line if value is not None) > 4000
