"""What the workers of a run get of its master."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.options import parse

from caretaker.device.listed_devices import ACS_CREDENTIALS
from caretaker.swarm.fleet_offer import FleetOffer
from caretaker.swarm.options import Settings
from caretaker.swarm.worker_messages import ProfilePartRequest


@pytest.fixture
def environment(tmp_path: Path) -> Any:
    path = tmp_path / "fleet.csv"
    path.write_text("serial,acs_password,profile\nA1,s3cret,tr098\n")
    options = parse("--devices", str(path), "--acs-username", "fleet", "--acs-password", "s3cret")
    return SimpleNamespace(host="http://acs.example/", parsed_options=options)


def test_the_files_of_profiles_and_devices_are_there_for_workers(environment: Any) -> None:
    settings = Settings.of(environment.parsed_options)
    offer = FleetOffer(environment)
    offer.begin()
    profiles, devices = offer.name_files(settings)
    assert devices is not None
    assert devices.withheld == ()
    assert len(profiles) == 2
    assert [each.source.own.name for each in devices.profiles] == ["tr098"]
    part = offer.part(ProfilePartRequest(devices.source.digest, 0))
    assert part is not None
    assert part.data.startswith(b"serial,")
    assert offer.part(ProfilePartRequest("0" * 64, 0)) is None


def test_another_acs_gets_no_credentials_of_any_kind(environment: Any) -> None:
    settings = Settings.of(environment.parsed_options)
    offer = FleetOffer(environment)
    environment.host = "http://other.example/"
    offer.begin()
    _, devices = offer.name_files(settings)
    assert devices is not None
    assert devices.withheld == ACS_CREDENTIALS
    assert offer.secrets.values == {"acs_password": None, "cr_xmpp_password": None}
    assert "s3cret" not in repr(offer.secrets)
