"""Power cuts and outages of the ACS, as the CPEs and the books see them."""

from __future__ import annotations

import pytest
from helpers.cpes import cpe

from caretaker.engine.outages import OUTAGE_KINDS, REASON, OutageSwitch, PowerCuts
from caretaker.errors import AnswerTimeout, Blame, ConnectError
from caretaker.http.transport import Answer
from caretaker.testing import FunctionTransport


def outage(timeout: float = 30.0) -> tuple[OutageSwitch, FunctionTransport, list[float]]:
    real = FunctionTransport(lambda body: Answer(200, body), lambda: 1.0)
    slept = list[float]()
    return OutageSwitch(lambda _, __: real, timeout, slept.append), real, slept


def test_without_an_outage_sessions_get_their_transport() -> None:
    acs, real, _ = outage()
    assert acs.open(cpe(), 10.0) is real
    acs.begin("refuse", 15.0)
    assert acs.open(cpe(), 15.0) is real


def test_an_acs_that_refuses_is_to_blame() -> None:
    acs, real, _ = outage()
    acs.begin("refuse", 15.0)
    transport = acs.open(cpe(), 10.0)
    with pytest.raises(ConnectError, match="ACS outage") as raised:
        transport.post(b"x")
    assert (raised.value.blame, transport.sent_at) == (Blame.ACS, None)
    transport.close()
    assert real.closed


def test_an_acs_that_hangs_answers_when_it_goes_on() -> None:
    acs, _, slept = outage()
    acs.begin("hang", 15.0)
    transport = acs.open(cpe(), 10.0)
    assert transport.post(b"x").body == b"x"
    transport.post(b"y")
    assert (slept, transport.sent_at) == ([5.0], 1.0)


def test_an_acs_that_hangs_too_long_is_given_up() -> None:
    acs, real, slept = outage(timeout=3.0)
    acs.begin("hang", 15.0)
    transport = acs.open(cpe(), 10.0)
    with pytest.raises(AnswerTimeout, match=REASON.split(maxsplit=1)[0]):
        transport.post(b"x")
    assert slept == [3.0]
    transport.close()
    assert real.closed


def test_every_kind_of_outage_is_a_transport() -> None:
    for kind in OUTAGE_KINDS.values():
        assert {"post", "close"} <= set(dir(kind))


def test_dark_cpes_are_counted_until_they_are_back() -> None:
    dark = PowerCuts()
    for index in range(4):
        dark.add(index, 10.0 + index)
    dark.add(0, 20.0)  # cut once more
    dark.discard(3)
    assert [dark.count(at) for at in (9.0, 11.0, 13.0, 20.0)] == [3, 2, 1, 0]
    assert dark.absent == {0, 1, 2}


def test_what_is_dark_takes_no_more_room_than_there_are_cpes() -> None:
    dark = PowerCuts()
    for turn in range(1000):
        dark.add(1, 1e6 + turn)
        dark.count(0.0)
    assert len(dark._heap) < 200
    assert dark.count(1e6 + 998) == 1
