"""Locust's web UI as a run has it, without a server."""

from __future__ import annotations

from typing import Any

from locust import events
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments
from locust.env import Environment
from locust.web import WebUI

from caretaker.swarm.parsed_options import add_arguments
from helpers.ends import at_end


def local_environment(*arguments: str, base: str = "", login: bool = False) -> Any:
    """The environment of a local run with this command line, with runner and web UI."""
    parser = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    add_arguments(parser)
    events.init_command_line_parser.fire(parser=parser)  # type: ignore[no-untyped-call]
    options = parser.parse_args(["--live-interval", "0", *arguments])
    environment = Environment(host=options.host, parsed_options=options)
    environment.runner = environment.create_local_runner()
    at_end(environment.runner.greenlet.kill)
    web_ui: Any = WebUI(environment, "127.0.0.1", 0, base, login, delayed_start=True)
    at_end(web_ui._cancel_run_time_timer)
    return environment
