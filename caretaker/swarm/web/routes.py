"""
Our part of Locust's web UI: the Fleet page, what it asks for, and ``/metrics``.

The page is Locust's in look and login; ``guard`` says who may ask for what.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request, url_for
from locust import __version__ as locust_version
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from caretaker import __version__
from caretaker.engine.cpe_states import STATES
from caretaker.errors import InputError
from caretaker.reporting.pages import asset, templates
from caretaker.reporting.reach_tables import reach_tables
from caretaker.scenarios.actions import ACTIONS
from caretaker.swarm.master_run import note_of
from caretaker.swarm.options import without_login
from caretaker.swarm.web.devices import DevicePage
from caretaker.swarm.web.guard import refusal
from caretaker.swarm.web.queries import DeviceListQuery, DeviceQuery

if TYPE_CHECKING:
    from locust.env import Environment

    from caretaker.swarm.master import Master
    from caretaker.swarm.web.run_state import RunStates

MAX_INDEX = 2**53
"""Beyond all indices of CPEs; what JSON can hold exactly."""
ROWS = 15
"""Devices on one page of the list."""
ASSETS = {
    "fleet.css": "text/css",
    "ui.js": "text/javascript",
    "fleet.js": "text/javascript",
    "device.js": "text/javascript",
    "vendor/uplot/uPlot.iife.min.js": "text/javascript",
    "vendor/uplot/uPlot.min.css": "text/css",
}
"""Scripts and styles beside the templates, with their media types."""
_SECTIONS = (
    "fleet", "informs", "sessions", "connection_requests", "tasks", "transfers", "generator",
    "cures", "service_levels", "scenario", "other_failures",
)  # fmt: skip
"""Sections of the summary that the page shows."""


def base_path(environment: Environment) -> str | None:
    """What ``--web-base-path`` puts before all paths; None for nothing."""
    app: Any = environment.web_ui.app  # type: ignore[union-attr]
    return app.blueprints["locust"].url_prefix or None


def add_pages(
    environment: Environment,
    master: Master,
    run_states: RunStates,
    metrics: Callable[..., Any],
) -> None:
    """
    Add ``/fleet`` and ``/metrics`` to the web UI, behind its login where there is one.

    Args:
        environment: Locust's, with its web UI.
        master: who acts and asks.
        run_states: how its run stands.
        metrics: a WSGI application.
    """
    web_ui: Any = environment.web_ui
    pages = _Pages(environment, master, run_states)
    blueprint = Blueprint("caretaker", __name__, url_prefix=base_path(environment))
    # A serial number is in the query: in a path, slashes and dots of one mean something else.
    routes: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
        ("fleet", "GET", "/fleet", pages.fleet),
        ("device", "GET", "/fleet/device", pages.device),
        ("asset", "GET", "/fleet/assets/<path:name>", pages.asset),
        ("standing", "GET", "/fleet/standing", pages.run_state),
        ("devices", "GET", "/fleet/devices", pages.devices),
        ("one", "GET", "/fleet/devices/one", pages.one),
        ("plan", "POST", "/fleet/plan", pages.plan),
        ("act", "POST", "/fleet/act", pages.act),
        ("metrics", "GET", "/metrics", lambda: BaseResponse.from_app(metrics, request.environ)),
    )
    for name, method, path, view in routes:
        protected = web_ui.auth_required_if_enabled(view)
        blueprint.add_url_rule(path, name, protected, methods=[method])
    web_ui.app.register_blueprint(blueprint)
    web_ui.app.after_request(_link)


def _serial_number() -> str:
    """The serial number that the request names."""
    return request.args.get("serial", "")


def _json(value: Any, status: int = 200) -> Response:
    """Compact, and in the order it has; Flask's is neither in debug mode, where Locust has it."""
    text = json.dumps(value, separators=(",", ":"))
    return Response(text, status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _link(response: Response) -> Response:
    """
    Put the way to the Fleet page into Locust's page, beside its tabs.

    Its tabs are made by a program that takes none but tables of its own form.
    """
    if request.endpoint == "locust.index" and response.mimetype == "text/html":
        page = response.get_data(as_text=True)
        link = templates().get_template("fleet_link.html").render(url=url_for("caretaker.fleet"))
        response.set_data(page.replace("</body>", f"{link}</body>"))
    return response


class _Pages:
    """What is behind the routes."""

    def __init__(self, environment: Environment, master: Master, run_states: RunStates) -> None:
        self._environment = environment
        self._master = master
        self._run_states = run_states

    def fleet(self) -> str:
        """The Fleet page."""
        return self._page("fleet.html", actions=ACTIONS, states=STATES)

    def device(self) -> str:
        """The page of one device."""
        return self._page("device.html", serial=_serial_number())

    def _page(self, name: str, **values: Any) -> str:
        return (
            templates()
            .get_template(name)
            .render(
                **values,
                root=url_for("caretaker.fleet"),
                home=url_for("locust.index"),
                version=__version__,
                locust_version=locust_version,
            )
        )

    def asset(self, name: str) -> Response:
        """A script or style of these pages."""
        if name not in ASSETS:
            return Response("no such file", 404)
        return Response(asset(name), mimetype=ASSETS[name], headers={"Cache-Control": "no-cache"})

    def run_state(self) -> Response:
        """How the run stands; curves from the point ``first`` on."""
        run_state, environment = self._run_states.now(), self._environment
        runner: Any = environment.runner
        sections = {name: part for name, part in run_state.summary.items() if name in _SECTIONS}
        seconds = self._master.run.seconds() if run_state.running else run_state.seconds
        return _json(
            {
                "now": time.time(),
                "run": run_state.run,
                "state": runner.state,
                "running": run_state.running,
                "seconds": round(seconds, 1),
                "host": without_login(environment.host or ""),
                "cpes": run_state.cpes,
                "window": run_state.window,
                "workers": run_state.workers,
                "limits": run_state.limits,
                "marks": self._master.run.marks,
                "curves": self._run_states.curves(request.args.get("first", 0, int)),
                "reach": [asdict(table) for table in reach_tables(run_state.summary)],
                **sections,
            }
        )

    def devices(self) -> Response:
        """A page of the list of devices."""
        query = request.args
        state, start = query.get("state", ""), query.get("start", 0, int)
        if not 0 <= start <= MAX_INDEX:
            return refusal(f"start: not a number from 0 to {MAX_INDEX}")
        if state not in ("", *STATES):
            return refusal(f"state {state!r}: not one of {', '.join(STATES)}")
        serial = query.get("serial", "").strip()
        answers = self._master.ask(DeviceListQuery(serial, state, start, limit=ROWS))
        page = join_pages(list(answers.given.values()), ROWS)
        return _json({**page, "silent": answers.silent})

    def one(self) -> Response:
        """One device."""
        serial = _serial_number()
        parameters = request.args.get("parameters", "") == "1"
        find = request.args.get("find", "").strip()
        answers = self._master.ask(DeviceQuery(serial, parameters, find))
        details = next((answer for answer in answers.given.values() if answer is not None), None)
        if details is not None:
            return _json(details)
        if answers.silent:
            return refusal(f"{len(answers.silent)} workers did not answer in time", 504)
        return refusal(f"{serial}: no such device in this run", 404)

    def plan(self) -> Response:
        """What ``act`` with the same body would do."""
        return _acting(lambda name, given: {"message": note_of(name, **given)})

    def act(self) -> Response:
        """Do something to the fleet: ``{"action": name, "arguments": {...}}``."""

        def act(name: str, given: dict[str, Any]) -> dict[str, Any]:
            self._master.run.act(name, **given)
            return {"success": True, "message": self._master.run.marks[-1]["text"]}

        return _acting(act)


def _acting(work: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Response:
    """The answer to a request for an action, made of its name and its arguments."""
    try:
        body = request.get_json()
    except HTTPException as error:
        return refusal("send JSON, as application/json", error.code or 400)
    if not isinstance(body, dict) or not isinstance(body.get("arguments", {}), dict):
        return refusal('send {"action": NAME, "arguments": {...}}')
    try:
        return _json(work(str(body.get("action")), body.get("arguments", {})))
    except InputError as error:
        return refusal(str(error))


def join_pages(pages: Sequence[DevicePage | None], limit: int) -> DevicePage:
    """
    The pages of several workers as one, in the order of the indices.

    Args:
        pages: of the workers; None of one that has no run.
        limit: how many rows.
    """
    given = [page for page in pages if page is not None]
    ends = [page["next"] for page in given if page["next"] is not None]
    rows = sorted((row for page in given for row in page["rows"]), key=lambda row: row["index"])
    # Where one worker has stopped, it may have more rows that come before those of others.
    rows = [row for row in rows if row["index"] < min(ends, default=row["index"] + 1)]
    if len(rows) > limit:
        return {"rows": rows[:limit], "next": rows[limit]["index"]}
    return {"rows": rows, "next": min(ends, default=None)}
