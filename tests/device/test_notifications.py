"""Notifications: which changes are reported, and when."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from helpers.cpes import (
    ask,
    codes,
    context,
    cpe,
    extended,
    fail,
    profile,
    read_profile,
    run,
    sets,
    talk,
    watch,
)

from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.data_model.dynamic_values import (
    Dynamic,
    applied,
)
from caretaker.data_model.model import DataModel
from caretaker.data_model.parameter import Row
from caretaker.device import notifications
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.errors import FaultError

CPU = "Device.DeviceInfo.ProcessStatus.CPUUsage"
SSID = "Device.WiFi.SSID.1.SSID"
MS = "Device.ManagementServer."
INFO = "Device.DeviceInfo."
QUIET = Behaviors(periodic_inform=False)
GATEWAY = ("ManufacturerOUI", "ProductClass", "SerialNumber")


def gateway() -> CPE:
    """A CPE with the parameters of GatewayInfo."""
    rows = (f"Device.GatewayInfo.{last},false,false,,xsd:string" for last in GATEWAY)
    box = CPE(0, extended(*rows), context(behaviors=QUIET))
    box.power_on(0.0)
    return box


@pytest.mark.rule("7-10", "7-11")
def test_some_have_active_notification_from_the_factory() -> None:
    made = gateway()
    for path in (f"{MS}ConnectionRequestURL", *(f"Device.GatewayInfo.{last}" for last in GATEWAY)):
        assert notifications.kind(made, path) == notifications.ACTIVE, path
    wan = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1."
    assert notifications.kind(cpe("tr098"), f"{wan}ExternalIPAddress") == notifications.ACTIVE
    off = m.SetParameterAttributesStruct(f"{MS}ConnectionRequestURL", True, 0, False)
    ask(made, m.SetParameterAttributes((off,)))
    assert notifications.kind(made, f"{MS}ConnectionRequestURL") == 0


@pytest.mark.rule("7-9", "8.2-22")
def test_forced_active_notification_stays() -> None:
    made = cpe()
    for last in ("SoftwareVersion", "ProvisioningCode"):
        off = m.SetParameterAttributesStruct(f"{INFO}{last}", True, 0, False)
        response = ask(made, m.SetParameterAttributes((off,)))
        assert response == m.SetParameterAttributesResponse()
        assert notifications.attribute(made, f"{INFO}{last}") == 2


@pytest.mark.rule("8.2-20", "8.2-21")
@pytest.mark.parametrize("notification", range(7))
def test_no_notification_is_refused(notification: int) -> None:
    every = m.SetParameterAttributesStruct("Device.", True, notification, False)
    response = ask(cpe(), m.SetParameterAttributes((every,)))
    assert response == m.SetParameterAttributesResponse()


@pytest.mark.rule("10-9")
def test_forced_parameters_are_told_but_their_change_only_with_notification() -> None:
    made = cpe(behaviors=QUIET)
    run(made, 0.0)
    made.change(f"{INFO}HardwareVersion", "2", 1.0)
    assert _pending(made) == []
    made.change(f"{INFO}SoftwareVersion", "2", 2.0)
    assert _pending(made) == ["4 VALUE CHANGE"]
    assert made.due == 2.0


def _pending(made: CPE) -> list[str]:
    return [event.event_code for event in made.pending]


class TestObserved:
    def test_what_is_watched_passively_is_told_by_the_next_inform(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(CPU, 1))
        assert box.due == inf
        later = next(t for t in range(60, 6000, 30) if box.value(CPU, t) != box.value(CPU, 0.0))
        box.connection_request(float(later))
        inform = run(box, float(later)).last_inform
        assert codes(inform) == ["6 CONNECTION REQUEST", "4 VALUE CHANGE"]
        assert inform is not None
        assert CPU in [struct.name for struct in inform.parameter_list]
        box.connection_request(later + 0.001)
        assert run(box, later + 0.001).events == ["6 CONNECTION REQUEST"]

    def test_what_is_watched_actively_opens_a_session_when_it_changes(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(CPU, 2))
        for _ in range(5):
            assert box.overlay is not None
            assert box.overlay.last_reported is not None
            before, due = box.overlay.last_reported[CPU], box.due
            while (session := box.begin_session(due)) is None:  # a step to the same value
                due = box.due
            assert talk(box, session, due).events == ["4 VALUE CHANGE"]
            assert box.value(CPU, due) == box.overlay.last_reported[CPU] != before

    def test_after_a_reboot_it_is_still_watched(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(CPU, 2), m.Reboot())
        run(box, 60.0)
        assert [job.kind for job in box.jobs] == ["change"]

    def test_without_attributes_nothing_is_planned(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0)
        assert (box.jobs, box.due) == ((), inf)

    def test_steps_do_not_hurry_the_retry(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(CPU, 2))
        attempts = 0
        while box.due < 3600.0:
            now = box.due
            if (session := box.begin_session(now)) is not None:
                session.abort()
                box.end_session(Outcome.FAILED, now)
                attempts += 1
        assert attempts < 15

    def test_what_the_acs_sets_is_not_told_back_and_stays(self) -> None:
        box = cpe(behaviors=QUIET)
        path = "Device.DeviceInfo.ProcessStatus.CPUUsage"
        run(box, 0.0, watch(path, 2))
        box.set_values([(path, "99")], 1.0)
        notifications.acknowledge_set(box, [path], 1.0)
        while box.due < 1000.0:
            assert box.begin_session(box.due) is None
        assert box.value(path, 5000.0) == "99"

    def test_it_is_watched_for_another_acs_too(self) -> None:
        box = cpe(behaviors=QUIET)
        url = m.ParameterValueStruct("Device.ManagementServer.URL", "http://other/", "")
        run(box, 0.0, watch(CPU, 2), m.SetParameterValues((url,)))
        assert [job.kind for job in box.jobs] == ["change"]

    def test_what_changes_before_the_inform_is_answered_is_told_next(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(CPU, 2))
        now = box.due
        while (session := box.begin_session(now)) is None:
            now = box.due
        later = next(t for t in range(1, 9999) if box.value(CPU, now + t) != box.value(CPU, now))
        talk(box, session, now + later)
        assert box.overlay is not None
        assert (box.overlay.last_reported or {})[CPU] == box.value(CPU, now)
        assert box.reschedule(now + later) <= now + later
        session = box.begin_session(now + later)
        assert [event.event_code for event in box.session_events] == ["4 VALUE CHANGE"]

    def test_what_is_active_from_the_factory_is_told_without_attributes(self) -> None:
        code = "Device.DeviceInfo.ProvisioningCode"
        rule = Dynamic("enumeration", values=("a", "b", "c"), dwell=60)
        rows, specs = applied([Row(code, False, True, "a")], ((code, rule),))
        base = profile()
        others = [Row(path, False, each.writable, each.value, each.type, each.source, each.number)
                  for path, each in base.model.parameters.items() if path != code]  # fmt: skip
        model = DataModel(base.model.root, [*others, *rows])
        box = CPE(0, replace(base, model=model, dynamics=specs), context(behaviors=QUIET))
        box.power_on(0.0)
        run(box, 0.0)
        now = box.due
        while (session := box.begin_session(now)) is None:
            now = box.due
        assert talk(box, session, now).events == ["4 VALUE CHANGE"]


class TestValueChange:
    @pytest.mark.rule("4.2-7", "6-11", "7-4", "10-8")
    def test_active_notification_opens_a_session_and_tells_the_value(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 2))
        assert box.change(SSID, "new", 5.0) == 5.0
        inform = run(box, 5.0).last_inform
        assert codes(inform) == ["4 VALUE CHANGE"]
        assert inform is not None
        assert m.ParameterValueStruct(SSID, "new") in inform.parameter_list

    @pytest.mark.rule("6-11", "8.2-20", "10-7")
    def test_passive_notification_waits_for_another_session(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 1))
        assert box.change(SSID, "new", 5.0) == inf
        box.connection_request(9.0)
        inform = run(box, 9.0).last_inform
        assert codes(inform) == ["4 VALUE CHANGE", "6 CONNECTION REQUEST"]
        assert inform is not None
        assert SSID in [struct.name for struct in inform.parameter_list]

    @pytest.mark.rule("4.2-7")
    def test_several_changes_make_one_event(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch("Device.WiFi.SSID.", 2))
        box.change(SSID, "a", 1.0)
        box.change("Device.WiFi.SSID.2.SSID", "b", 1.0)
        inform = run(box, 1.0).last_inform
        assert codes(inform) == ["4 VALUE CHANGE"]
        assert inform is not None
        assert {SSID, "Device.WiFi.SSID.2.SSID"} < {s.name for s in inform.parameter_list}

    @pytest.mark.rule("4.1-22")
    def test_a_change_during_the_session_is_told_in_the_next(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 2))
        box.change(SSID, "a", 1.0)
        box.begin_session(1.0)
        box.change(SSID, "b", 1.5)
        box.delivered(m.Inform(box.device_id_struct, ()), 1.6)
        assert box.end_session(Outcome.SUCCEEDED, 2.0) == 1.5
        inform = run(box, 2.0).last_inform
        assert inform is not None
        assert m.ParameterValueStruct(SSID, "b") in inform.parameter_list

    @pytest.mark.rule("6-11")
    def test_a_failed_session_keeps_it(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 2))
        box.change(SSID, "a", 1.0)
        fail(box, 1.0)
        inform = run(box, box.due).last_inform
        assert codes(inform) == ["4 VALUE CHANGE"]
        assert inform is not None
        assert SSID in [struct.name for struct in inform.parameter_list]

    @pytest.mark.rule("4.1-23")
    def test_what_the_acs_sets_does_not_notify(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 2), sets(SSID, "acs"))
        assert box.due == inf

    def test_a_parameter_that_no_one_told_the_type_of_takes_anything(self) -> None:
        untyped = read_profile("untyped", b"Parameter,Value\nDevice.X.Level,5\n")
        box = CPE(0, untyped, context())
        box.change("Device.X.Level", "high", 1.0)
        assert box.value("Device.X.Level", 1.0) == "high"

    def test_no_change_no_event_and_nonsense_is_refused(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0, watch(SSID, 2))
        assert box.change(SSID, "Home-2.4GHz", 1.0) == inf
        for path, value in (("Device.X", "1"), (f"{MS}PeriodicInformInterval", "soon")):
            with pytest.raises(FaultError):
                box.change(path, value, 1.0)

    def test_it_can_be_switched_off(self) -> None:
        box = cpe(behaviors=Behaviors(periodic_inform=False, value_change_events=False))
        run(box, 0.0, watch(SSID, 2))
        assert box.change(SSID, "new", 5.0) == inf


class TestNotifications:
    @pytest.mark.rule("8.2-19")
    def test_lightweight_values_mean_what_they_hold_of_the_standard_ones(self) -> None:
        box = cpe(behaviors=QUIET)
        run(box, 0.0)
        for value, expected in ((3, 0), (4, 1), (5, 0), (6, 1)):
            ask(box, watch(SSID, value))
            assert notifications.attribute(box, SSID) == value
            assert notifications.kind(box, SSID) == expected

    @pytest.mark.rule("4.2-13")
    def test_the_throttle_counts_from_the_end_of_the_last_session(self) -> None:
        box = cpe(behaviors=QUIET)
        box.ensure_overlay().values[f"{MS}DefaultActiveNotificationThrottle"] = "30"
        run(box, 0.0, watch(SSID, 2))
        assert box.change(SSID, "a", 10.0) == 30.0
        run(box, 30.0)
        assert box.change(SSID, "b", 100.0) == 100.0
