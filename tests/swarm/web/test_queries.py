"""Questions to workers, and who answers them in time."""

from __future__ import annotations

import gevent
import pytest

from caretaker.swarm.web.queries import DeviceQuery, Queries
from caretaker.swarm.worker_messages import WorkerAnswer, WorkerQuery


class Workers:
    """Two workers; those that are awake answer with their name, at once or in another turn."""

    def __init__(self, *awake: str, at_once: bool = True, timeout: float = 0.01) -> None:
        self.awake = awake
        self.at_once = at_once
        self.queries = Queries(self.send, lambda: ["one", "two"], timeout)

    def send(self, query: WorkerQuery, worker: str) -> None:
        if worker in self.awake:
            answer = WorkerAnswer(query.id, f"{worker} {query.details['serial']}")
            if self.at_once:
                self.queries.answered(worker, answer)
            else:
                gevent.spawn(self.queries.answered, worker, answer)


ONE = DeviceQuery("S", parameters=False, find="")


@pytest.mark.parametrize("at_once", [False, True])
def test_all_answers_come_back(at_once: bool) -> None:
    workers = Workers("one", "two", at_once=at_once, timeout=60.0)
    answers = workers.queries.ask(ONE)
    assert answers.given == {"one": "one S", "two": "two S"}
    assert answers.silent == ()


def test_who_does_not_answer_in_time_is_named() -> None:
    answers = Workers("two").queries.ask(ONE)
    assert (answers.given, answers.silent) == ({"two": "two S"}, ("one",))


def test_answers_that_are_late_or_asked_of_no_one_do_no_harm() -> None:
    workers = Workers()
    workers.queries.ask(ONE)
    workers.queries.answered("one", WorkerAnswer(1, "late"))
    workers.queries.answered("stranger", WorkerAnswer(7, "what?"))


def test_without_workers_no_one_is_waited_for() -> None:
    queries = Queries(lambda *_: None, list, timeout=60)
    assert queries.ask(ONE) == ({}, ())
