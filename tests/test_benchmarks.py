"""The benchmarks, on counts so small that only their working is tested, never their figures."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from helpers.broken import Broken
from helpers.cpes import cpe
from helpers.networks import NoNetworkError, own_network
from helpers.processes import run

from benchmarks import leaks
from benchmarks.__main__ import NAMES, main
from benchmarks.builds import Build
from benchmarks.figures import Figure, Goal, Options, compared, table, take_turns
from benchmarks.first_contact import first_contact, quick_contact
from benchmarks.flooder import FLOODS
from benchmarks.processes import GENERATOR, Child, MeasurementError, cpu_seconds, cpu_seconds_of
from caretaker.device.base import CPEBase

WITH_SINK = (
    "sessions",
    "engine",
    "kinds",
    "recording",
    "state",
    "growth",
    "herd",
    "closed_loop",
    "lateness",
)
WITHOUT = (
    "memory",
    "start_up",
    "cr_server",
    "stun",
    "router",
    "floods",
    "acs",
    "codec",
    "counting",
    "budgets",
    "leaks",
)
PATIENCE = 1700
"""Seconds for ten benchmarks, less than pytest has for a test."""
LONG = ("tls", "whole_tree", "whole_runs", "calibration", "workers", "hosts", "xmpp")


def test_every_benchmark_is_a_module_and_tested_here() -> None:
    assert set(NAMES) == {*WITH_SINK, *WITHOUT, *LONG}
    assert all(callable(import_module(f"benchmarks.{name}").run) for name in NAMES)


def _apart() -> tuple[str, ...]:
    """
    What gives benchmarks a loopback of their own; nothing where this user can't have one.

    They close tens of thousands of connections in a few seconds. On the loopback of all each would
    hold its port for a minute, and other tests could not listen.
    """
    few_wait = "echo 1000 > /proc/sys/net/ipv4/tcp_max_tw_buckets"
    try:
        return own_network(f"ip link set lo up && {few_wait}")
    except NoNetworkError:
        return ()


def _run(folder: Path, *names: str) -> dict[str, list[dict[str, float]]]:
    path = folder / "figures.json"
    # A busy machine does nothing in less than some seconds.
    tiny = ("--runs", "1", "--seconds", "2", "--scale", "0.002", "--json", str(path))
    done = run("benchmarks", *names, *tiny, timeout=PATIENCE, prefix=_apart())
    assert done.returncode == 0, done.stderr
    assert "figure" in done.stdout
    found: dict[str, list[dict[str, float]]] = json.loads(path.read_text())["benchmarks"]
    assert set(found) == set(names)
    return found


@pytest.mark.processes
def test_those_without_a_sink_give_figures(tmp_path: Path) -> None:
    found = _run(tmp_path, *WITHOUT)
    del found["memory"]  # so few CPEs drown in what else a process takes
    found["stun"].pop()  # the memory of a binding: the same
    floods = {str(figure["name"]): figure["median"] for figure in found.pop("floods")}
    assert all(floods[f"{name}: asked"] > 0 for name in ("no flood", *FLOODS))
    left = found.pop("leaks")  # nothing is what there should be
    assert all(figure["median"] > 0 for figure in left if str(figure["unit"]) == "sessions")
    assert all(figure["median"] > 0 for figures in found.values() for figure in figures)


@pytest.mark.processes
@pytest.mark.skipif(
    not (shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") and shutil.which("cc")),
    reason="the sink is nginx and the ceiling is C; they are not installed",
)
def test_those_with_a_sink_give_figures(tmp_path: Path) -> None:
    found = _run(tmp_path, *WITH_SINK)
    assert all(figure["median"] > 0 for figures in found.values() for figure in figures)
    assert 0 < found["sessions"][0]["ratio"] < 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sesions"], "'sesions': not one of sessions, recording"),
        (["codec", "--runs", "0"], "--runs 0: "),
        (["sessions", "--beside", "/nowhere"], "--beside /nowhere: no /nowhere/bin/python; name "),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("benchmarks", "venv"), [("benchmarks", ".venv"), (".", ".")])
def test_a_clone_is_measured_with_its_own_benchmarks_and_an_environment_with_ours(
    tmp_path: Path, root: Path, benchmarks: str, venv: str
) -> None:
    python = tmp_path / venv / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / benchmarks).mkdir(exist_ok=True)
    its_own = benchmarks == "benchmarks"
    assert Build.at(tmp_path) == Build(tmp_path.name, python, tmp_path if its_own else root)


@pytest.mark.parametrize("twin", ["/there/build/compiled", ""])
def test_a_clone_is_compiled_if_it_has_a_twin_of_its_sources(tmp_path: Path, twin: str) -> None:
    for folder in ("benchmarks", "scripts", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    script = tmp_path / "scripts" / "compiled"
    script.write_text(f"#!/bin/sh\necho {twin}\n")
    script.chmod(0o755)
    build = Build.at(tmp_path)
    assert build.compiled == twin
    of_ours = {"PYTHONPATH": "ours", "HOME": "there"}
    paths = {"PYTHONPATH": twin} if twin else {}
    assert build.environment(of_ours) == {"HOME": "there", **paths}


def test_the_cpu_time_of_another_process_is_as_its_own() -> None:
    spent = cpu_seconds_of(os.getpid())
    assert spent == pytest.approx(cpu_seconds(), abs=0.5)
    assert 0 < spent < cpu_seconds_of(os.getpid())


@pytest.mark.processes
def test_a_process_of_another_build_serves_as_ours_does(root: Path) -> None:
    build = Build("ours again", Path(sys.executable), root)
    with Child(dict, core=GENERATOR, build=build, number=1) as served:
        assert served.call("get", "number") == 1


def test_a_missing_sink_names_its_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert main(["growth"]) == 2
    assert capsys.readouterr().err.endswith("apt-get install nginx-light\n")


def test_a_reference_that_did_nothing_is_no_measure() -> None:
    with pytest.raises(MeasurementError, match="'other' did nothing in the time"):
        Figure("one", "/s", [1.0], "other", [0.0])


@pytest.mark.processes
def test_what_fails_in_a_process_is_told_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    with Child(Broken, core=GENERATOR) as broken:
        assert broken.call("divide", 2) == 0.5
        with pytest.raises(MeasurementError, match="ZeroDivisionError"):
            broken.call("divide", 0)
        assert broken.call("divide", 4) == 0.25


def test_a_benchmark_that_fails_does_not_take_the_others_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Options) -> list[Figure]:
        raise MeasurementError("sessions failed")

    monkeypatch.setattr("benchmarks.growth.run", fail)
    monkeypatch.setattr("benchmarks.codec.run", lambda _: [Figure("it", "s", [1.0])])
    assert main(["growth", "codec"]) == 1
    said = capsys.readouterr()
    assert said.err == "bench: growth: sessions failed\n"
    assert "it" in said.out


def test_a_quick_contact_leaves_what_a_real_one_does() -> None:
    real, quick = cpe(), cpe()
    first_contact(real, 1.0)
    quick_contact(quick, 1.0)
    for name in CPEBase.__slots__:
        ours, theirs = getattr(quick, name), getattr(real, name)
        if name == "overlay":
            ours, theirs = ours.values, theirs.values
        if name != "context":
            assert ours == theirs, name


class TestFigures:
    def test_candidates_take_turns(self) -> None:
        said: list[str] = []

        def measuring(name: str) -> Callable[[], float]:
            def measure() -> float:
                said.append(name)
                return len(said)

            return measure

        found = take_turns(2, {name: measuring(name) for name in "ab"})
        assert said == ["a", "b", "a", "b"]
        assert found == {"a": [1, 3], "b": [2, 4]}

    def test_a_ratio_is_of_the_same_run(self) -> None:
        figure = Figure("it", "s", [1, 2, 30], "that", [2, 4, 10], Goal("<=", 0.5, of_ratio=True))
        assert figure.ratios == [0.5, 0.5, 3]
        assert figure.reached
        assert figure.to_json()["ratio"] == 0.5

    def test_each_build_stands_beside_all_before_it(self) -> None:
        figures = compared(
            "it", "s", {"ours": [2], "old": [1], "older": [4]}, ("ours", "old", "older")
        )
        assert [(each.name, each.reference, each.ratios) for each in figures] == [
            ("it: old", "ours", [0.5]),
            ("it: older", "ours", [2]),
            ("it: older", "old", [4]),
        ]

    @pytest.mark.parametrize(
        ("goal", "reached"),
        [(Goal(">=", 2), True), (Goal(">=", 2.1), False), (Goal("<=", 1.9), False), (None, None)],
    )
    def test_a_goal_is_of_the_median(self, goal: Goal | None, reached: bool | None) -> None:
        assert Figure("it", "s", [1, 2, 30], goal=goal).reached is reached

    def test_the_table_has_a_line_for_each(self) -> None:
        lines = table([Figure("it", "s", [1.0, 123.4, 2.0], goal=Goal("<=", 1))]).splitlines()
        assert lines[1].split() == ["it", "2", "(1-123)", "s", "<=", "1", "not", "reached"]

    def test_counts_are_scaled_in_whole_hundreds(self) -> None:
        assert Options(scale=0.5).scaled(10_000) == 5_000
        assert Options(scale=0.001).scaled(10_000) == 100


class LeakyChild:
    """Stands for the sink and the worker of ``leaks``."""

    carriage: ClassVar[dict[str, int]]

    def __init__(self, *_: object, **__: object) -> None:
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, *_: object) -> Any:
        self._held += 2 if method == "holds" else 0
        holds = dict.fromkeys(leaks.GOALS, self._held)
        found = {"succeeded": 5, "failed": 4}
        return {"holds": holds, "saturated": found, "carriage": self.carriage}.get(method)


@pytest.mark.parametrize(("handed_over", "by_greenlet"), [(30, 0), (0, 300)])
def test_leaks_of_an_engine_that_carried_little_are_no_figures(
    handed_over: int, by_greenlet: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "Child", LeakyChild)
    carriage = {"carried": 100, "handed_over": handed_over, "by_greenlet": by_greenlet}
    monkeypatch.setattr(LeakyChild, "carriage", carriage, raising=False)
    monkeypatch.setattr(leaks, "engine_module", lambda: None)
    figures = {figure.name: figure.values for figure in leaks.run(Options())}
    share = (100 - handed_over) / (100 + by_greenlet)
    assert figures["leaks: of all, carried by the engine"] == [share]
    assert figures["leaks: descriptors more"] == [2]
    monkeypatch.setattr(leaks, "engine_module", lambda: leaks)
    with pytest.raises(MeasurementError, match=rf"carried {share:.0%} of the sessions"):
        leaks.run(Options())
