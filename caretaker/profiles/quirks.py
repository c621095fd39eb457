"""
What some devices do otherwise than the standard says; a profile switches it on by name.

A quirk of how a device is reached or answers belongs here; one in its values is a value.
"""

from __future__ import annotations

CR_BASIC = "cr-basic"
CR_NO_QOP = "cr-no-qop"
RECONNECT_AFTER_401 = "reconnect-after-401"
RETRY_MIDPOINTS = "retry-midpoints"
NO_PARAMETER_KEY = "no-parameter-key"
SLOW_ANSWERS = "slow-answers"
CONTENT_TYPE_ALWAYS = "content-type-always"
TLS_1_0 = "tls-1.0"
TLS_1_1 = "tls-1.1"
TLS_1_2 = "tls-1.2"
TLS_NO_SNI = "tls-no-sni"
TLS_WEAK_CIPHERS = "tls-weak-ciphers"
CLOCK_BEHIND = "clock-behind"
CLOCK_AHEAD = "clock-ahead"

QUIRKS: dict[str, str] = {
    CR_BASIC: "asks for Basic on Connection Requests, and takes no Digest",
    CR_NO_QOP: "asks for Digest without qop on Connection Requests (RFC 2069)",
    RECONNECT_AFTER_401: "answers a 401 of the ACS on a new connection",
    RETRY_MIDPOINTS: "retries after fixed times, the middles of the table: 7.5, 15, 30 s ...",
    NO_PARAMETER_KEY: "leaves ParameterKey out of its Informs",
    SLOW_ANSWERS: "thinks 0.5 to 3 s before it answers a request of the ACS",
    CONTENT_TYPE_ALWAYS: "sends Content-Type with its empty POSTs, too",
    TLS_1_0: "speaks TLS 1.0 only",
    TLS_1_1: "speaks TLS 1.1 only",
    TLS_1_2: "speaks TLS 1.2 only",
    TLS_NO_SNI: "does not name the host in its TLS handshake",
    TLS_WEAK_CIPHERS: "offers only AES-CBC with SHA-1 and RSA key exchange, up to TLS 1.2",
    CLOCK_BEHIND: "its clock is 20 years behind: certificates are not yet valid for it",
    CLOCK_AHEAD: "its clock is 20 years ahead: certificates are expired for it",
}
"""Every quirk, with what such a device does."""

_YEARS_20 = 20 * 365.25 * 86_400
CLOCK_OFFSETS = {CLOCK_BEHIND: -_YEARS_20, CLOCK_AHEAD: _YEARS_20}
"""Seconds by which the clock of such a device is wrong."""
