"""To whom the credentials of the command line go."""

from __future__ import annotations

import logging
from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from caretaker.swarm.given_credentials import SECRETS, GivenCredentials


def environment(host: str) -> Any:
    options = Namespace(acs_username="me", acs_password="hidden", cr_xmpp_password="word")
    return SimpleNamespace(host=host, parsed_options=options)


@pytest.mark.parametrize(
    ("start", "run", "is_shown"),
    [
        ("http://acs:7547/", "http://acs:7547/", True),
        ("http://acs:7547/", "http://acs/other", True),
        ("http://acs:7547/", "https://acs:8443/", True),
        ("https://acs/", "http://acs/", False),
        ("http://acs/", "http://acs.evil.example/", False),
        ("http://127.0.0.1:7547/", "http://evil.example:7547/", False),
    ],
)
def test_only_the_acs_that_they_were_given_for_is_shown_them(
    caplog: pytest.LogCaptureFixture, start: str, run: str, is_shown: bool
) -> None:
    made = environment(start)
    given = GivenCredentials.take(made)
    made.host = run
    with caplog.at_level(logging.WARNING):
        secrets = given.put(made)
    shown = (made.parsed_options.acs_username, secrets["acs_password"])
    assert shown == (("me", "hidden") if is_shown else (None, None))
    assert len(caplog.messages) == (not is_shown)
    assert "hidden" not in caplog.text


def test_they_are_back_when_the_run_is_against_their_acs_again() -> None:
    made = environment("http://acs/")
    given = GivenCredentials.take(made)
    for host, password in (("http://evil.example/", None), ("http://acs/", "hidden")):
        made.host = host
        assert given.put(made) == {"acs_password": password, "cr_xmpp_password": "word"}


def test_what_locust_sends_has_no_secrets() -> None:
    made = environment("http://acs/")
    given = GivenCredentials.take(made)
    given.put(made)
    assert vars(made.parsed_options) == {"acs_username": "me"}
    assert SECRETS == ("acs_password", "cr_xmpp_password")  # another one may be for the ACS


def test_nothing_is_said_where_none_were_given(caplog: pytest.LogCaptureFixture) -> None:
    made = environment("http://acs/")
    made.parsed_options = Namespace()
    given = GivenCredentials.take(made)
    made.host = "http://other/"
    given.put(made)
    assert caplog.messages == []
