"""Periodic Informs: their grid, phase and jitter."""

from __future__ import annotations

from math import inf

import pytest
from helpers.cpes import ask, context, cpe, extended, fail, run, sets

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors

MS = "Device.ManagementServer."


class TestPeriodic:
    @pytest.mark.rule("4.2-3", "6-9", "10-1", "10-4")
    def test_it_informs_on_its_grid_however_late_it_is(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=100))
        run(box, 0.0)
        first = box.due
        assert 0 <= first <= 100
        assert run(box, first + 7).events == ["2 PERIODIC"]
        assert box.due == first + 100
        assert run(box, first + 350).events == ["2 PERIODIC"]
        assert box.due == first + 400

    @pytest.mark.rule("10-3")
    def test_phases_are_spread(self) -> None:
        dues = set()
        for index in range(50):
            box = cpe(index=index, behaviors=Behaviors(inform_interval=100))
            run(box, 0.0)
            dues.add(int(box.due // 10))
        assert len(dues) >= 8

    @pytest.mark.rule("10-1", "10-5")
    def test_the_acs_can_change_the_interval(self) -> None:
        box = cpe()
        run(box, 0.0, sets(f"{MS}PeriodicInformInterval", "20", "xsd:unsignedInt"))
        first = box.due
        assert first <= 20
        run(box, first)
        assert box.due == first + 20
        run(box, box.due, sets(f"{MS}PeriodicInformEnable", "0", "xsd:boolean"))
        assert box.due == inf

    def test_an_interval_of_zero_is_off(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=0))
        run(box, 0.0)
        assert (inf, "0") == (box.due, box.value(f"{MS}PeriodicInformEnable", 0.0))

    @pytest.mark.rule("10-4")
    def test_in_a_retry_wait_it_joins_the_retry(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=1))
        fail(box, 0.0)
        retry = box.session_due
        assert box.periodic_due < retry
        assert box.begin_session(box.due) is None
        assert "2 PERIODIC" in run(box, retry).events


@pytest.mark.rule("10-5")
def test_an_interval_set_once_more_leaves_the_phase_alone() -> None:
    box = cpe()
    run(box, 0.0)
    due = box.due
    ask(box, sets(f"{MS}PeriodicInformInterval", box.value(f"{MS}PeriodicInformInterval", 1.0)))
    assert box.reschedule(1.0) == due


class TestPeriodicInformTime:
    @pytest.mark.rule("10-2")
    def test_a_time_that_the_acs_has_set_is_the_phase(self) -> None:
        for index in range(5):
            box = cpe(index=index, wall_offset=1_000_000.0)
            moment = m.ParameterValueStruct(
                "Device.ManagementServer.PeriodicInformTime", "2030-01-01T00:00:07Z", ""
            )
            run(box, 0.0, m.SetParameterValues((moment,)))
            assert (box.due + 1_000_000.0) % 300 == 7

    def test_the_unknown_time_leaves_the_phase_to_the_cpe(self) -> None:
        dues = set()
        for index in range(5):
            box = cpe(index=index)
            moment = m.ParameterValueStruct(
                "Device.ManagementServer.PeriodicInformTime", m.UNKNOWN_TIME, ""
            )
            run(box, 0.0, m.SetParameterValues((moment,)))
            dues.add(box.due)
        assert len(dues) == 5

    @pytest.mark.parametrize("time", ["1975-06-15T15:10:00Z", "2525-06-15T17:10:00+02:00"])
    def test_it_may_be_far_away_and_outlives_a_reboot(self, time: str) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=600))
        moment = m.ParameterValueStruct("Device.ManagementServer.PeriodicInformTime", time, "")
        run(box, 0.0, m.SetParameterValues((moment,)), m.Reboot())  # 0 is 2025-06-15T15:06:40Z
        run(box, 60.0)
        assert box.due == 200.0

    def test_a_time_of_the_profile_makes_no_burst_unless_it_is_to(self) -> None:
        path = "Device.ManagementServer.PeriodicInformTime"
        kind = extended(f"{path},false,true,2020-01-01T00:00:00Z,xsd:dateTime")
        dues: dict[bool, set[float]] = {True: set(), False: set()}
        for together, found in dues.items():
            behaviors = Behaviors(inform_interval=600, inform_together=together)
            for index in range(20):
                box = CPE(index, kind, context(behaviors=behaviors))
                box.power_on(0.0)
                run(box, 0.0)
                found.add(box.due)
        assert (dues[True], len(dues[False])) == ({200.0}, 20)

    def test_a_jitter_above_the_interval_loses_no_inform(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=10, inform_jitter=1000))
        run(box, 0.0)
        for _ in range(20):
            planned = box.periodic_due
            run(box, box.due)
            assert box.periodic_due == planned + 10

    def test_jitter_leaves_the_grid_alone(self) -> None:
        box = cpe(behaviors=Behaviors(inform_jitter=30.0))
        plain = cpe()
        for each in (box, plain):
            run(each, 0.0)
        offsets = []
        for _ in range(10):
            offsets.append(box.due - plain.due)
            run(box, box.due)
            run(plain, plain.due)
        assert all(0 <= offset <= 30 for offset in offsets)
        assert len(set(offsets)) == 10
