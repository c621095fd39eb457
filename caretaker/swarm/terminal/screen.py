"""The screen of a run that goes on, as a renderable of rich; 80 columns and 24 rows hold it all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log10
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from caretaker.engine.cpe_states import STATES
from caretaker.reporting.number_text import readable
from caretaker.reporting.reach_tables import tried_ways
from caretaker.reporting.summary_types import Summary
from caretaker.reporting.terminal import one_line
from caretaker.swarm.terminal.curves import FIGURES, curves
from caretaker.swarm.terminal.live_state import LiveState, newest_failures
from caretaker.way import Way

KEYS = "q ends the run   w W one, ten users more   s S one, ten fewer"
LABEL_WIDTH = 10
NUMBER_WIDTH = 9
WIDEST_VALUE = 14
LOG_ROWS = 6
"""Rows that the log has at least where there are curves."""
_LOGGED = re.compile(r"^\[[\d-]+ ([\d:]+),\d+\] [^/ ]+/([A-Z]+)/[^: ]+: ")
CURVE_ROWS = 4
"""The most rows of a curve."""
GAP = "  "

STATE_STYLES = dict(zip(STATES, ("green", "cyan", "magenta", "yellow", "red"), strict=True))
"""The states of CPEs with their styles."""
PERCENTILES = {"p50": "green", "p95": "yellow", "p99": "red"}
"""The percentiles that are shown, with their styles."""
TIMES = {
    "Inform": "from_plan_ms",
    "CR: Inform": "to_inform_ms",
    "CR: end": "to_session_end_ms",
    "task": "latency_ms",
}
"""The times of the window that are shown, by short names."""
SHORTEST_MS, LONGEST_MS = 0.1, 100_000.0
"""The ends of the logarithmic axis of times."""
TICKS = {1: "1ms", 10: "10ms", 100: "0.1s", 1_000: "1s", 10_000: "10s"}


class Band(NamedTuple):
    """A part of a bar, which ends at this share of its width."""

    end: float
    style: str


class Bands:
    """A bar of one row, in bands of several styles."""

    def __init__(self, bands: Sequence[Band]) -> None:
        self._bands = bands

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        """As characters, which are all in ASCII where the terminal has no others."""
        text, char = Text(end=""), "=" if options.ascii_only else "━"
        for end, style in self._bands:
            text.append(char * (round(end * options.max_width) - len(text)), style)
        yield text


def screen(state: LiveState, height: int) -> RenderableType:
    """
    The screen of a run.

    Args:
        state: of the run.
        height: rows of the terminal; curves and the log have what the figures leave.
    """
    rows = list(_rows(state))
    rows += _curves(state, height - 1 - len(rows) - LOG_ROWS)
    rows = rows[: max(0, height - 1)]
    room = height - 1 - len(rows)
    log = [_text(_brief(line), "dim") for line in state.log][-room:] if room > 0 else []
    return Group(*rows, *log, *[Text()] * (room - len(log)), _text(KEYS, "reverse"))


def _brief(line: str) -> str:
    """A line of Locust's log with its time of day and level, but without date, host and logger."""
    return _LOGGED.sub(r"\1 \2 ", line)


def _rows(state: LiveState) -> Iterator[RenderableType]:
    """One row each; the ones that matter most come first."""
    yield _text(f"Caretaker  {state.host}", "bold")
    yield _progress(state)
    yield _row("now", _text(state.progress.step, "bold"))
    yield Text()
    yield from _fleet(state)
    yield from _counts(state)
    yield Text()
    yield from _times(state)
    yield from _generator(state)
    for failure in newest_failures(state):
        yield _row("failure", _text(f"{failure['number']:,} x {failure['reason']}", "red"))


def _progress(state: LiveState) -> RenderableType:
    now = state.progress
    time = f"{now.seconds:.0f} s"
    if now.total is None:
        return _row("time", Text(f"{time}, until it is ended"))
    coming = f"{now.next} in {now.next_in:.0f} s" if now.next else ""
    done = ProgressBar(
        now.total, min(now.seconds, now.total), complete_style="cyan", finished_style="cyan"
    )
    return _row("time", Text(f"{time} of {now.total:.0f} s"), done, Text(coming))


def _fleet(state: LiveState) -> Iterator[RenderableType]:
    cpes = state.run.cpes
    total = sum(cpes.values())
    yield _row("fleet", Text(f"{total:,} CPEs"), _shares(cpes, total))
    counts = (
        Text(f"{state.replace('_', ' ')} {number:,}", STATE_STYLES[state] if number else "dim")
        for state, number in cpes.items()
    )
    yield _row("", Text(GAP).join(counts))
    if kinds := state.run.summary["fleet"]["by_reach"]:
        yield _figures("reach", *(f"{kind} {number:,}" for kind, number in kinds.items()))


def _shares(cpes: Mapping[str, int], total: int) -> Bands:
    bands, sum_ = [], 0
    for state, number in cpes.items():
        sum_ += number
        bands.append(Band(sum_ / max(1, total), STATE_STYLES[state]))
    return Bands(bands)


def _counts(state: LiveState) -> Iterator[RenderableType]:
    rates, summary = state.run.window["rates"], state.run.summary
    informs, sessions, crs = (
        summary["informs"], summary["sessions"], summary["connection_requests"]
    )  # fmt: skip
    yield _figures(
        "Informs",
        f"planned {informs['planned']:,} ({_rate(rates['informs_planned'])})",
        f"real {informs['total']:,} ({_rate(rates['informs'])})",
    )
    yield _figures(
        "sessions",
        f"succeeded {sessions['succeeded']:,} ({_rate(rates['sessions'])})",
        *(_counted(name, sessions[name], "red") for name in ("failed", "shed")),
        _counted("unfinished", sessions["unfinished"]),
        *([_counted("abandoned", sessions["abandoned"])] if sessions["abandoned"] else []),
    )
    yield _row("CRs", _text(" -> ".join(_funnel(state))))
    yield _figures(
        "",
        *(_counted(name, crs[name]) for name in ("pending", "coalesced")),
        *(_counted(name, crs[name], "red") for name in ("dropped", "refused")),
    )
    if ways := tried_ways(summary):
        yield _figures("by way", *_reached(summary, ways))


def _reached(summary: Summary, ways: Iterable[Way]) -> Iterator[str | Text]:
    """The accepted Connection Requests by way, and the CPEs that UDP and XMPP do not reach now."""
    requests = summary["connection_requests"]["by_way"]
    accepted = {way: requests[way]["accepted"] if way in requests else 0 for way in ways}
    yield from (f"{way} {number:,}" for way, number in accepted.items())
    yield _counted("STUN unanswered", sum(summary["stun"]["unanswered"].values()), "red")
    yield _counted("XMPP not connected", sum(summary["xmpp"]["not_connected"].values()), "red")


def _funnel(state: LiveState) -> Iterator[str]:
    """From an accepted Connection Request to the end of its session."""
    accepted = state.run.summary["connection_requests"]["accepted"]
    yield f"accepted {accepted:,} ({_rate(state.run.window['rates']['connection_requests'])})"
    for name, histogram in (("Inform", "to_inform"), ("session end", "to_session_end")):
        yield f"{name} {state.run.results.histogram(f'connection_requests.{histogram}').count:,}"


def _times(state: LiveState) -> Iterator[RenderableType]:
    """The percentiles of the window, as numbers and on a logarithmic axis."""
    heads = [Text(name, style, justify="right") for name, style in PERCENTILES.items()]
    yield _numbers(f"last {state.run.window['seconds']:.0f} s", heads, Axis())
    window = state.run.window
    for name, key in TIMES.items():
        times: Mapping[str, float | None] = window[key]  # type: ignore[literal-required]
        values = [Text(readable(times[each], "ms"), justify="right") for each in PERCENTILES]
        bands = [
            Band(_place(value), style)
            for each, style in PERCENTILES.items()
            if (value := times[each]) is not None
        ]
        yield _numbers(name, values, Bands(bands))


class Axis:
    """The ticks above the bars of times."""

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The ticks that stand apart."""
        line = ""
        for milliseconds, text in TICKS.items():
            at = round(_place(milliseconds) * options.max_width)
            if at > len(line):
                line = f"{line.ljust(at)}{text}"
        yield _text(line, "dim")


def _place(milliseconds: float) -> float:
    """The place of a time on the axis, from 0 to 1."""
    place = log10(max(milliseconds, SHORTEST_MS) / SHORTEST_MS) / log10(LONGEST_MS / SHORTEST_MS)
    return min(1.0, place)


def _generator(state: LiveState) -> Iterator[RenderableType]:
    workers = state.run.workers
    lag = readable(state.run.window["loop_lag_ms"]["p99"], "ms")
    cpu = " / ".join(readable(each["cpu_now"]) for each in workers) or "-"
    memory = " / ".join(f"{each['rss_mb']:.0f}" for each in workers) or "-"
    yield _figures("generator", f"loop lag p99 {lag}", f"CPU {cpu} %", f"memory {memory} MB")
    for limit in state.run.limits[:1]:
        yield _row("", _text(limit, "bold red"))


def _curves(state: LiveState, room: int) -> list[RenderableType]:
    """The curves, as high as these rows let them be, each below an empty row."""
    rows = (room - 1) // len(FIGURES) - 1
    if rows < 1 or state.timeline is None:
        return []
    made: list[RenderableType] = []
    for label, value, curve in curves(state.timeline, min(rows, CURVE_ROWS)):
        made += [Text()] if label else []
        made.append(_numbers(label, [Text(value)], curve, WIDEST_VALUE))
    return [*made, Text()]


def _counted(name: str, number: int, style: str = "") -> Text:
    """A number with its name, in a style unless it is 0."""
    return Text(f"{name} {number:,}", style if number else "")


def _figures(label: str, *figures: str | Text) -> RenderableType:
    texts = (Text(each) if isinstance(each, str) else each for each in figures)
    return _row(label, Text(GAP).join(texts))


def _rate(rate: float | None) -> str:
    return readable(rate, "/s")


def _text(text: str, style: str = "") -> Text:
    return Text(one_line(text), style, no_wrap=True, overflow="ellipsis")


def _row(label: str, *cells: RenderableType) -> RenderableType:
    """A row with a label; among several cells, a bar has the space that the texts leave."""
    row = _labelled()
    for cell in cells:
        is_fixed = len(cells) > 1 and isinstance(cell, Text)
        row.add_column(no_wrap=True, overflow="ellipsis", ratio=None if is_fixed else 1)
    row.add_row(Text(label, "dim"), *cells)
    return row


def _numbers(
    label: str, values: Sequence[Text], bar: RenderableType, width: int = NUMBER_WIDTH
) -> RenderableType:
    """A row of numbers with a bar or a curve."""
    row = _labelled()
    for _ in values:
        row.add_column(width=width, no_wrap=True, justify="right")
    row.add_column(ratio=1, no_wrap=True)
    row.add_row(Text(label, "dim"), *values, bar)
    return row


def _labelled() -> Table:
    row = Table.grid(padding=(0, 2, 0, 0), expand=True)
    row.add_column(width=LABEL_WIDTH, no_wrap=True)
    return row
