"""``python -m benchmarks [name ...]``: runs benchmarks and prints their figures."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, Options, machine, table
from benchmarks.processes import MeasurementError
from caretaker.errors import InputError

NAMES = (
    "sessions",
    "recording",
    "state",
    "memory",
    "start_up",
    "growth",
    "herd",
    "leaks",
    "engine",
    "kinds",
    "tls",
    "cr_server",
    "stun",
    "router",
    "floods",
    "closed_loop",
    "lateness",
    "acs",
    "codec",
    "counting",
    "budgets",
    "whole_tree",
    "whole_runs",
    "calibration",
    "workers",
    "hosts",
    "xmpp",
)
"""The benchmarks, each a module beside this one; a module may have a ``table`` of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks; returns 0, 1 if one has failed, 2 for bad input or a missing program."""
    given = _parser().parse_args(arguments)
    # Locust patches the process that imports it: not this one, but those that are measured.
    os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
    figures: dict[str, list[Figure]] = {}
    try:
        options = _options(given)
        for name in _known(given.names) or NAMES:
            figures[name] = _run(name, options)
    except InputError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if given.json is not None:
        rows = {name: [figure.to_json() for figure in figures[name]] for name in figures}
        data = {"machine": machine(), "options": vars(options), "benchmarks": rows}
        given.json.write_text(json.dumps(data, indent=2, default=str) + "\n")
    return 0 if all(figures.values()) else 1


def _run(name: str, options: Options) -> list[Figure]:
    """Print and return the figures of a benchmark; an empty list if it has failed."""
    try:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        figures: list[Figure] = benchmark.run(options)
    except MeasurementError as error:
        print(f"bench: {name}: {error}", file=sys.stderr)
        return []
    print(f"{getattr(benchmark, 'table', table)(figures)}\n", flush=True)
    return figures


def _known(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in NAMES:
            raise InputError(f"{name!r}: not one of {', '.join(NAMES)}")
    return names


def _options(given: argparse.Namespace) -> Options:
    for flag in ("runs", "seconds", "scale"):
        if getattr(given, flag) <= 0:
            raise InputError(f"--{flag} {getattr(given, flag)}: must be above 0")
    if given.json is not None and not given.json.absolute().parent.is_dir():
        raise InputError(f"--json {given.json}: not in a folder that exists")
    return Options(given.runs, given.seconds, given.scale, given.beside)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"benchmarks to run: {', '.join(NAMES)}; all if none is given",
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each figure (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds to measure (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on fleets and counts (1)")
    parser.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a virtual environment with Caretaker in it, or a clone with its .venv, whose build "
        "some benchmarks measure, too (docs/performance.md); repeatable",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # child processes end, too
    sys.exit(main())
