"""The web UI: what is typed into its forms is checked before Locust takes it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from werkzeug.wrappers import Response as BaseResponse

from caretaker.errors import InputError
from caretaker.swarm.arguments import LIVE, OPTIONS, Settings, check_url, dest

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.web import WebUI


def guard_start(environment: Environment) -> None:
    """
    Have the forms that start and edit a run refuse what it can't use, with one line.

    Locust itself answers that all is well, and leaves a run that does nothing.
    """
    app: Any = environment.web_ui.app  # type: ignore[union-attr]

    def check() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        complaint = _complaint(environment, request.form.to_dict())
        if complaint is None:
            return None
        return jsonify({"success": False, "message": complaint, "host": environment.host})

    app.before_request(check)


def add_metrics(web_ui: WebUI, metrics: Callable[..., Any]) -> None:
    """
    Add ``/metrics`` to the web UI, behind its login where there is one.

    Args:
        web_ui: Locust's.
        metrics: a WSGI application.
    """
    locust: Any = web_ui  # not typed
    pages = Blueprint("caretaker_metrics", __name__, url_prefix=base_path(web_ui))

    def serve() -> BaseResponse:
        return BaseResponse.from_app(metrics, request.environ)

    pages.add_url_rule("/metrics", "metrics", locust.auth_required_if_enabled(serve))
    locust.app.register_blueprint(pages)


def base_path(web_ui: WebUI) -> str | None:
    """What ``--web-base-path`` puts before all paths; None for nothing."""
    app: Any = web_ui.app
    prefix: str | None = app.blueprints["locust"].url_prefix
    return prefix or None


def _complaint(environment: Environment, form: dict[str, str]) -> str | None:
    """What can't be used of a form; None if all can."""
    options = copy.copy(environment.parsed_options)
    ours = [option for option in OPTIONS if option.in_web_ui and dest(option) in form]
    try:
        if form.get("host"):
            check_url(form["host"])
        before = Settings.of(options)  # type: ignore[arg-type]
        for option in ours:
            setattr(options, dest(option), form[dest(option)])
        after = Settings.of(options)  # type: ignore[arg-type]
        after.check_driver(after.nbi_url or before.nbi_url)
    except InputError as error:
        return str(error)
    runner: Any = environment.runner
    if runner.state in (STATE_RUNNING, STATE_SPAWNING):
        for option in ours:
            name = dest(option)
            if name not in LIVE and getattr(before, name) != getattr(after, name):
                return f"{option.flag} can't be changed while a test runs; stop it first"
    return None
