"""The wait before a failed session is repeated."""

from __future__ import annotations

import pytest
from helpers.cpes import NO_PERIODS, codes, cpe, fail, run, sets

from caretaker.cwmp import messages as m

MS = "Device.ManagementServer."


class TestRetry:
    @pytest.mark.rule("5-8", "5-9")
    def test_an_attempt_for_a_new_event_counts_when_it_fails(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        fail(box, 0.0)
        box.connection_request(1.0)
        assert fail(box, 1.0).retry_count == 1
        assert box.failures == 2
        assert 10.0 <= box.due - 1.0 <= 20.0

    @pytest.mark.rule("4.2-11", "5-1", "5-2", "5-3", "5-4", "5-5", "5-10")
    def test_waits_follow_the_table(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        now = 0.0
        for attempt in range(1, 14):
            inform = fail(box, now)
            assert inform.retry_count == attempt - 1
            wait = box.due - now
            row = min(attempt, 10)
            assert 5 * 2 ** (row - 1) <= wait <= 5 * 2**row
            now = box.due
        assert run(box, now).events == ["0 BOOTSTRAP", "1 BOOT"]
        assert box.failures == 0

    @pytest.mark.rule("5-5", "5-12")
    def test_a_session_that_breaks_after_its_inform_counts_as_failed(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        for attempt in range(3):
            assert fail(box, box.due, informed=True).retry_count == attempt
        inform = run(box, box.due).last_inform
        assert inform is not None
        assert inform.retry_count == 3
        box.raise_event(m.EventStruct("2 PERIODIC"), box.ended_at)
        assert fail(box, box.ended_at).retry_count == 0

    @pytest.mark.rule("5-8", "5-9")
    def test_a_new_event_does_not_reset_the_table(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        for _ in range(4):
            fail(box, box.due)
        now = box.ended_at + 1.0
        box.raise_event(m.EventStruct("8 DIAGNOSTICS COMPLETE"), now)
        assert box.reschedule(now) == now
        assert fail(box, now).retry_count == 4
        assert 5 * 2**4 <= box.due - now <= 5 * 2**5

    @pytest.mark.rule("5-6", "5-7")
    def test_a_reboot_restarts_the_wait(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        for _ in range(4):
            fail(box, box.due)
        box.reboot(box.due)
        now = box.reschedule(box.due)
        assert fail(box, now).retry_count == 0
        assert 5.0 <= box.due - now <= 10.0

    @pytest.mark.rule("5-3", "5-4")
    @pytest.mark.parametrize("text", ["", "0", "soon", "-5"])
    def test_a_device_without_usable_numbers_waits_by_the_standard_ones(self, text: str) -> None:
        box = cpe(behaviors=NO_PERIODS)
        for last in ("CWMPRetryMinimumWaitInterval", "CWMPRetryIntervalMultiplier"):
            box.ensure_overlay().values[f"{MS}{last}"] = text
        fail(box, 0.0)
        assert 1.0 <= box.due <= 10.0

    @pytest.mark.rule("4.2-11")
    def test_what_waits_to_be_sent_brings_a_retry_even_of_a_session_the_acs_asked_for(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.connection_request(1.0)
        box.ask(m.GetRPCMethods(), 1.0)
        fail(box, 1.0, informed=True)
        assert 6.0 <= box.due <= 11.0
        assert run(box, box.due).cpe_requests == [m.GetRPCMethods()]

    @pytest.mark.rule("5-3", "5-4")
    def test_the_acs_can_set_the_table(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(
            box,
            0.0,
            sets(f"{MS}CWMPRetryMinimumWaitInterval", "100", "xsd:unsignedInt"),
            sets(f"{MS}CWMPRetryIntervalMultiplier", "1000", "xsd:unsignedInt"),
        )
        box.raise_event(m.EventStruct("2 PERIODIC"), 1.0)
        box.reschedule(1.0)
        for _ in range(3):
            now = box.due
            fail(box, now)
            assert box.due - now == pytest.approx(100)

    @pytest.mark.rule("5-8", "5-10")
    def test_a_new_event_brings_an_attempt_now(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        fail(box, 0.0)
        box.connection_request(1.0)
        assert box.due == 1.0
        inform = run(box, 1.0).last_inform
        assert codes(inform) == ["0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST"]
        assert inform is not None
        assert inform.retry_count == 1

    @pytest.mark.rule("5-13")
    def test_waits_differ_between_cpes_and_not_between_runs(self) -> None:
        def wait(index: int) -> float:
            box = cpe(index=index, behaviors=NO_PERIODS)
            fail(box, 0.0)
            return box.due

        assert wait(1) == wait(1)
        assert wait(1) != wait(2)
