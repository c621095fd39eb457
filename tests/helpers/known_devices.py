"""An embedded ACS that knows three devices, without a session having run."""

from __future__ import annotations

from typing import Any

from caretaker.acs.acs import ACS
from caretaker.acs.devices import KnownDevice
from caretaker.acs.parameters import KnownParameter
from caretaker.cwmp.messages import DeviceIdStruct

ID = "00AABB-R%2D1-S1"
"""The id of the first device."""


def acs_with_devices(**settings: Any) -> ACS:
    """An ACS of these settings with the devices S1, S2 and S3; the UpTime of each is its number."""
    acs = ACS(**settings)
    for number in (1, 2, 3):
        device_id = f"00AABB-R%2D1-S{number}"
        about = DeviceIdStruct("Acme", "00AABB", "R-1", f"S{number}")
        device = acs.devices[device_id] = KnownDevice(device_id, about, 1.7e9 + number)
        for path, value, type_, writable in (
            ("Device.Info.Version", f"{number}.0", "xsd:string", False),
            ("Device.Info.UpTime", str(number), "xsd:unsignedInt", None),
            ("Device.Info.Up", "true", "xsd:boolean", True),
            ("Device.Host.", None, "", True),
        ):
            device.parameters[path] = KnownParameter(value, type_, writable, 1.7e9)
        device.url, device.peer = "http://127.0.0.1:1/cr", "127.0.0.1"
    return acs
