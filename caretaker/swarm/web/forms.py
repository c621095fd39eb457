"""
The forms of Locust's web UI: which fields they have, and which values these may take.

Locust takes a value for every option of the command line from whoever posts its form. So only the
fields that its pages have are let through, each with a value that the command line would take.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, request
from locust import argument_parser
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from werkzeug.datastructures import MultiDict

from caretaker.errors import InputError
from caretaker.quoting import quoted
from caretaker.swarm import option_addresses as addresses
from caretaker.swarm import option_values as values
from caretaker.swarm.fleet_memory import check_fleet
from caretaker.swarm.master import Master
from caretaker.swarm.off_loop import off_loop
from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.parsed_options import LocustOptions, live_cr_rate
from caretaker.swarm.run_length import check_run_time
from caretaker.swarm.web.form_fields import Fields, FormChoices
from caretaker.swarm.web.guard import refusal

if TYPE_CHECKING:
    from locust.env import Environment

Check = Callable[["Environment", Sequence[str]], None]
"""The check of a field's texts; InputError if they can't be used."""
OF_START = ("profiles", "devices")
"""Options that name files: the form chooses among those that were named at the start."""


def check_forms(environment: Environment, master: Master) -> None:
    """
    Make the forms that start and edit a run refuse other fields and bad values, with one line.

    Args:
        environment: Locust's, with its web UI.
        master: whose runs the forms start.
    """
    web_ui: Any = environment.web_ui
    forms = _Forms(environment, master)
    _offer_fields(web_ui, forms)

    def check() -> Response | None:
        endpoint = request.endpoint or ""
        try:
            if endpoint in CHECKS:
                CHECKS[endpoint](forms)
        except InputError as error:
            return refusal(str(error), 200 if endpoint == "locust.swarm" else 400)
        return None

    web_ui.app.before_request(check)


class _Forms:
    """What the forms of one web UI may contain."""

    def __init__(self, environment: Environment, master: Master) -> None:
        self.environment = environment
        self.master = master
        self.choices = FormChoices(master.settings)
        self.of_locustfile = _fields_of_locustfile(environment.parsed_options)

    def check_swarm(self) -> None:
        """The form that starts and edits a run; our options in it are taken here."""
        options: Any = self.environment.parsed_options
        posted = {name: request.form.getlist(name) for name in request.form}
        given = self.choices.read(posted, options)
        for name, texts in given.items():
            self._check_field(name, texts)
        settings = off_loop(lambda: self._settings(given))
        self._check_settings(settings, given)
        ours = [name for name in given if name in OPTIONS]
        vars(options).update({name: _plain(name, getattr(settings, name)) for name in ours})
        kept = LOCUST_FIELDS.keys() | self.of_locustfile.keys()
        rest: Any = MultiDict({n: texts for n, texts in posted.items() if n in kept})
        request.form = rest
        if not request.form.get("run_time"):
            vars(options)["run_time"] = None  # Locust keeps an earlier one

    def _check_field(self, name: str, texts: Sequence[str]) -> None:
        if name in LOCUST_FIELDS:
            LOCUST_FIELDS[name](self.environment, texts)
        elif name in OF_START and self.choices.offered(name):
            _chosen(name, texts, list(self.choices.of(name).values()))
        elif name in self.of_locustfile:
            before = getattr(self.environment.parsed_options, name, None)
            _check_of_locustfile(self.of_locustfile[name], texts, before)
        elif name not in OPTIONS or not OPTIONS[name].in_web_ui:
            raise InputError(
                f"{quoted(name)} is no field of this form; give it on the command line"
            )

    def fields(self) -> dict[str, Any]:
        """The fields of our options, for Locust's page."""
        settings = self.master.settings
        can_drive = {"nbi": bool(settings.nbi_url), "direct": True, "off": False}
        is_new = self.master.run.number == 0 and not settings.cr_stages
        options: Any = self.environment.parsed_options
        return self.choices.fields(options, proposes_rate=is_new and can_drive[settings.cr_driver])

    def _settings(self, given: Fields) -> Settings:
        """The settings of a run with this form; reads profiles that are new, or have changed."""
        options: Any = self.environment.parsed_options
        now = replace(self.master.settings, cr_rate=live_cr_rate(options))
        fields = {"profiles": options.profiles or (), **given}
        changed = {name: _value(name, texts) for name, texts in fields.items() if name in OPTIONS}
        return replace(now, **changed)

    def _check_settings(self, settings: Settings, given: Fields) -> None:
        nbi_url = settings.nbi_url or self.master.settings.nbi_url
        replace(settings, nbi_url=nbi_url).check_driver()
        runner: Any = self.environment.runner
        locusts = self._locust_options(given)
        check_fleet(runner, locusts, settings, has_acs=self.master.is_acs_embedded)
        settings.service_levels()
        if runner.state in (STATE_RUNNING, STATE_SPAWNING):
            self._check_unchanged(settings, given)
            settings.check_users(locusts.num_users or 0)
        else:
            settings.check_devices(locusts.num_users)
            settings.check_warm_up(locusts.run_time)
            check_run_time(settings, locusts)

    def _locust_options(self, given: Fields) -> LocustOptions:
        """Locust's own options as the form changes them."""
        options: Any = self.environment.parsed_options
        before = LocustOptions.of(options)
        texts = {name: given.get(name, ("",))[0] for name in LOCUST_FIELDS}
        return before._replace(
            num_users=values.users(texts["user_count"] or str(before.num_users or 1)),
            spawn_rate=values.spawn_rate(texts["spawn_rate"] or str(before.spawn_rate or 1)),
            run_time=values.run_time_or_empty(texts["run_time"]),
        )

    def _check_unchanged(self, settings: Settings, given: Fields) -> None:
        """During a run only options that are live can change."""
        fixed = [(name, OPTIONS[name]) for name in given if name in OPTIONS]
        for name, option in fixed:
            before = option.public(getattr(self.master.settings, name))
            if before != option.public(getattr(settings, name)) and not option.live:
                raise InputError(f"{option.flag} can't be changed while a test runs; stop it first")
        if "host" in given and given["host"][0] != self.environment.host:
            raise InputError("--host can't be changed while a test runs; stop it first")

    def check_user(self) -> None:
        """The form that changes a class of users, of a web UI that can choose classes."""
        web_ui: Any = self.environment.web_ui
        if not web_ui.userclass_picker_is_active:
            raise InputError("classes of users can be changed with --class-picker only")
        try:
            given = json.loads(request.get_data())
        except (ValueError, RecursionError) as error:
            raise InputError("send JSON") from error
        if not isinstance(given, dict) or not given.keys() <= USER_FIELDS.keys():
            raise InputError(f"send a JSON object of {', '.join(USER_FIELDS)}")
        _chosen("user_class_name", [given.get("user_class_name")], _classes(self.environment))
        for name, value in given.items():
            if not USER_FIELDS[name](value):
                raise InputError(f"{name}: can't be this value")


CHECKS: Mapping[str, Callable[[_Forms], None]] = {
    "locust.swarm": _Forms.check_swarm,
    "locust.update_user": _Forms.check_user,
}
"""The checks of what is posted, by the endpoint that takes it."""


def _value(name: str, texts: Sequence[str]) -> Any:
    option = OPTIONS[name]
    return option.read(texts if option.action == "append" else texts[0])


def _plain(name: str, value: Any) -> Any:
    """The value of an option as Locust's namespace has it."""
    public = OPTIONS[name].public(value)
    return list(public) if isinstance(public, tuple) else public


def _fields_of_locustfile(options: Any) -> Mapping[str, argparse.Action]:
    """The arguments that a locustfile has added for itself, but for those it hides."""
    shown: Mapping[str, argparse.Action] = argument_parser.get_parser().args_included_in_web_ui
    others = argument_parser.default_args_dict().keys() | OPTIONS.keys()
    return {
        name: action for name, action in shown.items() if name in options and name not in others
    }


def _check_of_locustfile(action: argparse.Action, texts: Sequence[str], before: object) -> None:
    """Check what Locust will make of a field: a value of the type that it has had before."""
    if action.choices is not None:
        _chosen(action.dest, texts, list(map(str, action.choices)))
    kind: Callable[[str], object] = str if before is None else type(before)
    parts = texts[:1]
    if isinstance(before, list):  # numbers also where it is empty
        kind = int if all(isinstance(part, int) for part in before) else str
        parts = texts[0].split(",") if "," in texts[0] else texts
    for part in parts:
        try:
            kind(part)
        except (ArithmeticError, TypeError, ValueError):
            fault = "is not a number" if kind in (int, float) else "can't be used"
            raise InputError(f"{action.dest}: {quoted(part)} {fault}") from None


def _chosen(name: str, texts: Sequence[str | None], offered: Sequence[str]) -> None:
    for text in texts:
        if text not in offered:
            raise InputError(f"{name}: {quoted(str(text))} is not one of {', '.join(offered)}")


def _classes(environment: Environment) -> list[str]:
    return list(environment.available_user_classes or ())


def _shapes(environment: Environment) -> list[str]:
    return ["Default", *(environment.available_shape_classes or ())]


def _text(
    parse: Callable[[str], object], flag: str
) -> Callable[[Environment, Sequence[str]], None]:
    """The check of a field that is an option of Locust's, which takes its first text."""

    def check(_: Environment, texts: Sequence[str]) -> None:
        try:
            parse(texts[0])
        except InputError as error:
            raise InputError(f"{flag}: {error}") from error

    return check


LOCUST_FIELDS: Mapping[str, Check] = {
    "user_count": _text(values.users, "--users"),
    "spawn_rate": _text(values.spawn_rate, "--spawn-rate"),
    "run_time": _text(values.run_time_or_empty, "--run-time"),
    "host": _text(addresses.acs_url_or_empty, "--host"),
    # Locust's label for a test; our --profile has another name in Locust's namespace.
    "profile": _text(values.label, "profile"),
    "user_classes": lambda environment, texts: _chosen(
        "user_classes", texts, _classes(environment)
    ),
    "shape_class": lambda environment, texts: _chosen("shape_class", texts, _shapes(environment)),
}
"""The fields that Locust's own page has, beside the options that ``in_web_ui`` shows there."""

USER_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "user_class_name": lambda value: isinstance(value, str),
    "host": lambda value: value is None or isinstance(value, str),
    "weight": lambda value: isinstance(value, int) and 0 <= value <= values.MAX_USERS,
    "fixed_count": lambda value: isinstance(value, int) and 0 <= value <= values.MAX_USERS,
    "tasks": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}
"""What Locust's page can change of a class of users; Locust would set any attribute."""


def _offer_fields(web_ui: Any, forms: _Forms) -> None:
    """
    Have the form show our fields in place of those that Locust makes of the parser.

    The parser knows no choices before it has parsed, and no words.
    """
    update: Callable[[], None] = web_ui.update_template_args
    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}

    def update_with_fields() -> None:
        update()
        arguments = web_ui.template_args
        others = {n: field for n, field in arguments["extra_options"].items() if n not in OPTIONS}
        arguments["extra_options"] = {**forms.fields(), **others}

    web_ui.update_template_args = update_with_fields
