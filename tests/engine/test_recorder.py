"""Which sessions are kept, what of them, and that it holds up nothing."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from helpers.cpes import context, cpe, profile
from helpers.recordings import recordings
from helpers.wire import CLOSE, RESET, answer, wire

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.engine import recorder
from caretaker.engine.open_transport import make_open_transport
from caretaker.engine.recorded_session import RecordedExchange, RecordedSession
from caretaker.engine.recorder import (
    MAX_BYTES,
    MAX_SESSION_BYTES,
    PER_REASON,
    PER_SECOND,
    Recorder,
    RecordingTransport,
)
from caretaker.engine.shard import Shard
from caretaker.errors import Blame, ConnectError, ConnectionLost
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.response_parser import Response
from caretaker.profiles import ProfileMix
from caretaker.stats.records import SessionRecord
from caretaker.stats.results import Results

GOOD = SessionRecord(("2 PERIODIC",), 0.0, 0.0, seconds=0.1, outcome=Outcome.SUCCEEDED)
FAILED = GOOD._replace(outcome=Outcome.FAILED, reason="HTTP 500", blame=Blame.ACS)


class _Transport:
    """A transport that has had one exchange."""

    def __init__(self, size: int) -> None:
        response = Response(200, [], b"x" * (size - 2), keep_alive=True)
        self.exchanges = [RecordedExchange(0.0, 1, b"\r\n", b"", response)]


class Bench:
    """A recorder whose files are a list."""

    def __init__(self, folder: Path, rate: float = 0.0) -> None:
        self.saved: list[RecordedSession] = []
        self.threads: set[int] = set()
        self.at, self.step = 0.0, 1.0
        self.recorder = Recorder(folder, rate, "n", self._save)

    def _save(self, session: RecordedSession, folder: Path, name: str) -> None:
        assert (folder.is_dir(), name) == (True, "n")
        self.threads.add(threading.get_ident())
        self.saved.append(session)

    def has(self, box: CPE, record: SessionRecord = GOOD, *, size: int = 10) -> None:
        """This CPE has had a session, each a second later than the last."""
        self.at += self.step
        record = record._replace(started=self.at)
        opened: Any = self.recorder.wrap(lambda *_: _Transport(size))  # type: ignore[arg-type]
        opened(box, 0.0)
        self.recorder.session(box, record)

    def end(self) -> dict[str, int]:
        self.recorder.close(10)
        results = Results()
        self.recorder.book(results)
        return results.with_prefix("recordings")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.recorder.close(0)


def test_sessions_that_failed_are_kept_and_the_others_not(bench: Bench) -> None:
    box = cpe()
    for record in (GOOD, FAILED, GOOD, FAILED):
        bench.has(box, record)
    assert bench.end() == {"failed": 2, "left_out": 0, "sampled": 0, "unwritten": 0}
    assert [session.number for session in bench.saved] == [2, 4]


def test_the_sample_depends_on_seed_cpe_and_number_only(tmp_path: Path) -> None:
    kept = []
    for folder in ("a", "b"):
        bench = Bench(tmp_path / folder, 0.1)
        boxes = [cpe(index=index) for index in range(40)]
        for _ in range(20):
            for box in boxes:
                bench.has(box)
        assert bench.end()["sampled"] == len(bench.saved)
        kept.append([(session.serial_number, session.number) for session in bench.saved])
    assert kept[0] == kept[1]
    assert 40 < len(kept[0]) < 140
    assert len({number for _, number in kept[0]}) > 10


def test_only_so_many_are_kept_of_each_reason_and_that_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    box = cpe()
    with caplog.at_level(logging.WARNING):
        for reason in ("HTTP 500", "HTTP 404"):
            for _ in range(PER_REASON + 5):
                bench.has(box, FAILED._replace(reason=reason))
    assert bench.end() == {
        "failed": 2 * PER_REASON,
        "left_out": 10,
        "sampled": 0,
        "unwritten": 0,
    }
    assert [record.getMessage() for record in caplog.records] == [
        "--record: 20 sessions are kept that failed by: HTTP 500; more of these are only counted",
        "--record: 20 sessions are kept that failed by: HTTP 404; more of these are only counted",
    ]


def test_only_so_many_of_the_sample_are_kept_in_a_second(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench, box = Bench(tmp_path, 1.0), cpe()
    bench.step = 1 / (PER_SECOND + 10)
    with caplog.at_level(logging.WARNING):
        for _ in range(2 * (PER_SECOND + 10)):
            bench.has(box)
        for _ in range(3):
            bench.has(box, FAILED)  # these are not of the sample
    found = bench.end()
    assert (found["failed"], found["sampled"] + found["left_out"]) == (3, 2 * (PER_SECOND + 10))
    assert 2 * PER_SECOND <= found["sampled"] <= 2 * PER_SECOND + 1
    assert [record.getMessage() for record in caplog.records] == [
        "--record: 10 sessions a second are kept as the sample; more of these are only counted"
    ]


def test_only_so_many_bytes_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench, box = Bench(tmp_path, 1.0), cpe()
    fit = MAX_BYTES // MAX_SESSION_BYTES
    with caplog.at_level(logging.WARNING):
        bench.has(box, size=MAX_SESSION_BYTES + 1)
        for _ in range(fit + 3):
            bench.has(box, size=MAX_SESSION_BYTES)
    assert bench.end() == {"failed": 0, "left_out": 4, "sampled": fit, "unwritten": 0}
    assert len(caplog.records) == 2


def test_a_session_without_an_exchange_has_nothing_to_show(bench: Bench) -> None:
    bench.recorder.session(cpe(), FAILED)
    assert bench.end()["failed"] == 0


def test_files_are_written_in_a_thread(bench: Bench) -> None:
    bench.has(cpe(), FAILED)
    assert bench.saved == []
    bench.end()
    assert threading.get_ident() not in bench.threads


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _bug(*_: object) -> None:
    raise ValueError("oops")


@pytest.mark.parametrize(("save", "why"), [(_full, "No space left"), (_bug, "ValueError: oops")])
def test_a_disk_that_fails_is_one_warning_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, save: Callable[..., None], why: str
) -> None:
    bench = Bench(tmp_path)
    bench.recorder._save = save
    box = cpe()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bench.has(box, FAILED)
        assert bench.end() == {"failed": 0, "left_out": 0, "sampled": 0, "unwritten": 3}
    (record,) = caplog.records
    assert why in record.getMessage()
    assert "the run goes on" in record.getMessage()


def test_a_disk_that_hangs_holds_up_the_end_only_so_long(tmp_path: Path) -> None:
    bench, goes_on = Bench(tmp_path), threading.Event()

    def hang(*_: object) -> None:
        goes_on.wait()

    bench.recorder._save = hang
    bench.has(cpe(), FAILED)
    gevent.sleep(0)
    bench.recorder.close(0.01)
    results = Results()
    bench.recorder.book(results)
    goes_on.set()
    bench.recorder.close(60)
    assert results.counters["recordings.unwritten"] == 1


def test_after_the_end_nothing_is_kept(bench: Bench) -> None:
    bench.end()
    bench.has(cpe(), FAILED)
    assert bench.end()["failed"] == 0


# -- the transport --------------------------------------------------------------------------------


def posting(url: str, credentials: Credentials | None = None) -> RecordingTransport:
    return RecordingTransport(Endpoint(Address.of(url), 60.0), credentials)


@pytest.mark.sockets
class TestTransport:
    """Notes what goes over the wire."""

    def test_each_exchange_is_noted_as_it_was(self) -> None:
        with wire(answer("200 OK", b"<a/>", "X-Y: z"), answer("204 No Content")) as server:
            transport = posting(server.url)
            transport.post(b"<Envelope/>")
            transport.post(b"")
            transport.close()
        one, two = transport.exchanges
        assert one.head.startswith(b"POST /acs HTTP/1.1\r\n")
        assert one.head.endswith(b"Content-Length: 11\r\n\r\n")
        assert one.response is not None
        assert (one.body, one.response.body, one.connection) == (b"<Envelope/>", b"<a/>", 1)
        assert one.response.values("x-y") == ["z"]
        assert (two.body, two.connection) == (b"", 1)
        assert two.size == len(two.head) + len("content-length0")

    def test_challenges_are_noted_too(self) -> None:
        me = Credentials("cpe", "tr0ub4dor")
        guard = DigestVerifier("x", lambda: 0.0)

        def challenge(request: Any) -> bytes:
            asked = guard.check(me, "POST", "/acs", request[2].get("authorization"))
            lines = [f"WWW-Authenticate: {each}" for each in asked or ()]
            return answer("401 Unauthorized" if asked else "200 OK", b"", *lines)

        with wire(challenge, challenge) as server:
            transport = posting(server.url, me)
            transport.post(b"<x/>")
            transport.close()
        assert [each.response.status for each in transport.exchanges if each.response] == [401, 200]
        assert b"Authorization: Digest" in transport.exchanges[1].head

    def test_of_a_session_that_is_too_large_no_more_is_remembered(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recorder, "MAX_SESSION_BYTES", 3_000)
        with wire(*[answer("200 OK", b"x" * 2_000)] * 5) as server:
            transport = posting(server.url)
            for _ in range(5):
                transport.post(b"<x/>")
            transport.close()
        assert len(transport.exchanges) == 2
        assert sum(each.size for each in transport.exchanges) > 3_000

    def test_a_lost_answer_has_its_reason(self) -> None:
        with wire((b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE)) as server:
            transport = posting(server.url)
            with pytest.raises(ConnectionLost):
                transport.post(b"<x/>")
        (lost,) = transport.exchanges
        assert (lost.body, lost.response, lost.connection) == (b"<x/>", None, 1)
        assert lost.failure == "connection closed in the middle of an answer"

    def test_a_new_connection_is_counted(self) -> None:
        with wire(answer("200 OK", b"", "Connection: close"), answer()) as server:
            transport = posting(server.url)
            transport.post(b"<x/>")
            transport.post(b"")
            transport.close()
        assert [each.connection for each in transport.exchanges] == [1, 2]

    def test_without_a_connection_nothing_was_sent(self) -> None:
        transport = posting("http://127.0.0.1:1/")
        with pytest.raises(ConnectError):
            transport.post(b"<x/>")
        (lost,) = transport.exchanges
        assert (lost.head, lost.body, lost.connection) == (b"", b"", 0)


@pytest.mark.sockets
def test_a_shard_keeps_its_sessions_that_failed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new", 0.0, "n")
    informed = encode(Envelope(m.InformResponse(), "1"))
    with wire(answer("200 OK", informed), answer("500 Oops", b"<p>It broke"), RESET) as server:
        opener = make_open_transport(Endpoint(Address.of(server.url), 60.0), RecordingTransport)
        shard = Shard(
            ProfileMix([(profile(), 1.0)]),
            context(behaviors=Behaviors(periodic_inform=False)),
            recorder.wrap(opener),
            Results(),
            recorder=recorder,
        )
        shard.power_on(0)
        shard.start()
        shard.scheduler.wait_for_sessions(60)
        recorder.close(5)
        shard.stop()
    (found,) = recordings(tmp_path / "new")
    assert found.name == "n-FLEET-000001-1-failed"
    assert [response.status for _, response in found.exchanges] == [200, 500]
    assert found.exchanges[1][1].body == b"<p>It broke"
