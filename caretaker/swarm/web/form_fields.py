"""
The fields that Locust's form has for our options: their labels, in words, and their choices.

Locust's page makes the label of a field of the field's name. So the name of a field is its label
here, and its choices are words as well; ``read`` makes options of both.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from caretaker.device.identity import Identities
from caretaker.errors import InputError
from caretaker.quoting import quoted
from caretaker.scenarios import SCENARIOS
from caretaker.swarm.options import Settings

Fields = Mapping[str, Sequence[str]]
"""The fields of a form; most have one text."""
Words = Mapping[str, str]
"""The texts of an option by the words that the form offers for them."""
SCENARIO_ARGUMENTS = "Arguments of the scenario"
"""The field for what stands behind the name of a scenario in ``--scenario``."""
STARTING_CR_RATE = 5.0
"""Connection Requests per second that the form proposes where none was given: the closed loop is
seen at once, and one CPE alone accepts as many by ``--cr-limit``."""


class FormField(NamedTuple):
    """
    The field of an option.

    Args:
        label: with the unit. It begins with a capital letter: the page changes other names.
        choices: of an option with a few values.
    """

    label: str
    choices: Words = MappingProxyType({})


FORM_FIELDS: Mapping[str, FormField] = {
    "cr_rate": FormField("Connection Requests per second"),
    "scenario": FormField("Scenario"),
    "slos": FormField("Service levels (with ; between)"),
    "warm_up": FormField("Warm-up (like 5s or 2m)"),
    "inform_interval": FormField("Inform interval (seconds)"),
    "start": FormField(
        "CPEs begin",
        {"new, from the factory": "factory", "as if up for days": "running"},
    ),
    "profiles": FormField("Device profiles"),
    "devices": FormField("List of devices"),
    "cpes_per_user": FormField("CPEs of each user"),
    "cr_arrivals": FormField(
        "Connection Requests come",
        {"at random (Poisson)": "poisson", "at even intervals": "constant"},
    ),
    "cr_driver": FormField(
        "Connection Requests are sent by",
        {
            "the ACS, for tasks of its API": "nbi",
            "Caretaker, without the ACS": "direct",
            "others": "off",
        },
    ),
    "nbi_url": FormField("North-bound API (URL)"),
    "transfers": FormField("File transfers", {"simulated": "simulated", "real": "real"}),
    "transfer_failures": FormField("Failing transfers (share, 0 to 1)"),
    "bandwidth": FormField("Bytes per second of a transfer"),
    "seed": FormField("Random seed"),
}
"""By the names of the options, in the order of the form."""
_BY_LABEL = {field.label: name for name, field in FORM_FIELDS.items()}


class FormChoices:
    """
    What the form offers in one run of Locust.

    Args:
        settings: of the start. What it names alone can be chosen as profiles or devices.
    """

    def __init__(self, settings: Settings) -> None:
        self.profiles = [str(choice) for choice in settings.profiles]
        self._devices = None if settings.devices is None else str(settings.devices)
        first = Identities(prefix=settings.serial_prefix).serial_number(0)
        self._numbered = f"none: {first} and so on"

    def of(self, name: str, now: str = "") -> Words:
        """
        The choices of an option; none for a field of free text.

        Args:
            name: of the option.
            now: its text now, which is a choice of its own.
        """
        if name == "profiles":
            return {text: text for text in self.profiles}
        if name == "devices":
            return (
                {} if self._devices is None else {self._devices: self._devices, self._numbered: ""}
            )
        if name == "scenario":
            return {"none": "", **{text: text for text in (*SCENARIOS, now) if text}}
        return FORM_FIELDS[name].choices

    def offered(self, name: str) -> bool:
        """Whether the form has a field for this option."""
        needs_choices = name in ("profiles", "devices")
        return name in FORM_FIELDS and bool(not needs_choices or self.of(name))

    def read(self, form: Fields, now: argparse.Namespace) -> dict[str, Sequence[str]]:
        """
        The form by the names of options.

        Args:
            form: as it was posted, by label, or by name as programs do it.
            now: the options now.

        Raises:
            InputError: a choice that is not offered.
        """
        given = {name: self._read(name, texts, now) for name, texts in form.items()}
        arguments = " ".join(form.get(SCENARIO_ARGUMENTS, ())).strip()
        options = {_BY_LABEL.get(name, name): texts for name, texts in given.items()}
        options.pop(SCENARIO_ARGUMENTS, None)
        if arguments:
            options["scenario"] = [f"{options.get('scenario', [''])[0]} {arguments}".strip()]
        return options

    def _read(self, label: str, texts: Sequence[str], now: argparse.Namespace) -> Sequence[str]:
        name = _BY_LABEL.get(label, "")
        if name == "slos":
            return [level.strip() for level in ";".join(texts).split(";") if level.strip()]
        words = self.of(name, _text(name, now)) if name else {}
        is_checked = words and name != "scenario"  # which says itself what is wrong with a text
        for text in texts if is_checked else ():
            if text not in words:
                raise InputError(f"{label}: {quoted(text)} is not one of {', '.join(words)}")
        return [words.get(text, text) for text in texts]

    def fields(self, now: argparse.Namespace, *, proposes_rate: bool) -> dict[str, Any]:
        """
        The fields as Locust's page takes them, by label.

        Args:
            now: the options now.
            proposes_rate: whether a rate of 0 only means that nobody has given one yet.
        """
        fields = {}
        for name, field in FORM_FIELDS.items():
            if self.offered(name):
                fields[field.label] = self._field(name, now)
            if name == "scenario":
                fields[SCENARIO_ARGUMENTS] = _field_of("")
        rate = fields[FORM_FIELDS["cr_rate"].label]
        if proposes_rate and not rate["default_value"]:
            rate["default_value"] = STARTING_CR_RATE
        return fields

    def _field(self, name: str, now: argparse.Namespace) -> dict[str, Any]:
        value, text = getattr(now, name, None), _text(name, now)
        words = self.of(name, text)
        if name == "profiles":
            return _field_of(value, list(words), is_multiple=True)
        if name == "slos":
            return _field_of("; ".join(value or ()))
        if words:
            word = next((word for word, meant in words.items() if meant == text), None)
            return _field_of(word, list(words))
        return _field_of(value)


def _text(name: str, now: argparse.Namespace) -> str:
    value = getattr(now, name, None)
    return "" if value is None else str(value)


def _field_of(
    value: Any, choices: list[str] | None = None, *, is_multiple: bool = False
) -> dict[str, Any]:
    """A field in the words of Locust's ``UIExtraArgOptions``; its label needs no help text."""
    return {
        "default_value": value,
        "is_secret": False,
        "is_required": is_multiple,
        "is_multiple": is_multiple,
        "help_text": "",
        "choices": choices,
    }
