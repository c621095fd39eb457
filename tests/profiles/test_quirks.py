"""What some devices do otherwise; how they ask for credentials and reconnect: with the servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from helpers.cpes import context, fail, profile, run

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile


def cpe(*quirks: str, index: int = 0) -> CPE:
    box = CPE(index, replace(profile(), quirks=frozenset(quirks)), context())
    box.power_on(0.0)
    return box


def test_retries_may_be_at_the_middles_of_the_table() -> None:
    box, now, waits = cpe("retry-midpoints"), 0.0, []
    for _ in range(3):
        fail(box, now)
        waits.append(box.due - now)
        now = box.due
    assert waits == [7.5, 15.0, 30.0]


def test_parameter_key_may_be_missing_from_informs(tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    path.write_text('base = "tr181"\nquirks = ["no-parameter-key"]\n')
    box = CPE(0, load_profile(str(path)), context())
    box.power_on(0.0)
    inform = run(box, 0.0).last_inform
    assert isinstance(inform, m.Inform)
    names = {struct.name for struct in inform.parameter_list}
    assert "Device.ManagementServer.ParameterKey" not in names
    assert "Device.DeviceInfo.SoftwareVersion" in names


def test_slow_ones_think_as_long_each_time_the_run_is_repeated() -> None:
    times = [cpe("slow-answers", index=index).thinking_time(1) for index in range(20)]
    assert times == [cpe("slow-answers", index=index).thinking_time(1) for index in range(20)]
    assert len(set(times)) == 20
    assert all(0.5 <= each <= 3.0 for each in times)
    assert cpe().thinking_time(1) == 0.0
