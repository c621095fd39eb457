"""What outlives the power of a CPE: a record of it, whatever its life was."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from helpers.cpes import ask, context, cpe, run, talk
from helpers.random_walk import RandomWalk
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.data_model.overlay_records import AddedRow, Attributes, RowChanges
from caretaker.device import persistent_state
from caretaker.device.cpe import CPE
from caretaker.device.notifications import attribute
from caretaker.device.persistent_state import (
    DICTIONARY,
    VERSION,
    PersistentState,
    StoredTransfer,
    restore,
    state_of,
)
from caretaker.device.transfer_record import Transfer
from caretaker.errors import StateError


def back(box: CPE, now: float, state: PersistentState | None = None, **how: bool) -> CPE:
    """Another CPE with the state of this one, as a file has kept it, after a power cut."""
    stored = (state or state_of(box)).to_bytes()
    other = CPE(box.index, box.profile, box.context)
    restore(other, PersistentState.from_bytes(stored), **how)
    other.powered = True
    other.power_cut(now, now)
    return other


def seen(box: CPE, now: float) -> dict[str, Any]:
    """What an ACS can see of a CPE, and what the CPE will do by itself."""
    paths = list(box.model.walk(box.model.root, box.overlay))
    parameters = [path for path in paths if not path.endswith(".")]
    return {
        "names": [box.model.info(path, box.overlay) for path in paths],
        "values": {path: box.value(path, now) for path in parameters},
        "attributes": {path: attribute(box, path) for path in parameters},
        "attribute replies": box.answer(m.GetParameterAttributes((box.model.root,)), now),
        "events": box.pending,
        "requests": box.requests,
        "transfers": [
            (each.number, each.request, each.state, each.window, each.retries, each.completion)
            for each in box.transfers
        ],
        "completions": [
            [request is each.completion for request in box.requests] for each in box.transfers
        ],
        "jobs": sorted(
            (round(max(job.at, now), 3), job.kind, job.key)
            for job in box.jobs
            if job.kind != "change"
        ),
        "units": box.overlay.units if box.overlay is not None else None,
        "about": box.device_id_struct,
        "management": box.management_server(now),
    }


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.integers(1, 40))
def test_a_cpe_comes_back_with_all_that_a_power_cut_leaves(seed: int, steps: int) -> None:
    walk = RandomWalk(seed)
    for _ in range(steps):
        walk.chance.choice(walk.steps)()
    other = back(walk.box, walk.now)
    walk.box.power_cut(walk.now, walk.now)
    assert seen(other, walk.now) == seen(walk.box, walk.now)


@settings(max_examples=60)
@given(st.integers(0, 10**9))
def test_a_record_is_the_same_after_a_way_through_bytes(seed: int) -> None:
    walk = RandomWalk(seed)
    for _ in range(20):
        walk.chance.choice(walk.steps)()
        state = state_of(walk.box)
        assert PersistentState.from_bytes(state.to_bytes()) == state


@settings(max_examples=100)
@given(st.integers(0, 10**9))
def test_every_change_of_the_record_is_marked(seed: int) -> None:
    walk = RandomWalk(seed)
    unsaved = walk.box.context.unsaved = {walk.box.index}
    kept: PersistentState | None = None
    for _ in range(30):
        walk.chance.choice(walk.steps)()
        if unsaved:
            unsaved.clear()
            kept = lasting(walk.box)
        assert kept == lasting(walk.box)


def lasting(box: CPE) -> PersistentState:
    """The state without events that come again by themselves."""
    state = state_of(box)
    passing = ("2 PERIODIC", "14 HEARTBEAT")
    return replace(state, events=tuple(e for e in state.events if e.event_code not in passing))


# -- what a boot after it tells -------------------------------------------------------------------

MANAGEMENT = "Device.ManagementServer."


def set_by_acs(box: CPE, now: float, **values: str) -> None:
    structs = [
        m.ParameterValueStruct(f"{MANAGEMENT}{name}", each, "") for name, each in values.items()
    ]
    assert isinstance(
        ask(box, m.SetParameterValues(tuple(structs)), now), m.SetParameterValuesResponse
    )


def test_a_cpe_that_has_had_its_first_contact_comes_back_without_another() -> None:
    box = cpe()
    run(box, 0.0)
    other = back(box, 50.0)
    assert [event.event_code for event in other.pending] == ["1 BOOT"]


def test_a_cpe_that_has_had_none_still_tells_bootstrap() -> None:
    assert [e.event_code for e in back(cpe(), 50.0).pending] == ["0 BOOTSTRAP", "1 BOOT"]


def test_credentials_and_interval_that_the_acs_has_set_are_there() -> None:
    box = cpe()
    run(box, 0.0)
    set_by_acs(box, 1.0, ConnectionRequestPassword="secret", PeriodicInformInterval="77")
    other = back(box, 50.0)
    assert other.management_value("ConnectionRequestPassword", 50.0) == "secret"
    assert other.management_server(50.0).interval == 77


def test_another_acs_of_the_fleet_gets_a_first_contact() -> None:
    box = cpe()
    run(box, 0.0)
    other = back(box, 50.0, acs_is_new=True)
    assert [e.event_code for e in other.pending] == ["0 BOOTSTRAP", "1 BOOT"]


def test_a_cpe_with_a_url_of_its_own_stays_with_that_acs() -> None:
    box = cpe()
    run(
        box, 0.0, m.SetParameterValues((m.ParameterValueStruct(f"{MANAGEMENT}URL", "http://own/"),))
    )
    run(box, box.due)
    other = back(box, 50.0, acs_is_new=True)
    assert [e.event_code for e in other.pending] == ["1 BOOT"]
    assert other.acs_url(50.0) == "http://own/"


@pytest.mark.parametrize(
    ("request_", "events"),
    [
        (m.Reboot("key"), ["M Reboot", "1 BOOT"]),
        (m.FactoryReset(), ["0 BOOTSTRAP", "1 BOOT"]),
        (
            m.SetParameterValues((m.ParameterValueStruct(f"{MANAGEMENT}URL", "http://own/"),)),
            ["0 BOOTSTRAP", "1 BOOT"],
        ),
    ],
)  # fmt: skip
def test_what_takes_effect_after_a_session_that_never_ended_does_so(
    request_: m.Request, events: list[str]
) -> None:
    box = cpe()
    run(box, 0.0)
    box.connection_request(9.0)
    assert box.begin_session(9.0) is not None
    ask(box, request_, 9.0)
    assert [e.event_code for e in back(box, 50.0).pending] == events


def test_a_firmware_upgrade_that_power_interrupts_begins_again() -> None:
    box = cpe()
    run(box, 0.0, m.Download("key", "1 Firmware Upgrade Image", "http://acs/fw-9.9.9.bin"))
    box.begin_session(box.due)
    other = back(box, 50.0)
    told: list[str] = []
    while "M Download" not in told:
        session = other.begin_session(other.due)
        if session is not None:
            told += [event.event_code for event in other.session_events]
            talk(other, session, other.booted_at)
    assert other.value("Device.DeviceInfo.SoftwareVersion", 99.0) == "9.9.9"


def test_times_are_those_of_the_world_on_another_clock() -> None:
    box = cpe()
    run(box, 0.0, m.ScheduleInform(3600, "key"))
    other = CPE(0, box.profile, context(wall_offset=box.context.wall_offset - 1000))
    restore(other, PersistentState.from_bytes(state_of(box).to_bytes()))
    assert [(job.at, job.key) for job in other.jobs] == [(3600.0 + 1000, "key")]


def test_a_path_that_the_data_model_has_no_more_is_left_out() -> None:
    state = PersistentState(
        {"Device.Nothing": "1"},
        attributes={"Device.Nothing": Attributes(2, ())},
        rows=RowChanges((AddedRow("Device.Nothing.1."),), ("Device.Nothing.2.",)),
    )
    other = back(cpe(), 0.0, state)
    assert other.parameter("Device.Nothing") is None
    assert other.overlay is not None
    assert (other.overlay.values, other.overlay.attributes) == ({}, None)


# -- bytes ----------------------------------------------------------------------------------------


def test_a_usual_changed_cpe_takes_less_than_half_of_300_bytes() -> None:
    box = cpe()
    run(box, 0.0)
    set_by_acs(
        box,
        1.0,
        ConnectionRequestUsername="00AABB-R-1-FLEET-000001",
        ConnectionRequestPassword="0123456789abcdef0123",
        PeriodicInformInterval="77",
        PeriodicInformTime="2026-01-01T00:00:00Z",
    )
    assert len(state_of(box).to_bytes()) < 150


def test_bytes_of_another_version_are_refused() -> None:
    stored = state_of(cpe()).to_bytes()
    with pytest.raises(StateError, match=f"version {VERSION + 1}, not {VERSION}"):
        PersistentState.from_bytes(bytes((VERSION + 1,)) + stored[1:])


@given(st.data())
def test_broken_bytes_are_a_clear_error(data: st.DataObject) -> None:
    stored = STORED
    at = data.draw(st.integers(0, len(stored) - 1))
    broken = data.draw(
        st.sampled_from(
            (
                stored[:at],
                stored + b"x",
                stored[:at] + bytes((stored[at] ^ 0x55,)) + stored[at + 1 :],
            )
        )
    )
    with pytest.raises(StateError):
        PersistentState.from_bytes(broken)


STORED = state_of(RandomWalk(5).box).to_bytes()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-9, 9)
        | st.text(max_size=3)
        | st.binary(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        ),
    )
)
def test_other_data_in_good_bytes_is_a_clear_error_or_a_state(plain: Any) -> None:
    packer = zlib.compressobj(zdict=DICTIONARY)
    stored = bytes((VERSION,)) + packer.compress(msgpack.packb(plain)) + packer.flush()
    try:
        state = PersistentState.from_bytes(stored)
    except StateError:
        return
    assert PersistentState.from_bytes(state.to_bytes()) == state


def test_bytes_that_grow_without_an_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = PersistentState({"Device.Long": "x" * 2000}).to_bytes()
    assert len(stored) < 100
    monkeypatch.setattr(persistent_state, "MAX_BYTES", 2000)
    with pytest.raises(StateError, match="cut short, or too long"):
        PersistentState.from_bytes(stored)


def test_a_completion_is_a_request_of_the_record() -> None:
    transfer = Transfer(1, m.Download("key", "2 Web Content", "http://acs/x"), 0.0)
    for place in (1, -1, 0):
        state = PersistentState(
            {}, requests=(m.GetRPCMethods(),), transfers=(StoredTransfer(transfer, None, place),)
        )
        with pytest.raises(StateError):
            PersistentState.from_bytes(state.to_bytes())


def test_the_bytes_of_this_version_can_be_read_for_ever() -> None:
    """Where they differ, VERSION must be another; this record is of a file that was kept."""
    state = PersistentState(
        {f"{MANAGEMENT}PeriodicInformInterval": "77"}, (m.EventStruct("0 BOOTSTRAP"),)
    )
    assert PersistentState.from_bytes(bytes.fromhex(KEPT)) == state


KEPT = "01482c935ed2249bd478139a8630756177d62273f389135723153a0093e81a05"
