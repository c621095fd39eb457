"""The clients that send Connection Requests, by the names of ``--cr-client``."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.connection_request.client import send_tolerantly
from caretaker.connection_request.genieacs_client import send_as_genieacs
from caretaker.connection_request.steps import Observer
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import TLSSettings

Client = Callable[[str, Credentials | None, Observer, TLSSettings], str | None]
"""
Of a URL, credentials, an observer and TLS: None if accepted, else the reason in GenieACS's words.
"""

CLIENTS: dict[str, Client] = {"tolerant": send_tolerantly, "genieacs": send_as_genieacs}
