"""Values that are each CPE's own."""

from __future__ import annotations

from helpers.cpes import cpe

from caretaker.data_model.templates import FIELDS
from caretaker.device.settings import Behaviors
from caretaker.device.value_sources import TEMPLATE_FIELDS


def test_every_field_of_a_template_is_computed_and_no_other() -> None:
    assert tuple(TEMPLATE_FIELDS) == FIELDS


CPU = "Device.DeviceInfo.ProcessStatus.CPUUsage"


class TestDynamicValues:
    def test_our_own_profiles_change(self) -> None:
        for name in ("tr181", "tr098"):
            box = cpe(name)
            assert box.profile.dynamics
            paths = [p for p, each in box.model.parameters.items() if each.source == "dynamic"]
            first = {path: box.read(path, 100.0) for path in paths}
            later = {path: box.read(path, 50_000.0) for path in paths}
            assert all(struct.type != "xsd:string" for struct in first.values())
            assert sum(first[path] != later[path] for path in paths) > len(paths) / 2

    def test_it_can_be_switched_off(self) -> None:
        box = cpe(behaviors=Behaviors(dynamic_params=False))
        assert box.value(CPU, 1.0) == box.value(CPU, 1e6) == "7"

    def test_packets_are_of_a_size_that_fits_into_a_frame(self) -> None:
        stats = "Device.Ethernet.Interface.1.Stats."
        for index in range(20):
            box = cpe(index=index)
            size = int(box.value(f"{stats}BytesReceived", 9000.0)) / int(
                box.value(f"{stats}PacketsReceived", 9000.0)
            )
            assert 64 <= size <= 1518
