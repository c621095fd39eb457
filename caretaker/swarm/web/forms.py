"""The forms of Locust's web UI: their values are checked before Locust takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from caretaker.errors import InputError
from caretaker.swarm import option_values
from caretaker.swarm.master import Master
from caretaker.swarm.option_values import Timespan
from caretaker.swarm.options import OPTIONS
from caretaker.swarm.parsed_options import live_cr_rate

if TYPE_CHECKING:
    from locust.env import Environment


def guard_start(environment: Environment, master: Master) -> None:
    """
    Make the forms that start and edit a run refuse bad values, with one line.

    Without this check Locust answers that all is well, and the run does nothing.
    """
    app: Any = environment.web_ui.app  # type: ignore[union-attr]

    def check() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        complaint = _complaint(environment, master, request.form.to_dict())
        if complaint is None:
            return None
        return jsonify({"success": False, "message": complaint, "host": environment.host})

    app.before_request(check)


def _run_time(form: dict[str, str]) -> float | None:
    """The run time in a form; None without one, or one that Locust will refuse itself."""
    try:
        return Timespan.parse(form.get("run_time", "")).seconds
    except InputError:
        return None


def _complaint(environment: Environment, master: Master, form: dict[str, str]) -> str | None:
    """The first value of a form that can't be used, and why; None if all can."""
    options: Any = environment.parsed_options
    settings = replace(master.settings, cr_rate=live_cr_rate(options))
    shown = {name: option for name, option in OPTIONS.items() if option.in_web_ui and name in form}
    try:
        if form.get("host"):
            option_values.url(form["host"])
        values = {name: option.read(form[name]) for name, option in shown.items()}
        nbi_url = values.get("nbi_url") or settings.nbi_url
        typed = replace(settings, **{**values, "nbi_url": nbi_url})
        typed.check_driver()
        typed.check_warm_up(_run_time(form))
    except InputError as error:
        return str(error)
    runner: Any = environment.runner
    if runner.state in (STATE_RUNNING, STATE_SPAWNING):
        for name, option in shown.items():
            before, after = option.public(getattr(settings, name)), option.public(values[name])
            if before != after and not option.live:
                return f"{option.flag} can't be changed while a test runs; stop it first"
    return None
