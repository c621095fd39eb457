"""The plan of a run that has not begun."""

from __future__ import annotations

from functools import partial

import pytest
from helpers.options import parser

from caretaker.errors import InputError
from caretaker.swarm.command_line import after_parsing, check_together
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.run_plan import RunPlan, lines

ELSEWHERE = "http://192.0.2.7:7547/acs"


def plan(*arguments: str, host: str = "", is_checked: bool = False) -> RunPlan:
    made = parser(num_users=1000, spawn_rate=500, run_time=60, headless=True)
    after_parsing(made, partial(check_together, made))
    options = made.parse_args(arguments)
    return RunPlan(Settings.of(options), LocustOptions.of(options), host, is_checked)


def text_of(planned: RunPlan) -> str:
    return "\n".join(lines(planned))


def test_it_says_how_large_how_fast_and_how_long_the_run_is() -> None:
    text = text_of(plan("--cpes-per-user", "2", "--cr-rate", "20", "--inform-interval", "100"))
    assert "2,000 CPEs: 1,000 users with 2 each, FLEET-000001 to FLEET-002000" in text
    assert "first contacts 1,000/s, periodic Informs 20/s, Connection Requests 20/s" in text
    assert "60 s" in text


def test_stages_say_the_size_and_the_length() -> None:
    text = text_of(plan("--stage", "1m:300", "--stage", "30s:0", "--cr-stage", "10s:5"))
    assert "300 CPEs" in text
    assert "90 s: stages 60s:300, 30s:0" in text
    assert "Connection Requests up to 5/s" in text


def test_it_says_what_is_touched_and_written() -> None:
    arguments = ("--nbi-url", "http://me:secret@192.0.2.7:7557", "--cr-rate", "5")
    text = text_of(plan(*arguments, "--summary-json", "s.json", host=ELSEWHERE, is_checked=True))
    assert "the ACS first, with one CPE" in text
    assert "sessions of all CPEs with 192.0.2.7:7547" in text
    assert "tasks at 192.0.2.7:7557" in text
    assert "s.json" in text
    assert "secret" not in text


def test_files_of_locust_are_among_what_is_written() -> None:
    planned = plan("--summary-json", "s.json")
    locust = planned.locust._replace(
        csv_prefix="c/run", html_file="r.html", json_file="j", logfile="run.log"
    )
    text = text_of(planned._replace(locust=locust))
    assert text.endswith("s.json, r.html, run.log, j.json, c/run_*.csv")


def test_a_password_is_not_in_it() -> None:
    planned = plan("--acs-username", "cpe", "--acs-password", "secret", host=ELSEWHERE)
    assert "secret" not in text_of(planned)
    assert "secret" not in planned.size_and_rate()


@pytest.mark.parametrize(
    ("host", "is_elsewhere"),
    [("", False), ("http://127.0.0.9:1/", False), ("http://[::1]:1/", False), (ELSEWHERE, True)],
)
def test_only_another_machine_is_elsewhere(host: str, is_elsewhere: bool) -> None:
    assert plan(host=host).is_elsewhere == is_elsewhere


def test_workers_of_other_machines_are_not_this_ones_to_plan() -> None:
    planned = plan("--master")
    assert not planned.is_here
    assert "the master; workers are started by hand" in text_of(planned)
    assert " free" not in text_of(planned)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--warm-up", "60s"), "--warm-up 60s: --run-time 60s ends within it"),
        (("--scenario", "power-cut", "--run-time", "5s"), "too short for --scenario"),
        (("--users", "900000000"), "are free here"),
        (("--stage", "1m:900000000"), "are free here"),
    ],
)
def test_what_the_run_would_refuse_is_refused_before(
    arguments: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        plan(*arguments).check()


def test_an_account_that_an_acs_elsewhere_does_not_send_from_is_refused() -> None:
    given = ("--reach", "xmpp:1", "--xmpp-server", "lab", "--cr-xmpp-jid", "acs@lab")
    password = ("--cr-xmpp-password", "word")
    plan(*given, *password).check()
    with pytest.raises(InputError, match="--cr-xmpp-jid acs@lab: the ACS of --host sends from"):
        plan(*given, *password, host=ELSEWHERE).check()
