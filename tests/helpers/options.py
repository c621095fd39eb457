"""Command lines as Locust parses them, with our options."""

from __future__ import annotations

import argparse

from locust.argument_parser import (
    LocustArgumentParser,
    get_empty_argument_parser,
    setup_parser_arguments,
)

from caretaker.swarm.parsed_options import add_arguments


def parser(**defaults: object) -> LocustArgumentParser:
    """Locust's parser with our options, where these defaults were set before."""
    made = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(made)  # type: ignore[no-untyped-call]
    made.set_defaults(**defaults)
    add_arguments(made)
    return made


def parse(*arguments: str) -> argparse.Namespace:
    """What Locust makes of a command line."""
    options: argparse.Namespace = parser().parse_args(arguments)
    return options
