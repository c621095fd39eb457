"""Presets: what the ACS does by itself with each device that they fit (GenieACS's ``presets``)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caretaker.acs.devices import KnownDevice
from caretaker.acs.queries import matches
from caretaker.acs.task import Task
from caretaker.acs.task_rpcs import RPCs, rpcs_of
from caretaker.errors import InputError
from caretaker.plain_numbers import is_digits


def _value(device: KnownDevice, configuration: dict[str, Any]) -> RPCs:
    values = [[configuration["name"], configuration["value"]]]
    yield from rpcs_of(Task("setParameterValues", {"parameterValues": values}), device)


def _age(device: KnownDevice, configuration: dict[str, Any]) -> RPCs:
    name = configuration["name"]
    known = device.parameters.get(name) or device.parameters.get(f"{name}.")
    if known is None or time.time() - known.seen > float(configuration["age"]):
        yield from rpcs_of(Task("getParameterValues", {"parameterNames": [name]}), device)


def _add_tag(device: KnownDevice, configuration: dict[str, Any]) -> RPCs:
    device.tags = tuple(dict.fromkeys((*device.tags, configuration["tag"])))
    yield from ()


def _delete_tag(device: KnownDevice, configuration: dict[str, Any]) -> RPCs:
    device.tags = tuple(tag for tag in device.tags if tag != configuration["tag"])
    yield from ()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds(value: Any) -> bool:
    return is_digits(str(value))


def _is_value(value: Any) -> bool:
    return isinstance(value, str | int | float)


@dataclass(frozen=True)
class ConfigurationType:
    """
    One row of ``CONFIGURATION_TYPES``.

    Args:
        rpcs: what it does with a device, and the RPCs for that.
        fields: a check for each field that it needs.
    """

    rpcs: Callable[[KnownDevice, dict[str, Any]], RPCs]
    fields: dict[str, Callable[[Any], bool]]


CONFIGURATION_TYPES: dict[str, ConfigurationType] = {
    "value": ConfigurationType(_value, {"name": _is_text, "value": _is_value}),
    "age": ConfigurationType(_age, {"name": _is_text, "age": _is_seconds}),
    "add_tag": ConfigurationType(_add_tag, {"tag": _is_text}),
    "delete_tag": ConfigurationType(_delete_tag, {"tag": _is_text}),
}
"""Every type of configuration that a preset can have, by GenieACS's name."""


@dataclass(frozen=True)
class Preset:
    """
    One preset.

    Args:
        name: its id.
        posted: as posted, for the north-bound API.
        precondition: the query that a device's document has to fit.
        events: event codes, and whether the Inform must have each, or must not.
        configurations: what is done, in this order.
    """

    name: str
    posted: dict[str, Any]
    precondition: dict[str, Any]
    events: dict[str, bool]
    configurations: tuple[dict[str, Any], ...]

    @property
    def channel(self) -> str:
        """The channel of its faults."""
        return str(self.posted.get("channel") or "default")

    @property
    def weight(self) -> float:
        """Presets are applied from the lowest weight on."""
        weight = self.posted.get("weight")
        return weight if isinstance(weight, int | float) else 0

    def fits(self, document: dict[str, Any], codes: frozenset[str]) -> bool:
        """Whether it is for this device, at an Inform with these event codes."""
        return all((code in codes) == wanted for code, wanted in self.events.items()) and matches(
            document, self.precondition
        )

    def rpcs(self, device: KnownDevice) -> RPCs:
        """The RPCs that apply it to a device."""
        for configuration in self.configurations:
            yield from CONFIGURATION_TYPES[configuration["type"]].rpcs(device, configuration)

    def document(self) -> dict[str, Any]:
        """The preset as the north-bound API shows it."""
        return {**self.posted, "_id": self.name}


def parse_preset(name: str, posted: Any) -> Preset:
    """
    The preset of a posted JSON object.

    Raises:
        InputError: it has what the embedded ACS can't do, or a field is malformed.
    """
    if not isinstance(posted, dict):
        raise InputError(f"preset {name}: must be a JSON object")
    if posted.get("schedule"):
        raise InputError(f"preset {name}: the embedded ACS knows no schedule; use events")
    events, configurations = posted.get("events", {}), posted.get("configurations", [])
    if not isinstance(events, dict) or not isinstance(configurations, list):
        raise InputError(f"preset {name}: events is an object, and configurations a list")
    for configuration in configurations:
        _check(name, configuration)
    return Preset(
        name,
        posted,
        _precondition(name, posted.get("precondition") or "{}"),
        {str(code): bool(wanted) for code, wanted in events.items()},
        tuple(configurations),
    )


def _check(name: str, configuration: Any) -> None:
    kind = configuration.get("type") if isinstance(configuration, dict) else None
    if not isinstance(kind, str) or kind not in CONFIGURATION_TYPES:
        raise InputError(
            f"preset {name}: a configuration's type must be one of "
            f"{', '.join(CONFIGURATION_TYPES)}; the embedded ACS runs no scripts"
        )
    for field, check in CONFIGURATION_TYPES[kind].fields.items():
        if not check(configuration.get(field)):
            raise InputError(f"preset {name}: {field!r} of a {kind} is missing or malformed")


def _precondition(name: str, posted: Any) -> dict[str, Any]:
    try:
        query = json.loads(posted) if isinstance(posted, str) else posted
    except (ValueError, RecursionError):
        query = None
    if not isinstance(query, dict):
        raise InputError(f'preset {name}: precondition must be a query, as {{"_tags": "x"}}')
    matches({"_id": ""}, query)  # refuses what is no query before a session needs it
    return query
