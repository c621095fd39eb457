"""What a worker tells of its CPEs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.cpes import context

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.engine.cpe_states import STATES
from caretaker.engine.shard import Shard
from caretaker.errors import AnswerTimeout
from caretaker.http.transport import Answer
from caretaker.index_set import IndexSet
from caretaker.masking import MASK
from caretaker.profiles import ProfileMix
from caretaker.stats.results import Results
from caretaker.swarm.web import devices, exchange_log
from caretaker.swarm.web.devices import QUERIES, WorkerView, list_devices, show_device
from caretaker.swarm.web.exchange_log import ExchangeLogs
from caretaker.swarm.web.queries import DeviceListQuery, DeviceQuery
from caretaker.testing import Clock, FunctionTransport


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def view(clock: Clock) -> Iterator[WorkerView]:
    """The CPEs 10 to 29, as a worker has them, at rest."""
    logs = ExchangeLogs(lambda *_: FunctionTransport(lambda _: b"", lambda: 7.0), clock)
    shard = Shard(ProfileMix.of(("tr181",)), context(), logs.open, Results(), clock=clock)
    for index in range(10, 30):
        shard.resume(index)
    yield WorkerView(shard, IndexSet([(10, 30)]), logs, clock)
    shard.stop()


def page(view: WorkerView, **query: Any) -> tuple[list[int], int | None]:
    given = {"serial": "", "state": "", "start": 0, "limit": 50, **query}
    found = list_devices(view, DeviceListQuery(**given))
    return [row["index"] for row in found["rows"]], found["next"]


def test_a_list_goes_by_pages(view: WorkerView) -> None:
    first, following = page(view, limit=15)
    assert (first, following) == (list(range(10, 25)), 25)
    assert page(view, limit=15, start=following) == (list(range(25, 30)), None)


@pytest.mark.parametrize(
    ("serial", "found"),
    [
        ("FLEET-000015", [14]),
        ("FLEET-00002", list(range(19, 29))),
        ("15", [14]),
        ("FLEET-1", []),
        ("OTHER", []),
        ("000015 OR 1=1", []),
    ],
)
def test_a_list_goes_by_the_beginning_of_serial_numbers(
    view: WorkerView, serial: str, found: list[int]
) -> None:
    assert page(view, serial=serial) == (found, None)


def test_a_list_goes_by_state(view: WorkerView, clock: Clock) -> None:
    view.shard.power_cut({12: clock.now + 10, 13: clock.now + 10})
    assert page(view, state="no_power") == ([12, 13], None)
    assert 12 not in page(view, state="idle")[0]
    assert page(view, state="retrying") == ([], None)
    assert view.shard.states() == {**dict.fromkeys(STATES, 0), "idle": 18, "no_power": 2}


def test_no_page_takes_a_walk_over_the_fleet(
    view: WorkerView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MOST_LOOKED_AT", 5)
    view.shard.power_cut(dict.fromkeys(range(10, 28), 110.0))
    assert page(view, state="idle") == ([], 15)
    assert page(view, state="idle", start=25) == ([28, 29], None)
    assert page(view, state="no_power", limit=2) == ([10, 11], 12)


def device(view: WorkerView, serial: str = "FLEET-000017", **query: Any) -> Any:
    return show_device(
        view, DeviceQuery(**{"serial": serial, "parameters": False, "find": "", **query})
    )


def test_one_device_with_what_it_has_to_tell(view: WorkerView) -> None:
    view.shard.cpes[16].raise_event(EventStruct(ev.M_REBOOT, "key"), 500.0)
    told = device(view)
    assert (told["serial"], told["state"], told["failures"]) == ("FLEET-000017", "idle", 0)
    assert told["pending"] == [[ev.M_REBOOT, "key"]]
    assert told["about"]["SerialNumber"] == "FLEET-000017"
    assert "parameters" not in told


def test_a_device_of_another_worker_is_none(view: WorkerView) -> None:
    assert device(view, "FLEET-000001") is None
    assert device(view, "nonsense") is None


def test_parameters_are_found_by_their_path_and_secrets_are_masked(view: WorkerView) -> None:
    told = device(view, parameters=True, find="managementserver.connectionrequest")
    values = {path.rpartition(".")[2]: value for path, value, _ in told["parameters"]}
    assert values["ConnectionRequestPassword"] in ("", MASK)
    assert values["ConnectionRequestURL"].startswith("http")
    cpe = view.shard.cpes[16]
    path = next(path for path, *_ in told["parameters"] if path.endswith("Password"))
    cpe.set_values([(path, "hunter2"), (path.replace("Password", "URL"), "http://u:pw@h/")], 100.0)
    told = device(view, parameters=True)
    assert "hunter2" not in str(told)
    assert "u:pw" not in str(told)
    assert told["found"] > len(told["parameters"]) > 100


def test_every_query_has_its_answer() -> None:
    assert set(QUERIES) == {"list", "device"}


# -- exchanges ------------------------------------------------------------------------------------


def talk(view: WorkerView, cpe: CPE) -> None:
    transport = view.logs.open(cpe, 0.0)
    transport.post(b"")
    assert transport.sent_at == 7.0
    transport.close()


def test_exchanges_are_kept_once_someone_looks(view: WorkerView) -> None:
    cpe = view.shard.cpes[16]
    talk(view, cpe)
    assert device(view)["exchanges"] == []
    talk(view, cpe)
    talk(view, view.shard.cpes[17])
    (seen,) = device(view)["exchanges"]
    assert (seen["sent"], seen["got"], seen["status"], seen["first"]) == (
        "(empty)", "(empty)", 204, True,
    )  # fmt: skip


def test_nobody_looks_for_long(view: WorkerView, clock: Clock) -> None:
    cpe = view.shard.cpes[16]
    device(view)
    clock.now += exchange_log.WATCH_SECONDS + 1
    talk(view, cpe)
    assert not view.logs._logs


def test_only_so_many_are_watched_at_once(
    view: WorkerView, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_log, "MOST", 2)
    for serial in ("FLEET-000017", "FLEET-000018", "FLEET-000019"):
        clock.now += 1
        device(view, serial)
    assert sorted(view.logs._logs) == [17, 18]


def test_a_failure_is_seen_too(view: WorkerView, clock: Clock) -> None:
    def hang(_: bytes) -> Answer:
        raise AnswerTimeout("no answer in time")

    logs = ExchangeLogs(lambda *_: FunctionTransport(hang, lambda: 7.0), clock)
    log = logs.watch(16)
    transport = logs.open(view.shard.cpes[16], 0.0)
    with pytest.raises(AnswerTimeout):
        transport.post(b"<x/>")
    assert log[0]["got"] == "no answer in time"
    assert "status" not in log[0]
