"""What is kept of TLS sessions: for whom, how many, and in what order they are forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caretaker.http.tls_sessions import MAX_SERVERS, MAX_SESSION_BYTES, TLSSessions, size_of

ACS = ("acs.example.com", 443)
ONE = b"x" * 400


def test_a_session_is_that_of_one_cpe_with_one_server() -> None:
    sessions = TLSSessions()
    sessions.of(1, ACS).keep(ONE)
    assert sessions.of(1, ACS).session == ONE
    for index, server in ((2, ACS), (1, ("acs.example.com", 8443)), (1, ("other", 443))):
        assert sessions.of(index, server).session is None


def test_the_newest_takes_the_place_of_the_one_before() -> None:
    sessions = TLSSessions()
    for session in (b"first", b"second"):
        sessions.of(1, ACS).keep(session)
    assert (sessions.of(1, ACS).session, len(sessions)) == (b"second", 1)


def test_a_client_that_is_no_cpe_resumes_nothing() -> None:
    sessions = TLSSessions()
    none = sessions.of(None, ACS)
    none.keep(ONE)
    none.succeeded(resumed=False)
    none.failed()
    assert (none.session, len(sessions), sessions.full) == (None, 0, 0)


def test_handshakes_are_counted() -> None:
    sessions = TLSSessions()
    for resumed in (False, True, True):
        sessions.of(1, ACS).succeeded(resumed=resumed)
    assert (sessions.full, sessions.resumed) == (1, 2)


def test_after_a_failure_the_next_handshake_is_a_full_one() -> None:
    sessions = TLSSessions()
    sessions.of(1, ACS).keep(ONE)
    sessions.of(1, ACS).failed()
    assert sessions.of(1, ACS).session is None


def test_a_restart_loses_the_sessions_of_one_cpe_with_all_servers() -> None:
    sessions = TLSSessions()
    for index in (1, 2):
        for port in (443, 8443):
            sessions.of(index, ("acs.example.com", port)).keep(ONE)
    for _ in range(2):
        sessions.lose(1)
    assert (sessions.lost, len(sessions)) == (2, 2)
    assert sessions.of(2, ACS).session == ONE


def test_the_least_recently_used_goes_first() -> None:
    sessions = TLSSessions(max_bytes=3 * size_of(ONE))
    for index in range(3):
        sessions.of(index, ACS).keep(ONE)
    assert sessions.of(0, ACS).session == ONE  # used now
    sessions.of(3, ACS).keep(ONE)
    assert [sessions.of(index, ACS).session for index in range(4)] == [ONE, None, ONE, ONE]


def test_a_session_that_is_too_long_is_not_kept() -> None:
    sessions = TLSSessions()
    sessions.of(1, ACS).keep(ONE)
    sessions.of(1, ACS).keep(bytes(MAX_SESSION_BYTES + 1))
    assert len(sessions) == 0


def test_more_servers_than_the_limit_are_begun_anew_and_never_mixed_up() -> None:
    sessions = TLSSessions()
    first = sessions.of(1, ("server", 0))
    for port in range(1, MAX_SERVERS + 1):
        sessions.of(1, ("server", port))
    first.keep(ONE)
    assert all(sessions.of(1, ("server", port)).session is None for port in range(MAX_SERVERS + 9))


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "use", "fail", "lose"]), st.integers(0, 9), st.integers(1, 2000)
    )
)


@given(_STEPS)
def test_whatever_is_done_no_more_is_kept_than_the_limit(steps: list[tuple[str, int, int]]) -> None:
    sessions = TLSSessions(max_bytes=4000)
    for step, index, size in steps:
        one = sessions.of(index, ACS)
        if step == "keep":
            one.keep(bytes(size))
            assert one.session == bytes(size)
        elif step == "fail":
            one.failed()
        elif step == "lose":
            sessions.lose(index)
        kept = [size_of(each) for each in sessions._sessions.values()]
        assert sum(kept) == sessions._bytes <= 4000
