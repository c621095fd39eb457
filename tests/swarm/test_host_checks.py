"""The checks from the hosts of workers, as the master has them made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from helpers.options import parse

from caretaker.swarm.host_checks import HostChecks
from caretaker.swarm.options import Settings
from caretaker.swarm.worker_messages import ACSCheck

CHECK = ACSCheck([], "", None)
A1, A2, B1, C1 = "a_1", "a_2", "b_1", "c_1"


class Hosts:
    """Hosts a, b and c, and who was asked to check."""

    def __init__(self, *held: str, check: ACSCheck | None = CHECK, row: int | None = None) -> None:
        self.asked: list[str] = []
        self.checks = HostChecks(check, self._send, lambda worker: worker[0], row, held)

    def _send(self, check: ACSCheck, worker: str) -> None:
        assert check is CHECK
        self.asked.append(worker)

    def look(self, *present: str, leased: int = 0) -> list[str]:
        self.checks.look(set(present), leased)
        return self.asked


def test_one_worker_of_each_host_checks_one_after_the_other() -> None:
    hosts = Hosts()
    assert hosts.look(A1, A2, B1) == [A1]
    assert hosts.look(A1, A2, B1) == [A1]
    hosts.checks.checked(A1, holds=True)
    assert [hosts.checks.has_held(worker) for worker in (A1, A2, B1)] == [True, True, False]
    assert hosts.look(A1, A2, B1) == [A1, B1]
    hosts.checks.checked(B1, holds=True)
    assert hosts.look(A1, A2, B1) == [A1, B1]


@pytest.mark.parametrize(
    ("options", "checks"),
    [
        (("--master", "--headless"), True),
        (("--headless",), False),
        (("--master", "--headless", "--no-check"), False),
        (("--master",), False),
    ],
)
def test_hosts_check_for_a_master_whose_command_line_starts_the_run(
    options: tuple[str, ...], *, checks: bool
) -> None:
    given = parse("--host", "http://127.0.0.1:1/", *options)
    environment: Any = SimpleNamespace(parsed_options=given, host=given.host)
    sent: list[ACSCheck] = []
    made = HostChecks.of_run(
        environment, Settings.of(given), lambda check, _: sent.append(check), lambda _: "a"
    )
    made.look({A1}, 0)
    assert [each.arguments[0] for each in sent] == (
        ["--host=http://127.0.0.1:1/"] if checks else []
    )


def test_another_worker_checks_where_one_has_gone() -> None:
    hosts = Hosts()
    assert hosts.look(A1, A2) == [A1]
    assert hosts.look(A2) == [A1, A2]


def test_a_worker_whose_check_has_failed_is_not_asked_again() -> None:
    hosts = Hosts()
    hosts.look(A1, A2)
    hosts.checks.checked(A1, holds=False)
    assert hosts.look(A1, A2) == [A1, A2]
    assert not hosts.checks.has_held(A2)


def test_a_host_that_has_checked_before_does_not() -> None:
    assert Hosts("a").look(A1, A2) == []
    nobody = Hosts(check=None)
    assert nobody.look(A1) == []
    assert nobody.checks.has_held(A1)


def test_the_device_of_a_check_is_in_no_fleet_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    hosts = Hosts(row=9)
    assert hosts.checks.limited(10) == 10
    assert hosts.look(A1, leased=9) == [A1]
    assert hosts.checks.limited(10) == 9
    hosts.checks.checked(A1, holds=True)
    assert hosts.checks.limited(10) == 10
    assert hosts.look(A1, B1, leased=10) == [A1]
    assert caplog.messages == ["Host b is not checked: all of --devices are in the fleet"]
    assert hosts.checks.has_held(B1)
