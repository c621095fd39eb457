"""The screen of a run, as text."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from helpers.live_states import DARK, RUNNING, failures, live_state, shown
from helpers.run_states import master
from helpers.snapshots import usage
from helpers.summaries import results
from rich.console import Console

from caretaker.engine.cpe_states import STATES
from caretaker.stats.results import Results
from caretaker.swarm.terminal.live_state import LiveState
from caretaker.swarm.terminal.progress import Phase, Progress
from caretaker.swarm.terminal.screen import KEYS, PERCENTILES, STATE_STYLES, TIMES, screen
from caretaker.swarm.web.run_state import RunStates
from caretaker.way import Way

PHASES = {
    "before a run": Progress(Phase.WAITING, 0, 60.0, "waits for workers: 1 of 2 have joined"),
    "in the web UI": Progress(Phase.WAITING, 0, None, "a run starts in the web UI"),
    "ramp": Progress(Phase.STARTING, 2, 60.0, "340 of 1000 users started", "end of the run", 58),
    "power cut": DARK,
    "ending": Progress(Phase.ENDING, 60, 60.0, "the run ends: sessions and tasks may end"),
    "over": Progress(Phase.OVER, 60, 60.0, "held: all was as asked for"),
}
SIZES = [(80, 24), (160, 50), (40, 10), (20, 1), (300, 100)]


def reasons(number: int = 4) -> Results:
    made = results()
    for n in range(number):
        made.count(f"sessions.failures.acs.reason {n}", 10 * n + 1)
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_fills_a_terminal_of_any_size(phase: str, size: tuple[int, int]) -> None:
    columns, rows = size
    state = live_state(PHASES[phase], reasons(), examples=failures(reason_0=1.0))
    lines = shown(replace(state, log=["line"] * 200), columns, rows)
    assert len(lines) == rows
    assert max(map(len, lines)) <= columns
    assert lines[-1].startswith(KEYS[:19])


@pytest.mark.parametrize("phase", PHASES)
def test_80_columns_show_what_happens(phase: str) -> None:
    text = "\n".join(shown(live_state(PHASES[phase])))
    assert PHASES[phase].step[:60] in text
    assert PHASES[phase].next in text


def test_before_any_run_all_is_nothing() -> None:
    state = LiveState(PHASES["in the web UI"], RunStates(master()).now())
    lines = shown(state)
    assert "0 CPEs" in lines[4]
    assert "0 s, until it is ended" in lines[1]


def test_a_power_cut_at_a_glance() -> None:
    cpes = {"idle": 480, "in_session": 12, "retrying": 8, "no_power": 500}
    made = results(1234, failed=7, informs__planned=1300)
    lines = shown(live_state(DARK, made, cpes))
    assert lines[1].startswith("time        62 s of 180 s")
    assert lines[1].endswith("next step of power-cut in 13 s")
    assert "1,000 CPEs" in lines[4]
    assert "idle 480  in session 12  waiting 0  retrying 8  no power 500" in lines[5]
    assert "planned 1,300 (" in lines[6]
    assert ") real 1,241 (" in " ".join(lines[6].split())
    assert "succeeded 1,234" in lines[7]
    assert "failed 7  shed 0" in lines[7]
    assert "-> Inform 1,241 -> session end 1,234" in lines[8]


def test_several_ways_have_a_row_of_their_own() -> None:
    made = results(7)
    assert "by way" not in "\n".join(shown(live_state(DARK, made)))
    made.connection_request("accepted", 0.001, Way.UDP)
    made.count("stun.unanswered.server is silent", 3)
    lines = shown(live_state(DARK, made))
    assert "by way      http 7  udp 1  STUN unanswered 3  XMPP not connected 0" in lines


def test_times_have_a_bar_that_grows_with_them() -> None:
    lengths = []
    for seconds in (0.001, 0.1, 10.0):
        made = Results()
        made.time("informs.from_plan", seconds)
        (line,) = [line for line in shown(live_state(made=made)) if line.startswith("Inform ")]
        lengths.append(line.count("━"))
    assert lengths == sorted(set(lengths))
    assert lengths[0] > 0


def test_times_without_data_have_none() -> None:
    (line,) = [line for line in shown(live_state(made=Results())) if line.startswith("task ")]
    assert line.split() == ["task", "-", "-", "-"]


def test_the_three_newest_reasons_stand_there_with_their_counts() -> None:
    examples = failures(reason_0=1.0, reason_1=9.0, reason_2=5.0, reason_3=7.0)
    lines = shown(live_state(made=reasons(), examples=examples))
    assert [line.split(None, 1)[1] for line in lines if line.startswith("failure")] == [
        "11 x reason 1", "31 x reason 3", "21 x reason 2"
    ]  # fmt: skip


def test_a_generator_that_is_the_limit_is_named() -> None:
    lines = shown(live_state(usage=usage(cpu_now=97.0)))
    assert any("CPU 97 %" in line for line in lines)
    assert any("The generator is the limit, not the ACS" in line for line in lines)


def test_the_log_has_the_rows_that_are_left_and_no_control_characters() -> None:
    lines = shown(replace(live_state(), log=[f"\x1b[2Jline {n}" for n in range(100)]))
    assert [line for line in lines if "line" in line][-1] == " [2Jline 99"
    assert "\x1b" not in "".join(lines)


def test_a_line_of_a_log_is_cut_to_what_is_new_in_it() -> None:
    log = [
        "[2026-11-28 17:56:14,764] vm-1/WARNING/locust.main: a/b: c",
        "as it was [1] x/INFO/y: z",
    ]
    lines = shown(replace(live_state(), log=log))
    assert {"17:56:14 WARNING a/b: c", log[1]} <= set(lines)


def test_colours_are_only_where_the_terminal_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for no_color, has_colour in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        file = io.StringIO()
        console = Console(file=file, width=80, height=24, force_terminal=True)
        console.print(screen(live_state(), 24))
        assert ("\x1b[32m" in file.getvalue()) is has_colour


def test_a_terminal_with_ascii_alone_gets_no_other_characters() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(file=file, width=80, height=24, force_terminal=True)
    console.print(screen(live_state(RUNNING), 24))
    file.flush()


def test_every_state_has_a_style_and_every_time_its_percentiles() -> None:
    assert tuple(STATE_STYLES) == STATES
    window = live_state().run.window
    for key in TIMES.values():
        assert PERCENTILES.keys() <= window[key].keys()  # type: ignore[literal-required]
