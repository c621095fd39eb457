"""The way to the ACS that the CPEs of a run share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from caretaker.errors import ConnectError
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.ip_addresses import IPVersion
from caretaker.swarm import run_context
from caretaker.swarm.options import Settings


def endpoint() -> Endpoint:
    worker: Any = SimpleNamespace(
        environment=SimpleNamespace(host="http://acs.example.com:7547/"), source_addresses=()
    )
    return run_context.acs_endpoint(worker, Settings(), None, lambda _: None)


def test_the_name_of_the_acs_is_known_before_the_first_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def resolve(self: Address, _: IPVersion) -> list[tuple[Any, Any]]:
        asked.append(self.host)
        gevent.sleep(0)  # as a name server takes its time
        return [(2, ("192.0.2.1", self.port))]

    monkeypatch.setattr(Address, "resolve", resolve)
    (target,) = endpoint().targets_at_once("")
    assert target.address == ("192.0.2.1", 7547)
    assert asked == ["acs.example.com"]


def test_a_name_server_that_is_slow_does_not_keep_a_run_from_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Address, "resolve", lambda *_: gevent.sleep(1e6))
    monkeypatch.setattr(run_context, "LOOK_UP_S", 0.001)
    assert endpoint().targets_at_once("") == []


def test_a_name_that_is_not_found_is_for_the_sessions_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: Any) -> list[tuple[Any, Any]]:
        raise ConnectError("host name not found")

    monkeypatch.setattr(Address, "resolve", resolve)
    assert endpoint().targets_at_once("") == []
