"""``caretaker cleanup``: what it takes for a run's fleet, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from helpers.summaries import summary
from helpers.waiting import wait_until
from helpers.wire import answer, wire

from caretaker import ACSServer, Fleet
from caretaker.__main__ import main
from caretaker.cleanup import fleet_of, is_simulated
from caretaker.errors import InputError

CODE = "Device.DeviceInfo.ProvisioningCode"
IDS = [f"CA7E01-HR181-LAB%2D{number:06}" for number in range(1, 5)]
OTHER = "CA7E01-HR181-LABX%2D000001"


def kept(folder: Path, cpes: int = 3, **settings: Any) -> str:
    """The file of a run's summary."""
    made = summary()
    made["fleet"]["cpes"] = cpes
    made["settings"] = {"--serial-prefix": "LAB", "--devices": None} | {
        f"--{name.replace('_', '-')}": value for name, value in settings.items()
    }
    path = folder / "summary.json"
    path.write_text(json.dumps(made))
    return str(path)


@pytest.fixture
def acs() -> Iterator[ACSServer]:
    """It knows LAB-000001 to LAB-000004, of which 2 has another code, and LABX-000001."""
    with ACSServer() as server:
        for prefix, count in (("LAB", 4), ("LABX", 1)):
            with Fleet(server.url, count, profiles=["tr181"], oui_prefix=prefix) as fleet:
                wait_until(lambda: fleet.stats()["sessions_succeeded"] >= count)  # noqa: B023
                if prefix == "LAB":
                    fleet.update_param("LAB-000002", CODE, "customer")
                    wait_until(lambda: fleet.stats()["sessions_succeeded"] > count)  # noqa: B023
        yield server


def cleanup(acs: ACSServer, *options: str, prefix: str = "LAB") -> int:
    return main(["cleanup", "--nbi-url", acs.north_bound_url, "--serial-prefix", prefix, *options])


def add_task(acs: ACSServer, device_id: str) -> None:
    """A task that waits for the device's next session."""
    url = f"{acs.north_bound_url}/devices/{device_id.replace('%', '%25')}/tasks"
    assert requests.post(url, json={"name": "reboot"}, timeout=60).status_code == 202


@pytest.mark.sockets
class TestACS:
    def test_without_delete_it_only_lists(
        self, acs: ACSServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_task(acs, IDS[0])
        add_task(acs, OTHER)
        assert cleanup(acs, "--summary", kept(tmp_path)) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"2 devices of the fleet: {IDS[0]}, {IDS[2]}",
            "1 tasks of theirs",
            "1 stay, not of the run: LAB-000004",
            "1 stay, their ProvisioningCode is not SIMULATED: LAB-000002",
            "nothing was deleted; --summary of the run and --delete do it",
        ]
        assert sorted(acs.devices()) == [*IDS, OTHER]

    def test_delete_takes_the_simulated_devices_of_the_run_alone(
        self, acs: ACSServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_task(acs, IDS[0])
        add_task(acs, OTHER)
        kept(tmp_path)
        assert cleanup(acs, "--summary", str(tmp_path), "--delete") == 0
        assert capsys.readouterr().out.splitlines()[-2:] == [
            "2 devices deleted",
            "0 tasks deleted",  # the ACS has deleted them with the device
        ]
        assert sorted(acs.devices()) == [IDS[1], IDS[3], OTHER]
        tasks = requests.get(f"{acs.north_bound_url}/tasks", timeout=60).json()
        assert [task["device"] for task in tasks] == [OTHER]
        assert cleanup(acs, "--summary", str(tmp_path), "--delete") == 0
        assert capsys.readouterr().out.splitlines()[0] == "0 devices of the fleet"

    def test_without_a_run_all_of_the_prefix_are_listed_and_none_deleted(
        self, acs: ACSServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cleanup(acs) == 0
        assert capsys.readouterr().out.startswith("3 devices of the fleet: ")
        assert cleanup(acs, "--delete") == 2
        assert capsys.readouterr().err == (
            "caretaker: --delete: no run says which devices were its own; give --summary, the file "
            "or the folder of the run whose fleet it is\n"
        )
        assert len(acs.devices()) == 5


@pytest.mark.sockets
def test_a_device_in_session_stays_and_its_tasks_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = {
        "_id": "A-B-LAB%2D000001",
        "_deviceId": {"_SerialNumber": "LAB-000001"},
        "Device": {"DeviceInfo": {"ProvisioningCode": {"_value": "SIMULATED value-change 7"}}},
    }
    task = {"_id": "5f", "device": device["_id"]}
    answers = (json.dumps([device]), json.dumps([task]), "", json.dumps([task]), "")
    script = [answer(body=text.encode()) for text in answers]
    busy = answer("503 Service Unavailable", body=b"Device is in session")
    with wire(*script[:2], busy, *script[3:]) as server:
        options = ["--nbi-url", server.url.removesuffix("/acs"), "--serial-prefix", "LAB"]
        options += ["--summary", kept(tmp_path), "--delete"]
        code = gevent.get_hub().threadpool.apply(main, (["cleanup", *options],))
    assert code == 1
    assert [line.split()[0] for _, line, _, _ in server.requests] == [
        "GET", "GET", "DELETE", "GET", "DELETE",
    ]  # fmt: skip
    output = capsys.readouterr()
    assert output.out.splitlines()[-2:] == ["0 devices deleted", "1 tasks deleted"]
    assert output.err == (
        "caretaker: 1 devices stay: north-bound API: HTTP 503: Device is in session; end the run "
        "that has them in session, and try again\n"
    )


def test_an_api_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cleanup", "--nbi-url", "http://127.0.0.1:1", "--serial-prefix", "LAB"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("caretaker: north-bound API: connection refused; is --nbi-url the")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("prefix", "settings", "message"),
    [
        ("", {}, "--serial-prefix '' is not 1 to 40 letters"),
        ("LAB*", {}, r"--serial-prefix 'LAB\*' is not"),
        ("LAB", {"devices": "fleet.csv"}, "the fleet was a list of your own devices"),
        ("LABX", {}, "no run with --serial-prefix LABX; its fleet has LAB"),
        ("LAB", {"serial_prefix": None}, "no run with --serial-prefix LAB; it does not tell"),
    ],
)
def test_a_fleet_that_is_not_the_run_s_is_refused(
    prefix: str, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        fleet_of(prefix, kept(tmp_path, **settings))


def test_a_fleet_has_as_many_cpes_as_the_run_ever_had(tmp_path: Path) -> None:
    fleet = fleet_of("LAB", kept(tmp_path, cpes=0, users=4, cpes_per_user=5))
    given = [fleet.has(serial) for serial in ("LAB-000001", "LAB-000020", "LAB-000021", "LAB-1")]
    assert given == [True, True, False, False]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("SIMULATED", True), ("SIMULATED x 7", True), ("", False), ("SIMULATED2", False), (7, False)],
)
def test_the_mark_is_the_first_word_of_the_provisioning_code(code: object, expected: bool) -> None:
    for root in ("Device", "InternetGatewayDevice"):
        made = {root: {"DeviceInfo": {"ProvisioningCode": {"_value": code}}}}
        assert is_simulated(made) is expected
