"""The embedded ACS at its two addresses."""

from __future__ import annotations

import pytest
import requests
from helpers.acs_sessions import inform
from helpers.known_devices import ID

from caretaker.acs import ACSServer
from caretaker.errors import DeviceNotFound, InputError

pytestmark = pytest.mark.sockets
REBOOT = {"name": "reboot"}


def test_a_cpe_at_the_one_address_is_a_device_at_the_other() -> None:
    with ACSServer(provisioning=False) as acs:
        assert requests.post(acs.url, data=inform(), timeout=60).status_code == 200
        assert acs.devices() == [ID]
        (document,) = requests.get(f"{acs.north_bound_url}/devices/", timeout=60).json()
        assert document["_id"] == ID
        assert acs.post_task(ID, REBOOT, connection_request=False) == "Accepted"


def test_what_is_no_task_and_no_device_is_refused() -> None:
    with ACSServer() as acs:
        with pytest.raises(InputError, match="'name' must be one of"):
            acs.post_task(ID, {"name": "explode"})
        with pytest.raises(DeviceNotFound):
            acs.post_task(ID, REBOOT)


def test_an_address_that_is_taken_frees_the_other_one() -> None:
    with ACSServer() as acs:
        taken = int(acs.north_bound_url.rpartition(":")[2])
        other = ACSServer(north_bound_port=taken)
        with pytest.raises(InputError):
            other.start()
        free = int(other.url.rstrip("/").rpartition(":")[2])
        with ACSServer(port=free):
            pass


def test_pages_of_other_sites_reach_neither_address() -> None:
    foreign = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    with ACSServer(north_bound_names=["acs.example"]) as acs:
        for url in (acs.url, f"{acs.north_bound_url}/devices/{ID}/tasks"):
            answer = requests.post(url, data=inform(), headers=foreign, timeout=60)
            assert (answer.status_code, acs.devices()) == (403, [])
        devices = f"{acs.north_bound_url}/devices/"
        for name, status in (("evil.example", 403), ("acs.example", 200), ("localhost", 200)):
            answer = requests.get(devices, headers={"Host": f"{name}:7557"}, timeout=60)
            assert answer.status_code == status
