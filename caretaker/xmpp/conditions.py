"""The conditions that XMPP has names for, so that a peer can't make up reasons without end."""

from __future__ import annotations

from lxml import etree

STREAM_CONDITIONS = frozenset(
    (
        "bad-format", "bad-namespace-prefix", "conflict", "connection-timeout", "host-gone",
        "host-unknown", "improper-addressing", "internal-server-error", "invalid-from",
        "invalid-namespace", "invalid-xml", "not-authorized", "not-well-formed",
        "policy-violation", "remote-connection-failed", "reset", "resource-constraint",
        "restricted-xml", "see-other-host", "system-shutdown", "undefined-condition",
        "unsupported-encoding", "unsupported-feature", "unsupported-stanza-type",
        "unsupported-version",
    )
)  # fmt: skip
"""Of stream errors (RFC 6120 4.9.3)."""
SASL_CONDITIONS = frozenset(
    (
        "aborted", "account-disabled", "credentials-expired", "encryption-required",
        "incorrect-encoding", "invalid-authzid", "invalid-mechanism", "malformed-request",
        "mechanism-too-weak", "not-authorized", "temporary-auth-failure",
    )
)  # fmt: skip
"""Of a login that the server refuses (RFC 6120 6.5)."""
STANZA_CONDITIONS = frozenset(
    (
        "bad-request", "conflict", "feature-not-implemented", "forbidden", "gone",
        "internal-server-error", "item-not-found", "jid-malformed", "not-acceptable",
        "not-allowed", "not-authorized", "policy-violation", "recipient-unavailable", "redirect",
        "registration-required", "remote-server-not-found", "remote-server-timeout",
        "resource-constraint", "service-unavailable", "subscription-required",
        "undefined-condition", "unexpected-request",
    )
)  # fmt: skip
"""Of a stanza that is answered with an error (RFC 6120 8.3.3)."""
UNDEFINED = "undefined-condition"
"""Stands for any that has no name of these."""


def condition_of(error: etree._Element | None, namespace: str, known: frozenset[str]) -> str:
    """The condition that an error names."""
    for child in error if error is not None else ():
        # lxml's QName raises for names that its parser has taken.
        space, _, name = str(child.tag).rpartition("}")
        if space == f"{{{namespace}" and name in known:
            return name
    return UNDEFINED
