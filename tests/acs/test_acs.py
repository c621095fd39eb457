"""The embedded ACS without HTTP: what it keeps of an Inform, and where it may connect to."""

from __future__ import annotations

import time

from helpers.acs_sessions import acs_and_cpe, inform, only
from helpers.known_devices import ID, acs_with_devices


def test_devices_are_known_by_when_they_informed() -> None:
    acs, cpe = acs_and_cpe(provisioning=False)
    before = time.time()
    cpe.post(inform())
    device = only(acs)
    assert before <= device.registered == device.last_inform <= time.time()


def test_connection_requests_stay_inside() -> None:
    acs = acs_with_devices()
    acs.devices[ID].url = "http://192.0.2.1/cr"
    assert acs.connection_request(ID) == "Connection Request URL is not allowed"
    acs.devices[ID].url = "file:///etc/passwd"
    assert acs.connection_request(ID) == "Device is offline"
    acs.devices[ID].url = "http://127.0.0.1:1/cr"
    assert acs.connection_request(ID) == "Device is offline"
