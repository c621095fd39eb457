"""What answers a challenge: it is shown with the requests that follow, too (RFC 7235 4.2)."""

from __future__ import annotations

import base64

from caretaker.http.credentials import Credentials


class Login:
    """
    An answer to a challenge, whatever its scheme.

    Args:
        credentials: of the client.
    """

    __slots__ = ("credentials", "uses")

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.uses = 0
        """How often it was shown so far, where that matters."""

    def header(self, method: str, target: str) -> str:
        """The value of the Authorization header for the next request."""
        raise NotImplementedError


class BasicLogin(Login):
    """The answer to a challenge of Basic: the same for all requests (RFC 7617 2)."""

    __slots__ = ()

    def header(self, method: str, target: str) -> str:  # noqa: ARG002  # as all have it
        """See ``Login.header``."""
        text = f"{self.credentials.username}:{self.credentials.password}"
        return f"Basic {base64.b64encode(text.encode()).decode()}"
