"""The command ``caretaker compare A B``."""

from __future__ import annotations

import argparse

from caretaker.errors import InputError
from caretaker.plain_numbers import decimal_number, shown
from caretaker.reporting.charts import of_two
from caretaker.reporting.comparability import differences
from caretaker.reporting.comparison import THRESHOLD, compare
from caretaker.reporting.comparison_text import as_html, as_markdown, as_text
from caretaker.reporting.kept_runs import read_run
from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome
from caretaker.reporting.pages import save
from caretaker.reporting.runs_command import say_not_known
from caretaker.reporting.summary_types import Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a", metavar="A", help="the summary of the first run, or its folder")
    parser.add_argument("b", metavar="B", help="... of the run to compare with it")
    parser.add_argument(
        "--threshold",
        type=percent,
        default=THRESHOLD,
        metavar="PERCENT",
        help=f"changes up to this are noise (default: {THRESHOLD * 100:g})",
    )
    parser.add_argument("--report", metavar="FILE.html", help="write a page of it, too")
    parser.add_argument(
        "--markdown", action="store_true", help="print it for a comment on a pull request"
    )
    parser.add_argument(
        "--anyway", action="store_true", help="compare runs that are not comparable, too"
    )
    parser.add_argument(
        "--fail-on-worse",
        action="store_true",
        help=f"exit code {EXIT_CODES[RunOutcome.BROKEN]} when the ACS got worse, "
        f"{EXIT_CODES[RunOutcome.NOT_SHOWN]} when that is not shown",
    )


def percent(text: str) -> float:
    """
    A share that is written in percent.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    value = decimal_number(text.strip().removesuffix("%"))
    if value is None or not 0 <= value <= 1000:
        cure = "write percent, like 10"
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number from 0 to 1000; {cure}")
    return value / 100


def run(options: argparse.Namespace) -> int:
    """
    Compare two runs, and print what differs.

    Raises:
        InputError: a file can't be read or written, or the runs can't be compared.
    """
    a, b = read_run(options.a), read_run(options.b)
    say_not_known((a, b))
    if not options.anyway:
        _check(a, b)
    comparison = compare(a, b, options.threshold)
    names = [_name(options.a, a), _name(options.b, b)]
    show = as_markdown if options.markdown else as_text
    print(show(comparison, names))  # noqa: T201  # a command prints
    if options.report is not None:
        save("--report", options.report, as_html(comparison, names, of_two(a, b)))
    return EXIT_CODES[comparison.outcome] if options.fail_on_worse else 0


def _check(a: Summary, b: Summary) -> None:
    refusing = [difference for difference in differences(a, b) if difference.refuses]
    if refusing:
        what = "; ".join(map(str, refusing))
        cure = "compare runs of the same load and version, or give --anyway"
        raise InputError(f"the runs are not comparable ({what}); {cure}")


def _name(path: str, summary: Summary) -> str:
    scenario = f"{summary['scenario']['name']}, " if "scenario" in summary else ""
    return f"{path} ({scenario}{summary['fleet']['cpes']} CPEs, {summary['seconds']:g} s)"
