"""The summary of a run: what is in it besides the figures of the workers."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.run_states import FakeRunner, snapshot

from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.run_summary import RunSummary
from caretaker.swarm.worker_reports import WorkerReports


def of_run(
    host: str = "http://127.0.0.1:1/",
    *,
    shape_class: object = None,
    embedded: Any = None,
    **options: Any,
) -> RunSummary:
    given = Namespace(**options)
    environment: Any = SimpleNamespace(
        host=host, parsed_options=given, runner=FakeRunner(),
        user_classes=[], shape_class=shape_class,
    )  # fmt: skip
    reports = WorkerReports(1)
    reports.take("one", snapshot())
    return RunSummary(environment, Settings.of(given), RunStart(1, 0.0), reports, embedded=embedded)


def test_settings_have_no_secrets() -> None:
    made = of_run(
        "http://me:secret@127.0.0.1:1/", acs_password="secret", nbi_url="http://u:p@127.0.0.1/"
    )
    settings = made.public_settings()
    assert settings["--host"] == "http://127.0.0.1:1/"
    assert settings["--nbi-url"] == "http://127.0.0.1/"
    assert "secret" not in str(settings)


@pytest.mark.parametrize(
    ("seconds", "run", "interrupted"),
    [
        (28.9, {"run_time": 30}, True),
        (29.1, {"run_time": 30}, False),
        (28.9, {}, False),
        (28.9, {"run_time": 30, "shape_class": object}, False),
    ],
)
def test_a_run_that_ends_before_its_run_time_is_interrupted(
    seconds: float, run: dict[str, Any], interrupted: bool
) -> None:
    summary = of_run(**run).at_end(seconds, [])
    assert summary["interrupted"] is interrupted


def test_a_run_that_ends_itself_is_not_interrupted() -> None:
    summary = of_run(run_time=30).at_end(10.0, [], users_not_started=2, ends_itself=True)
    assert (summary["interrupted"], summary["users_not_started"]) == (False, 2)


def test_the_command_does_not_name_the_embedded_acs() -> None:
    embedded = SimpleNamespace(url="http://127.0.0.1:1/", north_bound_url="http://127.0.0.1:2/")
    made = of_run(embedded.url, embedded=embedded, nbi_url=embedded.north_bound_url)
    summary = made.at_end(30.0, [])
    assert not {"--host", "--nbi-url"} & set(summary["command"].split())
    assert summary["embedded_acs"]
    assert summary["started"] == "1970-01-01T00:00:00+00:00"
