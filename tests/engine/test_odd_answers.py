"""In whatever form an ACS answers: the engine and greenlets come to the same."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from helpers.engine_benches import (
    ADD,
    ASKED,
    DIGEST,
    EMPTY,
    GOOD,
    SET,
    TREE,
    EngineBench,
    Story,
    said,
    told,
)
from helpers.odd_answers import FORMS, KINDS, Form
from helpers.odd_servers import PLAIN, OddServer, Steps, answering
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m

COOKIE_FIRST = said(m.InformResponse(), "1", "Set-Cookie: a=1")
HOLD = said(m.InformResponse(), hold=True)


def story(sessions: Iterable[Steps], *, with_engine: bool) -> Story:
    """
    What comes of sessions with a server that does these steps with the first connection of each.

    With other connections it does what an ACS does that has nothing to ask.
    """
    acs = OddServer()
    bench = EngineBench(acs.url, with_engine=with_engine)
    bench.boot()
    for steps in sessions:
        acs.be(steps, PLAIN)
        bench.inform()
    result = told(bench, acs)
    bench.shard.stop()
    acs.stop()
    return result


def everywhere(form: Form) -> tuple[Steps, ...]:
    """Sessions in which each kind of answer has a form."""
    return (
        answering(form(GOOD), EMPTY),
        answering(GOOD, form(ASKED), form(EMPTY), EMPTY),
        answering(DIGEST, form(COOKIE_FIRST), form(TREE), EMPTY),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_come_to_the_same_whatever_form_an_answer_has(kind: str) -> None:
    sessions = [steps for form in KINDS[kind].values() for steps in everywhere(form)]
    carried = story(sessions, with_engine=True)
    assert carried == story(sessions, with_engine=False)
    assert len(carried["sessions"]) == 1 + 3 * len(KINDS[kind])


ANSWERS = st.builds(
    lambda form, base: form(base),
    st.just(bytes) | st.sampled_from(list(FORMS.values())),
    st.sampled_from([GOOD, COOKIE_FIRST, EMPTY, ASKED, TREE, SET, ADD, HOLD, DIGEST]),
)
"""An answer, in its plain form or another."""
COOKIES = st.lists(
    st.sampled_from(
        [
            "a=1",
            "a=2",
            "a=3; Path=/",
            "b=4; Path=/acs",
            "b=5; Path=/x",
            "c=6; Secure",
            "d",
            'e="x y"',
            "f=; Max-Age=0",
            "g=7; Expires=Wed, 01 Jan 2020 00:00:00 GMT",
        ]
    ),
    max_size=3,
).map(lambda set_: said(m.InformResponse(), "1", *[f"Set-Cookie: {each}" for each in set_]))
"""An InformResponse with cookies, of few kinds, so that some come again."""
INFORMED = st.just(GOOD) | COOKIES | ANSWERS
"""The first answer of a session, which mostly is a good one: else it is short."""
SESSIONS = st.builds(
    lambda first, others: answering(first, *others), INFORMED, st.lists(ANSWERS, max_size=5)
)


@settings(max_examples=25)
@given(st.lists(SESSIONS, min_size=1, max_size=5))
def test_any_answers_in_any_order_come_to_the_same(sessions: list[Steps]) -> None:
    assert story(sessions, with_engine=True) == story(sessions, with_engine=False)
