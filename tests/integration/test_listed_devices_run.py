"""A run against an ACS that lets in only the devices that it knows, each with its credentials."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.processes import ended_well, loadtest_until, run

from caretaker.acs.acs import ACS
from caretaker.acs.sessions import CWMPApp
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.server import WSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = [pytest.mark.processes]

DEVICES = 40
SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
PASSWORDS = {f"user{number}": f"secret{number}" for number in range(DEVICES)}


class OperatorsACS(WSGIServer):
    """An ACS that asks each device for the password of its username."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        super().__init__()
        self.acs = ACS()
        self._app = CWMPApp(self.acs)
        self._passwords = passwords
        self._verifier = DigestVerifier("operator", time.monotonic, nonce_seconds=300)
        self.host = self._host_app(self._answer, "127.0.0.1", 0)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        header = environ.get("HTTP_AUTHORIZATION")
        username = (re.findall('username="(.*?)"', header or "") or [""])[0]
        known = Credentials(username, self._passwords.get(username, "of nobody"))
        challenges = self._verifier.check(known, "POST", environ["PATH_INFO"], header)
        if challenges:
            start_response("401 Unauthorized", [("WWW-Authenticate", challenges[0])])
            return [b""]
        return self._app(environ, start_response)


@pytest.fixture
def acs() -> Iterator[OperatorsACS]:
    with OperatorsACS(PASSWORDS) as server:
        yield server


def fleet(path: Path) -> Path:
    rows = [
        f"SN/{number};00-11-22;Box;user{number};secret{number};{'tr098' if number % 4 else ''}"
        for number in range(DEVICES)
    ]
    header = "Serial Number;OUI;Product Class;ACS User;ACS Password;Profile"
    path.write_text("\r\n".join([header, *rows]), encoding="utf-8-sig")
    return path


def test_each_listed_device_is_let_in(tmp_path: Path, acs: OperatorsACS) -> None:
    path = fleet(tmp_path / "fleet.csv")
    done, summary = loadtest_until(
        tmp_path,
        {SUCCEEDED: DEVICES},
        *("--devices", str(path), "--host", f"{acs.host.url}/", "--processes", "2"),
        *("--users", str(DEVICES), "--spawn-rate", "100", "--cr-rate", "0"),
        *("--profile", "tr181", "--record", str(tmp_path / "recordings")),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert summary["sessions"]["failed"] == 0
    assert summary["fleet"]["by_worker"] == {"0": 20, "1": 20}
    assert summary["fleet"]["profiles"] == {"tr181": 10, "tr098": 30}
    assert set(acs.acs.devices) == {f"001122-Box-SN%2F{number}" for number in range(DEVICES)}
    written = [file.read_text("latin-1") for file in (tmp_path / "recordings").rglob("*.*")]
    assert not any("secret" in text for text in (*written, done.stdout, done.stderr, str(summary)))


def test_a_fleet_larger_than_the_file_is_refused_at_the_start(tmp_path: Path) -> None:
    path = fleet(tmp_path / "fleet.csv")
    done = run("locust", "--headless", "--devices", str(path), "--users", "41")
    assert done.returncode == 2
    assert "40 devices, and the run has 41 CPEs; " in done.stderr
    assert "Traceback" not in done.stderr
