"""Requests and answers of XMPP (``iq``): how they are read, and written (RFC 6120 8.2.3)."""

from __future__ import annotations

from lxml import etree

from caretaker.xmpp.conditions import STANZA_CONDITIONS, condition_of
from caretaker.xmpp.namespaces import (
    CLIENT,
    CONNECTION_REQUEST,
    CONNECTION_REQUEST_TAG,
    PING_TAG,
    STANZAS,
)
from caretaker.xmpp.stream_events import Answered, ConnectionRequest
from caretaker.xmpp.xml_text import attribute, text

_TYPES = {
    "bad-request": "modify",
    "feature-not-implemented": "cancel",
    "not-authorized": "auth",
    "service-unavailable": "cancel",
}
"""The type of error that goes with each condition that we answer (RFC 6120 8.3.3)."""


def result_to(iq_id: str, sender: str) -> str:
    """The empty result of a request."""
    return f"<iq type='result'{_address(iq_id, sender)}/>"


def error_to(iq_id: str, sender: str, condition: str) -> str:
    """An error as the answer to a request; the payload is not repeated, as it has a password."""
    kind = _TYPES[condition]
    return (
        f"<iq type='error'{_address(iq_id, sender)}>"
        f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/></error></iq>"
    )


def connection_request(iq_id: str, jid: str, username: str, password: str) -> str:
    """A Connection Request (Annex K), with the credentials of its CPE."""
    return (
        f"<iq type='get'{_address(iq_id, jid)}>"
        f"<connectionRequest xmlns='{CONNECTION_REQUEST}'><username>{text(username)}</username>"
        f"<password>{text(password)}</password></connectionRequest></iq>"
    )


def request_of(stanza: etree._Element) -> tuple[ConnectionRequest | None, str]:
    """
    The Connection Request in an iq; else None, and the answer to what else it asks for.

    Every iq of type get or set is answered (RFC 6120 8.2.3).
    """
    iq_id, sender = stanza.get("id", ""), stanza.get("from", "")
    payload = list(stanza)
    if stanza.get("type") not in ("get", "set") or len(payload) != 1:
        return None, error_to(iq_id, sender, "bad-request")
    tag = payload[0].tag
    if tag == PING_TAG:
        return None, result_to(iq_id, sender)
    if tag == CONNECTION_REQUEST_TAG:
        return _connection_request(iq_id, sender, payload[0])
    is_ours = str(tag).startswith(f"{{{CONNECTION_REQUEST}}}")
    condition = "feature-not-implemented" if is_ours else "service-unavailable"
    return None, error_to(iq_id, sender, condition)


def _connection_request(
    iq_id: str, sender: str, payload: etree._Element
) -> tuple[ConnectionRequest | None, str]:
    username = payload.findtext(f"{{{CONNECTION_REQUEST}}}username")
    password = payload.findtext(f"{{{CONNECTION_REQUEST}}}password")
    if username is None or password is None:
        return None, error_to(iq_id, sender, "bad-request")
    return ConnectionRequest(iq_id, sender, username, password), ""


def answer_of(stanza: etree._Element) -> Answered:
    """The answer that an iq of type result or error is."""
    condition = None
    if stanza.get("type") == "error":
        condition = condition_of(stanza.find(f"{{{CLIENT}}}error"), STANZAS, STANZA_CONDITIONS)
    return Answered(stanza.get("id", ""), stanza.get("from", ""), condition)


def _address(iq_id: str, to: str) -> str:
    return attribute("id", iq_id) + attribute("to", to)
