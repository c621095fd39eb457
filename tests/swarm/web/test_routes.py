"""Our pages in Locust's web UI, asked as a browser would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from flask_login import UserMixin, login_user  # type: ignore[import-untyped]
from helpers.run_states import master_of, snapshot
from helpers.web_uis import local_environment
from markupsafe import escape

from caretaker.engine.cpe_states import STATES
from caretaker.http.browser_guard import BrowserGuard
from caretaker.scenarios.actions import ACTIONS
from caretaker.swarm.web.guard import guard
from caretaker.swarm.web.prometheus import metrics_app
from caretaker.swarm.web.routes import ASSETS, add_pages, join_pages
from caretaker.swarm.web.run_state import RunStates
from caretaker.swarm.worker_messages import FleetAction, WorkerAnswer, WorkerQuery


class Site:
    """Locust's web UI with our pages, over a run that began, and a worker that answers."""

    def __init__(self, base: str = "", *, login: bool = False) -> None:
        self.environment = local_environment(
            "--host", "http://127.0.0.1:1/", base=base, login=login
        )
        self.environment.host = "http://me:secret@127.0.0.1:1/"  # as a locustfile can have it
        self.runner: Any = self.environment.runner
        web_ui: Any = self.environment.web_ui
        self.master = master_of(self.environment)
        run_states = RunStates(self.master)
        add_pages(self.environment, self.master, run_states, metrics_app(run_states.now))
        guard(web_ui.app, BrowserGuard({"loadgen-0"}, "--web-allow-host"))
        self.app: Any = web_ui.app
        self.app.secret_key = "for tests"
        self.web_ui = web_ui
        self.acts: list[Any] = []
        self.queries: list[Any] = []
        self.answer: Any = None
        self.runner.register_message(FleetAction.NAME, lambda msg, **_: self.acts.append(msg.data))
        self.runner.register_message(WorkerQuery.NAME, self._asked)

    def _asked(self, msg: Any, **_: Any) -> None:
        self.queries.append(msg.data)
        self.master.queries.answered("local", WorkerAnswer(msg.data["id"], self.answer))

    def begin(self) -> None:
        self.master.begin()
        self.master.run.reports.take("local", snapshot())

    @property
    def client(self) -> FlaskClient:
        client: FlaskClient = self.app.test_client()
        return client


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust's page reads the command line again, which is pytest's here."""
    monkeypatch.setattr(sys, "argv", ["locust"])


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.runner.greenlet.kill()


def test_locusts_page_leads_to_ours_and_back(site: Site) -> None:
    index = site.client.get("/").text
    assert 'href="/fleet"' in index
    assert index.rstrip().endswith("</html>")
    page = site.client.get("/fleet").text
    assert 'href="/"' in page
    assert 'href="/?tab=stats"' in page


def test_all_of_it_lives_below_the_base_path() -> None:
    site = Site("/load")
    client = site.client
    assert 'href="/load/fleet"' in client.get("/load/").text
    assert 'data-root="/load/fleet"' in client.get("/load/fleet").text
    assert client.get("/load/metrics").status_code == 200
    assert client.get("/fleet").status_code == 404
    site.runner.greenlet.kill()


def test_every_action_and_state_is_on_the_page(site: Site) -> None:
    page = site.client.get("/fleet").text
    for name, action in ACTIONS.items():
        assert f'data-action="{name}"' in page
        assert all(f'name="{argument}"' in page for argument in action.arguments)
    assert all(f'<option value="{state}">' in page for state in STATES)


@pytest.mark.parametrize("name", ASSETS)
def test_scripts_and_styles_come_along(site: Site, name: str) -> None:
    assert site.client.get(f"/fleet/assets/{name}").status_code == 200


@pytest.mark.parametrize("name", ["page.html", "../web.py", "vendor/nothing"])
def test_nothing_else_does(site: Site, name: str) -> None:
    assert site.client.get(f"/fleet/assets/{name}").status_code == 404


def test_a_serial_number_is_no_markup(site: Site) -> None:
    page = site.client.get("/fleet/device?serial=%3Cscript%3Ealert(1)%3C%2Fscript%3E").text
    assert "<script>alert" not in page


def test_how_the_run_stands(site: Site) -> None:
    before = site.client.get("/fleet/standing").json
    assert before is not None
    assert (before["run"], before["running"], before["seconds"]) == (0, False, 0)
    site.begin()
    run_state = site.client.get("/fleet/standing").json
    assert run_state is not None
    assert run_state["cpes"] == {
        "idle": 7,
        "in_session": 2,
        "waiting": 0,
        "retrying": 1,
        "no_power": 0,
    }
    assert run_state["connection_requests"]["delivered"] == 100
    assert run_state["curves"]["informs_planned"] == [1]
    assert run_state["workers"][0]["cpu_now"] == 45.0
    assert "secret" not in str(run_state)


def test_how_cpes_are_reached_stands_in_tables_where_that_is_not_by_http_alone(site: Site) -> None:
    site.begin()
    assert site.client.get("/fleet/standing").json["reach"] == []  # type: ignore[index]
    told = snapshot()
    told.results.count("stun.sent", 3)
    site.master.run.reports.take("local", told)
    ways, table = site.client.get("/fleet/standing").json["reach"]  # type: ignore[index]
    assert ways["title"] == "Connection Requests by way"
    assert table["title"] == "NAT bindings (STUN)"
    assert ["Binding Requests sent", "3"] in [cells for cells, _ in table["rows"]]


def test_metrics_are_there(site: Site) -> None:
    site.begin()
    assert 'caretaker_cpes{state="retrying"} 1.0' in site.client.get("/metrics").text


# -- doing something ------------------------------------------------------------------------------

CR = {"action": "connection_request", "arguments": {"serial": "FLEET-000001"}}


def test_an_action_goes_to_the_workers(site: Site) -> None:
    site.begin()
    answer: Any = site.client.post("/fleet/act", json=CR)
    assert answer.json == {"success": True, "message": "Connection Request: FLEET-000001"}
    assert site.acts[0]["arguments"]["serial"] == "FLEET-000001"


def test_what_an_action_would_do_is_told_without_doing_it(site: Site) -> None:
    site.begin()
    cut = {"action": "power_cut", "arguments": {"share": "0.5", "seconds": "3"}}
    told: Any = site.client.post("/fleet/plan", json=cut)
    expected = "power cut: 50% of the fleet without power for 3 s, back within 5 s"
    assert told.json == {"message": expected}
    assert site.acts == []
    refused: Any = site.client.post("/fleet/plan", json={"action": "earthquake"})
    assert (refused.status_code, refused.json["success"]) == (400, False)


def test_every_argument_of_an_action_has_a_label_on_the_page(site: Site) -> None:
    page = site.client.get("/fleet").text
    for name, action in ACTIONS.items():
        assert f'data-action="{name}"' in page
        assert action.about in page
        for argument in action.arguments.values():
            assert argument.label
            assert argument.label in page


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"action": "earthquake"}, "action 'earthquake': not one of power_cut"),
        ({"action": "outage", "arguments": {"kind": "sleep"}}, "outage: kind: 'sleep' is not one"),
        ({"action": "outage", "arguments": {"name": 1, "self": 2}}, "no argument 'name'"),
        ({"action": "outage", "arguments": [1]}, 'send {"action": NAME'),
        (["outage"], 'send {"action": NAME'),
    ],
)
def test_what_cant_be_done_is_refused_in_one_line(site: Site, body: Any, complaint: str) -> None:
    site.begin()
    answer: Any = site.client.post("/fleet/act", json=body)
    assert (answer.status_code, answer.json["success"]) == (400, False)
    assert complaint in answer.json["message"]
    assert site.acts == []


def test_nothing_can_be_done_without_a_run(site: Site) -> None:
    answer: Any = site.client.post("/fleet/act", json=CR)
    assert "no test is running" in answer.json["message"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", '{"action": "outage"}', 415),
        ("application/x-www-form-urlencoded", "action=outage", 415),
        ("application/json", "{", 400),
    ],
)
def test_a_form_of_another_site_does_nothing(
    site: Site, kind: str, body: str, status: int
) -> None:  # fmt: skip
    site.begin()
    answer = site.client.post("/fleet/act", data=body, content_type=kind)
    assert answer.status_code == status
    assert site.acts == []


ACTING = {"/swarm", "/stop", "/stats/reset", "/user", "/fleet/act", "/fleet/plan"}


def test_every_route_either_reads_or_acts_and_what_acts_is_no_get(site: Site) -> None:
    """All routes of Locust's and ours: one that is new belongs to ``ACTING``, or reads."""
    routes = list(site.app.url_map.iter_rules())
    acting = {str(route) for route in routes if "POST" in route.methods}
    assert acting == ACTING
    assert not any("GET" in route.methods for route in routes if str(route) in ACTING)
    assert not any(route.methods & {"PUT", "DELETE", "PATCH"} for route in routes)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}])
def test_other_sites_reach_no_route(site: Site, headers: dict[str, str]) -> None:
    site.begin()
    for route in site.app.url_map.iter_rules():
        path = str(route).replace("<path:", "<").replace("<serial>", "X").replace("<name>", "X")
        method = "POST" if "POST" in route.methods else "GET"
        answer = site.client.open(path, method=method, headers=headers)
        assert answer.status_code == 403, route
    assert site.acts == []
    assert site.runner.state == "ready"


def test_with_a_login_nothing_is_shown_or_done_without_it() -> None:
    site = Site(login=True)
    site.web_ui.login_manager.user_loader(_User)

    @site.app.route("/enter")  # type: ignore[untyped-decorator]
    def enter() -> str:
        login_user(_User("ada"))
        return "welcome"

    site.begin()
    client = site.client
    pages = ("", "/standing", "/devices", "/device", "/devices/one")
    for path in ("/metrics", *(f"/fleet{page}" for page in pages)):
        answer = client.get(path)
        assert (answer.status_code, "/login" in answer.headers["Location"]) == (302, True), path
    assert client.post("/fleet/act", json=CR).status_code == 302
    assert site.acts == []
    client.get("/enter")
    assert client.get("/fleet/standing").status_code == 200
    assert client.post("/fleet/act", json=CR).status_code == 200
    site.runner.greenlet.kill()


class _User(UserMixin):  # type: ignore[misc]  # not typed
    def __init__(self, name: str) -> None:
        self.id = name


# -- devices --------------------------------------------------------------------------------------


def test_the_list_asks_the_workers(site: Site) -> None:
    site.answer = {"rows": [{"index": 3, "serial": "FLEET-000004"}], "next": None}
    found = site.client.get("/fleet/devices?serial=FLEET-0&state=idle&start=3").json
    assert found == {**site.answer, "silent": []}
    (asked,) = site.queries
    assert (asked["what"], asked["serial"], asked["state"], asked["start"]) == (
        "list", "FLEET-0", "idle", 3,
    )  # fmt: skip


def test_a_state_that_is_none_is_refused(site: Site) -> None:
    answer: Any = site.client.get("/fleet/devices?state=happy")
    assert answer.status_code == 400
    assert "state 'happy': not one of idle" in answer.json["message"]


def test_one_device(site: Site) -> None:
    site.answer = {"serial": "FLEET-000004"}
    found = site.client.get("/fleet/devices/one?serial=FLEET-000004&parameters=1&find=wifi").json
    assert found == site.answer
    assert (site.queries[0]["parameters"], site.queries[0]["find"]) == (True, "wifi")


ODD_SERIALS = (
    *("A/1", "/A", "A//1/", "..", ".", "100%", "%2F", "A?b=c&d#e", "a b+c", '"<Ü>"', "日本"),
)


@pytest.mark.parametrize("serial", ODD_SERIALS)
def test_a_device_opens_whatever_characters_its_serial_number_has(site: Site, serial: str) -> None:
    site.answer = {"serial": serial}
    query = urlencode({"serial": serial})
    assert site.client.get(f"/fleet/devices/one?{query}").json == {"serial": serial}
    assert site.queries[0]["serial"] == serial
    page = site.client.get(f"/fleet/device?{query}").text
    assert f'<h1 id="serial">{escape(serial)}</h1>' in page


def test_a_device_that_is_not_there(site: Site) -> None:
    answer = site.client.get("/fleet/devices/one?serial=FLEET-000004")
    assert answer.status_code == 404
    assert answer.json == {"success": False, "message": "FLEET-000004: no such device in this run"}


def rows(*indices: int) -> list[dict[str, Any]]:
    return [{"index": index} for index in indices]


@pytest.mark.parametrize(
    ("pages", "shown", "following"),
    [
        ([], [], None),
        ([None], [], None),
        ([(rows(0, 2), None), (rows(1), None)], [0, 1, 2], None),
        ([(rows(0, 2, 4), 6), (rows(1, 3, 5), 7)], [0, 1, 2], 3),
        # One had to stop looking at 2: what the other found beyond is not the next yet.
        ([(rows(0), 2), (rows(1, 3), None)], [0, 1], 2),
        ([(rows(), 2), (rows(3), None)], [], 2),
    ],
)
def test_pages_of_workers_are_one(
    pages: list[Any], shown: list[int], following: int | None
) -> None:
    given: list[Any] = [page and {"rows": page[0], "next": page[1]} for page in pages]
    assert join_pages(given, 3) == {"rows": rows(*shown), "next": following}


@pytest.mark.parametrize("start", ["9" * 23, "-1", "9" * 400])
def test_a_start_beyond_all_devices_is_refused(site: Site, start: str) -> None:
    answer: Any = site.client.get(f"/fleet/devices?start={start}")
    assert (answer.status_code, site.queries) == (400, [])
    assert answer.json["message"].startswith("start: not a number from 0 to")
