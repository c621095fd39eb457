"""A CPE over time: when it informs, what it tells, and that nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from random import Random

import pytest
from helpers.cpes import (
    NO_PERIODS,
    ask,
    codes,
    context,
    cpe,
    extended,
    fail,
    profile,
    run,
    sets,
    watch,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device import events as ev
from caretaker.device import notifications
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors
from caretaker.errors import DeviceBusy, FaultError
from caretaker.testing import ScriptedACS

MS = "Device.ManagementServer."
SSID = "Device.WiFi.SSID.1.SSID"


class TestBoot:
    @pytest.mark.rule("4.2-1", "4.2-2", "6-6", "6-27")
    def test_the_first_contact(self) -> None:
        box = cpe()
        assert box.due == 0.0
        assert run(box, 0.0).events == ["0 BOOTSTRAP", "1 BOOT"]
        assert box.pending == ()

    @pytest.mark.rule("10-6")
    def test_the_first_contact_can_wait_and_a_connection_request_does_not(self) -> None:
        box = CPE(0, profile(), context(behaviors=NO_PERIODS))
        assert box.power_on(10.0, delay=5.0) == 15.0
        assert box.connection_request(11.0)
        assert box.due == 11.0
        assert run(box, 11.0).events[-1] == "6 CONNECTION REQUEST"

    def test_one_that_is_running_has_nothing_to_tell_until_its_period(self) -> None:
        box = CPE(3, profile(), context(behaviors=Behaviors(inform_interval=3600)))
        due = box.resume(1000.0)
        assert box.pending == ()
        assert 1000.0 < due <= 4600.0
        assert box.begin_session(due - 1) is None
        session = box.begin_session(due)
        assert session is not None
        assert [event.event_code for event in box.session_events] == ["2 PERIODIC"]

    def test_one_that_is_running_has_been_up_for_days_and_takes_connection_requests(self) -> None:
        box = CPE(3, profile(), context(behaviors=Behaviors(inform_interval=0)))
        assert box.resume(1000.0) == inf
        up_time = int(box.value("Device.DeviceInfo.UpTime", 1000.0))
        assert 86_400 <= up_time <= 30 * 86_400
        assert box.connection_request(1000.0)
        assert box.due == 1000.0

    @pytest.mark.rule("4.1-24", "4.2-2", "6-4", "6-8", "6-23", "6-28", "8.4-1", "8.4-2")
    def test_reboot_after_the_session_with_an_outage(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, sets(SSID, "mine"), m.Reboot("key-1"))
        assert box.due == 60.0
        with pytest.raises(DeviceBusy, match="rebooting"):
            box.connection_request(59.0)
        inform = run(box, 60.0).last_inform
        assert inform is not None
        assert inform.event == (m.EventStruct("1 BOOT"), m.EventStruct("M Reboot", "key-1"))
        assert box.value(SSID, 60.0) == "mine"
        assert box.value("Device.DeviceInfo.UpTime", 75.0) == "15"

    @pytest.mark.rule("5-6", "5-7", "6-5")
    def test_a_reboot_comes_also_when_the_session_fails_after_the_answer(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.raise_event(m.EventStruct("2 PERIODIC"), 1.0)
        session = box.begin_session(1.0)
        assert session is not None
        ask(box, m.Reboot("k"))
        box.end_session(Outcome.FAILED, 2.0)
        inform = run(box, 62.0).last_inform
        assert codes(inform) == ["2 PERIODIC", "1 BOOT", "M Reboot"]
        assert inform is not None
        assert inform.retry_count == 0

    @pytest.mark.rule("4.1-24", "6-6", "7-15", "8-3", "8.4-3")
    def test_factory_reset_forgets_all(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, sets(SSID, "mine"), watch(SSID, 2), m.FactoryReset())
        inform = run(box, 60.0).last_inform
        assert codes(inform) == ["0 BOOTSTRAP", "1 BOOT"]
        assert box.value(SSID, 60.0) == "Home-2.4GHz"
        assert notifications.attribute(box, SSID) == 0
        assert box.value(f"{MS}ParameterKey", 60.0) == ""

    @pytest.mark.rule("7-15", "8.2-24")
    def test_a_reboot_leaves_key_and_attributes(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        values = m.SetParameterValues((m.ParameterValueStruct(SSID, "mine"),), "key-1")
        run(box, 0.0, values, watch(SSID, 2), m.Reboot())
        inform = run(box, 60.0).last_inform
        assert inform is not None
        assert m.ParameterValueStruct(f"{MS}ParameterKey", "key-1") in inform.parameter_list
        assert notifications.attribute(box, SSID) == 2

    @pytest.mark.parametrize(
        "restart",
        [
            lambda box: box.reboot(1.0),
            lambda box: box.factory_reset(1.0),
            lambda box: box.power_cut(1.0, 2.0),
            lambda box: box.power_off(1.0),
        ],
    )
    def test_each_restart_is_told_as_ram_is_lost(self, restart: Callable[[CPE], None]) -> None:
        box = cpe()
        restarted: list[int] = []
        box.context.on_restart = restarted.append
        restart(box)
        assert restarted == [box.index]

    @pytest.mark.rule("8.4-3")
    def test_factory_reset_leads_back_to_the_first_acs(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, sets(f"{MS}URL", "http://other/"))
        run(box, 0.0, m.FactoryReset())
        assert box.acs_url(60.0) == "http://acs/"

    def test_without_power_nothing_is_due(self) -> None:
        box = cpe()
        box.power_off(1.0)
        assert (inf, ()) == (box.due, box.pending)
        with pytest.raises(DeviceBusy, match="powered off"):
            box.connection_request(2.0)


class TestBootDelay:
    def test_it_is_each_cpes_own_after_each_boot(self) -> None:
        behaviors = Behaviors(periodic_inform=False, boot_delay=(5.0, 25.0))
        dues = set()
        for index in range(10):
            box = cpe(index=index, behaviors=behaviors)
            dues.add(box.due)
            assert 5.0 <= box.due <= 25.0
            run(box, box.due, m.Reboot("k"))
            up = box.down_until
            assert up + 5.0 <= box.due <= up + 25.0
            assert run(box, box.due).events == ["1 BOOT", "M Reboot"]
        assert len(dues) == 10

    def test_a_connection_request_does_not_wait(self) -> None:
        box = cpe(behaviors=Behaviors(boot_delay=(5.0, 25.0)))
        box.connection_request(1.0)
        assert box.due == 1.0

    def test_new_firmware_is_told_after_it(self) -> None:
        box = cpe(behaviors=Behaviors(periodic_inform=False, boot_delay=(50.0, 50.0)))
        url = "http://acs/firmware-9.9.1.bin"
        run(box, 50.0, m.Download("k", "1 Firmware Upgrade Image", url))
        assert box.begin_session(box.due) is None  # the start
        assert box.begin_session(box.due) is None  # the end
        assert box.due == box.down_until + 50.0
        told = run(box, box.due).events
        assert told == ["1 BOOT", "7 TRANSFER COMPLETE", "M Download"]


def accepted_at(box: CPE) -> float | None:
    """When the pending Connection Request was accepted; None if none is pending."""
    request = box.context.accepted.pending.get(box.index)
    return None if request is None else request.at


class TestConnectionRequest:
    @pytest.mark.rule("4.2-5", "9.1-2", "9.1-4")
    def test_it_opens_one_session_now(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        assert (inf, True) == (box.due, box.connection_request(5.0))
        assert (box.due, accepted_at(box)) == (5.0, 5.0)
        assert not box.connection_request(5.1)
        assert run(box, 5.2).events == ["6 CONNECTION REQUEST"]
        assert (inf, None) == (box.due, accepted_at(box))

    @pytest.mark.rule("9.1-4")
    def test_before_the_session_is_established_it_is_served_by_it(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.connection_request(1.0)
        box.begin_session(1.0)
        assert not box.connection_request(1.1)
        assert [event.event_code for event in box.pending] == ["6 CONNECTION REQUEST"]

    @pytest.mark.rule("4.1-22", "9.1-5")
    @pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED])
    def test_during_another_session_it_opens_one_after_it(self, outcome: Outcome) -> None:
        box = cpe(behaviors=NO_PERIODS)
        box.begin_session(0.0)
        assert box.connection_request(0.5)
        assert box.due == inf
        box.delivered(m.Inform(box.device_id_struct, ()), 0.6)
        assert box.end_session(outcome, 1.0) == 0.5
        assert accepted_at(box) == 0.5
        assert run(box, 1.0).events == ["6 CONNECTION REQUEST"]

    @pytest.mark.rule("5-11", "6-13")
    def test_a_failed_session_drops_it(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.connection_request(1.0)
        fail(box, 1.0)
        assert (inf, (), None) == (box.due, box.pending, accepted_at(box))
        assert box.failures == 1

    def test_one_that_came_after_the_inform_outlives_the_failure_of_its_session(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.connection_request(1.0)
        box.begin_session(1.0)
        box.delivered(m.Inform(box.device_id_struct, ()), 1.1)
        assert box.connection_request(1.2)
        box.end_session(Outcome.FAILED, 1.3)
        assert run(box, 1.3).events == ["6 CONNECTION REQUEST"]

    @pytest.mark.rule("9.1-8")
    def test_with_cwmp_off_nothing_happens(self) -> None:
        box = cpe()
        run(box, 0.0, sets(f"{MS}EnableCWMP", "0", "xsd:boolean"))
        assert box.due == inf
        with pytest.raises(DeviceBusy, match="disabled"):
            box.connection_request(1.0)
        assert box.change(f"{MS}EnableCWMP", "1", 2.0) < inf


@pytest.mark.rule("9.2-13")
def test_connection_requests_can_be_switched_off() -> None:
    path = f"{MS}HTTPConnectionRequestEnable"
    box = CPE(0, extended(f"{path},false,true,1,xsd:boolean"), context(behaviors=NO_PERIODS))
    box.power_on(0.0)
    assert box.value(f"{MS}ConnectionRequestURL", 0.0)
    run(box, 0.0, sets(path, "0"))
    assert box.value(f"{MS}ConnectionRequestURL", 1.0) == ""
    with pytest.raises(DeviceBusy, match="Connection Requests are disabled"):
        box.connection_request(1.0)
    assert box.due == inf


class TestOneSessionAtATime:
    @pytest.mark.rule("4.1-10", "4.1-22")
    def test_what_happens_during_a_session_waits_for_the_next(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, watch(SSID, 2))
        box.raise_event(m.EventStruct("2 PERIODIC"), 1.0)
        assert box.begin_session(1.0) is not None
        box.raise_event(m.EventStruct("13 WAKEUP"), 1.0)
        box.ask(m.GetRPCMethods(), 1.0)
        box.change(SSID, "new", 1.0)
        box.connection_request(1.0)
        assert box.reschedule(1.0) == inf
        box.delivered(m.Inform(box.device_id_struct, ()), 1.0)
        assert box.end_session(Outcome.SUCCEEDED, 2.0) == 1.0
        acs = run(box, 2.0)
        expected = ["13 WAKEUP", "4 VALUE CHANGE", "6 CONNECTION REQUEST"]
        assert acs.events == expected
        assert acs.cpe_requests == [m.GetRPCMethods()]
        assert box.due == inf

    @pytest.mark.rule("4.1-22")
    def test_several_sessions_worth_of_causes_make_one_session(self) -> None:
        box = cpe(behaviors=Behaviors(inform_interval=10))
        run(box, 0.0, m.ScheduleInform(20, "a"), m.ScheduleInform(21, "b"))
        box.raise_event(m.EventStruct("13 WAKEUP"), 5.0)
        inform = run(box, 30.0).last_inform
        assert codes(inform) == [
            "13 WAKEUP",
            "3 SCHEDULED",
            "M ScheduleInform",
            "M ScheduleInform",
            "2 PERIODIC",
        ]
        assert box.due > 30.0


REQUESTS = (
    m.GetParameterValues(("Device.DeviceInfo.",)),
    m.GetParameterNames("", False),
    sets(SSID, "x"),
    sets("Device.Nothing", "x"),
    sets(f"{MS}PeriodicInformInterval", "30", "xsd:unsignedInt"),
    watch(SSID, 2),
    m.AddObject("Device.NAT.PortMapping."),
    m.DeleteObject("Device.NAT.PortMapping.1."),
    m.Reboot("k"),
    m.FactoryReset(),
    m.UnknownRequest("X_Y"),
)


@settings(max_examples=150)
@given(st.integers(0, 10**9))
def test_a_random_life_keeps_the_books_and_never_gets_stuck(seed: int) -> None:
    """Any mixture of RPCs, triggers, failures and reboots; D9's books, and always a way on."""
    chance = Random(seed)
    box = cpe(index=seed % 1000, behaviors=Behaviors(inform_interval=50))
    books = box.context.books
    verdicts: list[bool] = []
    now = 0.0
    for _ in range(40):
        now += chance.choice((0.0, 0.1, 5.0, 70.0))
        step = chance.randrange(6)
        if step == 0:
            _request(box, now, verdicts)
        elif step == 1:
            box.change(SSID, str(chance.random()), now)
        else:
            now = max(now, box.due)
            _session(box, now, chance, verdicts)
        assert box.due < inf, "stuck"
    accepted, coalesced = len(verdicts), verdicts.count(False)
    cr = ev.CONNECTION_REQUEST
    pending = sum(event.event_code == cr for event in box.pending)
    assert (accepted, coalesced) == (books.raised[cr], books.discarded[cr, "merged"])
    dropped = sum(n for (code, why), n in books.discarded.items() if code == cr and why != "merged")
    assert accepted == books.delivered[cr] + coalesced + pending + dropped
    ends = Counter(event.event_code for event in box.pending) + Counter(books.delivered)
    for (code, _), number in books.discarded.items():
        ends[code] += number
    assert +Counter(books.raised) == +ends


def _request(box: CPE, now: float, verdicts: list[bool]) -> None:
    try:
        verdicts.append(box.connection_request(now))
    except DeviceBusy:
        assert now < box.down_until


def _session(box: CPE, now: float, chance: Random, verdicts: list[bool]) -> None:
    session = box.begin_session(now)
    if session is None:
        return
    outcome = chance.choice((Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SHED))
    if outcome is Outcome.SUCCEEDED or chance.random() < 0.5:
        if chance.random() < 0.2:
            _request(box, now, verdicts)
        box.delivered(m.Inform(box.device_id_struct, ()), now)
        for request in chance.choices(REQUESTS, k=chance.randrange(3)):
            ask(box, request, now)
        if chance.random() < 0.3:
            _request(box, now, verdicts)
    box.end_session(outcome, now)


@pytest.mark.rule("5-12")
def test_a_session_cut_after_its_inform_is_repeated_for_what_the_acs_had_to_ask() -> None:
    box = cpe(behaviors=NO_PERIODS)
    session = box.begin_session(0.0)
    assert session is not None
    box.delivered(m.Inform(box.device_id_struct, (), 1, "", 0, ()), 0.0)
    box.end_session(Outcome.FAILED, 0.0)
    assert 5.0 <= box.due <= 10.0
    inform = run(box, box.due).last_inform
    assert inform is not None
    assert (inform.event, inform.retry_count) == ((), 1)


@pytest.mark.rule("3.4-6")
def test_what_can_not_be_read_is_9003_and_what_is_not_there_9000() -> None:
    box = cpe()
    for name, code in (("GetParameterNames", 9003), ("Kicked", 9000)):
        with pytest.raises(FaultError) as fault:
            box.answer(m.UnreadableRequest(name), 0.0)
        assert fault.value.fault_code == code


class TestAgenda:
    @pytest.mark.rule("4.2-4", "6-4", "6-10", "8-4", "8.4-5")
    def test_informs_are_scheduled(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, m.ScheduleInform(60, "a"), m.ScheduleInform(60, "b"), m.ScheduleInform(90))
        assert box.due == 60.0
        inform = run(box, 60.0).last_inform
        assert inform is not None
        assert inform.event == (
            m.EventStruct("3 SCHEDULED"),
            m.EventStruct("M ScheduleInform", "a"),
            m.EventStruct("M ScheduleInform", "b"),
        )
        assert run(box, 90.0).events == ["3 SCHEDULED", "M ScheduleInform"]

    @pytest.mark.rule("6-7", "8.4-6")
    def test_what_is_scheduled_survives_a_reboot_and_not_a_factory_reset(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, m.ScheduleInform(100), m.Reboot())
        run(box, 60.0)
        assert box.due == 100.0
        run(box, 100.0, m.ScheduleInform(500), m.FactoryReset())
        run(box, 160.0)
        assert box.due == inf

    @pytest.mark.rule("8.4-4")
    @pytest.mark.parametrize("delay", [0, -5])
    def test_a_delay_must_be_above_zero(self, delay: int) -> None:
        response = ask(cpe(), m.ScheduleInform(delay))
        assert isinstance(response, m.Fault)
        assert response.fault_code == 9003

    @pytest.mark.rule("4.1-4", "6-12", "6-16")
    def test_requests_of_its_own_come_with_their_event(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.ask(m.RequestDownload("1 Firmware Upgrade Image"), 5.0)
        box.ask(m.Kicked("c", "r", "a", "n"), 5.0)
        box.ask(m.GetRPCMethods(), 5.0)
        assert box.reschedule(1.0) == 5.0
        acs = run(box, 5.0)
        assert acs.events == ["9 REQUEST DOWNLOAD", "5 KICKED"]
        names = [type(request).__name__ for request in acs.cpe_requests]
        assert names == ["RequestDownload", "Kicked", "GetRPCMethods"]
        assert (box.pending, box.requests, box.due) == ((), (), inf)

    @pytest.mark.rule("4.1-10", "4.1-22")
    def test_a_request_that_turns_up_in_a_session_waits_for_the_next(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        session = box.begin_session(0.0)
        assert session is not None
        acs = ScriptedACS()
        other = ACSSession(acs)
        session.receive(other.receive(session.next_post() or b""), 0.0)
        box.ask(m.RequestDownload("2 Web Content"), 1.0)
        assert session.next_post() == b""
        session.receive(other.receive(b""), 1.0)
        assert (session.next_post(), acs.cpe_requests) == (None, [])
        assert box.end_session(Outcome.SUCCEEDED, 2.0) == 1.0
        assert len(run(box, 2.0).cpe_requests) == 1

    @pytest.mark.rule("5-12", "6-16")
    def test_a_request_that_was_not_answered_is_sent_again(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.ask(m.RequestDownload("2 Web Content"), 5.0)
        fail(box, 5.0, informed=True)
        acs = run(box, box.due)
        assert acs.events == ["9 REQUEST DOWNLOAD"]
        assert len(acs.cpe_requests) == 1


class TestAnotherACS:
    @pytest.mark.rule("4.1-26", "4.2-6", "6-6", "6-7", "6-31")
    def test_a_new_url_means_first_contact_there(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, m.ScheduleInform(50), sets(f"{MS}URL", "http://other/"))
        assert (box.acs_url(1.0), box.due) == ("http://other/", 0.0)
        assert run(box, 0.0).events == ["0 BOOTSTRAP"]
        assert box.due == inf

    def test_the_same_url_once_more_is_no_change(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, sets(f"{MS}URL", "http://acs/"))
        assert box.due == inf


class TestAnotherDevice:
    @pytest.mark.rule("6-7", "6-32")
    @pytest.mark.parametrize("name", ["ManufacturerOUI", "ProductClass", "SerialNumber"])
    def test_another_name_means_first_contact(self, name: str) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0, m.ScheduleInform(50))
        assert box.change(f"Device.DeviceInfo.{name}", "00AABB", 5.0) == 5.0
        inform = run(box, 5.0).last_inform
        assert codes(inform) == ["0 BOOTSTRAP"]
        assert inform is not None
        assert "00AABB" in inform.device_id
        assert box.due == inf


@pytest.mark.rule("4.2-12", "6-21", "6-22")
@pytest.mark.parametrize("code", ["13 WAKEUP", "14 HEARTBEAT"])
def test_wake_up_and_heartbeat_open_a_session(code: str) -> None:
    box = cpe(behaviors=NO_PERIODS)
    run(box, 0.0)
    box.raise_event(m.EventStruct(code), 5.0)
    assert box.reschedule(1.0) == 5.0
    assert run(box, 5.0).events == [code]
    assert box.pending == ()


class TestWhatTheDeviceItselfChanges:
    def test_switching_periodic_informs_works_as_when_the_acs_does(self) -> None:
        box = cpe()
        run(box, 0.0)
        assert box.change(f"{MS}PeriodicInformEnable", "0", 1.0) == inf
        assert box.change(f"{MS}PeriodicInformEnable", "1", 1.0) < inf
        assert box.change(f"{MS}PeriodicInformInterval", "10", 1.0) <= 11.0

    def test_another_acs_is_met_for_the_first_time(self) -> None:
        box = cpe(behaviors=NO_PERIODS)
        run(box, 0.0)
        box.change(f"{MS}URL", "http://other/", 1.0)
        assert run(box, 1.0).events == ["0 BOOTSTRAP"]


def test_a_request_that_is_always_refused_is_given_up() -> None:
    box = cpe(behaviors=NO_PERIODS)
    run(box, 0.0)
    request = m.RequestDownload("1 Firmware Upgrade Image")
    box.ask(request, 1.0)
    for session in range(1, 6):
        assert box.requests == (request,)
        box.connection_request(float(session))
        started = box.begin_session(float(session))
        assert started is not None
        box.delivered(m.Inform(box.device_id_struct, ()), 0.0)
        box.refused(request, 0.0)
        box.end_session(Outcome.SUCCEEDED, float(session))
    assert (box.requests, box.events) == ((), ())
    assert box.context.books.discarded["9 REQUEST DOWNLOAD", "refused by the ACS"] == 1
