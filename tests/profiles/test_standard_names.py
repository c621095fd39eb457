"""The parameters of our own profiles are those of the Broadband Forum's data models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from caretaker.data_model.parameter import Parameter
from caretaker.data_model.paths import shape
from caretaker.profiles.bbf_data_model import Definition, read_definitions
from caretaker.profiles.loader import load_profile
from caretaker.profiles.profile import BUILT_IN

MODELS = {
    "Device.": ("tr-181-2-11-0-full.xml", "tr-181-2-17-0-cwmp-full.xml"),
    "InternetGatewayDevice.": ("tr-098-1-8-0-full.xml",),
}
"""The data models of a root; what an old version has, a device may have."""
OTHERS = ("Services.",)
"""Objects of other data models (TR-104, TR-135), below the root."""
UNSET = ("", "None")
"""What a device has where an ACS has set nothing; an ACS can't always set it."""


@cache
def standard(root: str, models: Path) -> dict[str, list[Definition]]:
    """The definitions of each parameter of a root, by its path with ``*`` for instance numbers."""
    found: dict[str, list[Definition]] = {}
    for file in MODELS[root]:
        definitions = read_definitions(file, (models / file).read_bytes())
        for path, definition in definitions.parameters.items():
            found.setdefault(path.replace("{i}", "*"), []).append(definition)
    return found


def what_is_strange(parameter: Parameter, definitions: Sequence[Definition]) -> str:
    """What none of the definitions of a parameter has; empty if one has all."""
    if not definitions:
        return "is in no data model"
    same = [each for each in definitions if each.type == parameter.type]
    if not same:
        return f"is {parameter.type}"
    if parameter.writable and not any(each.writable for each in same):
        return "can be set"
    usual = [each.limits is None or each.limits.take(parameter.value) for each in same]
    return "" if any(usual) or parameter.source or parameter.value in UNSET else parameter.value


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_parameter_is_standard_or_of_a_vendor(name: str, models: Path) -> None:
    model = load_profile(name).model
    known = standard(model.root, models)
    others = tuple(model.root + last for last in OTHERS)
    strange = {
        path: what_is_strange(parameter, known.get(shape(path), ()))
        for path, parameter in model.parameters.items()
        if not path.startswith(others) and ".X_" not in path
    }
    assert {path: why for path, why in strange.items() if why} == {}
