"""The parser of ``caretaker run`` without a run: its help, its docs, the names of its options."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from locust.argument_parser import (
    LocustArgumentParser,
    get_empty_argument_parser,
    setup_parser_arguments,
)

from caretaker.closed_output import say
from caretaker.swarm.option_help import lines, page
from caretaker.swarm.parsed_options import add_arguments

MAX_COLUMNS = 100
"""Longer lines read badly."""


def run_parser(defaults: Mapping[str, Any]) -> LocustArgumentParser:
    """
    Locust's parser with our options; it reads no configuration file.

    Args:
        defaults: of the run, which win over Locust's and ours.
    """
    parser = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    parser.set_defaults(**defaults)
    add_arguments(parser)
    return parser


def print_help(defaults: Mapping[str, Any]) -> None:
    """Print all options, as wide as the terminal is."""
    columns = min(MAX_COLUMNS, shutil.get_terminal_size().columns)
    say(page(lines(run_parser(defaults)), max(columns, 40)))
