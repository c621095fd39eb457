"""Challenges of a 401."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.errors import AuthenticationError
from caretaker.http.authentication import HTTPAuth
from caretaker.http.challenges import (
    Challenge,
    asks_for_basic,
    challenges_of,
    challenges_of_any_form,
    only_challenge,
)
from caretaker.http.credentials import Credentials
from caretaker.http.digest import DigestAnswers
from caretaker.http.logins import BasicLogin, Login
from caretaker.http.response_parser import plain_head

_NAMES = st.sampled_from(["realm", "nonce", "qop", "Algorithm", "opaque", "stale", "realm*", ""])
_VALUES = st.one_of(
    st.sampled_from(["auth", "auth,auth-int", "auth, auth-int", "MD5", "true", "", "Digest"]),
    st.text("ab=%'\"\\\t ,;*\x00\xe9", max_size=6),
)
_FIELDS = st.builds("{}={}".format, _NAMES, st.one_of(_VALUES, st.builds('"{}"'.format, _VALUES)))
_HEADERS = st.builds(
    lambda scheme, fields, between: f"{scheme} {between.join(fields)}",
    st.sampled_from(["Digest", "digest", "Digest ", "Basic", "NTLM, Digest"]),
    st.lists(_FIELDS, max_size=5),
    st.sampled_from([", ", ",", " , ", ",, ", " "]),
)


@given(_HEADERS)
@example('Digest realm="a, Basic b", nonce="n"')
@example('Digest realm="a", nonce="n", realm=c')
def test_a_header_of_the_usual_form_says_the_same_as_of_any_form(header: str) -> None:
    assert challenges_of(header) == challenges_of_any_form(header)


def test_a_field_without_a_value_is_empty() -> None:
    assert Challenge("digest", {"realm": None}).get("realm") == ""


# -- a 401 with one challenge ---------------------------------------------------------------------

WHO = Credentials("cpe", "secret")
_LINES = st.one_of(
    st.builds("WWW-Authenticate: {}".format, _HEADERS),
    st.builds(
        'WWW-Authenticate: Digest realm="r", {}nonce="{}"{}'.format,
        st.sampled_from(["", 'qop="auth", ', "algorithm=MD5-sess, ", "algorithm=SHA-256, "]),
        st.text("a0,= \\'", max_size=3),
        st.sampled_from(["", ', opaque="o"', ", stale=true", ', nonce="0"', ", nonce=0"]),
    ),
    st.sampled_from(["X: nonce=0", 'X: a, nonce="x"', "Set-Cookie: a=1", "Date: now"]),
)


def _answers(head: bytes) -> Login | None:
    """As a transport answers a first challenge; None: not at all, or with cookies."""
    parts = plain_head(head)
    if parts is None or parts[0] != 401 or any(name == "set-cookie" for name, _ in parts[1]):
        return None
    auth = HTTPAuth(WHO)
    try:
        auth.challenge([value for name, value in parts[1] if name == "www-authenticate"])
    except AuthenticationError:
        return None
    return auth._login


@given(st.sampled_from(["200", "401"]), st.lists(_LINES, max_size=3))
@example("401", ['X: a, nonce="x"', "WWW-Authenticate: Digest nonce=0"])
@example("401", ['X: a, nonce="x"', 'WWW-Authenticate: Digest nonce="0"'])
@example("401", ['WWW-Authenticate: Digest nonce="x", nonce=0'])
@example("401", ['WWW-Authenticate: Digest cnonce="x", nonce=0'])
def test_the_only_challenge_is_answered_as_ever(status: str, lines: list[str]) -> None:
    head = "\r\n".join((f"HTTP/1.1 {status} ...", *lines, "Content-Length: 0")).encode("latin-1")
    for _ in range(2):
        found, answers, is_basic = only_challenge(head), _answers(head), asks_for_basic(head)
        assert isinstance(answers, BasicLogin) >= is_basic
        if found is None:
            continue
        assert not is_basic
        assert isinstance(answers, DigestAnswers)
        shown = DigestAnswers(*found, WHO)
        shown.cnonce = answers.cnonce = "c"
        assert shown.header("POST", "/") == answers.header("POST", "/")


@pytest.mark.parametrize("qop", ["", 'qop="auth", ', 'qop="auth-int,auth", '])
def test_challenges_that_differ_in_their_nonces_have_one_form(qop: str) -> None:
    head = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest %bnonce="%b"\r\nContent-Length: 0'
    first, second = (only_challenge(head % (qop.encode(), nonce)) for nonce in (b"a=", b"b/+"))
    assert first is not None
    assert second is not None
    assert first[0] is second[0]
    assert (first[1], second[1]) == ("a=", "b/+")


@pytest.mark.parametrize(
    ("lines", "asks"),
    [
        (['WWW-Authenticate: Basic realm="acs"'], True),
        (["www-authenticate: basic", "Date: now"], True),
        (["WWW-Authenticate: Basic realm=acs, Digest realm=acs, nonce=n"], False),
        (["WWW-Authenticate: Basic", "WWW-Authenticate: Basic"], False),
        (["WWW-Authenticate: Basic realm=acs", "Set-Cookie: a=1"], False),
        (["WWW-Authenticate: Bearer"], False),
        ([], False),
    ],
)
def test_what_asks_for_basic_alone(lines: list[str], *, asks: bool) -> None:
    head = "\r\n".join(("HTTP/1.1 401 No", *lines, "Content-Length: 0")).encode()
    assert asks_for_basic(head) is asks
    assert not asks_for_basic(head.replace(b"401", b"403"))
