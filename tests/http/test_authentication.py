"""HTTP authentication, both sides."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Authorization

from caretaker.errors import AuthenticationError
from caretaker.http.authentication import DigestVerifier, HTTPAuth
from caretaker.http.challenges import MAX_CHALLENGE_BYTES, MAX_CHALLENGES
from caretaker.http.credentials import Credentials
from caretaker.http.digest import DigestAnswers, plain_fields
from caretaker.testing import Clock

RIGHT = Credentials("cpe", 'se"cret\\')
TARGET = "/cr/FLEET-000001?x=1"


def guard(clock: Clock | None = None, **settings: object) -> DigestVerifier:
    return DigestVerifier("Connection Request", clock or Clock(), **settings)  # type: ignore[arg-type]


def login(challenges: list[str], who: Credentials = RIGHT) -> HTTPAuth:
    answering = HTTPAuth(who)
    answering.challenge(challenges)
    return answering


def authorize(challenges: list[str], who: Credentials = RIGHT, target: str = TARGET) -> str:
    header = login(challenges, who).authorization("GET", target)
    assert header is not None
    return header


class TestDigestVerifier:
    def test_the_first_request_gets_one_well_formed_challenge(self) -> None:
        (challenge,) = guard().check(RIGHT, "GET", TARGET, None)
        assert challenge.startswith(
            'Digest realm="Connection Request", qop="auth", algorithm=MD5, '
        )
        assert "stale" not in challenge

    @pytest.mark.rule("2.4-1")
    def test_the_right_answer_is_taken(self) -> None:
        side = guard()
        assert (
            side.check(RIGHT, "GET", TARGET, authorize(side.check(RIGHT, "GET", TARGET, None)))
            == []
        )

    @pytest.mark.rule("2.4-3", "9.2-10")
    @pytest.mark.parametrize(
        "wrong", [Credentials("cpe", "no"), Credentials("no", RIGHT.password), Credentials("", "")]
    )
    def test_wrong_credentials_get_a_fresh_challenge(self, wrong: Credentials) -> None:
        side = guard()
        first = side.check(RIGHT, "GET", TARGET, None)
        (second,) = side.check(RIGHT, "GET", TARGET, authorize(first, wrong))
        assert second != first[0]
        assert "stale" not in second

    @pytest.mark.rule("9.2-16")
    def test_it_is_made_for_one_method_and_target(self) -> None:
        side = guard()
        challenges = side.check(RIGHT, "GET", TARGET, None)
        assert side.check(RIGHT, "GET", "/cr/other", authorize(challenges))
        assert side.check(RIGHT, "POST", TARGET, authorize(challenges))

    def test_the_absolute_url_may_stand_for_the_target(self) -> None:
        side = guard()
        challenges = side.check(RIGHT, "GET", TARGET, None)
        header = authorize(challenges, target=f"http://127.0.0.1:7547{TARGET}")
        assert side.check(RIGHT, "GET", TARGET, header) == []

    @pytest.mark.rule("9.2-15")
    def test_a_replay_is_stale(self) -> None:
        side = guard()
        header = authorize(side.check(RIGHT, "GET", TARGET, None))
        assert side.check(RIGHT, "GET", TARGET, header) == []
        (again,) = side.check(RIGHT, "GET", TARGET, header)
        assert again.endswith(", stale=true")

    @pytest.mark.rule("2.4-4")
    def test_a_nonce_serves_several_requests_as_nc_rises(self) -> None:
        side = guard()
        client = login(side.check(RIGHT, "GET", TARGET, None))
        for _ in range(3):
            assert side.check(RIGHT, "GET", TARGET, client.authorization("GET", TARGET)) == []

    @pytest.mark.rule("9.2-15")
    def test_nonces_expire(self) -> None:
        clock = Clock()
        side = guard(clock)
        header = authorize(side.check(RIGHT, "GET", TARGET, None))
        clock.now += 61
        (challenge,) = side.check(RIGHT, "GET", TARGET, header)
        assert challenge.endswith("stale=true")
        assert side.check(RIGHT, "GET", TARGET, authorize([challenge])) == []

    @pytest.mark.rule("9.2-15")
    def test_nonces_of_others_are_stale(self) -> None:
        header = authorize(guard().check(RIGHT, "GET", TARGET, None))
        (challenge,) = guard().check(RIGHT, "GET", TARGET, header)
        assert challenge.endswith("stale=true")

    @pytest.mark.rule("9.2-15")
    def test_memory_is_bounded_and_forgotten_nonces_are_stale(self) -> None:
        clock = Clock()
        side = guard(clock, max_nonces=10)
        headers = []
        for _ in range(30):
            clock.now += 0.01
            headers.append(authorize(side.check(RIGHT, "GET", TARGET, None)))
            assert side.check(RIGHT, "GET", TARGET, headers[-1]) == []
        assert len(side._used) == 10
        for header in headers:
            assert side.check(RIGHT, "GET", TARGET, header)[0].endswith("stale=true")

    def test_an_answer_without_qop_is_taken_once(self) -> None:
        side = guard()
        (challenge,) = side.check(RIGHT, "GET", TARGET, None)
        header = authorize([challenge.replace('qop="auth", ', "")])
        assert "qop" not in header
        assert side.check(RIGHT, "GET", TARGET, header) == []
        assert side.check(RIGHT, "GET", TARGET, header)

    def test_fields_may_be_unquoted(self) -> None:
        plain = Credentials("cpe", "secret")
        side = guard()
        side.realm = "cr"
        header = authorize(side.check(plain, "GET", "/cr/a", None), plain, "/cr/a")
        assert side.check(plain, "GET", "/cr/a", header.replace('"', "")) == []

    def test_names_of_fields_have_no_case(self) -> None:
        made = guard()
        challenges = made.check(RIGHT, "GET", TARGET, None)
        shown = authorize(challenges)
        for name in ("username", "nonce", "response"):
            shown = shown.replace(f"{name}=", f"{name.capitalize()}=")
        assert made.check(RIGHT, "GET", TARGET, shown.replace("Digest ", "Digest\t")) == []
        upper = [challenges[0].replace("Digest ", "DIGEST\t").replace("realm=", "REALM=")]
        assert made.check(RIGHT, "GET", TARGET, login(upper).authorization("GET", TARGET)) != []
        fresh = [made.check(RIGHT, "GET", TARGET, None)[0].replace("nonce=", "NONCE=")]
        assert made.check(RIGHT, "GET", TARGET, authorize(fresh)) == []

    @pytest.mark.rule("9.2-8")
    def test_basic_only_where_it_is_switched_on(self) -> None:
        text = base64.b64encode(f"{RIGHT.username}:{RIGHT.password}".encode()).decode()
        header = f"Basic {text}"
        assert len(guard().check(RIGHT, "GET", TARGET, header)) == 1
        side = guard(allow_basic=True)
        assert side.check(RIGHT, "GET", TARGET, header) == []
        assert [each.split()[0] for each in side.check(RIGHT, "GET", TARGET, "Basic !")] == [
            "Digest",
            "Basic",
        ]

    @given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: f"Digest {text}"))
    def test_any_header_is_refused_with_a_challenge(self, header: str) -> None:
        latin = header.encode("latin-1", "replace").decode("latin-1")
        assert _GUARD.check(RIGHT, "GET", TARGET, latin)

    def test_passwords_do_not_show(self) -> None:
        assert RIGHT.password not in f"{RIGHT} {RIGHT!r} {[RIGHT]}"


_GUARD = guard()


class TestHTTPAuth:
    @pytest.mark.rule("2.4-1", "2.4-4", "2.4-6")
    def test_the_example_of_rfc_2617(self) -> None:
        client = HTTPAuth(Credentials("Mufasa", "Circle Of Life"))
        nonce, opaque = "dcd98b7102dd2f0e8b11d0f600bfb0c093", "5ccc069c403ebaf9f0171e9517f40e41"
        fields = f'realm="testrealm@host.com", qop="auth,auth-int", nonce="{nonce}"'
        client.challenge([f'Digest {fields}, opaque="{opaque}"'])
        assert isinstance(client._login, DigestAnswers)
        client._login.cnonce = "0a4f113b"
        header = client.authorization("GET", "/dir/index.html")
        assert header is not None
        assert 'response="6629fae49393a05397450978507c4ef1"' in header
        assert f'opaque="{opaque}"' in header
        assert "nc=00000001" in header

    @pytest.mark.rule("2.4-2")
    def test_md5_sess(self) -> None:
        client = HTTPAuth(Credentials("u", "p"))
        client.challenge(['Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"'])
        header = client.authorization("GET", "/")
        assert header is not None
        assert "algorithm=MD5-sess" in header
        assert "cnonce=" in header

    @pytest.mark.rule("2.3-2", "2.4-6")
    def test_digest_is_chosen_before_basic(self) -> None:
        for offered in (
            ['Basic realm="a"', 'Digest realm="b", nonce="n"'],
            ['Basic realm="a", Digest realm="b", nonce="n", qop="auth-int, auth"'],
        ):
            header = login(offered).authorization("GET", "/")
            assert header is not None
            assert header.startswith("Digest ")

    @pytest.mark.rule("2.3-2")
    def test_basic_when_nothing_else_is_offered(self) -> None:
        header = login(['Basic realm="a"']).authorization("GET", "/")
        assert header == "Basic " + base64.b64encode(b'cpe:se"cret\\').decode()

    @pytest.mark.parametrize(
        ("offered", "reason"),
        [
            ([], "HTTP 401 without a challenge"),
            (["Negotiate"], "HTTP 401 asks for what is not supported: Negotiate"),
            (["Bearer x", "NTLM"], "HTTP 401 asks for what is not supported: Bearer, Ntlm"),
            (['Digest realm="x"'], "HTTP 401 asks for what is not supported: Digest"),
            (
                ['Digest realm="x", nonce="n", qop="auth-int"'],
                "HTTP 401 asks for what is not supported: Digest with auth-int",
            ),
            (
                ['Digest realm="x", nonce="n", algorithm=SHA-256'],
                "HTTP 401 asks for what is not supported: Digest with SHA-256",
            ),
        ],
    )
    def test_what_can_not_be_answered(self, offered: list[str], reason: str) -> None:
        with pytest.raises(AuthenticationError) as caught:
            HTTPAuth(RIGHT).challenge(offered)
        assert str(caught.value) == reason

    @pytest.mark.parametrize(
        ("credentials", "reason"),
        [
            (RIGHT, "credentials refused (HTTP 401)"),
            (Credentials("", ""), "no credentials (HTTP 401)"),
        ],
    )
    def test_genieacs_refuses_by_a_401_without_a_challenge(
        self, credentials: Credentials, reason: str
    ) -> None:
        client = HTTPAuth(credentials)
        client.challenge(['Digest realm="x", nonce="1"'])
        for refused in (client, HTTPAuth(credentials, basic=True)):
            with pytest.raises(AuthenticationError) as caught:
                refused.challenge([])
            assert str(caught.value) == reason

    @pytest.mark.rule("2.3-8")
    def test_a_second_refusal_ends_it_unless_stale(self) -> None:
        client = login(['Digest realm="x", nonce="1"'])
        client.challenge(['Digest realm="x", nonce="2", stale=TRUE'])
        with pytest.raises(AuthenticationError, match="refused"):
            client.challenge(['Digest realm="x", nonce="3"'])

    @pytest.mark.rule("2.3-6")
    def test_after_success_a_challenge_is_new(self) -> None:
        client = login(['Digest realm="x", nonce="1"'])
        client.accepted()
        client.challenge(['Digest realm="x", nonce="2"'])

    @pytest.mark.rule("2.3-3")
    def test_basic_unasked_is_no_answer_yet(self) -> None:
        client = HTTPAuth(RIGHT, basic=True)
        assert (client.authorization("POST", "/") or "").startswith("Basic ")
        client.challenge(['Digest realm="x", nonce="1"'])
        assert (client.authorization("POST", "/") or "").startswith("Digest ")

    @pytest.mark.rule("2.4-3")
    def test_each_challenge_is_answered_with_a_cnonce_of_its_own(self) -> None:
        challenge = 'Digest realm="x", nonce="1", qop="auth", stale=true'
        client = login([challenge])
        seen = set()
        for _ in range(6):
            seen.add(re.findall("cnonce=[^,]*", client.authorization("POST", "/") or "")[0])
            client.challenge([challenge])
        assert len(seen) == 6

    def test_nothing_is_shown_unasked(self) -> None:
        assert HTTPAuth(RIGHT).authorization("POST", "/") is None

    def test_challenges_beyond_the_limits_are_not_looked_at(self) -> None:
        good = 'Digest realm="x", nonce="1"'
        for offered in (
            ["NTLM"] * MAX_CHALLENGES + [good],
            ["NTLM, " * MAX_CHALLENGES + good],
            [good + " " * MAX_CHALLENGE_BYTES],
        ):
            with pytest.raises(AuthenticationError, match=r"without a challenge|not supported"):
                HTTPAuth(RIGHT).challenge(offered)
        login(["NTLM"] * (MAX_CHALLENGES - 1) + [good])
        login(["NTLM, " * (MAX_CHALLENGES - 1) + good])

    def test_credentials_beyond_the_limit_are_none(self) -> None:
        side = guard()
        header = authorize(side.check(RIGHT, "GET", TARGET, None))
        assert side.check(RIGHT, "GET", TARGET, header + " " * MAX_CHALLENGE_BYTES)
        assert side.check(RIGHT, "GET", TARGET, header) == []

    @given(st.lists(st.text(max_size=60), max_size=3))
    def test_any_challenge_is_answered_or_refused(self, offered: list[str]) -> None:
        client = HTTPAuth(RIGHT)
        try:
            client.challenge(offered)
        except AuthenticationError:
            return
        assert client.authorization("GET", "/")


@pytest.mark.parametrize("field", ["realm", "nonce", "opaque"])
@pytest.mark.parametrize("control", ["\r", "\n", "\x00", "\x7f", "\rX-Evil: 1"])
def test_a_challenge_with_control_characters_is_none(field: str, control: str) -> None:
    fields = {"realm": "r", "nonce": "n", "opaque": "o", "qop": "auth"}
    fields[field] += control
    header = "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items())
    with pytest.raises(AuthenticationError, match="HTTP 401 without a challenge"):
        HTTPAuth(Credentials("u", "p")).challenge([header])


def test_a_username_that_an_acs_has_set_is_no_header_of_its_own() -> None:
    auth = HTTPAuth(Credentials("u\r\nX-Evil: 1", "p"))
    auth.challenge(['Digest realm="r", nonce="n"'])
    header = auth.authorization("POST", "/") or ""
    assert 'username="uX-Evil: 1"' in header
    assert not re.search(r"[\r\n]", header)


_PIECES = ("Digest ", "digest ", "realm=", "URI=", "nc=", '"', '""', "a-b", "/x?y=z", ", ", ",",
           " ", "=", "\\", "\t", "*=", "utf-8''%41", "é", "\x7f", "auth", "00000001")  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_plain_fields_are_those_that_werkzeug_reads(header: str) -> None:
    header = f"Digest realm={header}"
    fields = plain_fields(header)
    if fields is not None:
        read = Authorization.from_header(header)
        assert read is not None
        assert (read.type, read.token) == ("digest", None)
        assert fields == {name.lower(): value for name, value in read.parameters.items()}


def test_what_clients_and_servers_send_is_plain() -> None:
    challenges = guard().check(RIGHT, "GET", TARGET, None)
    shown = authorize(challenges, Credentials("cpe", "word"))
    for header in (*challenges, shown, 'DIGEST a="x,y", b=""', 'Digest a="x,y",b="z"'):
        assert plain_fields(header), header


@pytest.mark.parametrize(
    "header",
    ["Basic YTpi", "Digest", "Digest a", 'Digest a="', 'Digest a="x", b="y",c="z"', 'Digest  a="x"',
     'Digest a="x" , b="y"',
     'Digest a="\\"x"', 'Digest a="\u00e9"', 'Digest a*="x"', 'Digest a="x\ty"',
     "Digest a=", "Digest a=x y"],
)  # fmt: skip
def test_other_forms_are_left_to_werkzeug(header: str) -> None:
    assert plain_fields(header) is None
