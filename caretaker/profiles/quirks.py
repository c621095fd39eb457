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

QUIRKS: dict[str, str] = {
    CR_BASIC: "asks for Basic on Connection Requests, and takes no Digest",
    CR_NO_QOP: "asks for Digest without qop on Connection Requests (RFC 2069)",
    RECONNECT_AFTER_401: "answers a 401 of the ACS on a new connection",
    RETRY_MIDPOINTS: "retries after fixed times, the middles of the table: 7.5, 15, 30 s ...",
    NO_PARAMETER_KEY: "leaves ParameterKey out of its Informs",
    SLOW_ANSWERS: "thinks 0.5 to 3 s before it answers a request of the ACS",
    CONTENT_TYPE_ALWAYS: "sends Content-Type with its empty POSTs, too",
}
"""Every quirk, with what such a device does."""
