"""Whatever an ACS does with its connections: the engine and greenlets come to the same."""

from __future__ import annotations

import pytest
from helpers.engine_benches import ASKED, DIGEST, EMPTY, GOOD, TREE, EngineBench, Story, told
from helpers.odd_answers import FORMS
from helpers.odd_servers import (
    ANSWER,
    HALF,
    HEAR,
    PART,
    PLAIN,
    RESET,
    SILENCE,
    STOP,
    WAIT,
    OddServer,
    Steps,
)
from helpers.wire import answer

CHUNKS, CHALLENGE = FORMS["chunks with extensions"](GOOD), FORMS["401 in chunks"](b"")
TOO_LARGE = answer("413 Content Too Large")

SERVERS: dict[str, tuple[Steps, ...]] = {
    "closes after each answer": ((HEAR, ANSWER),),
    "resets after each answer": ((HEAR, ANSWER, RESET),),
    "sends no more after each answer": ((HEAR, ANSWER, HALF, WAIT),),
    "closes after two answers": ((HEAR, GOOD, HEAR, ASKED), (HEAR, EMPTY)),
    "closes after each challenge": ((HEAR, DIGEST),),
    "resets after each challenge": ((HEAR, DIGEST, RESET),),
    "closes after challenges, then accepts": ((HEAR, DIGEST), (HEAR, DIGEST), PLAIN),
    "challenges, at last in chunks": ((HEAR, DIGEST, HEAR, DIGEST, HEAR, CHALLENGE) * 2,),
    "challenges in chunks": ((HEAR, CHALLENGE) * 9,),
    "closes after a challenge, then challenges": ((HEAR, DIGEST), (HEAR, CHALLENGE) * 9),
    "speaks first": ((GOOD, HEAR, EMPTY, HEAR),),
    "says at once that it was too late": ((answer("408 Request Timeout"), WAIT),),
    "sends nothing": ((HALF, WAIT),),
    "sends nothing to a request": ((HEAR, HALF, WAIT),),
    "resets after a request": ((HEAR, RESET),),
    "sends half an answer": ((HEAR, GOOD[:50], HALF, WAIT),),
    "ends with its answers": ((HEAR, GOOD, HEAR, EMPTY, HALF, WAIT),),
    "resets with its answers": ((HEAR, GOOD, HEAR, EMPTY, RESET),),
    "waits for the CPE's end": ((HEAR, GOOD, HEAR, EMPTY, WAIT),),
    "closes after chunks": ((HEAR, CHUNKS), PLAIN),
    "answers within a large request": ((HEAR, GOOD, HEAR, TREE, PART, TOO_LARGE, WAIT),),
    "answers within one, and ends": ((HEAR, GOOD, HEAR, TREE, PART, TOO_LARGE, HALF, WAIT),),
    "resets in a large request": ((HEAR, GOOD, HEAR, TREE, PART, RESET), (HEAR, EMPTY)),
    "goes down after an answer": ((HEAR, GOOD, STOP),),
    "goes down in an answer": ((HEAR, STOP, GOOD[:50]),),
    "goes down before an answer": ((HEAR, STOP),),
    "goes down after a challenge": ((HEAR, DIGEST, STOP),),
    "goes down after chunks": ((HEAR, CHUNKS, STOP),),
}
"""What a server does with each connection of a session."""
SILENT: dict[str, Steps] = {
    "a request": (HEAR, SILENCE),
    "a challenge": (HEAR, DIGEST, HEAR, SILENCE),
    "an answer": (HEAR, GOOD, HEAR, SILENCE),
    "half an answer": (HEAR, GOOD[:50], SILENCE),
    "a head": (HEAR, GOOD.partition(b"<")[0], SILENCE),
    "half of the chunks": (HEAR, CHUNKS[:-7], SILENCE),
    "an interim answer": (HEAR, b"HTTP/1.1 100 Continue\r\n\r\n", SILENCE),
}
"""What servers do that say nothing more, named by what that is after."""


def story(server: tuple[Steps, ...], *, with_engine: bool) -> Story:
    """What comes of a session with such a server, and of plain ones before and after it."""
    acs = OddServer()
    bench = EngineBench(acs.url, with_engine=with_engine)
    acs.silent = bench.fall_silent
    bench.boot()
    bench.inform()
    for connections in (server, (PLAIN,)):
        acs.be(*connections)
        bench.inform()
    result = told(bench, acs)
    bench.shard.stop()
    acs.stop()
    return result


@pytest.mark.parametrize("name", SERVERS)
def test_a_session_comes_to_the_same_whatever_the_server_does(name: str) -> None:
    server = SERVERS[name]
    assert story(server, with_engine=True) == story(server, with_engine=False)


@pytest.mark.parametrize("name", SILENT)
def test_a_session_with_a_server_that_falls_silent_comes_to_the_same(name: str) -> None:
    server = (SILENT[name],)
    carried = story(server, with_engine=True)
    assert carried == story(server, with_engine=False)
    assert [session[2] for session in carried["sessions"]] == [
        None,
        None,
        "no answer in time",
        None,
    ]


@pytest.mark.parametrize("with_engine", [True, False])
def test_challenges_count_from_the_first_one_on(*, with_engine: bool) -> None:
    """A greenlet that goes on after challenges has as many left as one from the begin."""
    told = story(SERVERS["closes after each challenge"], with_engine=with_engine)
    assert told["sessions"][2][2] == "HTTP 401 again and again"
    assert [request[0] for request in told["requests"][4:-2]] == [1, 2, 3, 4]
