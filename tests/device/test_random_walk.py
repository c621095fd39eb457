"""
A CPE over a random life: any mixture of requests, triggers, failures, reboots and time.

The requests are made from the table of methods, so a new method takes part by itself. Whatever
happens, the books of events balance (decision D9), a CPE that has something to tell has a time
for it, and nothing grows for ever.
"""

from __future__ import annotations

from helpers.random_walk import OWN, RandomWalk
from helpers.requests import random_request
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caretaker.device.events import UNSOLICITED
from caretaker.device.rpc.methods import METHODS


@settings(max_examples=150)
@example(47663444)  # two methods with one CommandKey
@given(st.integers(0, 10**9))
@example(640469)  # a passive change after a failed session that the ACS had asked for
def test_a_random_life_keeps_the_books_and_never_gets_stuck(seed: int) -> None:
    walk = RandomWalk(seed)
    for _ in range(40):
        walk.chance.choice(walk.steps)()
        walk.check()
    walk.settle()


def test_every_method_takes_part_and_every_request_of_its_own() -> None:
    walk = RandomWalk(1)
    asked = {type(random_request(walk.chance, walk.box)) for _ in range(1000)}
    assert asked == set(METHODS)
    assert {type(request) for request in OWN} == set(UNSOLICITED)
