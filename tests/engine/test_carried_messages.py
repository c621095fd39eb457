"""What carried sessions send is what is written in full, and little of it is kept."""

from __future__ import annotations

import pytest
from helpers.engine_benches import EMPTY, GOOD, EngineBench
from helpers.wire import wire

from caretaker.cwmp.outcome import Outcome
from caretaker.engine import carried_messages
from caretaker.engine.carried_messages import CarriedMessages
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.transport import HTTPTransport


def test_a_post_is_that_of_a_transport() -> None:
    transport = HTTPTransport(Endpoint(Address.of("http://acs.example:7547/")))
    messages = CarriedMessages(transport)
    assert messages.empty_post == transport.message(b"")
    for body in (b"<one/>", b"<two/>", b"<three/>"):
        assert messages.post(body) == transport.message(body)


def test_heads_of_posts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried_messages, "MAX_HEADS", 2)
    with wire(*[GOOD, EMPTY] * 5) as acs:
        bench = EngineBench(acs.url)
        bench.boot()
        assert bench.shard._carried is not None
        for length in range(4):
            bench.box.ensure_overlay().values["Device.ManagementServer.ParameterKey"] = "k" * length
            bench.inform()
            assert len(bench.shard._carried._messages._heads) <= 2
        assert {record.outcome for record in bench.sink.sessions} == {Outcome.SUCCEEDED}
        bench.shard.stop()
