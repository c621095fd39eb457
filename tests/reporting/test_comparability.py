"""Which runs can be compared, which only with a warning, and which at one's own risk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import scenario, summary

from caretaker.reporting.comparability import RULES, differences, doubts

SETTINGS = {
    "--users": 100, "--cpes-per-user": 10, "--run-time": 60, "--spawn-rate": 5.0, "--scenario": "",
    "--inform-interval": None, "--cr-rate": 20.0, "--start": "factory", "--host": "http://acs:7547/",
}  # fmt: skip


def run(seconds: float = 60.0, version: str = "0.1.0", **settings: Any) -> Any:
    """A run with settings by their flags, ``_`` for ``-``."""
    flags = {f"--{name.replace('_', '-')}": value for name, value in settings.items()}
    its = {"seconds": seconds, "version": version, "embedded_acs": False}
    return summary() | its | {"settings": SETTINGS | flags}


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (run(version="0.2.0"), "minor version: 0.1 in A, 0.2 in B"),
        (run() | {"embedded_acs": True}, "kind of ACS: http in A, embedded in B"),
        (run(host="https://acs/"), "kind of ACS: http in A, https in B"),
        (run(users=200), "number of CPEs: 1000 in A, 2000 in B"),
        (run(cpes_per_user=11), "number of CPEs: 1000 in A, 1100 in B"),
        (run(scenario="power-cut"), "scenario: none in A, power-cut in B"),
        (run(inform_interval=300), "Inform interval: none in A, 300 in B"),
        (run(cr_rate=0.0), "rate of Connection Requests: 20.0 in A, 0.0 in B"),
        (run(spawn_rate=50), "spawn rate: 5.0 in A, 50 in B"),
        (run(run_time=600), "run time: 60 in A, 600 in B"),
        (run(start="running"), "state at the start: factory in A, running in B"),
    ],
)
def test_another_load_refuses(other: Any, what: str) -> None:
    (found,) = differences(run(), other)
    assert (str(found), found.refuses) == (what, True)


def test_other_devices_are_another_load() -> None:
    other = run()
    other["fleet"] = other["fleet"] | {"profiles": {"tr098": 10}}
    assert [found.what for found in differences(run(), other)] == ["profiles"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (run(seconds=40.0), "length of the run in seconds: 60.0 in A, 40.0 in B"),
        (run(version="0.1.0, compiled"), "code: not compiled in A, compiled in B"),
    ],
)
def test_how_a_run_went_warns(other: Any, what: str) -> None:
    (found,) = differences(run(), other)
    assert (str(found), found.refuses) == (what, False)


@pytest.mark.parametrize(
    "other",
    [
        run(users=103),
        run(cr_rate=20.5),
        run(seconds=61.0),
        run(version="0.1.9"),
        run(host="http://another-acs:80/"),
        run(seed=7),
        summary() | {"seconds": 60.0},  # says nothing of what was asked
    ],
)
def test_what_is_alike(other: Any) -> None:
    assert differences(run(), other) == []


def test_fewer_cpes_than_were_asked_for_are_a_warning() -> None:
    other = run()
    other["fleet"] = other["fleet"] | {"cpes": 5}
    assert [(found.what, found.refuses) for found in differences(run(), other)] == [
        ("CPEs at the end", False)
    ]


def test_a_scenario_is_known_by_its_section_where_settings_are_not() -> None:
    played = summary() | {"scenario": scenario(name="power-cut share=0.5")}
    assert differences(played, played) == []
    assert [found.b for found in differences(summary(), played)] == ["power-cut share=0.5"]


LIMITED = summary()
LIMITED["generator"] = {**LIMITED["generator"], "loop_lag_ms": {"p99": 500.0, "max": 900.0}}


def verdict(outcome: str) -> Any:
    return {"verdict": {"outcome": outcome, "exit_code": 0, "finding": "", "grounds": []}}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (summary(), []),
        (summary() | verdict("held"), []),
        (summary() | verdict("broken"), []),
        (summary() | verdict("failed"), ["the run failed"]),
        (summary() | verdict("not shown"), ["not shown"]),
        (LIMITED | verdict("not shown"), ["the generator was the limit"]),
        (summary() | verdict("not shown") | {"interrupted": True}, ["interrupted"]),
    ],
)
def test_why_figures_may_be_none_of_the_acs(made: Any, said: list[str]) -> None:
    assert doubts(made) == said


def test_each_rule_is_documented(root: Path) -> None:
    documented = (root / "docs/comparing.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.what} |" in documented
