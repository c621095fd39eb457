"""Addresses of XMPP, and ConnReqAllowedJabberIDs."""

from __future__ import annotations

import pytest

from caretaker.xmpp.jid import JID, MAX_ALLOWED, allowed_jids, is_allowed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ACS@Example.ORG/r1", ("acs", "example.org", "r1")),
        ("acs@example.org", ("acs", "example.org", "")),
        ("example.org", ("", "example.org", "")),
        ("example.org/a@b/c", ("", "example.org", "a@b/c")),
        ("", ("", "", "")),
    ],
)
def test_an_address_has_three_parts(text: str, parts: tuple[str, str, str]) -> None:
    assert JID.of(text) == parts
    assert JID.of(str(JID.of(text))) == JID.of(text)


@pytest.mark.rule("9.4-3")
@pytest.mark.parametrize(
    ("sender", "is_one"),
    [
        ("acs1@tr069.example.com/resource1", True),
        ("ACS1@tr069.example.com/resource2", True),
        ("acs2@tr069.example.com/resource1", True),
        ("acs2@tr069.example.com/resource2", False),
        ("acs2@tr069.example.com", False),
        ("acs@tr069.example.com/resource1", False),
        ("", False),
    ],
)
def test_a_bare_address_allows_any_resource_and_a_full_one_itself(
    sender: str, is_one: bool
) -> None:
    allowed = allowed_jids("ACS1@tr069.example.com, ACS2@tr069.example.com/resource1")
    assert is_allowed(JID.of(sender), allowed) is is_one


@pytest.mark.rule("9.4-3")
def test_anybody_is_allowed_where_nobody_is_named() -> None:
    assert is_allowed(JID.of("x@y/z"), allowed_jids(" , "))


@pytest.mark.rule("9.4-3")
def test_32_entries_count() -> None:
    assert len(allowed_jids(",".join(f"a{n}@b" for n in range(99)))) == MAX_ALLOWED == 32
