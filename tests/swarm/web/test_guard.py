"""Who may ask the web UI for what, over all routes of Locust and ours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.datastructures import Headers

from caretaker.swarm.web.guard import MAX_FORM_BYTES, guard, is_foreign, machine_names


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    made.add_url_rule("/act", "act", lambda: "done", methods=["POST"])
    made.add_url_rule("/read", "read", lambda: "shown")
    guard(made, {"loadgen-0"})
    return made


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8089", "127.0.0.1", "[::1]:8089", "192.0.2.7:8089", "localhost:8089",
        "LOCALHOST", "loadgen-0:8089", "LoadGen-0.",
    ],
)  # fmt: skip
def test_a_name_that_is_this_servers_is_answered(app: Flask, host: str) -> None:
    assert app.test_client().get("/read", headers={"Host": host}).text == "shown"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8089", "127.0.0.1.evil.example", "localhost.evil.example",
     "[::1", "loadgen-0@evil.example", "evil.example#loadgen-0"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("GET", "/read"), ("POST", "/act")])
def test_any_other_name_is_refused_with_the_option_that_allows_it(
    app: Flask, host: str, method: str, path: str
) -> None:
    answer: Any = app.test_client().open(path, method=method, headers={"Host": host})
    assert answer.status_code == 403
    assert "--web-allow-host" in answer.json["message"]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_beyond_its_limit_is_refused(app: Flask, kind: str) -> None:
    app.add_url_rule("/take", "take", lambda: request.get_data() and "taken", methods=["POST"])
    for size, status in ((MAX_FORM_BYTES, 200), (MAX_FORM_BYTES + 1, 413)):
        answer = app.test_client().post("/take", data=b"x" * size, content_type=kind)
        assert answer.status_code == status


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


def test_a_browser_is_told_so(app: Flask) -> None:
    answer: Any = app.test_client().post("/act", headers={SITE: "cross-site"})
    assert (answer.status_code, answer.json["success"]) == (403, False)
    assert app.test_client().get("/read").headers["X-Frame-Options"] == "SAMEORIGIN"


def test_this_machine_has_names() -> None:
    assert all(re.fullmatch(r"[^\s/]+", name) for name in machine_names())
