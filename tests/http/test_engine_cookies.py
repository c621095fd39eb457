"""Cookies of a known answer: the I/O engine sends them back as a transport with a jar does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import gevent
import pytest
from helpers import compiled_engine
from helpers.engine_events import INFORM, KNOWN, NOTHING, EngineBench, Peer
from helpers.wire import answer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.io_engine import ANSWER, DETACHED, DONE, FAILED
from caretaker.http.response_parser import plain_response
from caretaker.http.transport import HTTPTransport

pytestmark = pytest.mark.sockets

ACS = "http://acs.example/acs?x=y"
SESSION = "session=%s; Path=/; HttpOnly"


@pytest.fixture
def bench() -> Iterator[EngineBench]:
    opened = EngineBench()
    yield opened
    opened.close()


def fresh() -> HTTPTransport:
    return HTTPTransport(Endpoint(Address.of(ACS)))


EMPTY = fresh().message(b"")


def setting(*cookies: str) -> bytes:
    """A known answer that sets these cookies."""
    return answer("200 OK", KNOWN, *[f"Set-Cookie: {cookie}" for cookie in cookies])


def with_a_jar(said: bytes) -> bytes:
    """The empty POST after this answer, of a transport."""
    transport, response = fresh(), plain_response(said)
    assert response is not None
    transport.take_cookies(response)
    return transport.message(b"")


def teach(bench: EngineBench, said: bytes) -> bool:
    """Have the engine send such cookies back, as far as that depends on their kinds alone."""
    response = plain_response(said)
    assert response is not None
    cookies, head = fresh().cookies_after(response), said.partition(b"\r\n\r\n")[0]
    return cookies is not None and bench.engine.know_cookies(head, *cookies)


def has_gone_on(bench: EngineBench) -> bool:
    progress = bench.engine.progress(1)
    return progress is not None and progress[1] == KNOWN


def by_the_engine(bench: EngineBench, said: bytes, following: bytes = EMPTY) -> bytes | None:
    """What it sends by itself after this answer; None if it tells of the answer."""
    bench.engine.know(KNOWN)
    peer = bench.begin(1, INFORM, following).hear(INFORM).say(said)
    while not bench.events.qsize() and not has_gone_on(bench):
        gevent.sleep(0.001)
    if bench.events.qsize():
        assert bench.next()[0] == ANSWER
        bench.engine.drop(1, reset=False)
        assert peer.end() == b""
        return None
    sent: bytes = peer.socket.recv(65536)
    peer.say(NOTHING)
    assert bench.next()[0] == DONE
    return sent


_NAMES = st.sampled_from(["a", "b", "JSESSIONID", '"', "", "a b", "\xe4"])
_VALUES = st.sampled_from(["", "1", "a=b", '"x"', "x y", " ", "%20", "\t", "x" * 900])
_ATTRIBUTES = st.sampled_from(
    ["", ";", "; Path=/", "; path=/acs", ";Path=/x", "; Secure", "; Max-Age=0", "; Max-Age=9",
     "; Domain=acs.example", "; Domain=example", "; Domain=other.example", "; HttpOnly; Path=/",
     "; Expires=Wed, 01 Jan 2020 00:00:00 GMT", ";\tPath=/"],
)  # fmt: skip
_COOKIES = st.lists(st.tuples(_NAMES, _ATTRIBUTES, _VALUES, _VALUES), min_size=1, max_size=9)
"""Their names and attributes, and two values of each."""


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_COOKIES)
@example([("a", "; Path=/", "1", "x" * 900)])
@example([("a", "", "1", "2"), ("b", "; path=/acs", "1", "3"), ("a", "; Path=/", "1", "4")])
@example([("a", "", "1", "2"), ("a", "", "1", "3")])
@example([("a", "", "1", "2")] * 8)
@example([("a", "", "1", "2")] * 9)
def test_they_are_sent_back_as_by_a_jar(
    bench: EngineBench, cookies: list[tuple[str, str, str, str]]
) -> None:
    """Whatever their values are, once the engine knows what is sent back of such cookies."""
    first = setting(*[f"{name}={value}{rest}" for name, rest, value, _ in cookies])
    second = setting(*[f"{name}={value}{rest}" for name, rest, _, value in cookies])
    for said in (first, second):
        if plain_response(said) is None or len(said) > 2048:
            return
    is_known = teach(bench, first)
    sent = by_the_engine(bench, second)
    assert sent in (None, with_a_jar(second))
    if is_known and teach(bench, second):
        assert sent is not None


def test_one_of_another_kind_is_told(bench: EngineBench) -> None:
    assert teach(bench, setting(SESSION % 1))
    assert by_the_engine(bench, setting(SESSION % 2)) == with_a_jar(setting(SESSION % 2))
    others = (SESSION % 1 + "; Secure", "other=1; Path=/; HttpOnly", "session", "=1", "session=1")
    for other in others:
        assert by_the_engine(bench, setting(other)) is None
    assert by_the_engine(bench, setting(SESSION % 1, SESSION % 2)) is None


def test_the_header_is_put_into_any_following_request(bench: EngineBench) -> None:
    assert teach(bench, setting(SESSION % 1))
    start, _, end = EMPTY.partition(b"Content-Length")
    following = start + b"Authorization: x\r\nContent-Length" + end
    sent = by_the_engine(bench, setting(SESSION % "é".encode().hex()), following)
    assert sent == start + b"Cookie: session=c3a9\r\nAuthorization: x\r\nContent-Length" + end


def test_one_that_is_too_short_for_it_is_left_to_others(bench: EngineBench) -> None:
    assert teach(bench, setting(SESSION % 1))
    assert by_the_engine(bench, setting(SESSION % 2), EMPTY[:20]) is None


def test_a_coding_is_told_with_known_cookies_too(bench: EngineBench) -> None:
    assert teach(bench, setting(SESSION % 1))
    said = answer("200 OK", KNOWN, f"Set-Cookie: {SESSION % 2}", "Content-Encoding: gzip")
    assert by_the_engine(bench, said) is None


def test_cookies_that_are_not_sent_leave_the_request_as_it_is(bench: EngineBench) -> None:
    said = setting("a=1; Secure")
    assert teach(bench, said)
    assert by_the_engine(bench, said) == EMPTY


def test_sixteen_kinds_are_known(bench: EngineBench) -> None:
    kinds = [setting(f"c{number}=1") for number in range(17)]
    for said in kinds:
        assert teach(bench, said)
    assert [by_the_engine(bench, said) is not None for said in (kinds[0], kinds[1], kinds[16])] == [
        False, True, True,
    ]  # fmt: skip


def test_a_kind_that_is_taught_again_takes_no_other_place(bench: EngineBench) -> None:
    kinds = [setting(f"d{number}=1") for number in range(16)]
    for said in [*kinds, *kinds[:8]]:
        assert teach(bench, said)
    assert by_the_engine(bench, kinds[8]) is not None


@pytest.mark.parametrize(
    ("head", "sent"),
    [
        (setting("a=1"), b"\x01"),
        (setting("a=1", "b=2"), b"\x00\x00"),
        (setting("a"), b""),
        (setting(*["a=1"] * 9), b""),
        (answer(), b""),
        (b"", b""),
        (b"\xff", b""),
    ],
)
def test_what_is_no_order_of_usual_cookies_is_not_known(head: bytes, sent: bytes) -> None:
    assert not compiled_engine.required().Engine(1, 1.0).know_cookies(head, sent, 0)


@pytest.mark.parametrize("arguments", [(b"", b""), ("", b"", 0), (b"", "", 0), (b"", b"", "")])
def test_wrong_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        compiled_engine.required().Engine(1, 1.0).know_cookies(*arguments)


# -- the head of such an answer, with which later requests have the cookies, too ------------------

SAID = setting(SESSION % 7)
HEAD = SAID.partition(b"\r\n\r\n")[0]


def informed(bench: EngineBench) -> Peer:
    """A session whose cookies the engine has sent back."""
    bench.engine.know(KNOWN)
    assert teach(bench, SAID)
    return bench.begin(1, INFORM, EMPTY).hear(INFORM).say(SAID).hear(with_a_jar(SAID))


def test_it_is_told_with_a_request_and_not_once_more(bench: EngineBench) -> None:
    peer = informed(bench).say(answer(body=b"GetParameterValues"))
    event = bench.next()
    assert (event[0], event[4], event[-1]) == (ANSWER, KNOWN, HEAD)
    bench.engine.post(1, INFORM, None, ends=False)
    peer.hear(INFORM).say(answer(body=b"more"))
    event = bench.next()
    assert (event[0], event[4], event[-1]) == (ANSWER, None, None)
    bench.engine.drop(1, reset=False)


def test_it_is_told_when_a_connection_is_handed_over(bench: EngineBench) -> None:
    informed(bench).say(b"HTTP/1.0 200 OK\r\n\r\n")
    event = bench.next()
    assert (event[0], event[4], event[-1]) == (DETACHED, KNOWN, HEAD)
    os.close(event[8])


def test_it_is_told_when_a_connection_fails(bench: EngineBench) -> None:
    informed(bench).close()
    event = bench.next()
    assert (event[0], event[4], event[-1]) == (FAILED, KNOWN, HEAD)


def test_it_is_told_before_an_event_comes(bench: EngineBench) -> None:
    informed(bench)
    progress = bench.engine.progress(1)
    assert progress is not None
    assert (progress[1], progress[3]) == (KNOWN, HEAD)
    bench.engine.drop(1, reset=False)
