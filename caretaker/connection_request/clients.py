"""The clients that send Connection Requests, by the names of ``--cr-client``."""

from __future__ import annotations

from typing import Protocol

from caretaker.connection_request.client import send_tolerantly
from caretaker.connection_request.genieacs_client import send_as_genieacs
from caretaker.connection_request.steps import Observer
from caretaker.http.credentials import Credentials
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.tls_settings import TLSSettings


class Client(Protocol):
    """Sends a Connection Request."""

    def __call__(
        self,
        url: str,
        credentials: Credentials | None,
        observer: Observer,
        tls: TLSSettings,
        version: IPVersion = IPVersion.ANY,
        /,
    ) -> str | None:
        """None if it was accepted, else the reason in GenieACS's words."""


CLIENTS: dict[str, Client] = {"tolerant": send_tolerantly, "genieacs": send_as_genieacs}
