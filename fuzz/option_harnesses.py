"""Harnesses of options, and of what browsers send to the web UI."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments
from werkzeug.datastructures import Headers

from caretaker import plain_numbers
from caretaker.console import arguments, console
from caretaker.device import identity
from caretaker.engine import row_files
from caretaker.errors import InputError
from caretaker.http import browser_guard, host_names, source_addresses
from caretaker.profiles import loader
from caretaker.reporting import compare_command, trend_command
from caretaker.scenarios import actions, catalogue
from caretaker.scenarios import arguments as action_arguments
from caretaker.swarm import (
    option,
    option_addresses,
    option_files,
    option_values,
    options,
    parsed_options,
)
from caretaker.swarm.web import forms, queries, routes
from fuzz.harness import LINE, Harness
from fuzz.wsgi import request

OF_THE_MACHINE = {
    option_addresses.bound_address: "binds an address",
    option_files.certificates: "opens a file",
    option_files.client_certificate: "opens a file",
    option_files.server_certificate: "opens a file",
    option_files.export_file: "looks at a folder",
    option_files.output_file: "looks at a folder",
    option_files.output_folder: "looks at a folder",
    option_files.run_token_file: "opens a file",
    option_addresses.server_address: "binds an address",
    option_addresses.source_network: "binds addresses; source_address has its text",
    option_addresses.url_or_empty: "asks name servers; url has its text",
}
"""Parsers of options that do things with what they read."""
OF_FILES = ("devices", "profiles", "slo_file")
"""Options that name files, which are read by harnesses of their own."""
READ = {
    name: declared
    for name, declared in options.OPTIONS.items()
    if declared.parse not in OF_THE_MACHINE and name not in OF_FILES
}
"""The options of which any text can be read."""


def _option(data: bytes) -> object:
    """Each option reads the text, or refuses it; what it has read, it reads again."""
    text = data.decode("utf-8", "replace")
    outcomes = []
    for declared in READ.values():
        plain: Any = [text] if declared.action == "append" else text
        try:
            shown = declared.public(declared.read(plain))
        except InputError as error:
            shown = str(error).removeprefix(declared.flag)
        else:
            assert declared.public(declared.read(shown)) == shown, (declared.flag, shown)
        outcomes.append(shown)
    return outcomes


def _scenario(data: bytes) -> object:
    return [type(step.scenario).__name__ for step in catalogue.parse(data.decode("latin-1"))]


def _source_address(data: bytes) -> object:
    network = source_addresses.parse_network(data.decode("latin-1"))
    assert source_addresses.parse_network(str(network)) == network
    return source_addresses.hosts(network)


def _profile_choice(data: bytes) -> object:
    return loader.parse_choice(data.decode("latin-1"))


def _format(text: str) -> None:
    row_files.check_format(Path(text))


def _number(data: bytes) -> object:
    """Numbers, times and names that commands other than a run take."""
    text = data.decode("utf-8", "replace")
    outcomes: list[object] = []
    for read in (console.seconds_of, _format, option_values.processes, option_values.run_time,
                 option_values.label, host_names.host, compare_command.percent,
                 trend_command._number, plain_numbers.port,
                 arguments.own_serial_number):  # fmt: skip
        try:
            outcomes.append(read(text))
        except (InputError, ArgumentTypeError) as error:
            outcomes.append(str(error))
    return outcomes


# -- the web UI -----------------------------------------------------------------------------------


def _web_guard(data: bytes) -> object:
    """What a browser says of where a request comes from is judged."""
    names = ("Host", "Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Dest")
    texts = re.split(r"[\r\n]", data.decode("latin-1"))
    headers = Headers([(name, text) for name, text in zip(names, texts, strict=False) if text])
    guard = browser_guard.BrowserGuard({"own"}, "--option")
    return [guard.complaint(method, headers) for method in ("GET", "POST")]


_ELSEWHERE = ("host", "nbi_url", "profiles")
"""Fields whose check asks name servers or reads files."""
_APP = Flask("fuzz")
_FORM = "application/x-www-form-urlencoded"


@cache
def _given() -> tuple[dict[str, Any], options.Settings]:
    """The options of a run, as Locust has them and as we do; of all ways that a form can have."""
    parser = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    parsed_options.add_arguments(parser)
    given = parser.parse_args(["--profile", "tr098", "--profile", "tr181", "--class-picker"])
    return vars(given), options.Settings.of(given)


def _web_form(data: bytes) -> object:
    """A form is taken or refused; JSON is the form that changes a class of users."""
    given, settings = _given()
    environment: Any = SimpleNamespace(
        parsed_options=Namespace(**given), host="", available_user_classes=("A",),
        available_shape_classes=(), runner=SimpleNamespace(state="ready", user_count=0),
        web_ui=SimpleNamespace(userclass_picker_is_active=True),
    )  # fmt: skip
    master: Any = SimpleNamespace(settings=settings, is_acs_embedded=True)
    checked = forms._Forms(environment, master)
    if data.startswith(b"{"):
        with _APP.request_context(request("POST", "/user", data)):
            checked.check_user()
        return "user"
    pairs = [pair for pair in parse_qsl(data.decode("latin-1")) if pair[0] not in _ELSEWHERE]
    form = urlencode(pairs).encode()
    with _APP.request_context(request("POST", "/swarm", form, CONTENT_TYPE=_FORM)):
        checked.check_swarm()
    return sorted(pairs)


class _Run:
    """Takes actions, and does none of them."""

    marks = ({"text": "done"},)

    def act(self, name: str, /, **arguments: Any) -> None:
        """Check an action."""
        action_arguments.checked(name, actions.find(name).arguments, arguments)


class _Master:
    """Takes what the Fleet page asks for."""

    run = _Run()

    def ask(self, query: queries.DeviceListQuery | queries.DeviceQuery) -> queries.Answers:
        """Find the devices of a query by its text."""
        identity.Identities(7).starting_with(query.serial)
        return queries.Answers({}, ())


_MASTER: Any = _Master()
_PAGES = routes._Pages(SimpleNamespace(), _MASTER, SimpleNamespace())  # type: ignore[arg-type]


def _fleet_action(data: bytes) -> object:
    """What the Fleet page is told to do is done or refused."""
    with _APP.request_context(request("POST", "/", data, CONTENT_TYPE="application/json")):
        answer = _PAGES.act()
    return answer.status_code, answer.get_data()


def _fleet_query(data: bytes) -> object:
    """The lists of the Fleet page are asked for with any query that the guard lets through."""
    if not data.isascii():
        return None
    with _APP.request_context(request("GET", "/", QUERY_STRING=data.decode("latin-1"))):
        answers = _PAGES.devices(), _PAGES.one()
    return [(answer.status_code, answer.get_data()) for answer in answers]


OPTIONS: dict[str, Harness] = {
    "option": Harness(
        _option, (option_values, option_addresses, host_names, option), max_bytes=LINE
    ),
    "scenario": Harness(_scenario, (catalogue, action_arguments), (InputError,), max_bytes=LINE),
    "source_address": Harness(_source_address, (source_addresses,), (InputError,), max_bytes=LINE),
    "profile_choice": Harness(_profile_choice, (loader,), (InputError,), max_bytes=LINE),
    "number": Harness(
        _number,
        (
            option_values,
            option_addresses,
            plain_numbers,
            compare_command,
            trend_command,
            row_files,
            arguments,
        ),
        max_bytes=LINE,
    ),
    "web_guard": Harness(_web_guard, (browser_guard,), max_bytes=LINE),
    "web_form": Harness(_web_form, (forms,), (InputError,), max_bytes=LINE),
    "fleet_action": Harness(_fleet_action, (routes, actions, action_arguments), max_bytes=LINE),
    "fleet_query": Harness(_fleet_query, (routes, identity), max_bytes=LINE),
}
"""The harnesses by their names."""
