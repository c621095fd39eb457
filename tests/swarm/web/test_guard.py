"""Who may ask the web UI for what, over all routes of Locust and ours."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request

from caretaker.http.browser_guard import BrowserGuard
from caretaker.swarm.web.guard import MAX_FORM_BYTES, guard


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    made.add_url_rule("/act", "act", lambda: "done", methods=["POST"])
    made.add_url_rule("/read", "read", lambda: "shown")
    guard(made, BrowserGuard({"loadgen-0"}, "--web-allow-host"))
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


def test_a_browser_is_told_so(app: Flask) -> None:
    answer: Any = app.test_client().post("/act", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json["success"]) == (403, False)
    assert app.test_client().get("/read").headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_query_that_no_route_can_decode_is_refused(app: Flask) -> None:
    answer: Any = app.test_client().get("/read", environ_overrides={"QUERY_STRING": "a=\x8e"})
    assert (answer.status_code, answer.json["success"]) == (400, False)
    assert "not ASCII" in answer.json["message"]
