"""The envelope of a CWMP message as data, and the namespaces of CWMP (TR-069 3.5)."""

from __future__ import annotations

from typing import NamedTuple

from caretaker.cwmp.messages import Message

CWMP_1_0 = "urn:dslforum-org:cwmp-1-0"
CWMP_1_1 = "urn:dslforum-org:cwmp-1-1"
CWMP_1_2 = "urn:dslforum-org:cwmp-1-2"
"""CWMP 1.3 and 1.4 have the namespace of 1.2, too."""


class Envelope(NamedTuple):
    """
    One SOAP envelope: a message with its header elements.

    ``id`` is opaque text; None where the header had none. ``namespace`` is that of the message
    element, and the one to answer in; empty where none was declared. The other fields are the
    header elements of TR-069 3.5, ``None`` or False where absent.
    """

    message: Message
    id: str | None = None
    namespace: str = CWMP_1_0
    hold_requests: bool = False
    session_timeout: int | None = None
    supported_cwmp_versions: tuple[str, ...] = ()
    use_cwmp_version: str | None = None
