"""A comparison of two runs as text for a terminal, as Markdown, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf

from caretaker.reporting.charts import Chart
from caretaker.reporting.comparison import (
    BETTER,
    OTHER,
    SAME,
    VERDICTS,
    WORSE,
    Change,
    Comparison,
)
from caretaker.reporting.markdown import code, escaped, folded, table
from caretaker.reporting.number_text import with_unit
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.pages import render
from caretaker.reporting.terminal import one_line

MOST_ROWS = 20
"""Of what got worse, in Markdown: a comment on a pull request is read at a glance."""

MOST_NAMED = 3
"""Of the largest changes, in the first line."""

_TITLES = {WORSE: "Worse", BETTER: "Better", OTHER: "Changed, neither worse nor better"}


def headline(comparison: Comparison) -> str:
    """In how many of the ACS's figures B is worse and better, and the largest of these changes."""
    changes = comparison.of(WORSE) or comparison.of(BETTER)
    named = ", ".join(map(_brief, changes[:MOST_NAMED]))
    return f"{_finding(comparison)}: {named}" if named else _finding(comparison)


def _finding(comparison: Comparison) -> str:
    counts = _counts(comparison)
    if comparison.broken:
        return f"B breaks {comparison.broken[0]}" + (f", and is {counts}" if counts else "")
    if comparison.outcome == RunOutcome.NOT_SHOWN:
        return "not shown whether B is worse" + (f", though it is {counts}" if counts else "")
    return f"B is {counts or 'as good as A'}"


def _counts(comparison: Comparison) -> str:
    """As ``worse in 2 and better in 27 of 71 figures``; nothing where none is either."""
    numbers = {verdict: len(comparison.of(verdict)) for verdict in VERDICTS}
    parts = [f"{word} in {numbers[word]}" for word in (WORSE, BETTER) if numbers[word]]
    return f"{' and '.join(parts)} of {sum(numbers.values())} figures" if parts else ""


def _brief(change: Change) -> str:
    """A change in few words; the unit stands once."""
    return f"{change.metric} {with_unit(change.a, '')} -> {with_unit(change.b, change.unit)}"


def relative(change: Change) -> str:
    """The relative change in percent; nothing where there is none."""
    if change.relative is None or isinf(change.relative):
        return ""
    return f"{change.relative * 100:+.1f} %"


# -- a terminal -----------------------------------------------------------------------------------


def as_text(comparison: Comparison, names: Sequence[str]) -> str:
    """
    A comparison for a terminal.

    Args:
        comparison: what ``compare`` has made.
        names: of the two runs.
    """
    return "\n".join(map(one_line, _lines(comparison, names)))


def _lines(comparison: Comparison, names: Sequence[str]) -> Iterator[str]:
    yield headline(comparison)
    yield from (f"{run}: {name}" for run, name in zip("AB", names, strict=True))
    yield from (f"Warning: {warning}" for warning in comparison.warnings())
    yield from _setting_lines(comparison)
    for level in comparison.broken:
        yield f"Service level broken in B only: {level}"
    yield from _change_lines(comparison, of_generator=False)
    yield "The generator, which says nothing of the ACS"
    yield from _change_lines(comparison, of_generator=True)


def _setting_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.settings is None:
        yield "Settings: not recorded in both"
    elif comparison.settings:
        yield "Settings that differ"
        for name, (a, b) in comparison.settings.items():
            yield f"  {name}: {a} -> {b}"


def _change_lines(comparison: Comparison, *, of_generator: bool) -> Iterator[str]:
    for verdict, title in _TITLES.items():
        changes = comparison.of(verdict, of_generator=of_generator)
        if changes:
            yield f"{title} ({len(changes)})"
            yield from map(_line, changes)
    same = len(comparison.of(SAME, of_generator=of_generator))
    yield f"The same within {comparison.threshold * 100:g} %: {same}"


def _line(change: Change) -> str:
    a, b = with_unit(change.a, change.unit), with_unit(change.b, change.unit)
    return f"  {change.metric:<46} {a:>14} -> {b:<14} {relative(change)}".rstrip()


# -- Markdown -------------------------------------------------------------------------------------


def as_markdown(comparison: Comparison, names: Sequence[str]) -> str:
    """
    A comparison for a comment on a pull request: what is worse, and the rest folded.

    Args:
        comparison: what ``compare`` has made.
        names: of the two runs.
    """
    return "\n".join(_markdown(comparison, names))


def _markdown(comparison: Comparison, names: Sequence[str]) -> Iterator[str]:
    yield f"**{escaped(headline(comparison))}**"
    yield ""
    yield from (f"- {run}: {code(name)}" for run, name in zip("AB", names, strict=True))
    yield from (f"- Warning: {escaped(warning)}" for warning in comparison.warnings())
    yield from (f"- Service level broken in B only: {code(level)}" for level in comparison.broken)
    worse = comparison.of(WORSE)
    if worse:
        yield ""
        yield from _markdown_table(worse[:MOST_ROWS])
    yield ""
    yield from folded("Everything else", _markdown_rest(comparison))


def _markdown_rest(comparison: Comparison) -> Iterator[str]:
    sections = (
        ("Worse, too", comparison.of(WORSE)[MOST_ROWS:]),
        (_TITLES[BETTER], comparison.of(BETTER)),
        (_TITLES[OTHER], comparison.of(OTHER)),
        *((f"The generator: {title.lower()}", comparison.of(verdict, of_generator=True))
          for verdict, title in _TITLES.items()),
    )  # fmt: skip
    for title, changes in sections:
        if changes:
            yield from (f"{title} ({len(changes)})", "", *_markdown_table(changes), "")
    if comparison.settings:
        rows = ((code(flag), *map(code, map(str, pair))) for flag, pair in
                comparison.settings.items())  # fmt: skip
        yield from ("Settings that differ", "", *table(("Setting", "A", "B"), rows), "")
    yield f"Changes up to {comparison.threshold * 100:g} % count as none."


def _markdown_table(changes: Sequence[Change]) -> list[str]:
    rows = (
        (code(change.metric), with_unit(change.a, change.unit), with_unit(change.b, change.unit),
         relative(change))
        for change in changes
    )  # fmt: skip
    return table(("Metric", "A", "B", "Change"), rows)


# -- a page ---------------------------------------------------------------------------------------


def as_html(comparison: Comparison, names: Sequence[str], charts: Sequence[Chart] = ()) -> str:
    """
    A comparison as a page that needs no network.

    Args:
        comparison: what ``compare`` has made.
        names: of the two runs.
        charts: of both, laid over each other.
    """
    titles = {**_TITLES, SAME: f"The same within {comparison.threshold * 100:g} %"}
    return render(
        "comparison.html", charts, comparison=comparison, names=names, titles=titles,
        headline=headline(comparison), with_unit=with_unit, relative=relative,
    )  # fmt: skip
