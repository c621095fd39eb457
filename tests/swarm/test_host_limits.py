"""What a run wants of this machine, and what the machine has."""

from __future__ import annotations

import resource
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from caretaker.device.reachability import ReachMix
from caretaker.profiles.loader import ProfileChoice
from caretaker.swarm.host_limits import (
    CHECKS,
    HostLimits,
    PlannedLoad,
    plan_of,
    sessions_that_fit,
    warnings,
)
from caretaker.swarm.option_values import Range
from caretaker.swarm.options import Settings

LARGE = HostLimits(descriptors=100_000, ports=60_000, reuse=1, backlog=4096, tracked=None)
PLAN = PlannedLoad(sessions_at_once=1000, per_second=1000.0)


def test_a_large_machine_needs_no_warning() -> None:
    assert warnings(PLAN, LARGE) == []


@pytest.mark.parametrize(
    ("machine", "cure"),
    [
        (LARGE._replace(descriptors=1999), "ulimit -n 2000"),
        (LARGE._replace(reuse=0), "sysctl -w net.ipv4.tcp_tw_reuse=1"),
        (LARGE._replace(backlog=128), "sysctl -w net.core.somaxconn=1024"),
        (LARGE._replace(tracked=119_999), "sysctl -w net.netfilter.nf_conntrack_max=240000"),
    ],
)
def test_each_limit_is_named_with_the_command_that_mends_it(machine: HostLimits, cure: str) -> None:
    found = warnings(PLAN._replace(per_second=1001.0 if machine.reuse == 0 else 1000.0), machine)
    assert [cure in text for text in found] == [True]
    assert "\n" not in found[0]


def test_sessions_leave_descriptors_for_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {resource.RLIMIT_NOFILE: (100, 100)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    assert (sessions_that_fit(1000), sessions_that_fit(7)) == (50, 7)
    assert (sessions_that_fit(1000, 60), sessions_that_fit(7, 60), sessions_that_fit(7, 200)) == (
        20, 7, 1,
    )  # fmt: skip
    limits[resource.RLIMIT_NOFILE] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert sessions_that_fit(1000) == 1000


def test_every_check_can_warn() -> None:
    small = HostLimits(descriptors=10, ports=10, reuse=0, backlog=10, tracked=10)
    assert len(warnings(PLAN, small)) == len(CHECKS)


def test_what_a_machine_does_not_tell_is_not_complained_of() -> None:
    assert warnings(PLAN, HostLimits(resource.RLIM_INFINITY)) == []


@pytest.mark.parametrize(
    ("plan", "reuse", "fits"),
    [
        (PLAN._replace(per_second=470.0), 0, True),
        (PLAN._replace(per_second=471.0), 0, False),
        (PLAN._replace(per_second=471.0), 2, True),
        (PLAN._replace(per_second=471.0, loopback=False), 2, False),
        (PLAN._replace(per_second=471.0, sources=2), 0, True),
        (PLAN._replace(per_second=0.0, storm_per_second=9000.0, storm=20_000), 0, True),
        (PLAN._replace(per_second=0.0, storm_per_second=9000.0, storm=30_000), 0, False),
    ],
)
def test_a_port_is_kept_for_a_minute_unless_it_is_reused(
    plan: PlannedLoad, reuse: int, fits: bool
) -> None:
    machine = LARGE._replace(ports=28_232, reuse=reuse)
    assert (warnings(plan, machine) == []) is fits


def test_what_this_machine_has_is_read(tmp_path: Path) -> None:
    for name, text in {
        "ipv4/ip_local_port_range": "32768\t60999\n",
        "ipv4/tcp_tw_reuse": "2\n",
        "core/somaxconn": "4096\n",
        "netfilter/nf_conntrack_max": "262144\n",
        "netfilter/nf_conntrack_count": "17\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert HostLimits.here(tmp_path)[1:] == (28_232, 2, 4096, 262_144)
    (tmp_path / "netfilter/nf_conntrack_count").write_text("0\n")
    assert HostLimits.here(tmp_path).tracked is None
    assert HostLimits.here(tmp_path / "nothing")[1:] == (None, None, None, None)


class TestPlan:
    def test_a_fleet_from_the_factory_begins_with_a_storm(self) -> None:
        plan = plan_of(
            Settings(cpes_per_user=100, inform_interval=3600.0, cr_rate=5.0),
            "http://127.0.0.1:1/", 10_000, 200,
        )  # fmt: skip
        assert plan.per_second == pytest.approx(1e6 / 3600 + 5)
        assert (plan.storm_per_second, plan.storm, plan.loopback) == (20_000, 1_000_000, True)
        assert plan.within(10) == 200_000 + 2828

    def test_a_boot_delay_spreads_the_storm(self) -> None:
        plan = plan_of(
            Settings(cpes_per_user=100, boot_delay=Range(0, 600)), "http://10.0.0.1/", 600, 99
        )
        assert (plan.storm_per_second, plan.loopback) == (100, False)

    def test_a_fleet_that_is_running_has_none(self) -> None:
        assert plan_of(Settings(start="running"), "http://127.0.0.1/", 5, 5).storm == 0

    def test_without_an_interval_the_profiles_say(self) -> None:
        only_tr181 = Settings(profiles=(ProfileChoice.parse("tr181"),))
        plan = plan_of(only_tr181, "http://127.0.0.1/", 300, 1)
        assert plan.per_second == pytest.approx(1.0)
        assert plan_of(Settings(inform_interval=0.0), "http://127.0.0.1/", 300, 1).per_second == 0

    @pytest.mark.parametrize(("sockets", "held"), [("shared", 100), ("each", 250)])
    def test_cpes_that_hold_sockets_need_descriptors(self, sockets: Any, held: int) -> None:
        mix = ReachMix.parse("direct:50,stun:30,xmpp:20")
        wanted = Settings(reach=mix, stun_sockets=sockets)
        plan = plan_of(wanted, "http://127.0.0.1/", 1000, 1, workers=2)
        assert plan.held == held
        (text,) = warnings(plan, LARGE._replace(descriptors=2000 + held - 1))
        assert f"{held} for the STUN sockets and XMPP connections of its CPEs" in text
        assert f"ulimit -n {2000 + held}, or more workers" in text
        assert warnings(plan, LARGE._replace(descriptors=2000 + held)) == []

    def test_sources_and_real_transfers_count(self) -> None:
        wanted = Settings(
            source_addresses=(ip_network("127.1.0.0/29"), ip_network("127.0.0.1")),
            transfers="real",
            max_sessions=50,
        )
        plan = plan_of(wanted, "http://127.0.0.1/", 1, 1)
        assert (plan.sources, plan.sessions_at_once) == (7, 100)
