"""The stream of a client: login, Connection Requests, and every other end."""

from __future__ import annotations

import pytest
from helpers.schemas import Schemas
from helpers.xmpp_streams import Joined
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from caretaker.xmpp.client_stream import PLAIN, Account, ClientStream, State
from caretaker.xmpp.conditions import STANZA_CONDITIONS
from caretaker.xmpp.iq import _TYPES, connection_request
from caretaker.xmpp.namespaces import CONNECTION_REQUEST_TAG
from caretaker.xmpp.stream_events import (
    Answered,
    Bound,
    ConnectionRequest,
    Ended,
    EndKind,
    StartTLS,
)

JID = "cpe@example.org/r1"
HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
PAYLOAD = (
    b"<connectionRequest xmlns='urn:broadband-forum-org:cwmp:xmppConnReq-1-0'>"
    b"<username>u&amp;</username><password>p</password></connectionRequest>"
)


def bound(**how: object) -> Joined:
    joined = Joined(**how)  # type: ignore[arg-type]
    joined.run()
    assert joined.client.state is State.BOUND
    joined.events.clear()
    joined.sent.clear()
    return joined


def answers(joined: Joined) -> bytes:
    return joined.client.data_to_send()


class TestLogin:
    def test_it_asks_for_tls_proves_the_password_and_binds_the_resource(self) -> None:
        joined = Joined()
        assert joined.run() == [StartTLS(), Bound(JID)]
        assert joined.client.jid == JID
        assert joined.client.is_secure
        assert b"secret" not in b"".join(joined.sent)

    @given(st.integers(1, 40))
    def test_bytes_may_come_in_any_pieces(self, piece: int) -> None:
        assert Joined(piece=piece).run() == [StartTLS(), Bound(JID)]

    def test_plain_shows_the_password_inside_of_tls(self) -> None:
        joined = Joined(mechanism=PLAIN)
        assert joined.run()[-1] == Bound(JID)

    def test_a_server_may_choose_the_resource(self) -> None:
        joined = Joined(Account("cpe", "secret", "example.org"))
        assert joined.run()[-1] == Bound("cpe@example.org/made-up")

    def test_names_with_characters_of_scram_work(self) -> None:
        joined = Joined(Account("a,b=c", "p=1,2", "example.org", "<&'\">"))
        assert isinstance(joined.run()[-1], Bound)

    def test_without_tls_it_logs_in_only_where_that_is_allowed(self) -> None:
        refused = Joined(with_tls=False, use_tls=False).run()
        assert refused == [Ended(EndKind.OTHER, "no TLS")]
        assert Joined(with_tls=False, use_tls=False, allow_clear=True).run() == [Bound(JID)]

    def test_tls_that_is_asked_for_must_be_offered(self) -> None:
        (ended,) = Joined(with_tls=False, allow_clear=True).run()
        assert ended == Ended(EndKind.OTHER, "the server offers no TLS")

    def test_tls_that_the_server_demands_is_used(self) -> None:
        assert Joined(use_tls=False, allow_clear=True).run() == [StartTLS(), Bound(JID)]

    def test_what_comes_behind_proceed_is_not_read(self) -> None:
        joined = Joined()
        joined.give(
            HEADER + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
            b"</stream:features><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
            b"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        )
        assert joined.events == [StartTLS()]

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            ("", EndKind.AUTHENTICATION),
            ("account-disabled", EndKind.AUTHENTICATION),
            ("made-up-by-the-server", EndKind.AUTHENTICATION),
            ("temporary-auth-failure", EndKind.OTHER),
        ],
    )
    def test_refused_credentials_are_told_from_other_failures(
        self, failure: str, kind: EndKind
    ) -> None:
        joined = Joined(Account("cpe", "wrong", "example.org"), auth_failure=failure)
        ended = joined.run()[-1]
        assert isinstance(ended, Ended)
        assert ended.kind is kind
        assert ended.reason.startswith("login refused: ")
        assert "made-up" not in ended.reason

    def test_no_other_mechanism_is_used_instead(self) -> None:
        ended = Joined(mechanisms=("PLAIN",)).run()[-1]
        assert ended == Ended(EndKind.OTHER, "the server does not offer SCRAM-SHA-1")

    def test_a_million_features_end_the_stream(self) -> None:
        joined = Joined(with_tls=False, allow_clear=True, use_tls=False, features="<a/>" * 9999)
        assert joined.run()[-1] == Ended(EndKind.OTHER, "too many elements")

    def test_a_server_without_the_password_is_left(self) -> None:
        joined = Joined(with_tls=False, allow_clear=True, use_tls=False)
        joined.server._finish = lambda **_: joined.server.send(  # type: ignore[method-assign]
            "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1ub25l</success>"
        )
        ended = joined.run()[-1]
        assert ended == Ended(EndKind.OTHER, "the server does not prove that it knows the password")

    def test_each_state_that_awaits_something_has_a_handler(self) -> None:
        awaiting = set(State) - {State.SECURING, State.OVER}
        assert {state for state, _ in ClientStream.HANDLERS} == awaiting


class TestConnectionRequests:
    @pytest.mark.rule("9.4-2")
    @pytest.mark.parametrize("kind", ["get", "set"])
    def test_one_is_read_and_answered(self, kind: str) -> None:
        joined = bound()
        iq = f"<iq type='{kind}' id='cr&amp;1' from='acs@example.org/x' to='{JID}'>".encode()
        (request,) = joined.give(iq + PAYLOAD + b"</iq>")
        assert request == ConnectionRequest("cr&1", "acs@example.org/x", "u&", "p")
        joined.client.answer(request, None)
        assert answers(joined) == b'<iq type=\'result\' id="cr&amp;1" to="acs@example.org/x"/>'

    @pytest.mark.rule("9.4-2")
    @pytest.mark.parametrize("condition", ["not-authorized", "service-unavailable"])
    def test_one_is_refused_without_its_password(self, condition: str) -> None:
        joined = bound()
        (request,) = joined.give(b"<iq type='get' id='1' from='a@b/c'>" + PAYLOAD + b"</iq>")
        assert isinstance(request, ConnectionRequest)
        joined.client.answer(request, condition)
        answer = etree.fromstring(answers(joined))
        assert answer.get("type") == "error"
        assert [child.tag for child in answer[0]] == [
            f"{{urn:ietf:params:xml:ns:xmpp-stanzas}}{condition}"
        ]

    @pytest.mark.rule("9.4-2")
    def test_the_payload_that_we_send_is_valid(self, schemas: Schemas) -> None:
        iq = etree.fromstring(connection_request("1", JID, "u<&>\0", "p'\""))
        payload = iq.find(CONNECTION_REQUEST_TAG)
        assert payload is not None
        schemas.validate_connection_request(payload)
        assert [child.text for child in payload] == ["u<&>", "p'\""]

    @pytest.mark.parametrize(
        ("stanza", "condition"),
        [
            (b"<iq type='get' id='1'><query xmlns='jabber:iq:version'/></iq>", "service-unavail"),
            (b"<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>", "service-unavail"),
            (b"<iq type='get' id='1'/>", "bad-request"),
            (b"<iq id='1'><a/></iq>", "bad-request"),
            (b"<iq type='get' id='1'><a/><b/></iq>", "bad-request"),
            (b"<iq type='get'>" + PAYLOAD.replace(b"password>", b"pass>") + b"</iq>", "bad-req"),
            (
                (
                    b"<iq type='get'><other xmlns='urn:broadband-forum-org:cwmp:xmppConnReq-1-0'/>"
                    b"</iq>"
                ),
                "feature-not-implemented",
            ),
        ],
    )
    def test_every_other_request_is_answered_with_an_error(
        self, stanza: bytes, condition: str
    ) -> None:
        joined = bound()
        assert joined.give(stanza) == []
        assert f"<{condition}".encode() in answers(joined)

    def test_a_ping_is_answered(self) -> None:
        joined = bound()
        joined.give(b"<iq type='get' id='p' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert answers(joined) == b'<iq type=\'result\' id="p" to="example.org"/>'

    def test_messages_presence_and_unknown_elements_are_passed_over(self) -> None:
        joined = bound()
        assert joined.give(b"<message><body>hi</body></message><presence/><a xmlns='b'/>") == []
        assert answers(joined) == b""

    def test_answers_to_requests_of_ours_are_told(self) -> None:
        joined = bound()
        joined.give(b"<iq type='result' id='1' from='a@b/c'/>")
        joined.give(
            b"<iq type='error' id='2'><error type='cancel'>"
            b"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        assert joined.events == [
            Answered("1", "a@b/c", None), Answered("2", "", "service-unavailable"),
        ]  # fmt: skip

    def test_the_conditions_that_we_answer_are_the_standards(self) -> None:
        assert set(_TYPES) <= STANZA_CONDITIONS


class TestEnd:
    @pytest.mark.parametrize(
        ("condition", "kind", "reason"),
        [
            ("conflict", EndKind.CONFLICT, "conflict"),
            ("not-authorized", EndKind.AUTHENTICATION, "not-authorized"),
            ("system-shutdown", EndKind.OTHER, "system-shutdown"),
            ("made-up", EndKind.OTHER, "undefined-condition"),
        ],
    )
    def test_a_stream_error_ends_it_by_its_name(
        self, condition: str, kind: EndKind, reason: str
    ) -> None:
        joined = bound()
        joined.server.end(condition)
        joined.run()
        assert joined.events == [Ended(kind, f"stream error: {reason}")]
        assert joined.sent == [b"</stream:stream>"]

    def test_a_server_that_closes_ends_it(self) -> None:
        joined = bound()
        assert joined.give(b"</stream:stream>") == [Ended(EndKind.OTHER, "closed by the server")]
        assert joined.client.receive(b"") == []

    def test_what_is_not_xmpp_ends_it_with_a_stream_error(self) -> None:
        joined = bound()
        assert joined.give(b"<iq></no>") == [Ended(EndKind.OTHER, "not well-formed XML")]
        assert b"<not-well-formed" in answers(joined)

    def test_a_conflict_when_binding_is_one(self) -> None:
        joined = Joined()
        joined.server._bound = lambda _: None
        joined.server._iq = lambda stanza: joined.server.send(  # type: ignore[method-assign]
            "<iq type='error' id='bind'><error type='cancel'>"
            "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        assert joined.run()[-1] == Ended(EndKind.CONFLICT, "no resource: conflict")

    def test_after_the_end_nothing_is_sent(self) -> None:
        joined = bound()
        joined.client.close()
        assert answers(joined) == b"</stream:stream>"
        joined.client.keep_alive()
        joined.client.ping(1)
        joined.client.answer(ConnectionRequest("1", "a", "b", "c"), None)
        joined.client.close()
        assert answers(joined) == b""

    def test_keep_alive_is_a_space_and_ping_an_iq(self) -> None:
        joined = bound()
        joined.client.keep_alive()
        assert answers(joined) == b" "
        joined.client.ping(3)
        assert answers(joined) == b"<iq type='get' id='ping-3'><ping xmlns='urn:xmpp:ping'/></iq>"


_CHALLENGE = (
    b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1ub25jZTEscz1hYWFhLGk9MQ==</challenge>"
)
STANZAS = st.sampled_from(
    [
        HEADER,
        b"<stream:features/>",
        b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
        b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
        (
            b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
            b"<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"
        ),
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        _CHALLENGE,
        b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>*</challenge>",
        b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not:authorized/></failure>",
        b"<iq type='result' id='bind'/>",
        b"<iq type='get' id='1'>" + PAYLOAD + b"</iq>",
        b"<stream:error/>",
        b"</stream:stream>",
        b"rubbish>",
    ]
)


@given(st.lists(STANZAS, max_size=12))
def test_a_server_in_any_order_never_breaks_the_client(stanzas: list[bytes]) -> None:
    joined = Joined(allow_clear=True, use_tls=False)
    for stanza in [HEADER, *stanzas]:
        joined.give(stanza)
        joined.client.data_to_send()
    ends = [event for event in joined.events if isinstance(event, Ended)]
    assert len(ends) == (joined.client.state is State.OVER)


@pytest.mark.parametrize(
    "holder",
    [Account("cpe", "secret", "example.org"), ConnectionRequest("1", "a@b/c", "cpe", "secret")],
)
def test_who_holds_a_password_does_not_show_it(holder: object) -> None:
    assert "secret" not in repr(holder)
