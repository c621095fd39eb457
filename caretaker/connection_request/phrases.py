"""What GenieACS says of a Connection Request that was not accepted."""

from __future__ import annotations

OFFLINE = "Device is offline"
NO_BASIC = "Basic HTTP authentication not allowed"
UNKNOWN_SCHEME = "Unrecognized auth method"
INVALID_URL = "Invalid connection request URL or protocol"
_PREFIX = "Connection request error: "
REFUSED = f"{_PREFIX}Incorrect connection request credentials"
BAD_CHALLENGE = f"{_PREFIX}Error parsing www-authenticate header"


def unexpected(status: int) -> str:
    """The phrase for any other status."""
    return f"{_PREFIX}Unexpected status code {status}"


def failed(reason: str) -> str:
    """The phrase for an error of the connection that is none of the above."""
    return f"{_PREFIX}{reason}"
