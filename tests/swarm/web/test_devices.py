"""What a worker tells of its CPEs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.cpes import context

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.engine.shard import STATES, Shard
from caretaker.errors import AnswerTimeout
from caretaker.http.transport import Answer
from caretaker.index_set import IndexSet
from caretaker.masking import MASK
from caretaker.profiles import ProfileMix
from caretaker.stats.results import Results
from caretaker.swarm.web import devices, exchange_log
from caretaker.swarm.web.devices import QUERIES, Here, listed, shown
from caretaker.swarm.web.exchange_log import Watches


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class EchoTransport:
    """Answers with what it is given."""

    sent_at: float | None = None

    def __init__(self, answer: Callable[[], Answer]) -> None:
        self._answer = answer

    def post(self, body: bytes) -> Answer:
        self.sent_at = 7.0
        return self._answer()

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(clock: Clock) -> Iterator[Here]:
    """The CPEs 10 to 29, as a worker has them, at rest."""
    watches = Watches(lambda *_: EchoTransport(lambda: Answer(204, b"")), clock)
    shard = Shard(ProfileMix.of(("tr181",)), context(), watches.open, Results(), clock=clock)
    for index in range(10, 30):
        shard.resume(index)
    yield Here(shard, IndexSet([(10, 30)]), watches, clock)
    shard.stop()


def page(here: Here, **query: Any) -> tuple[list[int], int | None]:
    found = listed(here, {"serial": "", "state": "", "start": 0, "limit": 50, **query})
    return [row["index"] for row in found["rows"]], found["next"]


def test_a_list_goes_by_pages(here: Here) -> None:
    first, following = page(here, limit=15)
    assert (first, following) == (list(range(10, 25)), 25)
    assert page(here, limit=15, start=following) == (list(range(25, 30)), None)


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
    here: Here, serial: str, found: list[int]
) -> None:
    assert page(here, serial=serial) == (found, None)


def test_a_list_goes_by_state(here: Here, clock: Clock) -> None:
    here.shard.power_cut({12: clock.now + 10, 13: clock.now + 10})
    assert page(here, state="dark") == ([12, 13], None)
    assert 12 not in page(here, state="idle")[0]
    assert page(here, state="retrying") == ([], None)
    assert here.shard.states() == {**dict.fromkeys(STATES, 0), "idle": 18, "dark": 2}


def test_no_page_takes_a_walk_over_the_fleet(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MOST_LOOKED_AT", 5)
    here.shard.power_cut(dict.fromkeys(range(10, 28), 110.0))
    assert page(here, state="idle") == ([], 15)
    assert page(here, state="idle", start=25) == ([28, 29], None)
    assert page(here, state="dark", limit=2) == ([10, 11], 12)


def device(here: Here, serial: str = "FLEET-000017", **query: Any) -> Any:
    return shown(here, {"serial": serial, "parameters": False, "find": "", **query})


def test_one_device_with_what_it_has_to_tell(here: Here) -> None:
    here.shard.cpes[16].raise_event(EventStruct(ev.M_REBOOT, "key"), 500.0)
    told = device(here)
    assert (told["serial"], told["state"], told["failures"]) == ("FLEET-000017", "idle", 0)
    assert told["pending"] == [[ev.M_REBOOT, "key"]]
    assert told["about"]["SerialNumber"] == "FLEET-000017"
    assert "parameters" not in told


def test_a_device_of_another_worker_is_none(here: Here) -> None:
    assert device(here, "FLEET-000001") is None
    assert device(here, "nonsense") is None


def test_parameters_are_found_by_their_path_and_secrets_are_masked(here: Here) -> None:
    told = device(here, parameters=True, find="managementserver.connectionrequest")
    values = {path.rpartition(".")[2]: value for path, value, _ in told["parameters"]}
    assert values["ConnectionRequestPassword"] in ("", MASK)
    assert values["ConnectionRequestURL"].startswith("http")
    cpe = here.shard.cpes[16]
    path = next(path for path, *_ in told["parameters"] if path.endswith("Password"))
    cpe.set_values([(path, "hunter2"), (path.replace("Password", "URL"), "http://u:pw@h/")], 100.0)
    told = device(here, parameters=True)
    assert "hunter2" not in str(told)
    assert "u:pw" not in str(told)
    assert told["found"] > len(told["parameters"]) > 100


def test_every_query_has_its_answer() -> None:
    assert set(QUERIES) == {"list", "device"}


# -- exchanges ------------------------------------------------------------------------------------


def talk(here: Here, cpe: CPE) -> None:
    transport = here.watches.open(cpe, 0.0)
    transport.post(b"")
    assert transport.sent_at == 7.0
    transport.close()


def test_exchanges_are_kept_once_someone_looks(here: Here) -> None:
    cpe = here.shard.cpes[16]
    talk(here, cpe)
    assert device(here)["exchanges"] == []
    talk(here, cpe)
    talk(here, here.shard.cpes[17])
    (seen,) = device(here)["exchanges"]
    assert (seen["sent"], seen["got"], seen["status"], seen["first"]) == (
        "(empty)", "(empty)", 204, True,
    )  # fmt: skip


def test_nobody_looks_for_long(here: Here, clock: Clock) -> None:
    cpe = here.shard.cpes[16]
    device(here)
    clock.now += exchange_log.WATCH_SECONDS + 1
    talk(here, cpe)
    assert not here.watches._logs


def test_only_so_many_are_watched_at_once(
    here: Here, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_log, "MOST", 2)
    for serial in ("FLEET-000017", "FLEET-000018", "FLEET-000019"):
        clock.now += 1
        device(here, serial)
    assert sorted(here.watches._logs) == [17, 18]


def test_a_failure_is_seen_too(here: Here, clock: Clock) -> None:
    def hang() -> Answer:
        raise AnswerTimeout("no answer in time")

    watches = Watches(lambda *_: EchoTransport(hang), clock)
    log = watches.watch(16)
    transport = watches.open(here.shard.cpes[16], 0.0)
    with pytest.raises(AnswerTimeout):
        transport.post(b"<x/>")
    assert log[0]["got"] == "no answer in time"
    assert "status" not in log[0]
