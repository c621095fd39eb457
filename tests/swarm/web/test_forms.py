"""What is posted to Locust's forms is checked before Locust takes it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.run_states import master_of
from helpers.web_uis import local_environment
from locust import events
from locust.runners import STATE_RUNNING

from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.web import forms
from caretaker.swarm.web.form_fields import FORM_FIELDS, SCENARIO_ARGUMENTS, STARTING_CR_RATE
from caretaker.swarm.web.forms import LOCUST_FIELDS, USER_FIELDS, check_forms

ACS = "http://127.0.0.1:1/"
API = "http://127.0.0.1:7557"
TAKEN = "Swarming started"


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust's page reads the command line again, which is pytest's here."""
    monkeypatch.setattr("sys.argv", ["locust"])


class Form:
    """The form of Locust's web UI, of a run with these options; no run starts."""

    def __init__(self, *arguments: str) -> None:
        self.environment = local_environment("--host", ACS, *arguments)
        self.options = self.environment.parsed_options
        self.runner = self.environment.runner
        self.runner.start = lambda *_, **__: None
        self.web_ui = self.environment.web_ui
        self.master = master_of(self.environment)
        check_forms(self.environment, self.master)
        self._client = self.web_ui.app.test_client()

    def post(self, **values: Any) -> str:
        form = {"user_count": "5", "spawn_rate": "5", **values}
        answer: Any = self._client.post("/swarm", data=form).json
        assert answer["success"] == (answer["message"] == TAKEN)
        return str(answer["message"])

    def page(self) -> str:
        """Locust's page with the form."""
        return str(self._client.get("/").text)

    def field(self, label: str) -> dict[str, Any]:
        """A field as Locust's page shows it."""
        return dict(self.fields()[label])

    def fields(self) -> dict[str, dict[str, Any]]:
        self.web_ui.update_template_args()
        fields: dict[str, dict[str, Any]] = self.web_ui.template_args["extra_options"]
        return fields

    def post_user(self, body: Any) -> int:
        kind = {"data": body} if isinstance(body, str) else {"json": body}
        return int(self._client.post("/user", **kind).status_code)


@pytest.fixture
def form() -> Iterator[Form]:
    made = Form("--nbi-url", API, "--acs-password", "hidden", "--profile", "tr098")
    yield made
    made.runner.greenlet.kill()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"cr_rate": "fast"}, "--cr-rate: 'fast' is not a number"),
        ({"cr_rate": "nan"}, "--cr-rate: 'nan' is not a number"),
        ({"cr_rate": "1e9"}, "--cr-rate: 1e9 must be a number from 0 to 100000"),
        ({"inform_interval": "-1"}, "--inform-interval: -1 must be a number"),
        (
            {"cpes_per_user": "1e3"},
            "--cpes-per-user: '1e3' must be a whole number from 1",
        ),
        ({"seed": "9" * 5000}, "--seed: '9999"),
        ({"host": "acs"}, "not an http or https address"),
        ({"host": "http://a b/"}, "not an http or https address"),
        ({"scenario": "nothing"}, "--scenario: scenario 'nothing': not one of"),
        ({"cr_rate": "5", "nbi_url": "ftp://x"}, "--nbi-url"),
        ({"user_count": "-5"}, "--users: '-5' must be a whole number from 0"),
        ({"user_count": "1" * 30}, "--users: '1111"),
        ({"user_count": "1000000000", "cpes_per_user": "100"}, "users fit"),
        ({"user_count": "many"}, "--users: 'many' must be a whole number from 0"),
        ({"spawn_rate": "0"}, "--spawn-rate: 0 must be a number from 0.001"),
        ({"spawn_rate": "nan"}, "--spawn-rate: 'nan' is not a number"),
        ({"spawn_rate": "inf"}, "--spawn-rate: 'inf' is not a number"),
        ({"run_time": "soon"}, "--run-time: 'soon' is not a time like 30s, 3m"),
        ({"run_time": "9" * 30}, "--run-time: '999999999999999999999999999999' is longer than"),
        ({"run_time": "9" * 9000}, "--run-time: '9999"),
        ({"profile": "p" * 300}, "profile: 'pppp"),
        ({"user_classes": "Nobody"}, "user_classes: Nobody is not one of"),
        ({"shape_class": "Square"}, "shape_class: Square is not one of Default"),
        ({"profiles": "/etc/passwd"}, "profiles: /etc/passwd is not one of tr098"),
    ],
)
def test_a_bad_value_is_refused_with_one_line(
    form: Form, values: dict[str, str], complaint: str
) -> None:
    message = form.post(**values)
    assert complaint in message
    assert "\n" not in message
    assert len(message) < 300


def test_a_rate_needs_an_api() -> None:
    form = Form()
    assert form.post(cr_rate="5").startswith("--cr-rate: no north-bound API to post tasks to")
    assert form.post(cr_rate="5", nbi_url=API) == TAKEN


def test_good_values_are_taken(form: Form) -> None:
    fields = {"run_time": "1h20m", "host": ACS, "profile": "night", "seed": "3"}
    assert form.post(**fields, cr_rate="5", scenario="power-cut", inform_interval="") == TAKEN
    assert form.post(run_time="", host="") == TAKEN


def test_only_the_fields_of_the_form_reach_a_run(form: Form, tmp_path: Path) -> None:
    """Locust takes every name of its namespace: each that the form does not show is refused."""
    before = dict(vars(form.options))
    shown = {name for name, option in OPTIONS.items() if option.in_web_ui}
    names = vars(form.options).keys() | OPTIONS.keys()
    hidden = names - shown - LOCUST_FIELDS.keys() - {"profiles"}
    assert {"summary_json", "report", "junit", "record", "acs_password", "csv_prefix"} <= hidden
    for name in sorted(hidden | {"caretaker_run", "nonsense", "__class__"}):
        message = form.post(**{name: str(tmp_path / "stolen")})
        assert message == f"{name} is no field of this form; give it on the command line"
    assert vars(form.options) == before


@pytest.fixture
def _arguments_of_locustfile() -> Iterator[None]:
    """A locustfile adds arguments, one of them hidden."""

    def add(parser: Any, **_: Any) -> None:
        parser.add_argument("--tenant", default="first")
        parser.add_argument("--depth", type=int, default=3)
        parser.add_argument("--mode", choices=("slow", "fast"), default="slow")
        parser.add_argument("--floors", type=int, nargs="*", default=[1, 2])
        parser.add_argument("--price", type=Decimal, default=Decimal("1.5"))
        parser.add_argument("--labels", nargs="*", default=["a"])
        parser.add_argument("--customer-file", default="a.csv", include_in_web_ui=False)

    hook: Any = events.init_command_line_parser
    hook.add_listener(add)
    yield
    hook.remove_listener(add)


@pytest.mark.usefixtures("_arguments_of_locustfile")
def test_arguments_of_a_locustfile_are_fields_as_in_plain_locust() -> None:
    form = Form()
    assert form.post(tenant="second", depth="5", mode="fast") == TAKEN
    assert (form.options.tenant, form.options.depth, form.options.mode) == ("second", 5, "fast")
    assert form.post(floors="3,4", labels="b,c", price="2.5") == TAKEN
    assert (form.options.floors, form.options.labels) == ([3, 4], ["b", "c"])
    assert form.options.price == Decimal("2.5")
    assert form.post(depth="deep") == "depth: deep is not a number"
    assert form.post(floors="3,top") == "floors: top is not a number"
    assert form.post(price="free") == "price: free can't be used"
    assert form.post(mode="odd") == "mode: odd is not one of slow, fast"
    for name in ("customer_file", "summary_json", "help"):
        assert form.post(**{name: "/etc/passwd"}).startswith(f"{name} is no field of this form")


def test_locusts_label_of_a_test_is_not_our_profile(form: Form) -> None:
    assert form.post(profile="/etc/passwd") == TAKEN
    assert form.options.profiles == ["tr098"]
    assert Settings.of(form.options).profiles[0].text == "tr098"


def test_the_form_offers_the_profiles_that_were_named_at_the_start() -> None:
    form = Form("--profile", "tr181:3", "--profile", "tr098")
    field = form.field("Device profiles")
    assert (field["choices"], field["is_multiple"]) == (["tr181:3", "tr098"], True)
    assert form.post(**{"Device profiles": "/etc/passwd"}).startswith("Device profiles: ")
    assert form.post(profiles=["tr181:3", "tr181"]).startswith("profiles: tr181 is not one of")
    assert form.post(profiles=["tr098"]) == TAKEN
    assert form.options.profiles == ["tr098"]


@pytest.mark.parametrize("values", [{}, {"profiles": ["tr098"]}])
def test_the_profiles_of_a_run_are_read_off_the_loop(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    form = Form("--profile", "tr098", "--profile", "tr181")
    readers: list[int] = []
    option = OPTIONS["profiles"]

    def parse(text: str) -> Any:
        readers.append(threading.get_ident())
        return option.parse(text)

    monkeypatch.setattr(forms, "OPTIONS", {**OPTIONS, "profiles": replace(option, parse=parse)})
    assert form.post(**values) == TAKEN
    assert readers
    assert threading.get_ident() not in readers


def test_during_a_run_only_the_rate_of_connection_requests_can_change() -> None:
    form = Form("--nbi-url", API, "--scenario", "power-cut", "--cr-rate", "1")
    form.runner.state = "running"
    assert form.post(cr_rate="5", scenario="power-cut", seed="0") == TAKEN
    assert form.post(seed="3") == "--seed can't be changed while a test runs; stop it first"
    assert form.post(scenario="").startswith("--scenario can't be changed")
    assert form.post(host="http://127.0.0.2/").startswith("--host can't be changed")


def test_classes_of_users_are_changed_where_they_can_be_chosen_only(form: Form) -> None:
    good = {"user_class_name": "Portal", "weight": 2, "fixed_count": 0, "tasks": [], "host": None}
    assert good.keys() == USER_FIELDS.keys()
    assert form.post_user(good) == 400
    form.web_ui.userclass_picker_is_active = True
    form.environment.available_user_classes = {"Portal": type("Portal", (), {})}
    form.environment.available_user_tasks = {"Portal": []}
    assert form.post_user(good) == 201
    for bad in ({"user_class_name": "Nobody"}, {**good, "worker": 1}, {**good, "weight": -1},
                [1], "[" * 100_000, "{", {}):  # fmt: skip
        assert form.post_user(bad) == 400, bad


@pytest.mark.parametrize("state", ["ready", STATE_RUNNING])
def test_a_fleet_is_no_larger_than_the_list_of_its_devices(tmp_path: Path, state: str) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("serial\nA1\nA2\n")
    form = Form("--devices", str(path))
    form.runner.state = state
    message = form.post(user_count="3")
    assert message == (
        f"--devices {path}: 2 devices, and the run has 3 CPEs; give a longer file, or fewer --users"
    )
    assert form.post(user_count="2") == TAKEN


class TestWords:
    """The form speaks in words with units; what they mean are options."""

    def test_every_option_of_the_web_ui_has_a_label(self) -> None:
        shown = {name for name, option in OPTIONS.items() if option.in_web_ui}
        assert FORM_FIELDS.keys() == shown | set(forms.OF_START)
        labels = [field.label for field in FORM_FIELDS.values()]
        assert len(set(labels)) == len(labels)
        for label in (*labels, SCENARIO_ARGUMENTS):
            assert label[0].isupper(), f"Locust's page makes another name of {label}"
            assert not re.search("[a-z0-9][A-Z0-9]|_", label), f"it puts a space into {label}"
            assert len(label) < 36, f"{label} is cut in a narrow window"

    def test_they_come_in_the_order_of_the_table(self, form: Form) -> None:
        page = form.page()
        places = [page.index(f'"{field.label}"') for field in FORM_FIELDS.values()
                  if f'"{field.label}"' in page]  # fmt: skip
        assert places == sorted(places)
        assert len(places) > 10

    def test_every_choice_means_a_value_of_its_option(self) -> None:
        for name, field in FORM_FIELDS.items():
            for text in field.choices.values():
                OPTIONS[name].parse(text)

    def test_choices_are_selects_and_the_present_one_is_chosen(self, form: Form) -> None:
        field = form.field("CPEs begin")
        assert field["choices"] == ["new, from the factory", "as if up for days"]
        assert field["default_value"] == "new, from the factory"
        assert form.post(**{"CPEs begin": "as if up for days"}) == TAKEN
        assert form.options.start == "running"
        assert form.post(**{"CPEs begin": "tired"}).startswith("CPEs begin: tired is not one of")

    def test_a_scenario_is_chosen_and_its_arguments_are_written(self, form: Form) -> None:
        assert "power-cut" in form.field("Scenario")["choices"]
        chosen = {"Scenario": "power-cut", SCENARIO_ARGUMENTS: "share=0.5, cr-sweep at=60"}
        assert form.post(**chosen) == TAKEN
        assert form.options.scenario == "power-cut share=0.5, cr-sweep at=60"
        assert form.field("Scenario")["default_value"] == form.options.scenario
        assert form.post(**{"Scenario": "none", SCENARIO_ARGUMENTS: ""}) == TAKEN
        assert Settings.of(form.options).scenario.steps == ()
        lonely = form.post(**{"Scenario": "none", SCENARIO_ARGUMENTS: "share=1"})
        assert lonely.startswith("--scenario: scenario 'share=1': not one of")

    def test_service_levels_are_written_in_one_field(self, form: Form) -> None:
        levels = {"Service levels (with ; between)": "sessions.failed < 1; tasks.failed < 5 ;"}
        assert form.post(**levels) == TAKEN
        texts = [str(level) for level in Settings.of(form.options).slos]
        assert texts == ["sessions.failed < 1", "tasks.failed < 5"]
        shown = form.field("Service levels (with ; between)")["default_value"]
        assert shown == "sessions.failed < 1; tasks.failed < 5"
        assert form.post(slos="fast").startswith("--slo: 'fast' is no service level")

    def test_a_list_of_devices_named_at_the_start_can_be_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "fleet.csv"
        path.write_text("serial_number\nA1\nA2\nA3\nA4\nA5\n")
        form = Form("--devices", str(path))
        numbered = "none: FLEET-000001 and so on"
        assert form.field("List of devices")["choices"] == [str(path), numbered]
        assert form.post(**{"List of devices": "/etc/passwd"}).startswith("List of devices: ")
        assert form.post(devices="/etc/passwd").startswith("devices: /etc/passwd is not one of")
        assert form.post(**{"List of devices": numbered}) == TAKEN
        assert Settings.of(form.options).devices is None
        assert form.post(**{"List of devices": str(path)}) == TAKEN
        assert form.options.devices == str(path)

    def test_without_a_list_there_is_no_such_field(self, form: Form) -> None:
        assert "List of devices" not in form.fields()
        assert form.post(devices="").startswith("devices is no field of this form")


class TestConnectionRequestRate:
    """The form proposes a rate with which the closed loop is seen."""

    RATE = "Connection Requests per second"

    @pytest.mark.parametrize(
        ("arguments", "proposed"),
        [
            (("--nbi-url", API), STARTING_CR_RATE),
            (("--cr-driver", "direct"), STARTING_CR_RATE),
            (("--nbi-url", API, "--cr-rate", "7"), 7.0),
            (("--nbi-url", API, "--cr-driver", "off"), 0.0),
            ((), 0.0),
        ],
    )
    def test_where_the_driver_can_ask(self, arguments: tuple[str, ...], proposed: float) -> None:
        assert Form(*arguments).field(self.RATE)["default_value"] == proposed

    def test_after_a_run_it_is_that_of_the_run(self) -> None:
        form = Form("--nbi-url", API)
        form.master.run.start = RunStart(1, 0.0)
        assert form.field(self.RATE)["default_value"] == 0.0


class TestRunTime:
    """A run that can't hold its scenario does not start."""

    def test_the_form_says_what_it_needs(self) -> None:
        message = Form().post(scenario="power-cut", run_time="30s", user_count="10", spawn_rate="1")
        expected = "--run-time 30s: too short for --scenario 'power-cut', which needs 57s or more"
        assert message == expected

    @pytest.mark.parametrize("run_time", ["", "1h"])
    def test_no_run_time_or_enough_is_taken(self, run_time: str) -> None:
        assert Form("--run-time", "5").post(scenario="power-cut", run_time=run_time) == TAKEN

    def test_the_scenario_of_the_command_line_counts(self) -> None:
        assert "too short" in Form("--scenario", "power-cut").post(run_time="30")

    def test_a_running_test_can_be_edited(self) -> None:
        form = Form("--scenario", "power-cut")
        form.environment.runner.state = STATE_RUNNING
        assert form.post(run_time="30") == TAKEN
