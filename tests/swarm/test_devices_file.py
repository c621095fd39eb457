"""The file of --devices: what a run can do with it, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.options import parse

from caretaker.device.listed_mix import ListedMix
from caretaker.errors import ContentUnknownError, InputError
from caretaker.profiles.profile_source import SourceFile
from caretaker.swarm.devices_file import DevicesFile, DevicesOffer, devices_of
from caretaker.swarm.options import Settings
from caretaker.swarm.profile_offer import offers
from caretaker.swarm.profile_receiver import ProfileReceiver
from caretaker.swarm.profile_sender import ProfileSender
from caretaker.swarm.repeat_command import command
from caretaker.swarm.worker_messages import ProfilePartRequest

SECRET = "s3cr3t"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.csv"
    path.write_text(f"serial,acs_password,profile\nA1,{SECRET},tr098\nA2,{SECRET},\n")
    return path


def settings(path: Path, *options: str) -> Settings:
    return Settings.of(parse("--devices", str(path), *options))


def refusal(given: Settings, users: int | None) -> str:
    with pytest.raises(InputError) as caught:
        given.check_devices(users)
    return str(caught.value)


def test_a_fleet_larger_than_the_file_is_refused_with_both_numbers(path: Path) -> None:
    given = settings(path, "--cpes-per-user", "2")
    given.check_devices(1)
    given.check_devices(None)
    assert "2 devices, and the run has 6 CPEs; " in refusal(given, 3)


def test_the_cpes_that_scenarios_add_count(path: Path) -> None:
    given = settings(path, "--scenario", "provisioning cpes=2, steady at=5")
    assert "2 devices, and the run has 3 CPEs; " in refusal(given, 1)


def test_a_prefix_is_refused_beside_it(path: Path) -> None:
    assert refusal(settings(path, "--serial-prefix", "LAB"), 1).startswith("--serial-prefix LAB:")


def test_a_column_that_no_profile_knows_is_refused(path: Path) -> None:
    path.write_text("serial,Device.No.Such\nA1,x\n")
    line = refusal(settings(path), 1)
    assert "column 'Device.No.Such': no such parameter in tr181, tr098; " in line


def test_a_profile_that_can_not_be_used_is_named(path: Path) -> None:
    path.write_text("serial,profile\nA1,no-such.csv\n")
    with pytest.raises(InputError, match=r"column .profile.: profile no-such\.csv"):
        DevicesFile.parse(str(path))


def test_passwords_are_shown_nowhere(path: Path) -> None:
    given = settings(path)
    shown = json.dumps(given.public())
    assert str(path) in shown
    assert str(path) in command("locustfile.py", given.public())
    assert SECRET not in shown + repr(given) + repr(given.devices)


def test_the_same_serial_numbers_are_the_same_fleet(path: Path) -> None:
    before = DevicesFile.parse(str(path)).identity
    other = path.with_name("other.csv")
    other.write_text("SN;Password\nA1;new\nA2;new\n")
    assert DevicesFile.parse(str(other)).identity == before
    third = path.with_name("third.csv")
    third.write_text("serial\nA2\nA1\n")
    assert DevicesFile.parse(str(third)).identity != before


def test_an_offer_travels_as_plain_data(path: Path) -> None:
    offer = DevicesOffer.of(DevicesFile.parse(str(path)), ("acs_password",))
    wire = json.loads(json.dumps(offer.to_wire()))
    assert SECRET not in str(wire)
    assert DevicesOffer.from_wire(wire) == offer


def test_a_worker_gets_the_file_from_the_master_and_needs_none(path: Path) -> None:
    file = DevicesFile.parse(str(path))
    wire = DevicesOffer.of(file, ()).to_wire()
    devices_of.cache_clear()
    sender = ProfileSender([file.source])
    receiver: ProfileReceiver

    def answer(request: ProfilePartRequest) -> None:
        part = sender.part(request)
        assert part is not None
        receiver.received(part)

    receiver = ProfileReceiver(answer, print)
    mix = receiver.mix(offers(()), DevicesOffer.from_wire(wire))
    assert isinstance(mix, ListedMix)
    assert mix.devices.text(1, "acs_password") == SECRET
    assert mix[0].name == "tr098"


def test_what_was_not_read_here_is_not_known() -> None:
    with pytest.raises(ContentUnknownError):
        devices_of(SourceFile("fleet.csv", "0" * 64, 10))
