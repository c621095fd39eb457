"""Challenges of a 401."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.http.challenges import Challenge, challenges_of, challenges_of_any_form

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
