"""The command ``caretaker trend FOLDER``."""

from __future__ import annotations

import argparse

from caretaker.errors import InputError
from caretaker.plain_numbers import shown, whole_number
from caretaker.reporting.compare_command import percent
from caretaker.reporting.comparison import THRESHOLD
from caretaker.reporting.kept_runs import read_runs
from caretaker.reporting.outcomes import EXIT_CODES
from caretaker.reporting.pages import save
from caretaker.reporting.runs_command import say_not_known, say_skipped
from caretaker.reporting.service_levels import known_metric
from caretaker.reporting.trend import FIGURES, trend
from caretaker.reporting.trend_text import as_html, as_markdown, as_text

LAST = 20
"""How many runs are drawn, unless the user says another number."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="that --runs has filled")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="METRIC",
        help="a number of the summary by its path; repeatable "
        f"(default: those of {', '.join(FIGURES)} that there is data for)",
    )  # fmt: skip
    parser.add_argument(
        "--last", type=_number, default=LAST, metavar="N",
        help=f"draw so many runs, at most (default: {LAST})",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=percent, default=THRESHOLD, metavar="PERCENT",
        help=f"changes up to this are noise in any case (default: {THRESHOLD * 100:g})",
    )  # fmt: skip
    parser.add_argument("--report", metavar="FILE.html", help="write a page with charts, too")
    parser.add_argument(
        "--markdown", action="store_true", help="print it for a comment on a pull request"
    )


def _number(text: str) -> int:
    number = whole_number(text) or 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number of runs, like {LAST}")
    return number


def run(options: argparse.Namespace) -> int:
    """
    Judge the newest run of a folder by those before it, and print how figures develop.

    Raises:
        InputError: no such metric, the folder can't be read or has no runs, or the page can't be
            written.
    """
    for metric in options.metric:
        try:
            known_metric(metric)
        except InputError as error:
            raise InputError(f"--metric: {error}") from error
    found = read_runs(options.folder)
    say_skipped(found.skipped)
    say_not_known([kept.summary for kept in found.runs])
    if not found.runs:
        raise InputError(f"{options.folder}: no runs in it; give a folder that --runs has filled")
    metrics = list(dict.fromkeys(options.metric))
    made = trend(found.runs, metrics, options.last, options.threshold)
    print(as_markdown(made) if options.markdown else as_text(made))  # noqa: T201  # it prints
    if options.report is not None:
        save("--report", options.report, as_html(made))
    return EXIT_CODES[made.outcome]
