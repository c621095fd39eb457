"""What ``caretaker check`` is given before a load test: the run's options, and which CPE."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.options import parse

from caretaker import check
from caretaker.device.device_csv import read_devices
from caretaker.profiles.genieacs_csv import ROOTS
from caretaker.swarm import acs_check as module
from caretaker.swarm.acs_check import CheckOutcome, CheckPlace, acs_check
from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.worker_messages import ACSCheck

URL = "http://127.0.0.1:1/"
NBI = ("--nbi-url", "http://127.0.0.1:2")
LIST = """serial,oui,acs_username,acs_password,profile,Device.DeviceInfo.ProvisioningCode
A1,001122,user1,s3cret1,,
A2,,user2,s3cret2,tr098,x
"""


def made(*arguments: str, by_workers: bool = False) -> ACSCheck:
    return acs_check(Settings.of(parse(*arguments)), URL, by_workers=by_workers)


def known() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return parser


def test_the_command_has_all_options_that_it_is_given() -> None:
    flags = {flag for action in known()._actions for flag in action.option_strings}
    assert {OPTIONS[name].flag for name in (*module.SHARED, *module.OF_HOST)} <= flags


def test_it_is_given_what_the_run_is_given() -> None:
    given = ("--allow-host", "a", "--allow-host", "b", "--any-id", "--answer-timeout", "7")
    arguments = made(*given, "--profile", "tr098:2", "--profile", "tr181").arguments
    options = known().parse_args(arguments)
    assert (options.allow_host, options.any_id, options.answer_timeout) == (["a", "b"], True, 7)
    assert (options.acs_url, options.profile) == (URL, "tr098:2")


def test_no_password_is_an_argument_or_shown() -> None:
    order = made("--acs-username", "fleet", "--acs-password", "s3cret")
    assert "--acs-username=fleet" in order.arguments
    assert "s3cret" not in f"{order} {order.arguments}"
    assert order.acs_password == "s3cret"


@pytest.mark.parametrize(
    ("arguments", "only_first_contact"),
    [
        (NBI, False),
        ((), True),
        ((*NBI, "--cr-driver", "off"), True),
        ((*NBI, "--cr-driver", "direct"), True),
        ((*NBI, "--cr-router", "127.0.0.1:7548"), True),
    ],
)
def test_connection_requests_are_checked_where_they_come_here(
    arguments: tuple[str, ...], *, only_first_contact: bool
) -> None:
    assert (module.FIRST_CONTACT in made(*arguments).arguments) is only_first_contact


def test_each_data_model_has_a_profile_that_all_hosts_have() -> None:
    assert module._BUILT_IN.keys() == set(ROOTS)


@pytest.fixture
def own_profile(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    info = "InternetGatewayDevice.DeviceInfo"
    values = f'"{info}.Manufacturer" = "Acme"\n"{info}.ManufacturerOUI" = "0A0B0C"\n'
    path.write_text(f'base = "tr098"\n[values]\n{values}')
    return path


def test_workers_check_with_a_profile_that_they_have(own_profile: Path) -> None:
    given = "--profile", str(own_profile)
    assert f"--profile={own_profile}" in made(*given).arguments
    assert "--profile=tr098" in made(*given, by_workers=True).arguments


def test_of_a_list_the_last_device_is_checked(tmp_path: Path, own_profile: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(LIST.replace("tr098", str(own_profile)))
    order = made("--devices", str(path), by_workers=True)
    assert "--devices=-" in order.arguments
    assert "s3cret2" not in repr(order)
    devices = read_devices("device", order.device.encode())
    assert (len(devices), devices.profiles) == (1, ("tr098",))
    assert [devices.text(0, column) for column in module.NAMED[:4]] == [
        "A2", "Acme", "0A0B0C", "HR098",
    ]  # fmt: skip
    assert devices.text(0, "acs_password") == "s3cret2"
    assert "s3cret1" not in order.device
    here = made("--devices", str(path))
    assert read_devices("device", here.device.encode()).profiles == (str(own_profile),)


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def place(*arguments: str) -> list[str]:
    return list(CheckPlace(Settings.of(parse(*arguments))).arguments())


def test_a_host_checks_at_its_own_address(used_port: int) -> None:
    given = place("--cr-advertise", "c", "--cr-port", f"{used_port}-{used_port + 20}")
    assert given[:2] == ["--cr-host=127.0.0.1", "--cr-advertise=c"]
    assert used_port < int(given[2].removeprefix("--cr-port=")) <= used_port + 20


def test_without_a_free_port_there_is_the_first_contact(used_port: int) -> None:
    assert place("--cr-port", str(used_port))[-1] == module.FIRST_CONTACT


def test_the_command_says_what_does_not_work() -> None:
    with socket.socket() as probe:  # bound, and nothing listens
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        order = ACSCheck([f"--host={url}"], "", None)
        code, line = CheckPlace(Settings.of(parse())).run(order)
    assert code == 1
    assert line.startswith("check failed: first contact: connection refused; ")


def test_the_command_names_bad_input() -> None:
    outcome = CheckPlace(Settings.of(parse())).run(ACSCheck(["--host=nonsense"], "", None))
    assert outcome == CheckOutcome(2, outcome.line)
    assert "not an http or https address" in outcome.line
