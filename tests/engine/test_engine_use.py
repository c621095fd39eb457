"""Which sessions the I/O engine carries, feature by feature."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers.engine_benches import EMPTY, GOOD, SESSIONS, EngineBench
from helpers.wire import wire

from caretaker.cwmp.outcome import Outcome
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.engine_use import NOT_CARRIED, EngineUse
from caretaker.http.endpoint import Address, Endpoint
from caretaker.profiles.quirks import QUIRKS

MS = "Device.ManagementServer."
FEATURES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "source addresses": ({"sources": ("127.0.0.5",)}, ""),
    "recording": ({"off": "recording"}, "recording"),
    "switched off": ({"off": "switched off"}, "switched off"),
    "an outage": ({"exceptions": [("outage", lambda _, __: True)]}, "outage"),
    "an outage that is over": ({"exceptions": [("outage", lambda _, __: False)]}, ""),
    "another CPE is watched": ({"exceptions": [("w", lambda index, _: index == 7)]}, ""),
    "a name not looked up": ({"looked_up": False}, "address not looked up yet"),
    **{
        f"quirk {quirk}": ({"quirks": (quirk,)}, "quirk of the device" if off else "")
        for quirk in QUIRKS
        for off in (quirk in NOT_CARRIED,)
    },
}
"""What a shard is like, and why greenlets run its sessions; empty: the engine carries them."""


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_carried_or_off(feature: str) -> None:
    how, reason = FEATURES[feature]
    with wire(GOOD, EMPTY) as server:
        bench = EngineBench(server.url, **how)
        bench.boot()
        assert bench.sink.sessions[0].outcome is Outcome.SUCCEEDED
        assert bench.counted("by_greenlet") == ({reason: 1} if reason else {})
        assert bench.carried == (0 if reason else 1)
        bench.shard.stop()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HTTPCompression", "GZIP", "content coding"),
        ("HTTPCompression", "Disabled", ""),
        ("URL", "http://127.0.0.1:1/", "another URL of the ACS"),
        ("ParameterKey", "key", ""),
        ("PeriodicInformInterval", "9", ""),
    ],
)
def test_values_of_a_cpe_concern_this_cpe_alone(name: str, value: str, reason: str) -> None:
    with wire(*SESSIONS["plain"] * 2) as server:
        bench = EngineBench(server.url)
        bench.boot(2)
        for index, expected in ((0, reason), (1, "")):
            box = bench.shard.cpes[index]
            if index == 0:
                box.ensure_overlay().values[f"{MS}{name}"] = value
                box.management_cache = None
            assert bench.shard._carried is not None
            carried = bench.shard._carried
            session = ActiveSession(box, 0.0, time.monotonic())
            assert carried._use.reason(session, time.monotonic()) == expected
        bench.shard.stop()


def test_tls_and_a_machine_without_the_engine_leave_all_to_greenlets() -> None:
    for url, module, reason in (
        ("https://127.0.0.1/", object(), "TLS"),
        ("http://127.0.0.1/", None, "engine not built"),
    ):
        endpoint = Endpoint(Address.of(url))
        assert EngineUse(module, endpoint).off == reason  # type: ignore[arg-type]


def test_state_that_is_kept_is_marked_as_by_a_greenlet() -> None:
    marked = []
    for with_engine in (True, False):
        unsaved: set[int] = set()
        with wire(*SESSIONS["plain"], *SESSIONS["many requests"]) as server:
            bench = EngineBench(server.url, with_engine=with_engine, context={"unsaved": unsaved})
            bench.boot()
            marked.append(set(unsaved))
            unsaved.clear()
            bench.inform()
            marked.append(set(unsaved))
            bench.shard.stop()
    assert marked[:2] == marked[2:]
