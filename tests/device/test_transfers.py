"""Transfers, rule by rule: what is taken, when it happens, and what the ACS is told."""

from __future__ import annotations

from math import inf
from typing import Any, get_args

import pytest
from helpers.cpes import ask, codes, cpe, fail, run, talk
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.device import transfers
from caretaker.device.cpe import CPE, MAX_REFUSALS
from caretaker.device.rpc.methods import METHODS
from caretaker.device.rpc.transfers import MAX_TRANSFERS, TRANSFER_METHODS, WINDOW_MODES
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.device.transfer_record import FIRMWARE, TransferRequest, TransferState
from caretaker.device.transfers import EVENTS_OF_REQUESTS, RETRIES, RETRY_SECONDS, version_of
from caretaker.errors import DeviceBusy
from caretaker.testing import ACS_ANSWERS, ScriptedACS

CONFIG = "3 Vendor Configuration File"
VERSION = "Device.DeviceInfo.SoftwareVersion"
URL = "http://files/hr181-5.0.1.bin"


def box(**changes: Any) -> CPE:
    """A CPE that has had its first session at 0; transfers take ten seconds."""
    made = cpe(
        behaviors=Behaviors(periodic_inform=False),
        transfers=TransferSettings(**{"seconds": (10.0, 10.0), **changes}),
    )
    run(made, 0.0)
    return made


def download(key: str = "k", file_type: str = CONFIG, url: str = URL, **more: Any) -> m.Download:
    return m.Download(key, file_type, url, **more)


def upload(key: str = "k", file_type: str = "2 Vendor Log File", **more: Any) -> m.Upload:
    return m.Upload(key, file_type, "http://files/in", **more)


def scheduled(*windows: tuple[int, int, str, int], key: str = "k") -> m.ScheduleDownload:
    structs = (m.TimeWindowStruct(start, end, mode, "", most) for start, end, mode, most in windows)
    return m.ScheduleDownload(key, CONFIG, URL, time_window_list=tuple(structs))


def fault_code(response: m.Response) -> int:
    assert isinstance(response, m.Fault)
    return response.fault_code


def queued(made: CPE, now: float = 1.0) -> list[tuple[str, int]]:
    response = ask(made, m.GetQueuedTransfers(), now)
    assert isinstance(response, m.GetQueuedTransfersResponse)
    return [(struct.command_key, struct.state) for struct in response.transfer_list]


def until_told(made: CPE) -> tuple[ScriptedACS, float]:
    """Let the CPE do what it has to until it opens a session; that session and its time."""
    for _ in range(100):
        now = made.reschedule(0.0)
        acs = step(made, now)
        if acs is not None:
            return acs, now
    raise AssertionError("it never told")


def step(made: CPE, now: float) -> ScriptedACS | None:
    """What it does at that time: a session, or a job only."""
    assert now < inf, "nothing is planned"
    session = made.begin_session(now)
    return None if session is None else talk(made, session, now)


def complete(acs: ScriptedACS) -> m.TransferComplete:
    (request,) = acs.cpe_requests
    assert isinstance(request, m.TransferComplete)
    return request


class TestRequest:
    @pytest.mark.rule("8-2", "8-5")
    def test_all_six_are_methods(self) -> None:
        assert len(TRANSFER_METHODS) == 6
        assert TRANSFER_METHODS.items() <= METHODS.items()
        assert set(EVENTS_OF_REQUESTS) == set(get_args(TransferRequest))

    @pytest.mark.rule("8.3-5", "8.3-6")
    def test_the_answer_promises_a_transfer_complete(self) -> None:
        acs = ScriptedACS()
        made = box()
        made.connection_request(1.0)
        acs = run(made, 1.0, download(), upload(), scheduled((0, 60, WINDOW_MODES[0], 0)))
        assert acs.responses == [
            m.DownloadResponse(1, m.UNKNOWN_TIME, m.UNKNOWN_TIME),
            m.UploadResponse(1, m.UNKNOWN_TIME, m.UNKNOWN_TIME),
            m.ScheduleDownloadResponse(),
        ]

    @pytest.mark.rule("8.3-1", "8.3-2", "8.3-4", "8.3-7", "8.3-15", "8.3-19")
    @pytest.mark.parametrize(
        "request_",
        [
            download("k" * 33),
            upload("k" * 33),
            download(file_type="1 Vendor Log File"),
            download(file_type="6 Stored Firmware Image"),
            download(file_type=""),
            upload(file_type=FIRMWARE),
            upload(file_type="3 Vendor Configuration File"),
            upload(file_type="3 Vendor Configuration File 0"),
            download(url=""),
            download(url="files/x.bin"),
            download(url="http:///x.bin"),
            download(url="http://[::1/x.bin"),
            download(url="http://files/a b"),
            download(url="http://user:pw@files/x.bin"),
            download(url="http://user@files/x.bin"),
            download(url="http://files/" + "x" * 256),
            download(username="u" * 257),
            download(delay_seconds=-1),
            download(file_size=-1),
            upload(delay_seconds=-1),
            scheduled(),
            scheduled(*[(n, n + 1, WINDOW_MODES[0], 0) for n in range(3)]),
            scheduled((5, 5, WINDOW_MODES[0], 0)),
            scheduled((-1, 5, WINDOW_MODES[0], 0)),
            scheduled((0, 10, WINDOW_MODES[0], 0), (9, 20, WINDOW_MODES[0], 0)),
            scheduled((10, 20, WINDOW_MODES[0], 0), (0, 5, WINDOW_MODES[0], 0)),
            scheduled((0, 10, "5 At Full Moon", 0)),
        ],
    )
    def test_bad_arguments_are_9003_and_nothing_is_queued(self, request_: m.Request) -> None:
        made = box()
        assert fault_code(ask(made, request_)) == 9003
        assert (made.transfers, made.jobs) == ((), ())

    @pytest.mark.rule("8.3-7", "8.3-14")
    @pytest.mark.parametrize("scheme", ["ftp", "sftp", "tftp", "file"])
    def test_other_protocols_are_9013(self, scheme: str) -> None:
        assert fault_code(ask(box(), download(url=f"{scheme}://files/x"))) == 9013

    @pytest.mark.rule("8.3-1", "8.3-2", "8.3-14", "8.3-20")
    @pytest.mark.parametrize(
        "request_",
        [
            *[download(file_type=each) for each in (FIRMWARE, "2 Web Content", "X ACME Theme")],
            *[download(file_type=each) for each in ("4 Tone File", "5 Ringer File")],
            upload(file_type="1 Vendor Configuration File"),
            upload(file_type="4 Vendor Log File 12"),
            upload(file_type="X 00AABB Dump"),
            download(url="https://files:8443/x?y=1", success_url="http://ok", failure_url="x"),
            *[scheduled((0, 60, mode, -1)) for mode in WINDOW_MODES],
        ],
    )
    def test_good_arguments_are_taken(self, request_: m.Request) -> None:
        made = box()
        assert not isinstance(ask(made, request_), m.Fault)
        assert queued(made) == [("k", 1)]

    @pytest.mark.rule("8.3-12")
    def test_more_than_sixteen_are_9004(self) -> None:
        made = box()
        for number in range(MAX_TRANSFERS):
            ask(made, download(str(number)))
        assert fault_code(ask(made, upload("16"))) == 9004
        assert len(queued(made)) == 16


class TestDownload:
    @pytest.mark.rule("4.2-8", "6-30", "8.3-6", "8.3-8", "8.3-9", "8.3-17")
    def test_it_is_done_after_the_session_and_told_in_another(self) -> None:
        made = box()
        made.connection_request(1.0)
        run(made, 1.0, download("key-1"))
        assert (made.due, queued(made)) == (1.0, [("key-1", 1)])
        assert made.begin_session(1.0) is None
        assert (made.due, queued(made)) == (11.0, [("key-1", 2)])
        acs, now = until_told(made)
        assert now == 11.0
        assert acs.last_inform.event == (
            m.EventStruct("7 TRANSFER COMPLETE"),
            m.EventStruct("M Download", "key-1"),
        )
        assert complete(acs) == m.TransferComplete(
            "key-1", m.FaultStruct(), "2025-06-15T15:06:41Z", "2025-06-15T15:06:51Z"
        )
        assert (made.transfers, made.requests, made.pending, made.due) == ((), (), (), inf)

    @pytest.mark.rule("8.3-11")
    def test_a_delay_counts_from_the_request(self) -> None:
        made = box()
        ask(made, download(delay_seconds=100), 1.0)
        assert made.reschedule(1.0) == 101.0

    def test_other_files_change_nothing(self) -> None:
        made = box()
        ask(made, download())
        until_told(made)
        assert made.value(VERSION, 99.0) == "4.7.2"

    def test_until_the_acs_has_answered_it_is_completed(self) -> None:
        made = box()
        ask(made, download())
        made.begin_session(made.reschedule(1.0))
        now = made.reschedule(1.0)
        inform = fail(made, now, informed=True)
        assert codes(inform) == ["7 TRANSFER COMPLETE", "M Download"]
        assert queued(made) == [("k", 3)]
        assert fault_code(ask(made, m.CancelTransfer("k"))) == 9021
        acs, _ = until_told(made)
        assert complete(acs).fault_struct.fault_code == 0
        assert queued(made) == []

    def test_two_with_one_key_are_told_each(self) -> None:
        made = box()
        ask(made, download("same"))
        ask(made, download("same", delay_seconds=1))
        told = [complete(until_told(made)[0]) for _ in range(2)]
        assert [each.complete_time[-3:-1] for each in told] == ["51", "52"]
        assert made.transfers == ()

    def test_what_ends_together_is_told_together(self) -> None:
        made = box()
        ask(made, download("a"))
        ask(made, upload("b"))
        acs, _ = until_told(made)
        assert acs.events == ["7 TRANSFER COMPLETE", "M Download", "M Upload"]
        assert [
            request.command_key for request in acs.cpe_requests if hasattr(request, "command_key")
        ] == [
            "a",
            "b",
        ]

    @pytest.mark.rule("3.3-6", "4.2-8")
    @pytest.mark.parametrize(
        ("request_", "settings_", "expected"),
        [
            (download(), {}, 9010),
            (upload(), {}, 9011),
            (download(), {"fault_code": 9018}, 9018),
            (download(file_type=FIRMWARE), {"fault_code": 9016}, 9016),
        ],
    )
    def test_a_failure_is_told_with_its_fault(
        self, request_: m.Request, settings_: dict[str, Any], expected: int
    ) -> None:
        made = box(failures=1.0, **settings_)
        ask(made, request_)
        acs, now = until_told(made)
        assert now == 11.0
        told = complete(acs).fault_struct
        assert (told.fault_code, bool(told.fault_string)) == (expected, True)
        assert "1 BOOT" not in acs.events
        assert made.value(VERSION, now) == "4.7.2"

    def test_a_share_of_them_fails_and_the_same_seed_repeats_it(self) -> None:
        def fates() -> list[int]:
            made = box(failures=0.3, seconds=(0.0, 0.0))
            found = []
            for number in range(100):
                ask(made, download(), float(number))
                found.append(complete(until_told(made)[0]).fault_struct.fault_code)
            return found

        assert 15 <= sum(map(bool, fates())) <= 45
        assert fates() == fates()

    def test_durations_differ(self) -> None:
        made = box(seconds=(5.0, 30.0))
        dues = set()
        for number in range(10):
            ask(made, download(delay_seconds=1000 * number), 0.0)
        for number in range(10):
            _, now = until_told(made)
            dues.add(now - 1000 * number)
        assert len(dues) == 10
        assert all(5 <= due <= 30 for due in dues)

    def test_with_bandwidth_a_known_size_takes_its_time(self) -> None:
        made = box(bandwidth=1000.0)
        ask(made, download(file_size=50_000), 0.0)
        assert until_told(made)[1] == 50.0


@pytest.mark.rule("3.4-8")
class TestRefused:
    def test_it_is_told_five_times_and_then_no_more(self) -> None:
        made = box()
        ask(made, download("unwanted"))
        made.begin_session(made.reschedule(1.0))
        for number in range(MAX_REFUSALS):
            assert len(made.transfers) == 1
            acs = refuse(made, 100.0 + number)
            assert {"7 TRANSFER COMPLETE", "M Download"} <= set(acs.events)
            assert complete(acs).command_key == "unwanted"
        assert (made.transfers, made.requests, made.pending, made.due) == ((), (), (), inf)
        books = made.context.books
        why = "refused by the ACS"
        assert books.discarded["7 TRANSFER COMPLETE", why] == 1
        assert books.discarded["M Download", why] == 1
        assert made.context.transfer_counts == {"requested": 1, "succeeded": 1}

    def test_others_are_told_as_before(self) -> None:
        made = box()
        ask(made, download("a"))
        made.begin_session(made.reschedule(1.0))
        for number in range(MAX_REFUSALS - 1):
            refuse(made, 100.0 + number)
        ask(made, upload("b"), 110.0)
        made.begin_session(110.0)
        assert [getattr(each, "command_key", "") for each in refuse(made, 120.0).cpe_requests] == [
            "a",
            "b",
        ]
        assert [event.event_code for event in made.pending] == ["7 TRANSFER COMPLETE", "M Upload"]
        made.connection_request(130.0)
        assert complete(run(made, 130.0)).command_key == "b"
        assert (made.transfers, made.pending) == ((), ())


def refuse(made: CPE, now: float) -> ScriptedACS:
    """A session in which the ACS refuses what the CPE has to tell."""
    made.connection_request(now)
    session = made.begin_session(now)
    assert session is not None
    return talk(
        made, session, now, acs=ScriptedACS(answers=dict.fromkeys(ACS_ANSWERS, m.Fault.of(8003)))
    )


class TestFirmware:
    @pytest.mark.rule("6-29", "8.3-8")
    def test_the_new_version_runs_after_an_outage(self) -> None:
        made = box()
        ask(made, download("fw", FIRMWARE), 1.0)
        made.begin_session(1.0)
        assert made.begin_session(11.0) is None
        assert made.due == 71.0
        with pytest.raises(DeviceBusy, match="rebooting"):
            made.connection_request(70.0)
        acs = run(made, 71.0)
        inform = acs.last_inform
        assert codes(inform) == ["1 BOOT", "7 TRANSFER COMPLETE", "M Download"]
        assert inform is not None
        assert m.ParameterValueStruct(VERSION, "5.0.1") in inform.parameter_list
        told = complete(acs)
        assert told.fault_struct == m.FaultStruct()
        assert told.complete_time == "2025-06-15T15:07:51Z"
        assert made.value("Device.DeviceInfo.UpTime", 80.0) == "9"

    @pytest.mark.rule("4.1-25")
    def test_in_the_session_that_asks_for_it_the_old_version_runs(self) -> None:
        made = box(seconds=(0.0, 0.0))
        made.connection_request(1.0)
        acs = run(made, 1.0, download("fw", FIRMWARE), m.GetParameterValues((VERSION,)))
        version = acs.responses[-1]
        assert isinstance(version, m.GetParameterValuesResponse)
        assert [struct.value for struct in version.parameter_list] == ["4.7.2"]
        assert (made.begin_session(1.0), made.due) == (None, 61.0)
        assert made.value(VERSION, 61.0) == "5.0.1"

    def test_what_else_is_due_waits_until_it_is_up(self) -> None:
        made = box()
        ask(made, download("fw", FIRMWARE), 1.0)
        ask(made, download("other", delay_seconds=20), 1.0)
        ask(made, download("late", delay_seconds=10), 1.0)
        acs, now = until_told(made)
        assert (now, complete(acs).command_key) == (71.0, "fw")
        acs, now = until_told(made)
        assert now == 81.0
        assert {getattr(each, "command_key", "") for each in acs.cpe_requests} == {"other", "late"}

    def test_a_factory_reset_keeps_no_promise(self) -> None:
        made = box()
        ask(made, download("fw", FIRMWARE), 1.0)
        made.begin_session(1.0)
        made.connection_request(2.0)
        run(made, 2.0, m.FactoryReset())
        assert (made.transfers, made.jobs) == ((), ())
        assert run(made, 62.0).events == ["0 BOOTSTRAP", "1 BOOT"]
        assert made.context.transfer_counts == {"requested": 1, "dropped": 1}

    @pytest.mark.parametrize(
        ("old", "names", "expected"),
        [
            ("4.7.2", ("hr181-5.0.1.bin", "x-6.0.bin"), "5.0.1"),
            ("4.7.2", ("", "hr181_v2.1-rc3.img"), "2.1"),
            ("4.7.2", ("image.bin", "latest"), "4.7.3"),
            ("V1.09", ("", ""), "V1.10"),
            ("R2 build 99 beta", ("",), "R2 build 100 beta"),
            ("beta", ("",), "beta.1"),
            ("", ("",), ".1"),
        ],
    )
    def test_the_version_of_an_image(self, old: str, names: tuple[str, ...], expected: str) -> None:
        assert version_of(old, *names) == expected

    @given(st.text(max_size=64), st.lists(st.text(max_size=256), max_size=2))
    def test_there_is_always_a_version(self, old: str, names: list[str]) -> None:
        assert 0 < len(version_of(old, *names)) <= 69


class TestReboot:
    def test_what_is_in_progress_starts_again(self) -> None:
        made = box()
        ask(made, download(), 1.0)
        made.begin_session(1.0)
        made.connection_request(5.0)
        run(made, 5.0, m.Reboot("r"))
        assert queued(made) == [("k", 1)]
        acs = run(made, 65.0)
        assert acs.events == ["1 BOOT", "M Reboot"]
        assert queued(made) == [("k", 2)]
        acs, now = until_told(made)
        assert now == 75.0
        assert complete(acs).start_time == "2025-06-15T15:07:45Z"

    @pytest.mark.rule("8.3-10")
    def test_what_waits_or_has_ended_survives(self) -> None:
        made = box()
        ask(made, download("waits", delay_seconds=1000), 1.0)
        ask(made, upload("ended"), 1.0)
        made.begin_session(1.0)
        fail(made, 11.0)
        made.reboot(12.0)
        assert queued(made) == [("waits", 1), ("ended", 3)]
        acs, now = until_told(made)
        assert (now, complete(acs).command_key) == (72.0, "ended")
        assert "7 TRANSFER COMPLETE" in acs.events
        assert complete(until_told(made)[0]).command_key == "waits"


class TestQueue:
    def test_one_that_waits_can_be_cancelled_and_is_never_told(self) -> None:
        made = box()
        ask(made, download(delay_seconds=10))
        assert ask(made, m.CancelTransfer("k")) == m.CancelTransferResponse()
        assert (queued(made), made.jobs, made.reschedule(1.0)) == ([], (), inf)
        assert made.context.transfer_counts["cancelled"] == 1

    def test_an_unknown_key_is_fine(self) -> None:
        assert ask(box(), m.CancelTransfer("nothing")) == m.CancelTransferResponse()

    def test_one_in_progress_can_not_be_cancelled(self) -> None:
        made = box()
        ask(made, download())
        ask(made, download(delay_seconds=50))
        made.begin_session(1.0)
        assert fault_code(ask(made, m.CancelTransfer("k"))) == 9021
        assert queued(made) == [("k", 2), ("k", 1)]

    def test_all_of_a_key_are_cancelled_and_no_other(self) -> None:
        made = box()
        for key in ("a", "b", "a"):
            ask(made, download(key, delay_seconds=10))
        ask(made, m.CancelTransfer("a"))
        assert queued(made) == [("b", 1)]

    @pytest.mark.rule("8.3-3")
    def test_the_list_of_all_has_numbers_of_its_own_for_uploads(self) -> None:
        made = box()
        made.connection_request(1.0)
        acs = run(
            made,
            1.0,
            download("d", FIRMWARE, file_size=7, target_file_name="t"),
            upload("1", "1 Vendor Configuration File"),
            upload("2", "2 Vendor Log File"),
            upload("3", "3 Vendor Configuration File 2"),
            upload("4", "4 Vendor Log File 3"),
            upload("x", "X 00AABB Dump it"),
            m.GetAllQueuedTransfers(),
            m.GetQueuedTransfers(),
        )
        everything, own = acs.responses[-2:]
        assert isinstance(everything, m.GetAllQueuedTransfersResponse)
        assert isinstance(own, m.GetQueuedTransfersResponse)
        listed = m.AllQueuedTransferStruct
        assert everything.transfer_list == (
            listed("d", 1, True, FIRMWARE, 7, "t"),
            listed("1", 1, False, "3 Vendor Configuration File"),
            listed("2", 1, False, "4 Vendor Log File"),
            listed("3", 1, False, "6 Vendor Configuration File 2"),
            listed("4", 1, False, "7 Vendor Log File 3"),
            listed("x", 1, False, "X 00AABB Dump it"),
        )
        assert [struct.command_key for struct in own.transfer_list] == [
            "d",
            "1",
            "2",
            "3",
            "4",
            "x",
        ]


class TestScheduleDownload:
    ANY, NOW, IDLE, _ = WINDOW_MODES

    @pytest.mark.rule("8.3-19", "8.3-20")
    def test_it_starts_at_a_moment_of_its_own_and_ends_within_the_window(self) -> None:
        moments = set()
        for index in range(20):
            made = CPE(index, box().profile, box().context)
            made.power_on(0.0)
            run(made, 0.0)
            ask(made, scheduled((100, 200, self.ANY, 0)), 0.0)
            acs, now = until_told(made)
            assert 110 <= now <= 200
            assert acs.events == ["7 TRANSFER COMPLETE", "M ScheduleDownload"]
            assert complete(acs).fault_struct.fault_code == 0
            moments.add(now)
        assert len(moments) == 20

    @pytest.mark.rule("8.3-20")
    def test_immediately_is_when_the_window_opens(self) -> None:
        made = box()
        ask(made, scheduled((100, 200, self.NOW, 0)), 1.0)
        assert until_told(made)[1] == 111.0

    def test_without_retries_the_next_window_is_next(self) -> None:
        made = box(failures=1.0)
        ask(made, scheduled((100, 200, self.NOW, 0), (300, 400, self.NOW, 0)), 0.0)
        acs, now = until_told(made)
        assert (now, complete(acs).fault_struct.fault_code) == (310.0, 9010)
        assert made.context.transfer_counts["retried"] == 1

    @pytest.mark.rule("8.3-20")
    @pytest.mark.parametrize(("most", "attempts"), [(0, 1), (2, 3), (-1, RETRIES + 1)])
    def test_retries_within_a_window(self, most: int, attempts: int) -> None:
        made = box(failures=1.0)
        ask(made, scheduled((0, 10_000, self.NOW, most)), 0.0)
        acs, now = until_told(made)
        assert complete(acs).fault_struct.fault_code == 9010
        assert now == attempts * (10 + RETRY_SECONDS) - RETRY_SECONDS

    @pytest.mark.rule("8.3-19")
    def test_a_window_that_is_too_short_is_9020(self) -> None:
        made = box()
        ask(made, scheduled((100, 105, self.ANY, 5)), 0.0)
        acs, now = until_told(made)
        assert (now, complete(acs).fault_struct.fault_code) == (105.0, 9020)

    @pytest.mark.rule("8.3-9", "8.3-19")
    def test_a_device_that_is_down_all_that_time_tells_9020_without_times(self) -> None:
        made = box()
        ask(made, scheduled((5, 20, self.NOW, 5), (25, 30, self.NOW, 5)), 0.0)
        made.reboot(1.0)
        acs, now = until_told(made)
        assert now == 61.0
        assert complete(acs).fault_struct.fault_code == 9020
        assert complete(acs).start_time == complete(acs).complete_time == m.UNKNOWN_TIME

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 200),
                st.integers(1, 200),
                st.sampled_from(WINDOW_MODES),
                st.integers(-1, 4),
            ),
            min_size=1,
            max_size=2,
        ),
        st.sampled_from([0.0, 0.5, 1.0]),
        st.lists(st.floats(1.0, 500.0), max_size=2),
    )
    @settings(max_examples=60)
    def test_it_is_told_exactly_once_and_within_its_windows(
        self, gaps: list[tuple[int, int, str, int]], failures: float, reboots: list[float]
    ) -> None:
        windows, end = [], 0
        for gap, length, mode, most in gaps:
            windows.append((end + gap, end + gap + length, mode, most))
            end = windows[-1][1]
        made = box(failures=failures)
        ask(made, scheduled(*windows), 0.0)
        told: list[m.Request] = []
        now = 0.0
        for stop in (*sorted(reboots), inf):
            while made.transfers and (now := made.reschedule(now)) < stop:
                acs = step(made, now)
                told += acs.cpe_requests if acs else []
            if stop < inf and now < inf:
                made.reboot(max(stop, now if now < inf else stop))
        assert [type(each) for each in told] == [m.TransferComplete]
        assert made.transfers == ()
        (outcome,) = told
        assert isinstance(outcome, m.TransferComplete)
        assert outcome.fault_struct.fault_code in (0, 9010, 9020)
        counts = made.context.transfer_counts
        ends = counts["succeeded"] + counts["faults.9010"] + counts["faults.9020"]
        assert counts["requested"] == ends == 1


class TestRealOnes:
    def test_they_are_wanted_until_somebody_moved_them(self) -> None:
        made = box(real_hosts=frozenset({"files"}))
        ask(made, download(), 1.0)
        assert transfers.wanted(made) == ()
        made.begin_session(1.0)
        (wanted,) = transfers.wanted(made)
        assert (wanted.request.url, made.due) == (URL, inf)
        transfers.moved(made, wanted, 9015, 31.0)
        acs, now = until_told(made)
        assert (now, complete(acs).fault_struct.fault_code) == (31.0, 9015)
        assert transfers.wanted(made) == ()

    def test_those_with_other_hosts_are_simulated(self) -> None:
        made = box(real_hosts=frozenset({"other"}))
        ask(made, download(), 1.0)
        made.begin_session(1.0)
        assert (transfers.wanted(made), made.due) == ((), 11.0)

    def test_during_a_session_the_outcome_waits(self) -> None:
        made = box(real_hosts=frozenset({"files"}))
        ask(made, download("fw", FIRMWARE), 1.0)
        made.begin_session(1.0)
        (wanted,) = transfers.wanted(made)
        made.connection_request(5.0)
        made.begin_session(5.0)
        transfers.moved(made, wanted, 0, 6.0)
        assert queued(made) == [("fw", 2)]
        made.in_session = False
        assert made.reschedule(7.0) <= 6.0

    def test_an_attempt_that_a_reboot_has_ended_counts_no_more(self) -> None:
        made = box(real_hosts=frozenset({"files"}))
        ask(made, download(), 1.0)
        made.begin_session(1.0)
        (old,) = transfers.wanted(made)
        made.reboot(2.0)
        transfers.moved(made, old, 0, 3.0)
        run(made, 62.0)
        transfers.moved(made, old, 0, 63.0)
        (new,) = transfers.wanted(made)
        assert (new.attempt, new.state, made.reschedule(63.0)) == (
            2,
            TransferState.IN_PROGRESS,
            inf,
        )

    def test_a_window_that_closes_ends_the_attempt(self) -> None:
        made = box(real_hosts=frozenset({"files"}))
        ask(made, scheduled((0, 60, WINDOW_MODES[1], 0)), 0.0)
        acs, now = until_told(made)
        assert (now, complete(acs).fault_struct.fault_code) == (60.0, 9020)
