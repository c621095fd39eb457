"""The fleet for plain Python programs: real sockets, no monkey-patching."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from helpers.waiting import wait_until

from caretaker import (
    ACSServer,
    Behaviors,
    Credentials,
    DeviceNotFound,
    Fleet,
    InputError,
)
from caretaker.cwmp import messages as m
from caretaker.device.base import Job
from caretaker.device.cpe import CPE
from caretaker.device.device_csv import read_devices
from caretaker.device.events import UNSOLICITED
from caretaker.device.rpc.deployment_units import change_by_itself
from caretaker.north_bound_client import NorthBoundClient
from caretaker.stats.task_outcomes import TaskOutcome

pytestmark = pytest.mark.sockets
NOWHERE = "http://127.0.0.1:1/"


@pytest.fixture
def acs() -> Iterator[ACSServer]:
    with ACSServer() as server:
        yield server


def test_the_notebooks_walk() -> None:
    fleet = Fleet(
        NOWHERE,
        count=5,
        oui_prefix="FLEET",
        connection_delay=0,
        behaviors={"value_change_events": True},
    )
    assert fleet.list_devices() == []
    fleet.spawn_devices()
    serials = fleet.list_devices()
    assert serials == [f"FLEET-{number:06d}" for number in range(1, 6)]
    fleet.trigger_connection_request(serials[0])
    device = fleet.get_device(serials[0])
    assert device.behavior.pending_events() == ["0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST"]
    assert fleet.get_device(serials[1]).behavior.pending_events() == ["0 BOOTSTRAP", "1 BOOT"]
    with pytest.raises(DeviceNotFound):
        fleet.trigger_connection_request("NONEXISTENT")
    with pytest.raises(DeviceNotFound):
        fleet.get_device("NONEXISTENT")
    fleet.stop_all()
    assert fleet.list_devices() == []


def test_the_closed_loop(acs: ACSServer) -> None:
    with Fleet(acs.url, count=5) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 5)
        device = fleet.get_device("FLEET-000003")
        assert device.device_id in acs.devices()
        assert acs.connection_request(device.device_id) is None
        wait_until(lambda: fleet.results.counters["informs.by_event.6 CONNECTION REQUEST"] == 1)
        wait_until(lambda: device.behavior.pending_events() == [])
        assert fleet.results.histogram("connection_requests.to_inform").count == 1
    assert fleet.stats()["sessions_failed"] == 0


ODD_SERIALS = ("A/1", "/A//1/", "..", "100%", "%2F", "A?b=c&d#e", "a b+c", "<Ü>", "日本", "'x'\\")


def test_listed_devices_are_reached_whatever_characters_their_serial_numbers_have(
    acs: ACSServer,
) -> None:
    devices = read_devices("fleet.csv", "\n".join(["serial", *ODD_SERIALS]).encode())
    api = NorthBoundClient(acs.north_bound_url)
    task = {"name": "getParameterValues", "parameterNames": ["Device.DeviceInfo.SerialNumber"]}
    with Fleet(acs.url, count=len(devices), devices=devices, profiles=["tr181"]) as fleet:
        assert fleet.list_devices() == list(ODD_SERIALS)
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == len(devices))
        for serial in ODD_SERIALS:
            device = fleet.get_device(serial)
            assert device.device_id in acs.devices()
            done = api.post_task(device.device_id, task)
            assert done.outcome is TaskOutcome.DONE, (serial, done)
            assert api.delete_device(device.device_id).outcome is TaskOutcome.DONE
            assert device.device_id not in acs.devices()
            login = fleet.connection_request_credentials(serial)
            digest = requests.auth.HTTPDigestAuth(*login)
            answer = requests.get(device.connection_request_url, auth=digest, timeout=60)
            assert answer.status_code in (200, 503), serial  # 503: asked too often


def test_a_fleet_has_no_more_cpes_than_its_list() -> None:
    devices = read_devices("fleet.csv", b"serial\nA1\n")
    with pytest.raises(InputError, match="count 1: the list has 1 devices"):
        Fleet(NOWHERE, count=1, first_index=1, devices=devices)


@pytest.mark.rule("9.2-7")
def test_the_endpoint_follows_the_credentials_that_the_acs_sets(acs: ACSServer) -> None:
    with Fleet(acs.url, count=1) as fleet:
        (serial,) = fleet.list_devices()
        device = fleet.get_device(serial)
        wait_until(
            lambda: fleet.connection_request_credentials(serial).username == device.device_id
        )
        digest = requests.auth.HTTPDigestAuth
        url = device.connection_request_url
        own = fleet.connection_request_credentials(serial)
        assert requests.get(url, auth=digest(*own), timeout=60).status_code == 200
        assert requests.get(url, auth=digest(serial, "x"), timeout=60).status_code == 401


@pytest.mark.rule("2.3-1", "2.3-5")
def test_an_acs_that_asks_for_digest() -> None:
    with ACSServer(credentials=Credentials("all", "pw")) as acs:
        with Fleet(acs.url, count=3, credentials=Credentials("all", "pw")) as fleet:
            wait_until(lambda: fleet.stats()["sessions_succeeded"] == 3)
        with Fleet(acs.url, count=1, oui_prefix="BAD") as fleet:
            wait_until(lambda: fleet.stats()["sessions_failed"] == 1)
            assert fleet.results.with_prefix("sessions.reasons") == {
                "credentials refused (HTTP 401)": 1
            }
        assert len(acs.devices()) == 3


def test_informs_and_parameters_by_hand(acs: ACSServer) -> None:
    with Fleet(
        acs.url, count=2, profiles=["tr098"], behaviors=Behaviors(inform_interval=0)
    ) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 2)
        path = "InternetGatewayDevice.DeviceInfo.ProvisioningCode"
        fleet.update_param("FLEET-000001", path, "code-7")
        wait_until(lambda: fleet.results.counters["informs.by_event.4 VALUE CHANGE"] == 1)
        assert fleet.get_param("FLEET-000001", path) == "code-7"
        fleet.trigger_inform("FLEET-000002", "8 DIAGNOSTICS COMPLETE")
        wait_until(lambda: fleet.results.counters["informs.by_event.8 DIAGNOSTICS COMPLETE"] == 1)
        fleet.trigger_all_informs()
        wait_until(lambda: fleet.results.counters["informs.by_event.2 PERIODIC"] == 2)
        assert fleet.add_device() == "FLEET-000003"
        wait_until(lambda: len(acs.devices()) == 3)
        with pytest.raises(InputError, match="fault 9005"):
            fleet.update_param("FLEET-000001", "Device.X", "1")
        with pytest.raises(InputError, match="none of that name"):
            fleet.get_param("FLEET-000001", "Device.X")
        with pytest.raises(InputError, match="'99 NOTHING': not one of"):
            fleet.trigger_inform("FLEET-000001", "99 NOTHING")


OWN = (
    m.GetRPCMethods(),
    m.Kicked("command", "http://acs/", "arg", "http://acs/next"),
    m.RequestDownload("1 Firmware Upgrade Image", (m.ArgStruct("Version", "2"),)),
    m.AutonomousTransferComplete("", "http://files/x", True, "1 Firmware Upgrade Image"),
    m.AutonomousDUStateChangeComplete(
        (
            m.AutonOpResultStruct(
                "5e4b1dc0-2f33-4fd5-8a2c-9f1d8f6ec001",
                "Device.SoftwareModules.DeploymentUnit.1.",
                "1.0",
                "Installed",
                True,
                "",
                m.UNKNOWN_TIME,
                m.UNKNOWN_TIME,
                m.FaultStruct(),
                "Install",
            ),
        )
    ),
)
"""One of each that a CPE sends of its own accord."""


def test_there_is_one_of_each_request_that_a_cpe_sends_of_its_own_accord() -> None:
    assert {type(request) for request in OWN} == set(UNSOLICITED)


@pytest.mark.parametrize("request_", OWN, ids=lambda request: type(request).__name__)
def test_a_cpe_asks_of_its_own_accord(acs: ACSServer, request_: m.Request) -> None:
    name = type(request_).__name__
    with Fleet(acs.url, count=1, profiles=["tr181"], behaviors={"periodic_inform": False}) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 1)
        fleet.request("FLEET-000001", request_)
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 2)
        assert fleet.results.histogram(f"exchanges.{name}").count == 1
        device = fleet.get_device("FLEET-000001")
        assert device.behavior.pending_events() == []
        assert fleet._shard.cpes[0].requests == ()
        assert fleet.stats()["sessions_failed"] == 0


def test_what_a_cpe_does_not_ask_of_its_own_accord_is_refused() -> None:
    fleet = Fleet(NOWHERE, count=1)
    fleet.spawn_devices()
    for request_ in (m.TransferComplete("k"), m.Reboot(), m.Inform(m.DeviceIdStruct(*"abcd"), ())):
        with pytest.raises(InputError, match="not one of GetRPCMethods, Kicked"):
            fleet.request("FLEET-000001", request_)
    with pytest.raises(DeviceNotFound):
        fleet.request("FLEET-000002", m.GetRPCMethods())
    fleet.stop_all()


def test_deployment_units_change_without_the_acs(acs: ACSServer) -> None:
    with Fleet(acs.url, count=1, profiles=["tr181"]) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 1)
        wanted = [m.InstallOpStruct("http://x/app-1.0.ipk")]
        fleet.call("FLEET-000001", lambda cpe, now: change_by_itself(cpe, wanted, now))
        code = "12 AUTONOMOUS DU STATE CHANGE COMPLETE"
        wait_until(lambda: fleet.results.counters[f"informs.by_event.{code}"] == 1)
        path = "Device.SoftwareModules.DeploymentUnit.1.Version"
        assert fleet.get_param("FLEET-000001", path) == "1.0"
        wait_until(lambda: fleet.get_device("FLEET-000001").behavior.pending_events() == [])


@pytest.mark.parametrize("code", ["13 WAKEUP", "14 HEARTBEAT", "X 00AABB Blink", "M X_ACME_Blink"])
def test_wakeups_and_events_of_vendors_are_raised_by_hand(acs: ACSServer, code: str) -> None:
    with Fleet(acs.url, count=1, profiles=["tr181"]) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 1)
        fleet.trigger_inform("FLEET-000001", code)
        wait_until(lambda: fleet.results.counters[f"informs.by_event.{code}"] == 1)
        wait_until(lambda: fleet.get_device("FLEET-000001").behavior.pending_events() == [])


FIRMWARE = {"name": "download", "fileType": "1 Firmware Upgrade Image"}
VERSION = "Device.DeviceInfo.SoftwareVersion"


@pytest.mark.rule("6-29", "8-11")
def test_a_firmware_upgrade_that_the_acs_asks_for(acs: ACSServer) -> None:
    with Fleet(
        acs.url, profiles=["tr181"], reboot_seconds=(0.2, 0.2), transfer_seconds=(0.05, 0.05)
    ) as fleet:
        (serial,) = fleet.list_devices()
        device_id = fleet.get_device(serial).device_id
        wait_until(lambda: fleet.stats()["sessions_succeeded"] >= 1)
        task = {**FIRMWARE, "url": "http://files.invalid/hr181-9.1.0.bin"}
        assert acs.post_task(device_id, task) is None
        counters = fleet.results.counters
        wait_until(lambda: counters["informs.by_event.7 TRANSFER COMPLETE"] == 1)
        assert fleet.results.histogram("exchanges.TransferComplete").count == 1
        assert counters["informs.by_event.M Download"] == 1
        assert counters["informs.by_event.1 BOOT"] == 2
        assert counters["exchanges.failed.TransferComplete"] == 0
        assert fleet.get_param(serial, VERSION) == "9.1.0"
        assert acs.acs.devices[device_id].parameters[VERSION].value == "9.1.0"


def test_a_transfer_that_is_real_asks_the_file_server(acs: ACSServer) -> None:
    with Fleet(acs.url, profiles=["tr181"], transfers="real") as fleet:
        (serial,) = fleet.list_devices()
        device_id = fleet.get_device(serial).device_id
        wait_until(lambda: fleet.stats()["sessions_succeeded"] >= 1)
        # The embedded ACS has no files: asked for one it answers 405 without more.
        task = {**FIRMWARE, "fileType": "2 Web Content", "url": acs.url}
        assert acs.post_task(device_id, task) is None
        wait_until(lambda: fleet.results.histogram("exchanges.TransferComplete").count == 1)
        counts = fleet._context.transfer_counts
        assert (counts["requested"], counts["faults.9010"]) == (1, 1)
        assert acs.post_task(device_id, {**task, "url": "ftp://127.0.0.1/x"}) == "Task faulted"


def test_methods_may_be_called_from_any_thread(acs: ACSServer) -> None:
    with Fleet(acs.url, count=10) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 10)

        def trigger() -> None:
            for serial in fleet.list_devices():
                fleet.trigger_connection_request(serial)

        threads = [threading.Thread(target=trigger) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: fleet.results.counters["informs.by_event.6 CONNECTION REQUEST"] >= 10)
    books = fleet._context.books
    assert books.raised["6 CONNECTION REQUEST"] == 40


def test_nobody_there_is_a_failure_with_a_reason() -> None:
    with Fleet(NOWHERE, count=3) as fleet:
        wait_until(lambda: fleet.stats()["sessions_failed"] == 3)
        assert fleet.results.with_prefix("sessions.reasons") == {"connection refused": 3}
        assert fleet.get_device("FLEET-000001").behavior.pending_events() == [
            "0 BOOTSTRAP",
            "1 BOOT",
        ]


def test_a_function_of_a_cpe_is_run_where_it_lives(acs: ACSServer) -> None:
    def reboot(cpe: CPE, now: float) -> str:
        cpe.plan(Job(now, "reboot", "", lambda cpe, at: cpe.reboot(at)))
        return cpe.serial_number

    with Fleet(acs.url, first_index=16, reboot_seconds=(0.01, 0.01)) as fleet:
        wait_until(lambda: fleet.stats()["sessions_succeeded"] == 1)
        assert fleet.call("FLEET-000017", reboot) == "FLEET-000017"
        wait_until(lambda: fleet.results.counters["informs.by_event.1 BOOT"] == 2)
        assert fleet.add_device() == "FLEET-000018"
        with pytest.raises(DeviceNotFound):
            fleet.call("FLEET-000001", reboot)


def test_sessions_may_end_before_the_fleet_does(acs: ACSServer) -> None:
    fleet = Fleet(acs.url, count=20).start()
    wait_until(lambda: fleet.stats()["sessions_started"] >= 1)
    fleet.stop_all(patience=10)
    assert fleet.results.counters["sessions.abandoned"] == 0
    assert fleet.start().list_devices()[0] == "FLEET-000001"
    fleet.stop_all()


def test_a_delay_can_be_a_range() -> None:
    fleet = Fleet(NOWHERE, count=20, connection_delay=(100, 200))
    fleet.spawn_devices()
    shard = fleet._shard
    dues = {cpe.due - cpe.booted_at for cpe in shard.cpes.values()}
    assert len(dues) == 20
    assert all(100 <= due <= 200 for due in dues)
    fleet.stop_all()


def test_a_fleet_starts_again() -> None:
    fleet = Fleet(NOWHERE, count=2)
    for _ in range(2):
        assert fleet.spawn_devices() == ["FLEET-000001", "FLEET-000002"]
        fleet.stop_all()
    fleet.stop_all()


def test_bad_arguments_are_one_line() -> None:
    with pytest.raises(InputError, match="count -1"):
        Fleet(NOWHERE, count=-1)
    with pytest.raises(InputError, match="not an http or https address"):
        Fleet("acs")
    with pytest.raises(InputError, match="transfers 'fast': give simulated or real"):
        Fleet(NOWHERE, transfers="fast")
    with pytest.raises(InputError, match="no 'flying'"):
        Fleet(NOWHERE, behaviors={"flying": True})
    with pytest.raises(InputError, match=r"profile nothing\.csv"):
        Fleet(NOWHERE, profiles=["nothing.csv"])
    with Fleet(NOWHERE) as fleet:
        port = fleet.connection_requests.port
        with pytest.raises(InputError, match="in use"):
            Fleet(NOWHERE, connection_request_port=port).spawn_devices()
