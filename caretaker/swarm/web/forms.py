"""The forms of Locust's web UI: what is typed into them is checked before Locust takes it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from caretaker.errors import InputError
from caretaker.swarm.options import LIVE, OPTIONS, Settings, check_url, dest

if TYPE_CHECKING:
    from locust.env import Environment


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
