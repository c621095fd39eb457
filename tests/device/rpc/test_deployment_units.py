"""Deployment units: ChangeDUState, what it does and how its end is told."""

from __future__ import annotations

from math import inf
from typing import get_args

import pytest
from helpers.cpes import ask, codes, context, cpe, fail, read_profile, run
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import CWMP_1_2
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.rpc import deployment_units
from caretaker.device.settings import Behaviors

UUID = "5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec001"
OTHER = "5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec002"
APP = "http://files/app-1.0.ipk"
UNITS = "Device.SoftwareModules.DeploymentUnit."
ENVIRONMENT = "Device.SoftwareModules.ExecEnv.1"
MS = "Device.ManagementServer."
QUIET = Behaviors(periodic_inform=False)


def install(url: str = APP, uuid: str | None = UUID, **more: str) -> m.InstallOpStruct:
    return m.InstallOpStruct(url, uuid, **more)


def update(
    url: str | None = None, uuid: str | None = UUID, version: str | None = None
) -> m.UpdateOpStruct:
    return m.UpdateOpStruct(uuid, version, url)


def uninstall(uuid: str = UUID, version: str | None = None, **more: str) -> m.UninstallOpStruct:
    return m.UninstallOpStruct(uuid, version, **more)


def booted() -> CPE:
    box = cpe(behaviors=QUIET)
    run(box, 0.0)
    return box


def refusal(box: CPE, request: m.Request) -> int:
    response = ask(box, request)
    assert isinstance(response, m.Fault)
    return response.fault_code


def done(box: CPE, *operations: m.OperationStruct, key: str = "k") -> m.DUStateChangeComplete:
    """Order these operations, right or wrong, and let the CPE tell their end."""
    now = box.ended_at + 1.0
    assert ask(box, m.ChangeDUState(operations, key), now) == m.ChangeDUStateResponse()
    (told,) = run(box, box.reschedule(now)).cpe_requests
    assert isinstance(told, m.DUStateChangeComplete)
    return told


def fault(told: m.DUStateChangeComplete) -> int:
    return told.results[-1].fault.fault_code


class TestTheWay:
    @pytest.mark.rule("4.2-9", "6-19", "8-6", "8.5-1")
    def test_the_end_is_told_with_its_events_in_a_session_of_its_own(self) -> None:
        box = booted()
        box.connection_request(10.0)
        run(box, 10.0, m.ChangeDUState((install(), install(uuid=OTHER)), "key-1"))
        assert 10.0 + 2 * 2 <= box.due <= 10.0 + 2 * 20
        acs = run(box, box.due)
        assert acs.last_inform.event == (
            m.EventStruct("11 DU STATE CHANGE COMPLETE"),
            m.EventStruct("M ChangeDUState", "key-1"),
        )
        (told,) = acs.cpe_requests
        assert isinstance(told, m.DUStateChangeComplete)
        assert told.command_key == "key-1"
        assert [result.uuid for result in told.results] == [UUID, OTHER]
        assert (box.pending, box.requests, box.due) == ((), (), inf)

    @pytest.mark.rule("8.5-3")
    def test_times_are_utc_and_follow_each_other(self) -> None:
        first, second = done(booted(), install(), uninstall()).results
        assert first.start_time == "2025-06-15T15:06:41Z"
        assert first.start_time < first.complete_time == second.start_time < second.complete_time

    def test_times_are_of_seeded_chance(self) -> None:
        def due(index: int) -> float:
            box = cpe(index=index, behaviors=QUIET)
            run(box, 0.0, m.ChangeDUState((install(),), "k"))
            return box.due

        assert due(1) == due(1) != due(2)

    @pytest.mark.rule("6-19", "6-24")
    def test_it_is_told_until_the_acs_has_answered(self) -> None:
        box = booted()
        box.connection_request(1.0)
        run(box, 1.0, m.ChangeDUState((install(),), "k"))
        fail(box, box.due, informed=True)
        acs = run(box, box.due)
        assert acs.events == ["11 DU STATE CHANGE COMPLETE", "M ChangeDUState"]
        assert len(acs.cpe_requests) == 1

    @pytest.mark.rule("8.5-4")
    def test_a_reboot_stops_neither_the_run_nor_what_is_installed(self) -> None:
        box = booted()
        box.connection_request(1.0)
        run(box, 1.0, m.ChangeDUState((install(),), "k"), m.Reboot())
        acs = run(box, box.due)
        assert "M ChangeDUState" in acs.events
        box.connection_request(200.0)
        run(box, 200.0, m.Reboot())
        run(box, box.due)
        assert fault(done(box, install())) == 9026

    def test_a_factory_reset_stops_and_removes_all(self) -> None:
        box = booted()
        done(box, install())
        now = box.ended_at + 1
        box.connection_request(now)
        run(box, now, m.ChangeDUState((install(),), "k"), m.FactoryReset())
        assert run(box, box.due).events == ["0 BOOTSTRAP", "1 BOOT"]
        assert (box.jobs, box.due) == ((), inf)
        assert fault(done(box, install())) == 0

    def test_nothing_is_kept_where_it_is_not_used(self) -> None:
        assert booted().overlay is None


class TestRefusals:
    @pytest.mark.rule("8-15", "8.5-2")
    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            (m.ChangeDUState(()), 9003),
            (m.ChangeDUState((install(),), "k" * 33), 9003),
            (m.ChangeDUState((install("http://" + "x" * 1018),)), 9003),
            (m.ChangeDUState((install(username="u" * 257),)), 9003),
            (m.ChangeDUState((uninstall(version="1" * 33),)), 9003),
            (m.ChangeDUState((uninstall(),) * 17), 9004),
        ],
    )
    def test_a_request_that_is_wrong_or_too_much(self, request_: m.Request, code: int) -> None:
        box = booted()
        assert refusal(box, request_) == code
        assert box.jobs == ()

    def test_sixteen_operations_are_not_too_many(self) -> None:
        response = ask(booted(), m.ChangeDUState((uninstall(),) * 16))
        assert response == m.ChangeDUStateResponse()

    def test_only_so_many_may_run_or_wait_to_be_told(self) -> None:
        box = booted()
        change = m.ChangeDUState((uninstall(),), "k")
        for _ in range(deployment_units.MAX_CHANGES):
            assert ask(box, change) == m.ChangeDUStateResponse()
        assert refusal(box, change) == 9004
        fail(box, box.reschedule(1.0))
        assert refusal(box, change) == 9004
        for _ in range(deployment_units.MAX_CHANGES):
            if box.due < inf:
                run(box, max(100.0, box.due))
        assert ask(box, change) == m.ChangeDUStateResponse()


class TestInstall:
    def test_the_result_names_the_unit(self) -> None:
        (result,) = done(booted(), install("https://files/video-2.10.3.ipk?x=9.9")).results
        assert (result.uuid, result.version) == (UUID, "2.10.3")
        assert result.deployment_unit_ref == f"{UNITS}1."
        assert result.execution_unit_ref_list == "Device.SoftwareModules.ExecutionUnit.1."
        assert (result.current_state, result.resolved) == ("Installed", True)
        assert result.fault == m.FaultStruct(0, "")

    def test_rows_follow(self) -> None:
        box = booted()
        done(box, install(execution_env_ref=ENVIRONMENT))
        row = f"{UNITS}1."
        told = {last: box.value(f"{row}{last}", 0.0) for last in ("UUID", "Version", "Name", "URL")}
        assert told == {"UUID": UUID, "Version": "1.0", "Name": "app", "URL": APP}
        assert box.value(f"{row}ExecutionEnvRef", 0.0) == f"{ENVIRONMENT}."
        assert box.value("Device.SoftwareModules.DeploymentUnitNumberOfEntries", 0.0) == "1"
        assert box.value("Device.SoftwareModules.ExecutionUnit.1.Status", 0.0) == "Active"
        assert refusal(box, m.DeleteObject(row)) == 9005
        assert refusal(box, m.AddObject(UNITS)) == 9005

    def test_without_tables_for_them_units_are_installed_all_the_same(self) -> None:
        box = cpe("tr098", behaviors=QUIET, namespace=CWMP_1_2)
        run(box, 0.0)
        results = done(box, install(), install(uuid=OTHER), uninstall()).results
        assert [result.fault.fault_code for result in results] == [0, 0, 0]
        assert results[1].deployment_unit_ref.startswith("InternetGatewayDevice.SoftwareModules.")
        assert box.value(f"{results[1].deployment_unit_ref}UUID", 0.0) == ""

    @pytest.mark.rule("8.5-5")
    def test_without_a_uuid_it_is_that_of_the_file_whatever_its_version(self) -> None:
        box = booted()
        first, twin, second = done(
            box,
            install(uuid=None),
            install(uuid=None),
            install("http://mirror/app-1.1.ipk", None),
        ).results
        assert first.uuid == twin.uuid == second.uuid
        assert first.uuid[14] == "5"
        assert [each.fault.fault_code for each in (first, twin, second)] == [0, 9026, 0]

    @pytest.mark.rule("8.5-5", "8.5-6", "8.5-7")
    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            (install(uuid="app"), 9022),
            (install(uuid=UUID.replace("-", "")), 9022),
            (install(execution_env_ref="Device.SoftwareModules.ExecEnv.7"), 9023),
            (install(execution_env_ref=".SoftwareModules.ExecEnv.1."), 0),
            (install("ftp://files/app"), 9013),
            (install("HTTPS://files/app"), 0),
            (install(""), 9003),
            (install("app.ipk"), 9003),
        ],
    )
    def test_what_fails_is_told_in_its_result(
        self, operation: m.OperationStruct, code: int
    ) -> None:  # fmt: skip
        (result,) = done(booted(), operation).results
        assert result.fault.fault_code == code
        assert result.current_state == ("Failed" if code else "Installed")

    @pytest.mark.rule("8.5-6")
    def test_an_environment_can_be_off(self) -> None:
        box = booted()
        box.change(f"{ENVIRONMENT}.Enable", "0", 1.0)
        assert fault(done(box, install(execution_env_ref=ENVIRONMENT))) == 9024
        assert fault(done(box, install())) == 0

    @pytest.mark.rule("8.5-8")
    def test_a_unit_is_installed_once_in_each_version(self) -> None:
        box = booted()
        assert fault(done(box, install())) == 0
        assert fault(done(box, install(uuid=UUID.upper()))) == 9026
        assert fault(done(box, install("http://files/app-2.0.ipk"))) == 0

    @pytest.mark.rule("8.5-9")
    def test_there_is_room_for_so_many(self) -> None:
        box = booted()
        for number in range(deployment_units.MAX_UNITS // 16):
            versions = [f"http://files/app-{number}.{minor}" for minor in range(16)]
            assert fault(done(box, *map(install, versions))) == 0
        assert fault(done(box, install("http://files/app-9.9"))) == 9027


class TestUpdate:
    def test_from_another_url(self) -> None:
        box = booted()
        done(box, install())
        (result,) = done(box, update("http://files/app-1.2.ipk")).results
        assert (result.uuid, result.version, result.current_state) == (UUID, "1.2", "Installed")
        assert box.value(f"{UNITS}1.Version", 0.0) == "1.2"

    @pytest.mark.rule("8.5-10")
    def test_a_url_alone_tells_which_unit(self) -> None:
        box = booted()
        done(box, install(), install("http://files/web-1.0.ipk", OTHER))
        (result,) = done(box, update("http://mirror/web-1.1.ipk", None)).results
        assert (result.uuid, result.version) == (OTHER, "1.1")

    @pytest.mark.rule("8.5-10")
    def test_neither_means_all_each_to_its_next_version(self) -> None:
        box = booted()
        done(box, install(), install("http://files/web-3.9.ipk", OTHER))
        results = done(box, update(None, None)).results
        assert [(each.uuid, each.version) for each in results] == [(UUID, "1.1"), (OTHER, "3.10")]

    @pytest.mark.rule("8.5-11", "8.5-12")
    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            (update(uuid="nonsense"), 9022),
            (update(uuid=OTHER), 9028),
            (update("http://files/other-1.0.ipk", None), 9028),
            (update(version="7.0"), 9028),
            (update("gopher://files/app-2.0.ipk"), 9013),
            (update(APP), 9032),
            (update("http://files/app-0.9.ipk"), 9030),
        ],
    )
    def test_what_fails_leaves_the_unit_as_it_was(
        self, operation: m.OperationStruct, code: int
    ) -> None:
        box = booted()
        done(box, install())
        assert fault(done(box, operation)) == code
        assert box.value(f"{UNITS}1.Version", 0.0) == "1.0"

    @pytest.mark.rule("8.5-11")
    def test_a_failed_update_tells_the_state_that_the_unit_still_has(self) -> None:
        box = booted()
        done(box, install())
        (result,) = done(box, update(APP)).results
        assert (result.current_state, result.version) == ("Installed", "1.0")

    @pytest.mark.rule("8.5-13")
    def test_of_several_versions_one_must_be_named(self) -> None:
        box = booted()
        done(box, install(), install("http://files/app-2.0.ipk"))
        assert fault(done(box, update("http://files/app-3.0.ipk"))) == 9031
        assert fault(done(box, update("http://files/app-2.0.ipk", version="1.0"))) == 9032
        assert fault(done(box, update("http://files/app-3.0.ipk", version="1.0"))) == 0

    def test_all_of_none_is_an_unknown_unit(self) -> None:
        (result,) = done(booted(), update(None, None)).results
        assert (result.fault.fault_code, result.current_state) == (9028, "Failed")


class TestUninstall:
    def test_the_unit_and_its_rows_are_gone_and_numbers_do_not_come_back(self) -> None:
        box = booted()
        done(box, install())
        (result,) = done(box, uninstall()).results
        assert (result.current_state, result.resolved) == ("Uninstalled", False)
        assert result.execution_unit_ref_list == "Device.SoftwareModules.ExecutionUnit.1."
        assert box.model.children_of(UNITS, box.overlay) == ()
        (result,) = done(box, install()).results
        assert result.deployment_unit_ref == f"{UNITS}2."

    @pytest.mark.rule("8.5-14")
    def test_all_versions_or_one(self) -> None:
        box = booted()
        done(box, install(), install("http://files/app-2.0.ipk"))
        assert [each.version for each in done(box, uninstall(version="2.0")).results] == ["2.0"]
        done(box, install("http://files/app-2.0.ipk"))
        assert [each.version for each in done(box, uninstall()).results] == ["1.0", "2.0"]

    @pytest.mark.rule("8.5-12")
    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            (uninstall("nonsense"), 9022),
            (uninstall(OTHER), 9028),
            (uninstall(version="7.0"), 9028),
            (uninstall(execution_env_ref="Device.SoftwareModules.ExecEnv.7."), 9023),
            (uninstall(execution_env_ref=ENVIRONMENT), 0),
        ],
    )
    def test_what_it_can_not_find_is_a_fault(
        self, operation: m.OperationStruct, code: int
    ) -> None:  # fmt: skip
        box = booted()
        done(box, install())
        assert fault(done(box, operation)) == code

    @pytest.mark.rule("8.5-15")
    def test_what_an_earlier_change_still_works_at_can_not_be_changed(self) -> None:
        box = booted()
        done(box, install())
        now = box.ended_at + 1
        box.connection_request(now)
        run(box, now, m.ChangeDUState((uninstall(OTHER),) * 15 + (update(),), "long"))
        box.connection_request(now + 1)
        run(box, now + 1, m.ChangeDUState((uninstall(),), "short"))
        (short,) = run(box, box.due).cpe_requests
        (long,) = run(box, box.due).cpe_requests
        assert isinstance(short, m.DUStateChangeComplete)
        assert isinstance(long, m.DUStateChangeComplete)
        assert (short.command_key, fault(short)) == ("short", 9029)
        assert (long.command_key, fault(long)) == ("long", 0)


@pytest.mark.rule("7-12")
def test_the_status_of_an_execution_unit_is_told_when_it_changes_by_itself() -> None:
    box = booted()
    done(box, install())
    assert (box.pending, box.due) == ((), inf)
    path = "Device.SoftwareModules.ExecutionUnit.1.Status"
    now = box.ended_at + 1.0
    assert box.change(path, "Idle", now) == now
    inform = run(box, now).last_inform
    assert codes(inform) == ["4 VALUE CHANGE"]
    assert inform is not None
    assert m.ParameterValueStruct(path, "Idle") in inform.parameter_list


class TestByItself:
    @pytest.mark.rule("6-20", "8.5-16")
    def test_the_acs_is_told(self) -> None:
        box = booted()
        assert deployment_units.change_by_itself(box, [install(), uninstall(OTHER)], 5.0) == 5.0
        acs = run(box, 5.0)
        assert acs.events == ["12 AUTONOMOUS DU STATE CHANGE COMPLETE"]
        (told,) = acs.cpe_requests
        assert isinstance(told, m.AutonomousDUStateChangeComplete)
        assert [each.operation_performed for each in told.results] == ["Install", "Uninstall"]
        assert [each.fault.fault_code for each in told.results] == [0, 9028]

    @pytest.mark.rule("8.5-16")
    @pytest.mark.parametrize(
        ("enabled", "kinds", "outcome", "told"),
        [
            ("1", "Install,Uninstall", "Both", ["Install", "Uninstall"]),
            ("1", "Install, Uninstall", "Failure", ["Uninstall"]),
            ("true", "Uninstall,Install", "Success", ["Install"]),
            ("1", "Update", "Both", []),
            ("0", "Install,Uninstall", "Both", []),
        ],
    )
    def test_the_policy_says_of_what(
        self, enabled: str, kinds: str, outcome: str, told: list[str]
    ) -> None:
        policy = f"{MS}DUStateChangeComplPolicy."
        rows = (
            "Parameter,Object,Writable,Value,Value type\n"
            f"{policy}Enable,false,true,{enabled},xsd:boolean\n"
            f'{policy}OperationTypeFilter,false,true,"{kinds}",xsd:string\n'
            f"{policy}ResultTypeFilter,false,true,{outcome},xsd:string\n"
        )
        box = CPE(0, read_profile("policy", rows.encode()), context(behaviors=QUIET))
        box.power_on(0.0)
        run(box, 0.0)
        deployment_units.change_by_itself(box, [install(), uninstall(OTHER)], 5.0)
        found = [
            each.operation_performed
            for request in box.requests
            if isinstance(request, m.AutonomousDUStateChangeComplete)
            for each in request.results
        ]
        assert found == told
        assert box.due == (5.0 if told else inf)


def test_units_that_a_device_came_with_can_be_changed() -> None:
    rows = (
        "Parameter,Object,Writable,Value,Value type\n"
        f"{UNITS}4.UUID,false,false,{UUID},xsd:string\n"
        f"{UNITS}4.Version,false,false,1.4,xsd:string\n"
        f"{UNITS}4.URL,false,false,{APP},xsd:string\n"
    )
    box = CPE(0, read_profile("units", rows.encode()), context(behaviors=QUIET))
    box.power_on(0.0)
    run(box, 0.0)
    updated, gone = done(box, update(), uninstall()).results
    assert (updated.version, updated.deployment_unit_ref) == ("1.5", f"{UNITS}4.")
    assert gone.current_state == "Uninstalled"
    assert box.parameter(f"{UNITS}4.UUID") is None


@pytest.mark.rule("8-7")
def test_vouchers_are_taken_and_there_are_no_options() -> None:
    box = booted()
    assert ask(box, m.SetVouchers((b"voucher",))) == m.SetVouchersResponse()
    assert box.overlay is None
    assert refusal(box, m.SetVouchers(())) == 9003
    assert ask(box, m.GetOptions("")) == m.GetOptionsResponse(())


URLS = st.sampled_from([APP, "http://f/app-2.0.ipk", "http://f/web", "ftp://f/x", "", "http://["])
UUIDS = st.sampled_from([UUID, OTHER, UUID.upper(), "", "nonsense"])
VERSIONS = st.none() | st.sampled_from(["1.0", "2.0", ""])
OPERATIONS = (
    st.builds(m.InstallOpStruct, URLS, st.none() | UUIDS)
    | st.builds(m.UpdateOpStruct, st.none() | UUIDS, VERSIONS, st.none() | URLS)
    | st.builds(m.UninstallOpStruct, UUIDS, VERSIONS)
)


@settings(max_examples=60)
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=5), min_size=1, max_size=5))
def test_whatever_is_asked_every_operation_has_a_result(
    changes: list[list[m.OperationStruct]],
) -> None:
    box = booted()
    for operations in changes:
        told = done(box, *operations)  # valid against the schemas, or it would raise
        assert len(told.results) >= len(operations)
    units = box.ensure_overlay().units or {}
    assert len(units) <= deployment_units.MAX_UNITS
    rows = box.model.children_of(UNITS, box.overlay)
    assert rows == tuple(f"{UNITS}{number}." for number in units)


def test_every_operation_of_the_standard_is_known() -> None:
    assert set(deployment_units._OPERATIONS) == set(get_args(m.OperationStruct))
