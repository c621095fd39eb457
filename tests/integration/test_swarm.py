"""Real swarms over real processes, as users run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from helpers.processes import (
    LOCUSTFILE,
    ended_well,
    free_port,
    loadtest,
    loadtest_until,
    process,
    run,
    tasks_went_well,
    wait_for_answer,
    wait_for_figure,
    was_interrupted,
)
from helpers.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.processes]
STARTED = "caretaker_sessions_started_total"
SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
FAILED = 'caretaker_sessions_total{outcome="failed"}'
IDLE, WAITING = 'caretaker_cpes{state="idle"}', 'caretaker_cpes{state="waiting"}'
DELIVERED = 'caretaker_connection_requests_ended_total{end="delivered"}'
POSTED, DONE = "caretaker_tasks_posted_total", 'caretaker_tasks_total{outcome="done"}'


def good(summary: dict[str, Any]) -> bool:
    return bool(
        summary["sessions"]["failed"] == 0
        and tasks_went_well(summary)
        and summary["connection_requests"]["books_balance"]
        and summary["events"]["books_balance"]
        and summary["fleet"]["duplicate_serial_numbers"] == 0
    )


def test_the_closed_loop_over_two_processes(tmp_path: Path) -> None:
    done, summary = loadtest_until(
        tmp_path,
        {IDLE: 100, DELIVERED: 81, DONE: 81},
        *("--users", "200", "--spawn-rate", "200", "--cr-rate", "25", "--live-interval", "1"),
        shows=r"CPEs 200 \|",
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert good(summary)
    assert summary["fleet"]["cpes"] == 200
    assert summary["fleet"]["by_worker"] == {"0": 100, "1": 100}
    profiles = summary["fleet"]["profiles"]
    assert profiles["tr181"] + profiles["tr098"] == 200
    assert abs(profiles["tr181"] - 100) <= 2
    assert summary["informs"]["by_event"]["0 BOOTSTRAP"] == 200
    crs = summary["connection_requests"]
    assert crs["delivered"] == summary["informs"]["by_event"]["6 CONNECTION REQUEST"] > 80
    assert crs["to_inform_ms"]["p99"] > 0
    assert summary["tasks"]["done"] > 80
    assert "Result  " in done.stdout
    assert "Traceback" not in done.stderr


def test_the_defaults_of_the_main_job(tmp_path: Path) -> None:
    port, even = free_port(), ("--run-time", "0", "--cr-arrivals", "constant")
    command = ("caretaker", "run", *even, "--metrics-port", str(port))
    with process(tmp_path / "out", *command, cwd=tmp_path) as running:
        for name, value in {SUCCEEDED: 1000, POSTED: 21}.items():
            wait_for_figure(running, f"http://127.0.0.1:{port}/metrics", name, value)
        code = running.stop(signal.SIGINT)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert ended_well(code, summary), running.text
    assert (summary["fleet"]["cpes"], summary["fleet"]["workers"]) == (1000, 2)
    assert 20 < summary["tasks"]["posted"] < 2 * 20 * summary["seconds"]


def test_real_dumps_mixed_by_weight(tmp_path: Path, devices: Path) -> None:
    names = ("tplink-ex220.tr181.csv", "zte-h199a.tr098.csv")
    chosen = [part for name in names for part in ("--profile", f"{devices / name}:1")]
    done, summary = loadtest_until(tmp_path, {SUCCEEDED: 61}, *chosen, "--users", "60")
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert good(summary)
    assert set(summary["fleet"]["profiles"]) == set(names)


def test_one_process_holding_many_cpes_and_driving_them_directly(tmp_path: Path) -> None:
    done, summary = loadtest_until(
        tmp_path,
        {DELIVERED: 60},
        *("--processes", "0", "--users", "5", "--cpes-per-user", "40"),
        *("--cr-driver", "direct", "--cr-arrivals", "constant", "--cr-rate", "30"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert good(summary)
    assert (summary["fleet"]["cpes"], summary["fleet"]["workers"]) == (200, 1)
    assert summary["connection_requests"]["delivered"] >= 60


def test_an_acs_that_is_not_there_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    done, summary = loadtest_until(
        tmp_path, {FAILED: 10}, "--host", url, "--users", "10", "--cr-driver", "off"
    )
    assert done.returncode == 3
    assert summary["sessions"]["failed"] >= 10
    assert set(summary["sessions"]["reasons"]) == {"connection refused"}
    assert summary["sessions"]["blame"] == {"acs": summary["sessions"]["failed"]}
    assert summary["events"]["pending"] == 20
    assert summary["events"]["books_balance"]
    failed = summary["sessions"]["failed"]
    why = f"{failed} of {failed} sessions failed: {failed} x connection refused (by the ACS"
    assert f"broken: {why}" in done.stdout
    assert any(
        line.endswith(f"of {failed}: {failed} x connection refused")
        for line in done.stdout.splitlines()
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "nothing.csv"], "profile nothing.csv: No such file"),
        (["--host", "nonsense"], "not an http or https address"),
        (["--host", "http://127.0.0.1:1/", "--cr-rate", "5"], "--cr-rate: no north-bound API"),
        (["--users", "many"], "'many' must be a whole number"),
        (["--scenario", "power-kut"], "scenario 'power-kut': not one of steady, ramp"),
        (["--scenario", "power-cut", "--run-time", "5s"], "which needs 49s or more"),
        (["--scenario", "power-cut share=2"], "power-cut: share: 2 must be a number from 0 to 1"),
        (["--cr-rate", "5", "--cr-driver", "owl"], "not one of nbi, direct, off"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done, summary = loadtest(tmp_path, *arguments)
    assert (done.returncode, summary) == (2, {}), done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "option", ["--cr-port", "--acs-port", "--acs-nbi-port", "--master-bind-port"]
)
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_port_in_use_is_one_line_and_exit_code_2(
    tmp_path: Path, option: str, processes: str
) -> None:
    if (option, processes) == ("--master-bind-port", "0"):
        pytest.skip("without workers there is no such port")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done, summary = loadtest(tmp_path, option, str(port), "--processes", processes)
    assert (done.returncode, summary) == (2, {}), done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if f"{port}" in line]
    assert len(lines) == 1, done.stderr
    assert "in use" in lines[0] or "busy" in lines[0]
    assert "Traceback" not in done.stderr


def test_a_worker_that_is_killed_is_missed(tmp_path: Path) -> None:
    master, nbi = free_port(), tmp_path / "summary.json"
    common = ("locust", "-f", LOCUSTFILE)
    with (
        process(
            tmp_path / "master",
            *common,
            *(
                "--master",
                "--headless",
                "--expect-workers",
                "2",
                "--users",
                "40",
                "--spawn-rate",
                "40",
            ),
            *("--run-time", "0", "--master-bind-port", str(master), "--cr-rate", "10"),
            *("--summary-json", str(nbi), "--live-interval", "1"),
        ) as leading,
        process(tmp_path / "one", *common, "--worker", "--master-port", str(master)) as one,
        process(tmp_path / "two", *common, "--worker", "--master-port", str(master)) as two,
    ):
        leading.wait_for(r"CPEs +40 ")
        two.process.kill()
        two.process.wait()
        assert leading.stop(signal.SIGINT) == 1
        assert one.process.wait(PATIENCE) == 0
    summary = json.loads(nbi.read_text())
    assert summary["fleet"]["workers_lost"] == 1
    assert re.search(r"Lost with worker \d \(.+\): 20 CPEs, .* nobody took them over", leading.text)
    assert summary["connection_requests"]["books_balance"]


FORGETFUL = """
from locust import runners
runners.HEARTBEAT_DEAD_INTERNAL = -3
"""


def test_a_worker_that_locust_forgets_is_lost_though_others_take_its_cpes(tmp_path: Path) -> None:
    """As by default, but Locust forgets it after seconds, instead of after more than a minute."""
    locustfile = tmp_path / "forgetful.py"
    locustfile.write_text(FORGETFUL + Path(LOCUSTFILE).read_text())
    port, metrics, path = free_port(), free_port(), tmp_path / "summary.json"
    common = ("locust", "-f", str(locustfile))
    worker = (*common, "--worker", "--master-port", str(port))
    with (
        process(
            tmp_path / "master",
            *(*common, "--master", "--headless", "--expect-workers", "2", "--users", "40"),
            *("--spawn-rate", "40", "--run-time", "1h", "--master-bind-port", str(port)),
            *("--summary-json", str(path), "--metrics-port", str(metrics), "--cr-rate", "0"),
        ) as master,
        process(tmp_path / "one", *worker),
        process(tmp_path / "two", *worker) as two,
    ):
        page = f"http://127.0.0.1:{metrics}/metrics"
        wait_for_figure(master, page, 'caretaker_cpes{state="idle"}', 40)
        two.process.kill()
        two.process.wait()
        master.wait_for("Sending spawn jobs of 40 users at .* to 1 ready workers")
        master.wait_for("is silent: others may have its 20 CPEs")
        wait_for_figure(master, page, 'caretaker_cpes{state="idle"}', 40)
        master.stop(signal.SIGINT)
    fleet = json.loads(path.read_text())["fleet"]
    counts = (fleet["workers_joined"], fleet["workers_left"], fleet["workers_lost"], fleet["cpes"])
    assert counts == (2, 0, 1, 40)
    assert [(lost["cpes"], lost["taken_over"]) for lost in fleet["lost"]] == [(20, True)]
    assert "1 of 2 workers, with 20 CPEs" in master.text


@pytest.fixture
def hung_acs(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts an ACS that accepts connections and never answers; returns its URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1000)
        yield lambda: f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_an_acs_that_hangs_is_no_success(tmp_path: Path, hung_acs: Callable[[], str]) -> None:
    options = ("--host", hung_acs(), "--users", "20", "--cr-driver", "off")
    done, summary = loadtest_until(tmp_path, {STARTED: 20}, *options)
    assert done.returncode == 3
    assert (summary["sessions"]["started"], summary["sessions"]["unfinished"]) == (20, 20)
    assert "20 sessions still waited for the ACS at the end" in done.stdout


def test_a_fleet_that_is_running_informs_at_its_periods(tmp_path: Path) -> None:
    done, summary = loadtest_until(
        tmp_path,
        {'caretaker_informs_by_event_total{event="2 PERIODIC"}': 151, DONE: 31},
        *("--users", "10", "--cpes-per-user", "100", "--start", "running"),
        *("--inform-interval", "20", "--cr-rate", "20"),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert good(summary)
    assert summary["fleet"]["cpes"] == 1000
    assert set(summary["informs"]["by_event"]) == {"2 PERIODIC", "6 CONNECTION REQUEST"}
    assert summary["informs"]["by_event"]["2 PERIODIC"] > 150
    assert summary["tasks"]["done"] > 30


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit (util-linux)")
def test_with_few_descriptors_sessions_wait_and_the_run_says_why(
    tmp_path: Path, hung_acs: Callable[[], str]
) -> None:
    done, summary = loadtest_until(
        tmp_path,
        {STARTED: 100, WAITING: 100},
        *("--host", hung_acs(), "--users", "200", "--cr-driver", "off"),
        prefix=("prlimit", "--nofile=100:100"),
    )
    assert done.returncode == 3
    assert "100 descriptors let each worker run 50 sessions at once, not 1000" in done.stderr
    assert "ulimit -n 2000" in done.stderr
    assert summary["fleet"]["cpes"] == 200
    assert (summary["sessions"]["unfinished"], summary["sessions"]["failed"]) == (100, 0)
    assert "Traceback" not in done.stderr


PATIENT = """
from caretaker.swarm import master, worker_run
from locust import events
worker_run.SESSIONS_SECONDS = master.DRAIN_SECONDS = 3600.0
master.IMPATIENT_SECONDS = 60.0  # a busy machine needs more than 2 s for the last snapshots
events.test_stopping.add_listener(lambda **_: print("stopping", flush=True))
"""


def test_a_second_ctrl_c_waits_no_longer(tmp_path: Path, hung_acs: Callable[[], str]) -> None:
    """Without the second the run would wait an hour for its sessions."""
    locustfile = tmp_path / "patient.py"
    locustfile.write_text(PATIENT + Path(LOCUSTFILE).read_text())
    with process(
        tmp_path / "out",
        *("caretaker", "run", "-f", str(locustfile), "--users", "30", "--host", hung_acs()),
        *("--live-interval", "1", "--summary-json", str(tmp_path / "summary.json")),
        *("--cr-driver", "off"),
        group=True,
    ) as running:
        running.wait_for(r"CPEs +30 ")
        os.killpg(running.process.pid, signal.SIGINT)
        # Two signals at once are one to the operating system: master and workers know of the first.
        running.wait_for(r"(?s)(stopping.*){3}")
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.process.wait(PATIENCE) == 3, running.text
    assert "Traceback" not in running.text
    assert json.loads((tmp_path / "summary.json").read_text())["sessions"]["started"] == 30


def test_ctrl_c_reaches_all_processes_at_once(tmp_path: Path) -> None:
    """As a terminal sends it; during the ramp, when everything is busy."""
    with process(
        tmp_path / "out",
        *("caretaker", "run", "--users", "600", "--spawn-rate", "300"),
        *("--cr-rate", "0"),  # a device that is too busy to answer is offline to the ACS
        *("--live-interval", "1", "--summary-json", str(tmp_path / "summary.json")),
        group=True,
    ) as running:
        running.wait_for(r"s \| CPEs")
        os.killpg(running.process.pid, signal.SIGINT)
        code = running.process.wait(PATIENCE)
    assert not re.search("Traceback|has died", running.text)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert was_interrupted(code, summary, "all users were started"), running.text
    assert good(summary)


def test_ctrl_c_at_a_machine_of_workers_lets_them_leave_in_order(tmp_path: Path) -> None:
    """No master ends their run: it is elsewhere, and knows nothing of the key."""
    port, path = free_port(), tmp_path / "summary.json"
    with (
        process(
            tmp_path / "master",
            *("caretaker", "run", "--master", "--expect-workers", "2", "--users", "40"),
            *("--master-bind-port", str(port), "--run-time", "1h", "--cr-rate", "0"),
            *("--live-interval", "1", "--summary-json", str(path)),
        ) as master,
        process(
            tmp_path / "workers",
            *("caretaker", "run", "--worker", "--processes", "2", "--master-port", str(port)),
            group=True,
        ) as workers,
    ):
        master.wait_for(r"CPEs +40 ")
        os.killpg(workers.process.pid, signal.SIGINT)
        assert workers.process.wait(PATIENCE) == 0, workers.text
        master.process.wait(PATIENCE)
    fleet = json.loads(path.read_text())["fleet"]
    assert (fleet["workers_left"], fleet["workers_lost"]) == (2, 0)


def test_a_run_too_short_for_a_report_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    command = ("caretaker", "run", "--users", "50", "--cr-rate", "0")
    with process(tmp_path / "out", *command, "--summary-json", str(path)) as running:
        api = running.wait_for(r"north-bound API: (http://\S+?)\)")[1]
        wait_until(lambda: len(requests.get(f"{api}/devices", timeout=60).json()) == 50)
        code = running.stop(signal.SIGINT)
    summary = json.loads(path.read_text())
    assert was_interrupted(code, summary), running.text
    assert summary["fleet"]["cpes"] == summary["informs"]["by_event"]["0 BOOTSTRAP"] == 50


def test_workers_come_and_go(tmp_path: Path) -> None:
    port, path, metrics_port = free_port(), tmp_path / "summary.json", free_port()
    metrics = f"http://127.0.0.1:{metrics_port}/metrics"
    common = ("locust", "-f", LOCUSTFILE)
    worker = (*common, "--worker", "--master-port", str(port))
    with (
        process(
            tmp_path / "master",
            *(*common, "--master", "--headless", "--expect-workers", "1", "--users", "40"),
            *("--spawn-rate", "40", "--run-time", "0", "--master-bind-port", str(port)),
            *("--summary-json", str(path), "--live-interval", "1", "--cr-rate", "10"),
            *("--metrics-port", str(metrics_port)),
        ) as master,
        process(tmp_path / "one", *worker) as one,
    ):
        master.wait_for(r"CPEs +40 ")
        with process(tmp_path / "two", *worker) as two:
            wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="1"}', 20)
            master.wait_for(r"(?s)(All users spawned.*){2}")
            assert one.stop() == 0
            # The master looks once a second for who has left, as often as it prints its line.
            master.wait_for(r"(?s)\(index 0\) quit\.(.*s \| CPEs){2}")
            wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="1"}', 40)
            code = master.stop(signal.SIGINT)
            assert two.process.wait(PATIENCE) == 0, two.text
    assert "Traceback" not in master.text + one.text + two.text
    summary = json.loads(path.read_text())
    assert ended_well(code, summary), master.text
    fleet = summary["fleet"]
    assert (fleet["workers_left"], fleet["workers_lost"]) == (1, 0)
    assert fleet["cpes"] == 40  # the other has taken its users over
    assert fleet["duplicate_serial_numbers"] == 0


def test_each_worker_that_joins_late_gets_its_users(tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    metrics = f"http://127.0.0.1:{metrics_port}/metrics"
    common = ("locust", "-f", LOCUSTFILE)
    worker = (*common, "--worker", "--master-port", str(port))
    with (
        process(
            tmp_path / "master",
            *(*common, "--master", "--headless", "--expect-workers", "1", "--users", "30"),
            *("--spawn-rate", "30", "--run-time", "0", "--master-bind-port", str(port)),
            *("--cr-rate", "0", "--metrics-port", str(metrics_port)),
        ) as master,
        process(tmp_path / "one", *worker),
    ):
        wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="0"}', 30)
        with process(tmp_path / "two", *worker):
            wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="1"}', 15)
            with process(tmp_path / "three", *worker):
                wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="2"}', 10)
                master.stop(signal.SIGINT)


SLOW = """
import sys, time
from locust import events
events.init.add_listener(lambda **_: time.sleep(5 if "--cr-port" in sys.argv else 0))
"""


def test_a_worker_that_joins_late_keeps_the_addresses_of_its_own(tmp_path: Path) -> None:
    """The start of the run comes before it is ready, with the options of the master."""
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW + Path(LOCUSTFILE).read_text())
    port, metrics_port, cr_port = free_port(), free_port(), free_port()
    metrics = f"http://127.0.0.1:{metrics_port}/metrics"
    joining = ("--worker", "--master-port", str(port))
    with (
        process(
            tmp_path / "master",
            *("locust", "-f", str(slow), "--master", "--headless", "--expect-workers", "1"),
            *("--users", "30", "--spawn-rate", "30", "--run-time", "0", "--cr-rate", "0"),
            *("--master-bind-port", str(port), "--metrics-port", str(metrics_port)),
        ) as master,
        process(tmp_path / "one", "locust", "-f", str(slow), *joining),
    ):
        wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="0"}', 30)
        own = ("--cr-port", str(cr_port - 1), "--cr-host", "127.0.0.2")
        with process(tmp_path / "two", "locust", "-f", str(slow), *joining, *own) as two:
            wait_for_figure(master, metrics, 'caretaker_worker_cpes{worker="1"}', 15)
            connections = psutil.Process(two.process.pid).net_connections("tcp")
            master.stop(signal.SIGINT)
    assert ("127.0.0.2", cr_port) in [tuple(each.laddr) for each in connections]


def test_what_other_users_fail_at_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import HttpUser, constant, events, task\n"
        "from caretaker.swarm import CPEUser, install\n"
        "install(events)\n"
        "class Portal(HttpUser):\n"
        "    wait_time = constant(1)\n"
        "    @task\n"
        "    def visit(self):\n"
        "        self.client.get('/nothing/here')\n"
    )
    done = run(
        "caretaker", "run", "-f", str(tmp_path / "own.py"), "--users", "10", "--run-time", "15s",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "requests of other users failed" in done.stdout


def test_other_users_keep_their_host_and_tags_leave_cpes_alone(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import HttpUser, constant, events, tag, task\n"
        "from caretaker.swarm import CPEUser, install\n"
        "install(events)\n"
        "class Home(CPEUser):\n"
        "    pass\n"
        "class Portal(HttpUser):\n"
        "    host = 'http://portal.example.com'\n"
        "    fixed_count = 1\n"
        "    wait_time = constant(1)\n"
        "    @tag('slow')\n"
        "    @task\n"
        "    def search(self):\n"
        "        print('search at', self.client.base_url, flush=True)\n"
        "    @tag('fast')\n"
        "    @task\n"
        "    def visit(self):\n"
        "        print('visit at', self.client.base_url, flush=True)\n"
    )
    own = ("-f", str(tmp_path / "own.py"), "--users", "10", "--processes", "1")
    tags = ("--tags", "slow", "fast", "--exclude-tags", "fast")
    shows = "search at http://portal.example.com\n"
    done, summary = loadtest_until(tmp_path, {SUCCEEDED: 9}, *own, *tags, shows=shows)
    assert ended_well(done.returncode, summary), done.stdout
    assert summary["fleet"]["cpes"] == 9
    assert "visit at" not in done.stdout
    assert "instantiating it will fail" not in done.stdout


def test_a_configuration_file_goes_before_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text("users = 7\nprocesses = 1\ncr-rate = 0\n")
    done, summary = loadtest_until(tmp_path, {SUCCEEDED: 7}, "--config", str(tmp_path / "my.conf"))
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert (summary["fleet"]["cpes"], summary["fleet"]["workers"]) == (7, 1)


class TestWebUI:
    """Locust's own web interface: start, stop, change the number of users, start again."""

    def test_a_fresh_fleet_each_time(self, tmp_path: Path) -> None:
        port = free_port()
        with process(
            tmp_path / "out",
            *("locust", "-f", LOCUSTFILE, "--web-port", str(port), "--web-host", "127.0.0.1"),
            *("--processes", "2", "--master-bind-port", str(master := free_port())),
            *("--master-port", str(master), "--cr-rate", "10", "--live-interval", "1"),
            *("--summary-json", str(tmp_path / "summary.json")),
        ) as running:
            running.wait_for(r"Embedded ACS")
            running.wait_for(r"2 workers connected")
            url = f"http://127.0.0.1:{port}"
            page = wait_for_answer(url)
            assert page.status_code == 200
            assert "Connection Requests per second" in page.text
            assert "acs_password" not in page.text
            self._refuses(url, "host", "garbage", "not an http or https address")
            self._refuses(url, "cpes_per_user", "0", "must be a whole number from 1")
            first = self._run(running, url, tmp_path, users=40, change_to=60)
            assert first["fleet"]["cpes"] == 60
            second = self._run(running, url, tmp_path, users=70, change_to=20)
            assert second["fleet"]["cpes"] == 20
            assert second["informs"]["by_event"]["0 BOOTSTRAP"] == 70
            assert ended_well(running.stop(), second), running.text
        assert "Traceback" not in running.text

    def _refuses(self, url: str, name: str, value: str, complaint: str) -> None:
        form = {"user_count": 5, "spawn_rate": 5, name: value}
        answer = requests.post(f"{url}/swarm", data=form, timeout=120).json()
        assert not answer["success"]
        assert complaint in answer["message"]

    def _run(self, running: Any, url: str, folder: Path, *, users: int, change_to: int) -> Any:
        (folder / "summary.json").unlink(missing_ok=True)
        for count in (users, change_to):
            form = {"user_count": count, "spawn_rate": 100, "cr_rate": "20"}
            started = requests.post(f"{url}/swarm", data=form, timeout=120).json()
            assert started["success"], started
            running.wait_for(rf"CPEs +{count} (?!.*\n(.*\n)*.*CPEs +{count} )")
            self._refuses(url, "seed", "5", "--seed can't be changed while a test runs")
        stopped = requests.post(f"{url}/stop", timeout=120)
        assert stopped.ok
        summary = json.loads((folder / "summary.json").read_text())
        assert good(summary)
        return summary


class TestCommand:
    """``python -m caretaker``."""

    def test_the_acs_runs_until_it_is_told(self, tmp_path: Path) -> None:
        arguments = ("caretaker", "acs", "--port", "0", "--north-bound-port", "0")
        with process(tmp_path / "out", *arguments) as running:
            url = running.wait_for(r"North-bound API: (\S+)")[1]
            assert requests.get(f"{url}/devices/", timeout=120).json() == []
            assert running.stop() == 0
        assert "Traceback" not in running.text

    def test_a_port_in_use(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = run("caretaker", "acs", "--port", str(taken.getsockname()[1]))
        assert done.returncode == 2
        assert done.stderr.startswith("caretaker: 127.0.0.1:")
        assert done.stderr.count("\n") == 1

    def test_it_ends_when_its_parent_does(self, tmp_path: Path) -> None:
        with process(
            tmp_path / "out", *("caretaker", "acs", "--port", "0"), "--until-eof"
        ) as running:
            assert running.process.wait(PATIENCE) == 1
        assert "a server ends: its run has ended" in running.text

    def test_version_and_help(self) -> None:
        assert run("caretaker", "--version").stdout.startswith("caretaker 0.")
        assert "north-bound" in run("caretaker", "acs", "--help").stdout
        assert run("caretaker").returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="needs fork")
def test_trouble_of_every_kind_is_counted_and_does_no_harm(tmp_path: Path) -> None:
    """An ACS that refuses, resets, answers HTML, cut-off and malformed XML, bombs, 10 MB, 5xx."""
    with process(tmp_path / "acs", "helpers.bad_acs") as acs:
        url = acs.wait_for(r"(http://\S+)")[1]
        done, summary = loadtest_until(
            tmp_path,
            {FAILED: 250},
            *("--host", url, "--users", "120", "--spawn-rate", "120"),
            *("--cr-driver", "direct", "--cr-rate", "20", "--answer-timeout", "4"),
        )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr + done.stdout
    reasons = set(summary["sessions"]["reasons"])
    assert {
        "HTTP 500",
        "HTTP 404",
        "HTTP 503",
        "not well-formed XML",
        "HTML page, no SOAP envelope",
        "XML with a DOCTYPE is refused",
        "answer is too large",
        "answer with a cwmp:ID that is not the request's",
        "connection closed in the middle of an answer",
        "connection reset",
        "answer is SSH, not HTTP: SSH-2.0-OpenSSH_9.2",
        "no answer in time",
        "a request while informing",
    } <= reasons, reasons
    assert summary["sessions"]["shed"] > 0
    assert "bug of Caretaker" not in reasons
    assert summary["connection_requests"]["books_balance"]
    assert summary["events"]["books_balance"]
