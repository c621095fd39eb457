"""Requests that pages of other sites make a browser send, to any server of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import Client
from werkzeug.wrappers import Response

from caretaker.http.browser_guard import BrowserGuard, is_foreign, machine_names

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


@pytest.fixture
def client() -> Client:
    shown: WSGIApplication = Response("shown")
    return Client(BrowserGuard({"loadgen-0"}, "--its-option").app(shown))


def test_a_program_that_names_the_server_is_answered(client: Client) -> None:
    assert client.post("/", headers={"Host": "loadgen-0:9646"}).text == "shown"


@pytest.mark.parametrize(("host", "status"), [("loadgen-0.", 200), ("127.0.0.1.", 403)])
def test_a_dot_at_the_end_is_left_out_of_a_name_alone(
    client: Client, host: str, status: int
) -> None:
    assert client.get("/", headers={"Host": host}).status_code == status


def test_another_name_is_refused_with_the_option_that_allows_it(client: Client) -> None:
    answer = client.get("/", headers={"Host": "evil.example:9646"})
    cure = "if it is, start with --its-option and this name"
    assert answer.text == f"'evil.example' is no name of this server; {cure}\n"
    assert answer.status_code == 403


def test_a_page_of_another_site_is_refused(client: Client) -> None:
    answer = client.post("/", headers={"Host": "loadgen-0", SITE: "cross-site"})
    assert (answer.status_code, answer.text) == (403, "pages of other sites can't do that\n")


SITE, PAGE = "Sec-Fetch-Site", {"Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "reads", "acts"),
    [
        ({}, True, True),  # a program
        ({SITE: "same-origin"}, True, True),
        ({SITE: "none"}, True, True),
        ({SITE: "same-origin", "Origin": "https://behind.a.proxy"}, True, True),
        ({SITE: "same-site"}, False, False),
        ({SITE: "cross-site", "Origin": "http://localhost"}, False, False),
        ({SITE: "cross-site", **PAGE}, True, False),  # a link leads here, a form acts
        ({SITE: "cross-site", "Sec-Fetch-Dest": "iframe"}, False, False),
        ({"Origin": "http://localhost"}, True, True),
        ({"Origin": "http://LOCALHOST"}, True, True),
        ({"Origin": "http://localhost:81"}, False, False),
        ({"Origin": "http://evil.example"}, False, False),
        ({"Origin": "null"}, False, False),
        ({"Origin": "http://[evil"}, False, False),
        ({"Referer": "http://localhost/fleet"}, True, True),
        ({"Referer": "http://evil.example/localhost"}, True, False),
        ({"Referer": "http://evil.example/", "Origin": "http://localhost"}, True, True),
    ],
)
def test_a_page_of_another_site_can_read_and_do_nothing(
    headers: dict[str, str], reads: bool, acts: bool
) -> None:
    given = Headers({"Host": "localhost", **headers})
    assert [not is_foreign("GET", given), not is_foreign("POST", given)] == [reads, acts]


def test_this_machine_has_names() -> None:
    assert all(re.fullmatch(r"[^\s/]+", name) for name in machine_names())
