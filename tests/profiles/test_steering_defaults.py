"""A CPE of a data model lives, also where the model has no default for what steers it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.cpes import context

from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.profiles.importer import import_files, save
from caretaker.profiles.steering_defaults import STEERING_DEFAULTS, steering_default

MODELS = {
    "tr-098-1-8-0-full.xml": 1700,
    "tr-181-2-11-0-full.xml": 3900,
    "tr-181-2-17-0-cwmp-full.xml": 6300,
}
"""The least number of parameters of each."""
BOOLEANS = ("EnableCWMP", "HTTPConnectionRequestEnable", "PeriodicInformEnable")
VALUES = dict.fromkeys(BOOLEANS, "1") | {
    "PeriodicInformInterval": "300",
    "CWMPRetryMinimumWaitInterval": "5",
    "CWMPRetryIntervalMultiplier": "2000",
    "HTTPCompression": "Disabled",
    "HeartbeatPolicy.ReportingInterval": "300",
}
"""What the standard and the texts of the models say."""
TYPES = {
    "EnableCWMP": "<boolean/>",
    "HTTPConnectionRequestEnable": "<boolean/>",
    "PeriodicInformEnable": "<boolean/>",
    "PeriodicInformInterval": '<unsignedInt><range minInclusive="1"/></unsignedInt>',
    "CWMPRetryMinimumWaitInterval": '<unsignedInt><range minInclusive="1"/></unsignedInt>',
    "CWMPRetryIntervalMultiplier": '<unsignedInt><range minInclusive="1000"/></unsignedInt>',
    "HTTPCompression": '<string><enumeration value="GZIP"/></string>',
    "HeartbeatPolicy.ReportingInterval": '<unsignedInt><range minInclusive="20"/></unsignedInt>',
}


def model(root: str) -> str:
    objects = "".join(
        f'<object name="{root}ManagementServer.{above}{dot}" access="readOnly"><parameter '
        f'name="{last}" access="readWrite"><syntax>{TYPES[path]}</syntax></parameter></object>'
        for path in TYPES
        for above, dot, last in [path.rpartition(".")]
    )
    return f'<document><model name="{root[:-1]}:2">{objects}</model></document>'


def power_on(source: Path, target: Path) -> CPE:
    saved = save(import_files([str(source)]), str(target))
    box = CPE(0, load_profile(str(saved.paths[-1])), context())
    box.power_on(0.0)
    return box


@pytest.mark.rule("12-14")
@pytest.mark.parametrize("root", ["Device.", "InternetGatewayDevice."])
def test_what_steers_a_cpe_is_what_the_standard_says(root: str, tmp_path: Path) -> None:
    source = tmp_path / "model.xml"
    source.write_text(model(root))
    box = power_on(source, tmp_path / "box")
    values = {path: box.value(f"{root}ManagementServer.{path}", 1.0) for path in TYPES}
    assert values == VALUES
    state = box.management_server(1.0)
    assert (state.enabled, state.reachable, state.periodic, state.interval) == (1, 1, 1, 300.0)


@pytest.mark.parametrize(
    ("last", "range_", "value"),
    [
        ("CWMPRetryMinimumWaitInterval", 'minInclusive="10"', "10"),
        ("CWMPRetryIntervalMultiplier", 'maxInclusive="1500"', "1500"),
    ],
)
def test_a_range_without_the_standards_value_has_its_first(
    last: str, range_: str, value: str, tmp_path: Path
) -> None:
    source = tmp_path / "model.xml"
    source.write_text(
        f"""<document><model name="Device:2"><object name="Device.ManagementServer."
access="readOnly"><parameter name="{last}" access="readWrite"><syntax><unsignedInt>
<range {range_}/></unsignedInt></syntax></parameter></object></model></document>"""
    )
    box = power_on(source, tmp_path / "box")
    assert box.value(f"Device.ManagementServer.{last}", 1.0) == value


def test_only_the_device_itself_is_steered() -> None:
    assert steering_default("Device.ManagementServer.EnableCWMP") == "1"
    assert steering_default("Device.Services.X.1.ManagementServer.EnableCWMP") is None
    assert steering_default("Device.X.EnableCWMP") is None


def test_the_documentation_lists_them(root: Path) -> None:
    text = (root / "docs/profiles.md").read_text()
    table = text.partition("### What steers the CPE")[2].partition("\n#")[0]
    rows = dict(re.findall(r"^\| (\w\S*) \| (\w+)", table, re.MULTILINE)[1:])
    assert rows == VALUES | dict.fromkeys(BOOLEANS, "true")
    assert list(rows) == list(STEERING_DEFAULTS)


@pytest.mark.parametrize("name", MODELS)
def test_published_models_are_imported_whole_and_inform(
    name: str, models: Path, tmp_path: Path
) -> None:
    box = power_on(models / name, tmp_path / "box")
    assert len(box.model.parameters) >= MODELS[name]
    assert not [path for path in box.model.parameters if path != path.strip()]
    assert box.management_server(1.0).periodic
    assert box.setting("CWMPRetryMinimumWaitInterval", 0.0, 1.0) == 5.0
