"""How a run stands, made of what workers report."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.standings import master, snapshot
from helpers.summaries import results

from caretaker.shard import STATES
from caretaker.swarm.standing import Standings, generator_limits


def test_before_any_run_all_is_nothing() -> None:
    standing = Standings(master()).now()
    assert (standing.run, standing.running, standing.seconds) == (0, False, 0.0)
    assert standing.cpes == dict.fromkeys(STATES, 0)
    assert standing.summary["sessions"]["failed"] == 0


def test_workers_add_up() -> None:
    run = master()
    run.begin()
    run.report("one", snapshot())
    run.report("two", snapshot(worker=1))
    standing = Standings(run).now()
    assert standing.running
    assert standing.cpes == {"idle": 14, "in_session": 4, "waiting": 0, "retrying": 2, "dark": 0}
    assert standing.summary["connection_requests"]["delivered"] == 200
    assert [worker["name"] for worker in standing.workers] == ["one", "two"]


def test_it_is_made_once_for_a_report() -> None:
    run = master()
    run.begin()
    run.report("one", snapshot())
    standings = Standings(run)
    assert standings.now() is standings.now()
    before = standings.now()
    run.report("one", snapshot(made=results(150)))
    assert standings.now().summary["sessions"]["succeeded"] == 150
    assert before.summary["sessions"]["succeeded"] == 100


def test_service_levels_have_a_verdict_so_far() -> None:
    run = master(slos=["sessions.failed < 1"])
    run.begin()
    run.report("one", snapshot(made=results(failed=1)))
    (verdict,) = Standings(run).now().summary["service_levels"]
    assert (verdict["level"], verdict["holds"]) == ("sessions.failed < 1", False)


WELL = snapshot(cpu_now=45.0)


@pytest.mark.parametrize(
    ("worker", "reason", "sentence"),
    [
        ({**WELL, "cpu_now": 97.0}, "", "The generator is the limit, not the ACS: a worker used"),
        ({**WELL, "states": {"waiting": 5}}, "", "5 sessions wait for their place"),
        (WELL, "sessions__blame__generator", "1 sessions failed just now at the limits of this"),
    ],
)
def test_a_generator_that_is_the_limit_says_why(
    worker: dict[str, Any], reason: str, sentence: str
) -> None:
    now = results(**({reason: 1} if reason else {}))
    (found,) = generator_limits(now, results(), [worker])
    assert found.startswith(sentence)


def test_one_that_is_not_says_nothing() -> None:
    assert not list(generator_limits(results(), results(), [WELL]))
