"""Whatever a user gets wrong is one line and exit code 2, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.processes import LOCUSTFILE, process
from helpers.waiting import PATIENCE

pytestmark = [pytest.mark.processes]
RUN = ("caretaker", "run")
LOCUST = ("locust", "-f", LOCUSTFILE)
LONG = "p" * 300


@pytest.fixture(scope="module")
def used_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


def group_is_empty(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    os.killpg(leader, signal.SIGKILL)
    return False


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((*RUN, "--users", "-5"), "--users: '-5' must be a whole number"),
        ((*RUN, "--users", "1" * 40), "--users: '1111"),
        ((*RUN, "--users", "1000000000", "--cpes-per-user", "100"), "are free here: "),
        ((*RUN, "--spawn-rate", "0"), "--spawn-rate: 0 must be a number from 0.001"),
        ((*RUN, "--spawn-rate", "nan"), "--spawn-rate: 'nan' is not a number"),
        ((*RUN, "--run-time", "soon"), "--run-time: 'soon' is not a time"),
        ((*RUN, "--run-time", "9" * 30), "is longer than a year"),
        ((*RUN, "--processes", "-2"), "--processes: '-2' must be a whole number from -1"),
        ((*RUN, "--processes", "1000000"), "--processes: '1000000' must be a whole number"),
        ((*RUN, "--profile", LONG), "--profile: profile ppp"),
        ((*RUN, "--summary-json", "/proc/x.json"), "--summary-json: '/proc/x.json'"),
        ((*RUN, "--report", LONG), "--report: 'ppp"),
        ((*RUN, "--state", LONG), "--state: 'ppp"),
        ((*RUN, "--state", "/proc/x.db"), "--state: /proc/x.db: can't be opened here"),
        ((*RUN, "--csv", "/proc/x/y"), "--csv: '/proc/x/y_.csv'"),
        ((*RUN, "--html", "/proc/x/y"), "--html: '/proc/x/y'"),
        ((*RUN, "--html", "/"), "--html: '/': Is a directory"),
        ((*RUN, "--logfile", LONG), "--logfile: 'ppp"),
        ((*RUN, "--csv", LONG), "--csv: 'ppp"),
        ((*RUN, "--json-file", f"/nowhere/{LONG}"), "--json-file: '/nowhere/ppp"),
        ((*RUN, "--stop-timeout", "9" * 400), "is longer than a year"),
        ((*RUN, "--exit-code-on-error", "256"), "must be a whole number from 0 to 255"),
        ((*RUN, "--profile", "/dev/zero"), "profile /dev/zero: larger than 64 MiB"),
        ((*RUN, "--config", "/nowhere.conf"), "config file: /nowhere.conf"),
        ((*RUN, "--config", "/dev/zero"), "caretaker: /dev/zero: larger than 1 MiB"),
        ((*RUN, "--config", "/"), "caretaker: /: Is a directory"),
        ((*RUN, "--config", "/nowhere.toml"), "caretaker: /nowhere.toml: No such file"),
        ((*RUN, "--usrs", "5"), "--usrs: no such option; nearest: --users"),
        ((*RUN, "--config", "{binary}"), "not a text file in UTF-8"),
        ((*RUN, "--master-bind-port", "{used}"), "--master-bind-port {used}: in use"),
        ((*RUN, "--metrics-port", "{used}"), "--metrics-port {used}: in use"),
        ((*RUN, "--acs-port", "{used}"), "--acs-port {used}: in use"),
        (("caretaker", "run", "-f", "/nowhere.py"), "/nowhere.py: no such locustfile"),
        ((*LOCUST, "--web-port", "{used}"), "--web-port {used}: in use"),
        ((*LOCUST, "--web-port", "{used}", "--processes", "2"), "--web-port {used}: in use"),
        ((*LOCUST, "--web-port", "99999"), "--web-port/-P: '99999' must be a whole number"),
        ((*LOCUST, "--web-host", "203.0.113.9"), "--web-host: '203.0.113.9' is not an address"),
        ((*RUN, "--host", "http://a:b@127.0.0.1/"), "--host: the URL of an ACS has no login"),
        ((*LOCUST, "--web-host", LONG), "--web-host: 'ppp"),
        ((*LOCUST, "--web-base-path", "a b"), "--web-base-path: 'a b' is not a path"),
        ((*LOCUST, "--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "No such file"),
        ((*LOCUST, "--worker", "--master-host", LONG), "--master-host: 'ppp"),
        ((*LOCUST, "--master", "--worker"), "--master and --worker"),
        (("caretaker", "acs", "--port", "99999"), "--port: '99999' must be a whole number"),
        (("caretaker", "acs", "--port", "{used}"), "127.0.0.1:{used}: in use"),
        (("caretaker", "report", LONG), "caretaker: ppp"),
        (("caretaker", "compare", "/dev/zero", "/dev/zero"), "/dev/zero: larger than 64 MiB"),
        (("caretaker", "profile", "import", "/dev/zero", "-o", "x"), "larger than 64 MiB"),
        (("caretaker", "profile", "show", LONG), "caretaker: profile ppp"),
    ],
    ids=lambda value: "-".join(value[-2:])[:40] if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(
    tmp_path: Path, used_port: str, arguments: tuple[str, ...], complaint: str
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\0")
    given = [argument.format(used=used_port, binary=binary) for argument in arguments]
    with process(tmp_path / "out", *given, group=True) as running:
        assert running.process.wait(PATIENCE) == 2, running.text
    assert complaint.format(used=used_port) in running.text
    lines = [line for line in running.text.splitlines() if "/INFO/" not in line]
    assert len(lines) == 1, running.text
    assert group_is_empty(running.process.pid)
