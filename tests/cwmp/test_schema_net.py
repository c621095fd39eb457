"""The net itself: an envelope that breaks the schemas fails the test in which it is sent."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.schemas import Schemas
from lxml import etree

from caretaker.cwmp import ACSSession, CPESession, Envelope, encode, session
from caretaker.cwmp import messages as m
from caretaker.errors import FaultError

TOO_LONG = "k" * 33
"""A CommandKey may have 32 characters (cwmp-1-0.xsd)."""
INFORM = m.Inform(m.DeviceIdStruct("Acme", "00AABB", "R", "S1"), (m.EventStruct("1 BOOT"),))
WRONG = m.Inform(INFORM.device_id, (m.EventStruct("M Reboot", TOO_LONG),))


class Peer:
    """A device, and an ACS, that answer with what breaks the schemas."""

    def answer(self, request: m.Request, now: float = 0.0) -> m.Response:
        raise FaultError(9000)

    def delivered(self, request: m.Request, now: float) -> None:
        pass

    def refused(self, request: m.Request, now: float) -> None:
        pass

    def inform(self, inform: m.Inform) -> None:
        pass

    def next_request(self) -> m.Request | None:
        return m.Reboot(TOO_LONG)

    def responded(self, response: m.Response) -> None:
        pass


@pytest.fixture(autouse=True)
def _interpreted(schemas: Schemas) -> None:
    """The schemas are there, and the session is not compiled."""
    if not str(session.__file__).endswith(".py"):
        pytest.skip(
            "compiled, the session calls its own functions; the net is of the interpreted run"
        )


@pytest.mark.parametrize("header", [{}, {"session_timeout": 60}], ids=["encode_message", "encode"])
def test_a_wrong_inform_does_not_leave_through_either_door(header: dict[str, Any]) -> None:
    good = CPESession(INFORM, Peer(), inform_header=header)
    assert good.next_post()
    wrong = CPESession(WRONG, Peer(), inform_header=header)
    with pytest.raises(etree.DocumentInvalid, match="maxLength"):
        wrong.next_post()


def test_a_wrong_request_of_the_acs_is_caught() -> None:
    acs = ACSSession(Peer())
    acs.receive(encode(Envelope(INFORM, "1")))
    with pytest.raises(etree.DocumentInvalid, match="maxLength"):
        acs.receive(b"")
