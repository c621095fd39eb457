"""The processes of a run under faults, the Fleet page for programs, and the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import psutil
import pytest
import requests
from helpers.waiting import wait_until

from chaos import __main__ as command
from chaos import lab
from chaos.__main__ import main
from chaos.fleet_page import Device, FleetPage, Standing
from chaos.greenlet_count import counted_in, greenlets, write_count
from chaos.lab import LabError
from chaos.processes import MARK, Part, marked


def part(folder: Path, code: str, mark: str) -> Part:
    (folder / "program.py").write_text(code)
    variables = {MARK: mark, "PYTHONPATH": str(folder)}
    return Part("worker 0", lambda _: ["program"], folder, variables)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Part]:
    made = part(tmp_path, "import time\ntime.sleep(3600)", f"test-{os.getpid()}")
    made.start()
    yield made
    made.kill()


@pytest.mark.processes
class TestPart:
    def test_it_is_frozen_and_goes_on(self, sleeper: Part) -> None:
        process = psutil.Process(sleeper.pid)
        sleeper.freeze()
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        sleeper.thaw()
        wait_until(lambda: process.status() != psutil.STATUS_STOPPED)

    def test_it_is_killed_and_started_again(self, sleeper: Part) -> None:
        first = sleeper.pid
        sleeper.kill()
        assert sleeper.exit_code == -9
        sleeper.start()
        assert sleeper.pid != first
        assert sleeper.exit_code is None

    def test_it_is_asked_to_end(self, sleeper: Part) -> None:
        sleeper.end(120.0)
        assert sleeper.exit_code == -15

    def test_it_is_found_by_its_mark(self, sleeper: Part) -> None:
        found = wait_until(lambda: list(marked(f"test-{os.getpid()}")))
        assert [process.pid for process in found] == [sleeper.pid]
        assert list(marked("another run")) == []

    def test_its_last_lines_are_known(self, tmp_path: Path) -> None:
        made = part(tmp_path, "print(*range(50), sep=chr(10))", f"test-{os.getpid()}")
        made.start()
        wait_until(lambda: made.exit_code is not None)
        assert made.last_lines() == [str(number) for number in range(40, 50)]

    def test_its_descriptors_are_counted(self, sleeper: Part) -> None:
        assert sleeper.descriptors(left_out=1) >= 3


def test_greenlets_are_counted_by_what_they_run(tmp_path: Path) -> None:
    def wait_for_the_test() -> None:
        gevent.sleep(3600)

    name = wait_for_the_test.__qualname__
    assert greenlets()[name] == 0
    waiting = [gevent.spawn(wait_for_the_test) for _ in range(3)]
    gevent.sleep(0)
    assert greenlets()[name] == 3
    gevent.killall(waiting)
    assert greenlets()[name] == 0
    file = counted_in(tmp_path, 7)
    write_count(file)
    assert name not in file.read_text()


@pytest.mark.sockets
def test_runs_at_the_same_time_have_ports_of_their_own(
    tmp_path: Path,
) -> None:
    def listen(_: int) -> None:
        raise OSError("in use")

    with ExitStack() as stack:
        runs = [lab.Lab(seed, tmp_path) for seed in range(2)]  # neither has started its workers
        for run in runs:
            stack.callback(run.proxy.stop)
        first, second = (run._cr_port for run in runs)
        assert second > first
    with pytest.raises(LabError, match="are in use"):
        lab.first_cr_port(listen)


class TestFleetPage:
    @pytest.fixture
    def page(self, monkeypatch: pytest.MonkeyPatch) -> FleetPage:
        pages: dict[tuple[str, int | None], Any] = {
            ("/fleet/devices", 0): {"rows": [{"serial": "S1", "state": "idle", "failures": 0}],
                                    "next": 15},
            ("/fleet/devices", 15): {"rows": [{"serial": "S2", "state": "retrying", "failures": 3}],
                                     "next": None},
            ("/fleet/standing", None): {"workers": [{"cpes": 150}, {"cpes": 150}],
                                        "cpes": {"retrying": 4}, "running": True},
        }  # fmt: skip
        page = FleetPage("http://127.0.0.1:1")
        monkeypatch.setattr(page, "_get", lambda path, **query: pages[path, query.get("start")])
        return page

    def test_devices_are_those_of_all_pages(self, page: FleetPage) -> None:
        assert page.devices() == [Device("S1", "idle", 0), Device("S2", "retrying", 3)]

    def test_the_standing_is_the_sum_of_the_workers(self, page: FleetPage) -> None:
        assert page.standing() == Standing(2, 300, 4, is_running=True)

    def test_while_nobody_answers_there_is_none(
        self, page: FleetPage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> Any:
            raise requests.ConnectionError

        monkeypatch.setattr(page, "_get", refuse)
        assert page.standing() is None

    def test_without_a_run_no_rate_is_taken(self) -> None:
        assert not FleetPage("http://127.0.0.1:1").drive(users=300, cr_rate=5)


def test_a_load_test_that_ends_by_itself_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lab.Lab(1, tmp_path)
    monkeypatch.setattr(Part, "exit_code", property(lambda _: None))
    made.master.output.write_text("No worker is left: the run ends.\n")
    standings = [Standing(0, 0, 0, is_running=False), Standing(2, 300, 0, is_running=True)]
    for standing in standings:  # it has still to begin; it runs
        monkeypatch.setattr(made.page, "standing", lambda now=standing: now)
        made.look_after()
    monkeypatch.setattr(made.page, "standing", lambda: None)  # nobody answers
    made.look_after()
    monkeypatch.setattr(made.page, "standing", lambda: standings[0])
    with pytest.raises(LabError, match="has ended by itself\nNo worker is left: the run ends"):
        made.look_after()
    monkeypatch.setattr(Part, "exit_code", property(lambda _: 1))
    with pytest.raises(LabError, match="the master ended with exit code 1"):
        made.look_after()
    made.proxy.stop()


@pytest.mark.parametrize(
    ("error", "code"), [(LabError("the fleet did not come up"), 1), (KeyboardInterrupt(), 130)]
)
def test_a_run_that_can_not_go_on_is_told_with_its_seed(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr(command, "_play", fail)
    assert main(["--seed", "7", "--minutes", "1"]) == code
    said = capsys.readouterr()
    again = "again: ./scripts/chaos --seed 7 --minutes 1; all outputs: build/chaos/seed-7"
    assert (f"FAILED  {error}\n{again}" in said.out) is (code == 1)
    assert ("interrupted" in said.err) is (code == 130)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seed", "-1"], "--seed: '-1': not a whole number from 0 on"),
        (["--minutes", "none"], "--minutes: 'none': not a number from 0.1 to 10000"),
        (["--minutes", "nan"], "--minutes: 'nan': not a number"),
        (["--hours", "1"], "unrecognized arguments: --hours 1"),
        (["kills", "--kills", "0"], "--kills: '0': not a whole number from 1 on"),
        (["kills", "--target", "moon"], "--target: invalid choice: 'moon'"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert complaint in said
    assert said.count("\n") == 1
