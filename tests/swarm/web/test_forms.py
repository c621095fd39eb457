"""What is typed into Locust's forms is checked before Locust takes it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from helpers.run_states import master
from locust.runners import STATE_RUNNING

from caretaker.swarm.web.forms import guard_start

TAKEN = "Locust takes it"


class Form:
    """A form of Locust's web UI, of a run with these options."""

    def __init__(self, **options: Any) -> None:
        app = Flask(__name__)
        app.add_url_rule("/swarm", "swarm", lambda: {"message": TAKEN}, methods=["POST"])
        self.master = master(**options)
        self.environment: Any = self.master.environment
        web_ui: Any = SimpleNamespace(app=app)
        self.environment.web_ui = web_ui
        guard_start(self.environment, self.master)
        self._client = app.test_client()

    def post(self, **values: str) -> str:
        answer: Any = self._client.post("/swarm", data=values).json
        return str(answer["message"])


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"cr_rate": "fast"}, "--cr-rate: 'fast' is not a number"),
        ({"host": "acs"}, "not an http or https address"),
        ({"scenario": "nothing"}, "--scenario: scenario 'nothing': not one of"),
        ({"cr_rate": "5"}, "--cr-rate: no north-bound API to post tasks to"),
    ],
)
def test_a_bad_value_is_refused_with_one_line(values: dict[str, str], complaint: str) -> None:
    message = Form().post(**values)
    assert complaint in message
    assert "\n" not in message


def test_good_values_are_taken() -> None:
    form = Form(nbi_url="http://127.0.0.1:7557")
    assert form.post(cr_rate="5", scenario="power-cut", seed="3", inform_interval="") == TAKEN


def test_an_api_that_is_given_with_the_rate_is_enough() -> None:
    assert Form().post(cr_rate="5", nbi_url="http://127.0.0.1:7557") == TAKEN


def test_during_a_run_only_the_rate_of_connection_requests_can_change() -> None:
    form = Form(nbi_url="http://127.0.0.1:7557", scenario="power-cut", cr_rate=1.0)
    form.environment.runner.state = "running"
    assert form.post(cr_rate="5", scenario="power-cut", seed="0") == TAKEN
    assert form.post(seed="3") == "--seed can't be changed while a test runs; stop it first"
    assert form.post(scenario="").startswith("--scenario can't be changed")


class TestRunTime:
    """A run that can't hold its scenario does not start."""

    def test_the_form_says_what_it_needs(self) -> None:
        message = Form().post(scenario="power-cut", run_time="30s", user_count="10", spawn_rate="1")
        expected = "--run-time 30s: too short for --scenario 'power-cut', which needs 57s or more"
        assert message == expected

    @pytest.mark.parametrize("run_time", ["", "1h", "soon"])
    def test_no_run_time_or_enough_is_taken_and_locust_refuses_what_is_none(
        self, run_time: str
    ) -> None:
        assert Form(run_time=5).post(scenario="power-cut", run_time=run_time) == TAKEN

    def test_the_scenario_of_the_command_line_counts(self) -> None:
        assert "too short" in Form(scenario="power-cut").post(run_time="30")

    def test_a_running_test_can_be_edited(self) -> None:
        form = Form(scenario="power-cut")
        form.environment.runner.state = STATE_RUNNING
        assert form.post(run_time="30") == TAKEN
