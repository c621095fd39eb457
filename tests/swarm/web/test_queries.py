"""Questions to workers, and who answers them in time."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from caretaker.swarm.web.queries import Queries


class Workers:
    """Two workers; those that are awake answer with their name, at once or in another turn."""

    def __init__(self, *awake: str, at_once: bool = True, timeout: float = 0.01) -> None:
        self.awake = awake
        self.at_once = at_once
        self.queries = Queries(self.send, lambda: ["one", "two"], timeout)

    def send(self, message: str, data: dict[str, Any], worker: str) -> None:
        if worker in self.awake:
            answer = worker, data["id"], f"{worker} {data['serial']}"
            if self.at_once:
                self.queries.answered(*answer)
            else:
                gevent.spawn(self.queries.answered, *answer)


@pytest.mark.parametrize("at_once", [False, True])
def test_all_answers_come_back(at_once: bool) -> None:
    workers = Workers("one", "two", at_once=at_once, timeout=60.0)
    answers = workers.queries.ask("device", serial="S")
    assert answers.given == {"one": "one S", "two": "two S"}
    assert answers.silent == ()


def test_who_does_not_answer_in_time_is_named() -> None:
    answers = Workers("two").queries.ask("device", serial="S")
    assert (answers.given, answers.silent) == ({"two": "two S"}, ("one",))


def test_answers_that_are_late_or_asked_of_no_one_do_no_harm() -> None:
    workers = Workers()
    workers.queries.ask("device", serial="S")
    workers.queries.answered("one", 1, "late")
    workers.queries.answered("stranger", 7, "what?")


def test_without_workers_no_one_is_waited_for() -> None:
    queries = Queries(lambda *_: None, list, timeout=60)
    assert queries.ask("list") == ({}, ())
