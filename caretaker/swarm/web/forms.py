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
from caretaker.swarm.parsed_options import LocustOptions, live_cr_rate
from caretaker.swarm.run_length import check_run_time

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
            if not request.form.get("run_time"):
                vars(environment.parsed_options)["run_time"] = None  # Locust keeps an earlier one
            return None
        return jsonify({"success": False, "message": complaint, "host": environment.host})

    app.before_request(check)


def _complaint(environment: Environment, master: Master, form: dict[str, str]) -> str | None:
    """The first value of a form that can't be used, and why; None if all can."""
    options: Any = environment.parsed_options
    settings = replace(master.settings, cr_rate=live_cr_rate(options))
    runner: Any = environment.runner
    is_running = runner.state in (STATE_RUNNING, STATE_SPAWNING)
    shown = {name: option for name, option in OPTIONS.items() if option.in_web_ui and name in form}
    try:
        if form.get("host"):
            option_values.url(form["host"])
        values = {name: option.read(form[name]) for name, option in shown.items()}
        nbi_url = values.get("nbi_url") or settings.nbi_url
        typed = replace(settings, **{**values, "nbi_url": nbi_url})
        typed.check_driver()
        if not is_running:
            locusts = _locust_options(options, form)
            typed.check_warm_up(locusts.run_time)
            check_run_time(typed, locusts)
    except InputError as error:
        return str(error)
    if is_running:
        for name, option in shown.items():
            before, after = getattr(master.settings, name), values[name]
            if option.public(before) != option.public(after) and not option.live:
                return f"{option.flag} can't be changed while a test runs; stop it first"
    return None


def _locust_options(options: Any, form: dict[str, str]) -> LocustOptions:
    """Locust's own options as the form changes them; what can't be read, Locust refuses itself."""
    before = LocustOptions.of(options)._replace(run_time=None)
    try:
        return before._replace(
            num_users=int(form.get("user_count") or before.num_users or 1),
            spawn_rate=float(form.get("spawn_rate") or before.spawn_rate or 1),
            run_time=Timespan.parse(form["run_time"]).seconds if form.get("run_time") else None,
        )
    except (ValueError, InputError):
        return before
